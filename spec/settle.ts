import type { Bounds } from './bounds.ts';
import type { Step } from './checker.ts';
import type { Rules } from './rules.ts';
import { clearTerms, type Instance, type Keys, type Settler, type State, type Two, UP } from './state.ts';

/*
 * The one function that invalidates: read pending rows, UNLINK their fences under the epoch of the lease
 * held at that moment, look whether that lease is still held after the answer, and only then delete exactly
 * those rows. The writer, the resend and the tick use it here; the renewal, whose lease is still to come,
 * takes the same steps in `lease.ts`.
 */

// Where a settler is.
/** Holds an epoch, has not committed yet: a mutant only. */
const BEGUN = 1;
const READ = 2;
const UNLINK = 3;
const CHECK = 4;
/** Could not confirm: waits until the rows are gone, or until every lease that may not know is over. */
const WAIT = 5;

/** The keys of an epoch in a memory. */
export function keysOf(rules: Rules, s: State, memory: Two, epoch: number): Keys {
  return s.memories[memory][(rules.epochInKeys ? epoch - 1 : 0) as 0 | 1 | 2];
}

/** UNLINK of the fences of all tags in `rows`: one command, one hash slot, so one step. */
export function unlink(rules: Rules, tags: 1 | 2, keys: Keys, rows: number): void {
  const touched = tags === 1 ? [rows] : [rows & 0b0101, rows & 0b1010];
  for (const tag of [0, 1] as const) {
    if (!touched[tag]) continue;
    if (rules.randomFences) keys.fences[tag] = 0;
    // The mutant's INCR. 1 stands for the counter's 0, and 15 is enough for anybody here.
    else keys.fences[tag] = Math.min(15, Math.max(1, keys.fences[tag]) + 1);
  }
}

export function idle(settler: Settler): void {
  settler.at = 0;
  settler.vouches = 0;
  settler.rows = 0;
  settler.epoch = 0;
  clearTerms(settler.outlives);
}

/** What a settler does when Redis did not confirm: a tick comes again, an answer has to wait. */
function giveUp(settler: Settler): void {
  if (settler.vouches === 0) {
    idle(settler);
    return;
  }
  settler.at = WAIT;
  settler.epoch = 0;
}

/** A session is over: whoever waits for its answer learns of it. */
export function sessionEnds(settler: Settler): void {
  if (settler.at === UNLINK || settler.at === CHECK) giveUp(settler);
  // Whoever took an epoch before has no session left to use it on.
  else if (settler.vouches === 0) idle(settler);
  else settler.epoch = 0;
}

/**
 * A row that is gone does not come back: to invalidate for it, to delete it or to wait for its end is to do
 * nothing. (What an UNLINK more would do is said at `deleteRows`.)
 */
export function forgetRows(s: State, settler: Settler): void {
  if (settler.at <= READ) return;
  settler.rows &= s.pending;
  if (settler.rows === 0 && settler.at !== WAIT) giveUp(settler);
}

/**
 * Deletes rows in the same step in which they were confirmed. In truth the DELETE comes later, or never when
 * the process dies; but a row that stays longer only makes others invalidate and wait more, and to invalidate
 * once more only takes away: with the fence still there a reader can do all that it could do without.
 */
export function deleteRows(rules: Rules, s: State, rows: number): void {
  s.pending = rules.deleteWhatWasRead ? s.pending & ~rows : 0;
}

/**
 * The leases to outlive. A real writer reads the registrations once after its commit and then sees some of
 * them end; here it is told of every end since the commit itself, so it never answers later than a real one.
 */
export function registeredNow(s: State, outlives: [number, number]): void {
  outlives[0] = s.instances[0].registered;
  outlives[1] = s.instances[1].registered;
}

/** Goes on to invalidate `rows` under an epoch, if there is one. */
function invalidate(settler: Settler, rows: number, epoch: number): void {
  settler.rows = rows;
  settler.at = UNLINK;
  settler.epoch = epoch;
  if (epoch === 0) giveUp(settler);
}

