import { existsSync, readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { projectFile } from '../setup/process.ts';

const folder = projectFile('dist', 'web');
const KB = 1000;

/** What Vite built of one source file. */
interface Part {
  file: string;
  css?: string[];
  /** Keys of the parts that it needs. */
  imports?: string[];
}

/** All that the browser fetches to show the overview, its chart included. */
function firstViewFiles(): string[] {
  const manifest = JSON.parse(readFileSync(path.join(folder, '.vite', 'manifest.json'), 'utf8')) as Record<
    string,
    Part
  >;
  const files = new Set<string>();
  const add = (key: string): void => {
    const part = manifest[key];
    if (!part) throw new Error(`${key} was not built`);
    if (files.has(part.file)) return;
    files.add(part.file);
    for (const file of part.css ?? []) files.add(file);
    for (const needed of part.imports ?? []) add(needed);
  };
  for (const key of ['index.html', 'src/views/Overview.tsx', 'src/components/SeverityChart.tsx']) add(key);
  return [...files];
}

describe.skipIf(!existsSync(path.join(folder, 'index.html')))('the built dashboard', () => {
  it('sends at most 200 kB of JavaScript and 40 kB of CSS for the first view, compressed', () => {
    const sizes = { '.js': 0, '.css': 0 };
    for (const name of firstViewFiles()) {
      const extension = path.extname(name);
      if (extension !== '.js' && extension !== '.css') continue;
      sizes[extension] += gzipSync(readFileSync(path.join(folder, name))).length;
    }
    console.info(
      `first view: ${Math.round(sizes['.js'] / KB)} kB JavaScript, ${Math.round(sizes['.css'] / KB)} kB CSS`,
    );
    expect(sizes['.js']).toBeGreaterThan(50 * KB);
    expect(sizes['.js']).toBeLessThanOrEqual(200 * KB);
    expect(sizes['.css']).toBeLessThanOrEqual(40 * KB);
  });

  it('has no inline script, style or handler, and names every asset by its content', () => {
    const page = readFileSync(path.join(folder, 'index.html'), 'utf8');
    expect(page).not.toMatch(/<script(?![^>]*\bsrc=)/);
    expect(page).not.toMatch(/<style|\sstyle=|\son[a-z]+=/);
    for (const name of readdirSync(path.join(folder, 'assets'))) {
      expect(name).toMatch(/-[\w-]{8}\.(js|css|svg)$/);
    }
  });
});
