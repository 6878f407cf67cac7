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
  type Instance,
  type Keys,
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

/** A fault that may still happen. */
function fault(bounds: Bounds, name: string, run: (s: State) => boolean): Step<State> {
  return {
    name: `FAULT: ${name}`,
    run: (s) => {
      if (s.faults === bounds.faults || !run(s)) return false;
      s.faults += 1;
      return true;
    },
  };
}

export function faultSteps(bounds: Bounds, rules: Rules): Step<State>[] {
  return [
    ...BOTH.flatMap((i) => linkSteps(i, bounds, rules)),
    ...BOTH.flatMap((i) => instanceFaults(i, bounds)),
    ...BOTH.flatMap((m) => memoryFaults(m, bounds)),
    fault(bounds, 'fail-over, everyone is led to the other memory', (s) => {
      for (const i of BOTH) leadAway(s.instances[i]);
      return true;
    }),
  ];
}

/** A link is cut, which the instance may notice, and mended, which it may not have needed to notice. */
function linkSteps(i: Two, bounds: Bounds, rules: Rules): Step<State>[] {
  return [
    fault(bounds, `the link of instance ${i} is cut`, (s) => {
      if (s.instances[i].link !== UP) return false;
      s.instances[i].link = SILENT;
      return true;
    }),
    {
      name: `instance ${i} notices: its session is over`,
      run: (s) => {
        const instance = s.instances[i];
        if (instance.link !== SILENT) return false;
        instance.link = DOWN;
        instance.memory = instance.next;
        leaseEndsWithSession(rules, instance);
        if (!rules.leaseEndsWithSession) return true;
        settlersOf(s, i).forEach(sessionEnds);
        for (const n of BOTH) if (bounds.homes[n] === i) readEndsWithSession(s.readers[n]);
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
}

function leadAway(instance: Instance): void {
  instance.next = instance.next === 0 ? 1 : 0;
  if (instance.link === UP) instance.link = SILENT;
  if (instance.link === DOWN) instance.memory = instance.next;
}

function instanceFaults(i: Two, bounds: Bounds): Step<State>[] {
  return [
    fault(bounds, `instance ${i} is led to the other memory`, (s) => {
      leadAway(s.instances[i]);
      return true;
    }),
    fault(bounds, `instance ${i} crashes and starts again`, (s) => {
      const instance = s.instances[i];
      leaseEndsWithProcess(instance);
      clearEntry(instance.local);
      instance.memory = instance.next;
      if (instance.link === SILENT) instance.link = DOWN;
      settlersOf(s, i).forEach(idle);
      for (const n of BOTH) if (bounds.homes[n] === i) endRead(s.readers[n]);
      return true;
    }),
  ];
}

/** Keys of an epoch that nobody looks at any more cannot be missed: to lose them is no fault. */
function inUse(s: State, m: Two, epoch: number): boolean {
  return (
    s.authority.epoch === epoch ||
    BOTH.some((i) => s.instances[i].lease.epoch === epoch && s.instances[i].memory === m) ||
    BOTH.some((n) => s.readers[n].epoch === epoch)
  );
}

function memoryFaults(m: Two, bounds: Bounds): Step<State>[] {
  const tags: readonly Two[] = bounds.tags === 1 ? [0] : BOTH;
  const evict = (e: 0 | 1 | 2, tag: Two) =>
    fault(bounds, `memory ${m} evicts fence ${tag} of epoch ${e + 1}`, (s) => {
      const { fences } = s.memories[m][e];
      if (fences[tag] === 0 || !inUse(s, m, e + 1)) return false;
      fences[tag] = 0;
      return true;
    });
  return [
    fault(bounds, `memory ${m} loses all its keys`, (s) => {
      const missed = ({ fences }: Keys, e: number) => fences.some((f) => f !== 0) && inUse(s, m, e + 1);
      if (!s.memories[m].some(missed)) return false;
      for (const keys of s.memories[m]) {
        clearTokens(keys.fences);
        clearEntry(keys.entry);
      }
      return true;
    }),
    ...([0, 1, 2] as const).flatMap((e) => tags.map((tag) => evict(e, tag))),
  ];
}
