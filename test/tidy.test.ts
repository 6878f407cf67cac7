import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';
import { projectFile } from './setup/process.ts';

const root = projectFile();
const tracked = execFileSync('git', ['ls-files'], { cwd: root, encoding: 'utf8' })
  .split('\n')
  .filter((name) => name !== '' && existsSync(path.join(root, name)));
const read = (name: string) => readFileSync(path.join(root, name), 'utf8');
const matching = (pattern: RegExp) => tracked.filter((name) => pattern.test(name));

describe('the house is tidy:', () => {
  it('files of the program have at most 350 lines, the page of wire types aside', () => {
    const long = matching(/^(src|web\/src|scripts)\/.*\.(ts|tsx|mjs)$/)
      .filter((name) => name !== 'src/schemas.ts')
      .filter((name) => read(name).split('\n').length > 350);
    expect(long).toEqual([]);
  });

  it('nothing is left to be done later', () => {
    const marks = new RegExp(
      ['TO' + 'DO', 'FIX' + 'ME', 'X' + 'XX'].map((mark) => `\\b${mark}\\b`).join('|'),
    );
    expect(matching(/\.(ts|tsx|mjs|sql|css)$/).filter((name) => marks.test(read(name)))).toEqual([]);
  });

  it('the README has at most 150 lines, the essay on the cache 100', () => {
    expect(read('README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(150);
    expect(read('src/cache/README.md').trimEnd().split('\n').length).toBeLessThanOrEqual(100);
  });

  it('every link from one document to another leads somewhere', () => {
    const broken = matching(/\.md$/).flatMap((name) =>
      [...read(name).matchAll(/\]\((?!https?:|#|mailto:)([^)#\s]+)/g)]
        .map(([, target]) => target ?? '')
        .filter((target) => !existsSync(path.join(root, path.dirname(name), target)))
        .map((target) => `${name}: ${target}`),
    );
    expect(broken).toEqual([]);
  });

  it('lock files name no registry', () => {
    for (const name of matching(/package-lock\.json$/)) expect(read(name)).not.toMatch(/"resolved"/);
  });

  it('every setting of the README is one of the program, and the other way round', () => {
    const settings = [...read('src/config.ts').matchAll(/setting\('([A-Z_]+)'/g)].map(([, name]) => name);
    const table = read('README.md').split('## Settings')[1] ?? '';
    for (const name of settings) expect(table).toContain(`\`${name}\``);
    expect(settings.length).toBeGreaterThan(10);
  });
});
