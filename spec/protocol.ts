import { authoritySteps, dropSteps } from './authority.ts';
import type { Bounds } from './bounds.ts';
import type { Model, Step } from './checker.ts';
import { faultSteps } from './faults.ts';
import { layout } from './layout.ts';
import { renewalSteps, timeSteps } from './lease.ts';
import { normaliser } from './normalise.ts';
import { readerSteps } from './read.ts';
import type { Rules } from './rules.ts';
import { resendSteps, tickSteps, writerSteps } from './settle.ts';
import { BOTH, emptyState, type State, type Two } from './state.ts';

function begin(state: State, { start, tags, homes }: Bounds): void {
  const token = (tag: number) => (tag < tags ? tag + 1 : 0);
  const fill = (memory: Two, epoch: 0 | 1) => {
    const keys = state.memories[memory][epoch];
    for (const tag of BOTH) {
      keys.fences[tag] = token(tag);
      keys.entry.tokens[tag] = token(tag);
    }
  };
  const keepLocal = (i: Two) => {
    for (const tag of BOTH) state.instances[i].local.tokens[tag] = token(tag);
  };
  const lease = (i: Two, epoch: number) => {
    state.instances[i].registered = 1;
    state.instances[i].lease = { term: 1, epoch };
  };
  const connect = (i: Two, memory: Two) => {
    state.instances[i].memory = memory;
    state.instances[i].next = memory;
  };
  fill(0, 0);
  fill(1, 0);
  if (start === 'warm') {
    for (const i of BOTH) lease(i, 1);
    for (const i of new Set(homes)) keepLocal(i);
  } else if (start === 'moved') {
    state.authority = { epoch: 2, identity: 1, settled: 1 };
    connect(1, 1);
    lease(1, 2);
    fill(1, 1);
    keepLocal(1);
  } else {
    for (const i of BOTH) connect(i, 1);
  }
}

/** The protocol under some rules, within some bounds, as a model to explore. */
export function protocol(bounds: Bounds, rules: Rules): Model<State> {
  const state = emptyState();
  begin(state, bounds);
  const readers = BOTH.slice(0, bounds.readers);
  const steps: Step<State>[] = [
    ...readers.flatMap((n) => readerSteps(n, bounds, rules)),
    ...writerSteps(bounds, rules),
    ...(bounds.resend ? resendSteps(bounds, rules) : []),
    ...bounds.ticks.flatMap((i) => tickSteps(i, bounds, rules)),
    ...bounds.renewals.flatMap((i) => [...renewalSteps(i, bounds, rules), ...authoritySteps(i, rules)]),
    ...(bounds.drop ? dropSteps(rules) : []),
    ...BOTH.flatMap((i) => timeSteps(i, rules)),
    ...faultSteps(bounds, rules),
  ];
  return {
    state,
    steps,
    layout: layout(rules, bounds),
    normalise: normaliser(rules, bounds),
    violation: (s) =>
      s.stale === 1 ? 'a read was answered with data older than the last answered write' : undefined,
  };
}
