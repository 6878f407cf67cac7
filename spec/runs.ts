import type { Bounds } from './bounds.ts';
import { explore, type Result } from './checker.ts';
import { protocol } from './protocol.ts';
import { PROTOCOL, type RuleName, without } from './rules.ts';
import type { State } from './state.ts';

/** One exploration: the protocol, or a mutant of it, within some bounds. */
export interface Run {
  readonly name: string;
  readonly bounds: Bounds;
  /** The rule that is switched off: then a stale read has to be found. */
  readonly without?: RuleName;
  readonly limits: { readonly states: number; readonly seconds: number };
}

/** Explores one run. */
export function check(run: Run): Result<State> {
  const rules = run.without === undefined ? PROTOCOL : without(run.without);
  return explore(protocol(run.bounds, rules), run.limits);
}

const BASE: Bounds = {
  writes: 1,
  faults: 1,
  tags: 1,
  readers: 1,
  homes: [1, 1],
  renewals: [0, 1],
  ticks: [],
  resend: false,
  drop: false,
  start: 'warm',
  merge: true,
};

const limits = { states: 30e6, seconds: 3600 };
const run = (name: string, bounds: Partial<Bounds>): Run => ({
  name,
  bounds: { ...BASE, ...bounds },
  limits,
});

/** `npm run spec`: all complete, without a violation. The longest come first, so that two cores end together. */
export const RUNS: readonly Run[] = [
  run('1 write, 1 fault, ticks of both instances', { ticks: [0, 1] }),
  run('1 write, 1 fault, the same report again', { resend: true }),
  run('1 write, 1 fault, two reads at once', { readers: 2 }),
  run('1 write, 1 fault, all at instance 1: renewal, tick, resend', {
    renewals: [1],
    ticks: [1],
    resend: true,
  }),
  run('1 write, 1 fault, one read at the instance that writes', { readers: 2, homes: [0, 1], renewals: [1] }),
  run('1 write, 1 fault, no states merged', { renewals: [1], merge: false }),
  run('1 write, 1 fault, after a change of epoch', { start: 'moved' }),
  run('2 writes, no fault, a backlog is dropped', { writes: 2, faults: 0, renewals: [1], drop: true }),
  run('1 write, 1 fault, no memory counts yet', { start: 'strange' }),
  run('1 write, 1 fault', {}),
  run('2 writes, no fault, two reads at once', { writes: 2, faults: 0, readers: 2, renewals: [1] }),
  run('two tags: 2 writes, no fault', { tags: 2, writes: 2, faults: 0, renewals: [] }),
  run('two tags: 1 write, 1 fault', { tags: 2, renewals: [1] }),
];

const fullLimits = { states: 90e6, seconds: 7200 };
const full = (name: string, bounds: Partial<Bounds>): Run => ({ ...run(name, bounds), limits: fullLimits });

/** `npm run spec:full`: as far as the limits let them (90 M states are 4 GB, and two run at once). */
export const FULL_RUNS: readonly Run[] = [
  full('1 write, 2 faults', { faults: 2 }),
  full('2 writes, 1 fault', { writes: 2 }),
  full('1 write, 1 fault, two reads, ticks, resend', { readers: 2, ticks: [0, 1], resend: true }),
  full('2 writes, 2 faults', { writes: 2, faults: 2 }),
  full('two tags: 2 writes, 1 fault', { tags: 2, writes: 2, renewals: [1] }),
];

const mutantLimits = { states: 10e6, seconds: 600 };
const mutant = (rule: RuleName, bounds: Partial<Bounds> = {}): Run => ({
  name: `without ${rule}`,
  bounds: { ...BASE, renewals: [1], ...bounds },
  without: rule,
  limits: mutantLimits,
});

/** Every rule has a mutant, in a bound in which its stale read is found within seconds. */
export const MUTANTS: readonly Run[] = [
  mutant('leaseEndsWithTerm', { faults: 0 }),
  mutant('leaseEndsWithSession'),
  mutant('grantNeedsItsSession'),
  mutant('resendVouches', { faults: 0, resend: true }),
  mutant('settleConfirms', { ticks: [0] }),
  mutant('writerConfirms'),
  mutant('outlive', { faults: 0 }),
  mutant('renewInTwoStatements', { faults: 0 }),
  mutant('renewalSettles', { faults: 0 }),
  mutant('writerDeletesLast', { faults: 0 }),
  mutant('renewalDeletesLast', { faults: 0 }),
  mutant('deleteWhatWasRead', { writes: 2, faults: 0, renewals: [], ticks: [0] }),
  mutant('fencesBeforeLoad', { faults: 0 }),
  mutant('fencesAfterArrival', { faults: 0 }),
  mutant('compareTokens', { faults: 0 }),
  mutant('compareEveryToken', { faults: 0, tags: 2 }),
  mutant('randomFences'),
  mutant('joinSameTokens', { faults: 0, readers: 2 }),
  mutant('handBackByTerm', { faults: 0 }),
  mutant('dropBeforeHandBack', { faults: 0 }),
  mutant('identity'),
  mutant('epochInKeys'),
  mutant('changeInTwoStatements', { renewals: [0, 1] }),
  mutant('noShortcut', { renewals: [0, 1] }),
  mutant('dropWhatWasMoot', { writes: 2, faults: 0, drop: true }),
];
