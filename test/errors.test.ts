import { describe, expect, it } from 'vitest';
import { ERRORS } from '../src/errors.ts';
import { projectText } from './routes/project.ts';

describe('docs/errors.md', () => {
  it('lists every error as the program has it', () => {
    const rows = projectText('docs/errors.md').matchAll(/^\| `(\w+)` \| (\d+) \| (.+) \|$/gm);
    const documented = [...rows].map(([, code, status, title]) => [code, { status: Number(status), title }]);
    expect(documented).toEqual(Object.entries(ERRORS));
  });
});
