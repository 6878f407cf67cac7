import type { Bounds } from './bounds.ts';
import type { Step } from './checker.ts';
import { leaseEndsWithProcess, leaseEndsWithSession } from './lease.ts';
import { readEndsWithSession } from './read.ts';
import type { Rules } from './rules.ts';
import { idle, sessionEnds } from './settle.ts';
import {
  BOTH,
  clearEntry,
  clearTokens,
  DOWN,
  endRead,
  type Settler,
  SILENT,
  type State,
  type Two,
  UP,
} from './state.ts';

/*
 * What breaks. A fault counts against `bounds.faults`; that a cut is noticed, or mended, is no fault. An
 * answer that is lost, a process that is frozen past its lease and a client that gives up may happen at any
 * time and are not counted: they are steps of their processes.
 */

function settlersOf(s: State, i: Two): readonly Settler[] {
  return i === 0 ? [s.writer, s.ticks[0]] : [s.resend, s.ticks[1]];
}

function endSession(rules: Rules, homes: readonly Two[], s: State, i: Two): void {
  leaseEndsWithSession(rules, s.instances[i]);
  s.instances[i].memory = s.instances[i].next;
  if (!rules.leaseEndsWithSession) return;
  settlersOf(s, i).forEach(sessionEnds);
  for (const n of BOTH) if (homes[n] === i) readEndsWithSession(s.readers[n]);
}

export function faultSteps(homes: readonly Two[], bounds: Bounds, rules: Rules): Step<State>[] {
  const tags: readonly Two[] = bounds.tags === 1 ? [0] : BOTH;
  const fault = (name: string, run: (s: State) => boolean): Step<State> => ({
    name,
    run: (s) => {
      if (s.faults === bounds.faults || !run(s)) return false;
      s.faults += 1;
      return true;
    },
  });
  const failOver = (s: State, i: Two) => {
    const instance = s.instances[i];
    instance.next = instance.next === 0 ? 1 : 0;
    if (instance.link === UP) instance.link = SILENT;
    if (instance.link === DOWN) instance.memory = instance.next;
  };

  const perInstance = (i: Two): Step<State>[] => [
    fault(`FAULT: the link of instance ${i} is cut`, (s) => {
      if (s.instances[i].link !== UP) return false;
      s.instances[i].link = SILENT;
      return true;
    }),
    fault(`FAULT: instance ${i} is led to the other memory`, (s) => {
      failOver(s, i);
      return true;
    }),
    fault(`FAULT: instance ${i} crashes and starts again`, (s) => {
      const instance = s.instances[i];
      leaseEndsWithProcess(instance);
      clearEntry(instance.local);
      instance.memory = instance.next;
      if (instance.link === SILENT) instance.link = DOWN;
      settlersOf(s, i).forEach(idle);
      for (const n of BOTH) if (homes[n] === i) endRead(s.readers[n]);
      return true;
    }),
    {
      name: `instance ${i} notices: its session is over`,
      run: (s) => {
        if (s.instances[i].link !== SILENT) return false;
        s.instances[i].link = DOWN;
        endSession(rules, homes, s, i);
        return true;
      },
    },
    {
      name: `the link of instance ${i} is mended`,
      run: (s) => {
        if (s.instances[i].link === UP) return false;
        s.instances[i].link = UP;
        return true;
      },
    },
  ];

  // Keys of an epoch that nobody looks at any more cannot be missed.
  const inUse = (s: State, m: Two, epoch: number) =>
    s.authority.epoch === epoch ||
    BOTH.some((i) => s.instances[i].lease.epoch === epoch && s.instances[i].memory === m) ||
    BOTH.some((n) => s.readers[n].epoch === epoch);

  const perMemory = (m: Two): Step<State>[] => [
    fault(`FAULT: memory ${m} loses all its keys`, (s) => {
      if (
        !s.memories[m].some(({ fences }, e) => (fences[0] !== 0 || fences[1] !== 0) && inUse(s, m, e + 1))
      ) {
        return false;
      }
      for (const keys of s.memories[m]) {
        clearTokens(keys.fences);
        clearEntry(keys.entry);
      }
      return true;
    }),
    ...([0, 1, 2] as const).flatMap((e) =>
      tags.map((tag) =>
        fault(`FAULT: memory ${m} evicts fence ${tag} of epoch ${e + 1}`, (s) => {
          const { fences } = s.memories[m][e];
          if (fences[tag] === 0 || !inUse(s, m, e + 1)) return false;
          fences[tag] = 0;
          return true;
        }),
      ),
    ),
  ];

  const everyone = fault('FAULT: fail-over, everyone is led to the other memory', (s) => {
    for (const i of BOTH) failOver(s, i);
    return true;
  });
  return [...BOTH.flatMap(perInstance), ...BOTH.flatMap(perMemory), everyone];
}
