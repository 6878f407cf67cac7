import { beforeAll, describe, expect, it } from 'vitest';
import type { Result } from './checker.ts';
import { RULES, type RuleName } from './rules.ts';
import { check, MUTANTS, RUNS, type Run } from './runs.ts';
import type { State } from './state.ts';

/** The short version of `npm run spec`: what can be explored in a few seconds. */
describe('the cache protocol, as a model', () => {
  const base = RUNS.find(({ name }) => name === '1 write, 1 fault') as Run;
  let result: Result<State>;

  beforeAll(() => {
    result = check(base);
  });

  it('shows every answered write: 1 write, 1 fault, complete', () => {
    expect(result.counterexample?.trace.map(({ name }) => name)).toBeUndefined();
    expect(result.complete).toBe(true);
    expect(result.states).toBeGreaterThan(100_000);
  });

  it('takes every step that it describes, but those that need more than one fault', () => {
    const never = [...result.taken].filter(([, times]) => times === 0).map(([name]) => name);
    // One read at a time joins nobody; the only fault was spent on getting to the later epochs; and a term
    // that is handed back was already as good as over (see normalise.ts).
    const expected = /joins the load|evicts fence . of epoch [23]|is handed back/;
    expect(never.filter((name) => !expected.test(name))).toEqual([]);
  });

  it('has a mutant for every rule', () => {
    expect(MUTANTS.map((run) => run.without).sort()).toEqual(RULES.map(({ name }) => name).sort());
  });

  const deep: RuleName[] = ['settleConfirms', 'changeInTwoStatements', 'noShortcut', 'dropWhatWasMoot'];
  for (const run of MUTANTS.filter(({ without }) => without && !deep.includes(without))) {
    it(`finds the stale read ${run.name}`, () => {
      const { counterexample } = check(run);
      expect(counterexample?.reason).toMatch(/older than the last answered write/);
      // The same bounds with the rule in force hold: it is the missing rule that makes the read stale.
      const { without, ...lawful } = run;
      const control = check(lawful);
      expect(without).toBeDefined();
      expect(control.counterexample).toBeUndefined();
      expect(control.complete).toBe(true);
    });
  }
});
