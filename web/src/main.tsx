import './styles/mantine.css';
import './styles/tokens.css';
import { MantineProvider } from '@mantine/core';
import { QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { Router } from 'wouter';
import { App } from './App.tsx';
import { followVersion } from './api.ts';
import { queryClient } from './data.ts';

// A part of the dashboard is gone from the server when another version was deployed: the page comes with its own.
addEventListener('vite:preloadError', () => void followVersion(import.meta.url));

const root = document.getElementById('root');
const base = new URL(document.baseURI).pathname.replace(/\/$/, '');

if (root) {
  createRoot(root).render(
    <StrictMode>
      {/* Variables and classes come with the style sheets: a <style> made by a script would need unsafe-inline. */}
      <MantineProvider defaultColorScheme="auto" withCssVariables={false} withGlobalClasses={false}>
        <QueryClientProvider client={queryClient}>
          <Router base={base}>
            <App />
          </Router>
        </QueryClientProvider>
      </MantineProvider>
    </StrictMode>,
  );
}
