import { readFileSync } from 'node:fs';
import react from '@vitejs/plugin-react';
import { defineConfig, type Plugin } from 'vite';

/**
 * Puts web/src/theme.js into the head as a script of its own that blocks drawing: a module would run after the first
 * paint, and an inline script is forbidden by the Content-Security-Policy.
 */
function themeScript(): Plugin {
  let reference = '';
  return {
    name: 'theme-script',
    apply: 'build',
    buildStart() {
      const source = readFileSync(new URL('./web/src/theme.js', import.meta.url), 'utf8');
      reference = this.emitFile({ type: 'asset', name: 'theme.js', source });
    },
    transformIndexHtml: {
      order: 'post',
      handler(_html, context) {
        const bundle = context.bundle ?? {};
        const file = Object.keys(bundle).find((name) => /theme-[^/]*\.js$/.test(name));
        if (!reference || !file) return [];
        return [{ tag: 'script', attrs: { src: `./${file}` }, injectTo: 'head' }];
      },
    },
  };
}

export default defineConfig({
  root: 'web',
  // Relative to <base>, which the server sets.
  base: './',
  plugins: [react(), themeScript()],
  build: {
    outDir: '../dist/web',
    emptyOutDir: true,
    // For the test of how much the first view fetches.
    manifest: true,
    assetsInlineLimit: 0,
    // The first with light-dark() and popover in all three engines.
    target: ['chrome125', 'firefox125', 'safari17.5'],
  },
  server: { proxy: { '/api': 'http://127.0.0.1:3000' } },
});
