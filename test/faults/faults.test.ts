import { describe, expect, it } from 'vitest';
import { findsStaleReads, MUTANTS } from './mutants.ts';
import { problemsOf, runSeed } from './run.ts';

describe('three instances, and everything that can break', () => {
  for (const seed of [1, 2]) {
    it(`show no stale read, lose no write and fail no read (seed ${seed})`, {
      timeout: 180_000,
    }, async () => {
      const result = await runSeed({ seed, seconds: 50 });
      expect(problemsOf(result), JSON.stringify(result, null, 1)).toEqual([]);
      expect(result.reads).toBeGreaterThan(1_000);
    });
  }
});

describe('the same test finds stale reads', () => {
  // All of MUTANTS take a while: `npm run faults -- --mutants`.
  for (const mutant of MUTANTS.slice(0, 2)) {
    it(`where ${mutant.name}`, { timeout: 240_000 }, async () => {
      expect(await findsStaleReads(mutant, 1)).toBe(true);
    });
  }
});