/** The instance that writes commits, at most `bounds.writes` times, and settles its own rows. */
export function writerSteps(bounds: Bounds, rules: Rules): Step<State>[] {
  const touches = bounds.tags === 1 ? [1] : [1, 2, 3];
  const begin: Step<State> = {
    name: 'writer looks at its lease',
    run: (s) => {
      if (s.writer.at !== 0 || s.data === bounds.writes || s.instances[0].lease.epoch === 0) return false;
      s.writer.at = BEGUN;
      s.writer.epoch = s.instances[0].lease.epoch;
      return true;
    },
  };
  const commit = (tags: number): Step<State> => ({
    name: bounds.tags === 1 ? 'writer commits' : `writer commits (tags ${tags.toString(2)})`,
    run: (s) => {
      if (s.writer.at !== (rules.writerConfirms ? 0 : BEGUN) || s.data === bounds.writes) return false;
      const row = tags << (s.data * bounds.tags);
      s.data += 1;
      s.pending |= row;
      s.writer.at = READ;
      s.writer.vouches = s.data;
      s.writer.rows = row;
      if (rules.outlive) registeredNow(s, s.writer.outlives);
      return true;
    },
  });
  const read: Step<State> = {
    name: 'writer reads its rows',
    run: (s) => {
      const { writer } = s;
      if (writer.at !== READ) return false;
      const epoch = rules.writerConfirms ? s.instances[0].lease.epoch : writer.epoch;
      invalidate(writer, writer.rows & s.pending, epoch);
      if (!rules.writerDeletesLast) s.pending &= ~writer.rows;
      return true;
    },
  };
  const all = [...touches.map(commit), read, ...settleSteps('writer', (s) => s.writer, 0, bounds, rules)];
  return rules.writerConfirms ? all : [begin, ...all];
}

/** The same report again, at the other instance: it changes nothing, sees everything, and vouches for it. */
export function resendSteps(bounds: Bounds, rules: Rules): Step<State>[] {
  const arrive: Step<State> = {
    name: 'resend arrives',
    run: (s) => {
      // One that reveals only what has been answered already promises nothing new: it would be a tick.
      if (s.resend.at !== 0 || s.acked === s.data) return false;
      if (!rules.resendVouches || s.pending === 0) {
        s.acked = s.data;
        return true;
      }
      s.resend.vouches = s.data;
      if (rules.outlive) registeredNow(s, s.resend.outlives);
      invalidate(s.resend, s.pending, s.instances[1].lease.epoch);
      return true;
    },
  };
  return [arrive, ...settleSteps('resend', (s) => s.resend, 1, bounds, rules)];
}

/**
 * The tick of instance `i` settles whatever is pending. It takes the epoch of its lease before it reads the
 * rows: when an epoch is taken does not matter, as long as the lease is still that one after the answer.
 */
export function tickSteps(i: Two, bounds: Bounds, rules: Rules): Step<State>[] {
  const begin: Step<State> = {
    name: `tick ${i} begins`,
    run: (s) => {
      if (s.ticks[i].at !== 0 || s.instances[i].lease.epoch === 0) return false;
      s.ticks[i].at = READ;
      s.ticks[i].epoch = s.instances[i].lease.epoch;
      return true;
    },
  };
  const read: Step<State> = {
    name: `tick ${i} reads the pending rows`,
    run: (s) => {
      if (s.ticks[i].at !== READ || s.pending === 0) return false;
      invalidate(s.ticks[i], s.pending, s.ticks[i].epoch);
      return true;
    },
  };
  return [begin, read, ...settleSteps(`tick ${i}`, (s) => s.ticks[i], i, bounds, rules)];
}

/** From the UNLINK to the answer, the same for everyone who settles. */
function settleSteps(
  who: string,
  settlerOf: (s: State) => Settler,
  home: Two,
  bounds: Bounds,
  rules: Rules,
): Step<State>[] {
  const confirms = who.startsWith('tick') ? rules.settleConfirms : rules.writerConfirms;
  const step = (name: string, run: (s: State, settler: Settler, instance: Instance) => boolean) => ({
    name: `${who} ${name}`,
    run: (s: State) => run(s, settlerOf(s), s.instances[home]),
  });
  const answer = (s: State, settler: Settler) => {
    if (settler.vouches > s.acked) s.acked = settler.vouches;
    idle(settler);
    return true;
  };
  return [
    step('unlinks the fences', (s, settler, instance) => {
      if (settler.at !== UNLINK || instance.link !== UP) return false;
      unlink(rules, bounds.tags, keysOf(rules, s, instance.memory, settler.epoch), settler.rows);
      settler.at = CHECK;
      return true;
    }),
    step('hears nothing from Redis', (_, settler) => {
      if (settler.at !== UNLINK && settler.at !== CHECK) return false;
      giveUp(settler);
      return true;
    }),
    step('is confirmed: its rows are deleted', (s, settler, instance) => {
      if (settler.at !== CHECK || (confirms && instance.lease.epoch !== settler.epoch)) return false;
      deleteRows(rules, s, settler.rows);
      return answer(s, settler);
    }),
    step('finds its rows gone', (s, settler) => {
      if (settler.at !== WAIT || (s.pending & settler.rows) !== 0) return false;
      // The mutant has deleted them itself, which tells it nothing.
      if (who === 'writer' && !rules.writerDeletesLast) return false;
      return answer(s, settler);
    }),
    step('has outlived every lease', (s, settler) => {
      if (settler.at !== WAIT || settler.outlives[0] !== 0 || settler.outlives[1] !== 0) return false;
      return answer(s, settler);
    }),
    step('never answers', (_, settler) => {
      if (settler.vouches === 0) return false;
      idle(settler);
      return true;
    }),
  ];
}
