import type { Bounds } from './bounds.ts';
import type { Step } from './checker.ts';
import type { Rules } from './rules.ts';
import { keysOf } from './settle.ts';
import {
  BOTH,
  copyTokens,
  ENTRY,
  type Entry,
  endRead,
  FENCES,
  type Instance,
  type Keys,
  type Reader,
  STORE,
  type State,
  sameTokens,
  type Two,
  UP,
} from './state.ts';

/*
 * A read: permit, fences, local copy or entry, load, store. Every read may give up at any moment and go to
 * PostgreSQL without storing what it finds: such an answer is right by itself and changes nothing.
 */

/** SET NX GET of the fence of a tag. */
function fence(rules: Rules, s: State, keys: Keys, tag: Two): number {
  if (keys.fences[tag] === 0) {
    s.highestToken += 1;
    keys.fences[tag] = rules.randomFences ? s.highestToken : 1;
  }
  return keys.fences[tag];
}

function tagsOf(bounds: Bounds): readonly Two[] {
  return bounds.tags === 1 ? [0] : BOTH;
}

function answer(s: State, reader: Reader, data: number): boolean {
  if (data < reader.need) s.stale = 1;
  endRead(reader);
  return true;
}

function keep(entry: Entry, reader: Reader): void {
  copyTokens(entry.tokens, reader.tokens);
  entry.data = reader.data;
}

function inService(rules: Rules, entry: Entry, reader: Reader): boolean {
  const [first, second] = entry.tokens;
  if (first === 0) return false;
  if (!rules.compareTokens) return true;
  return first === reader.tokens[0] && (second === reader.tokens[1] || !rules.compareEveryToken);
}

/** Makes the steps of one reader: `at` says where it has to be, `run` tries the step. */
type MakeStep = (
  name: string,
  at: number,
  run: (s: State, reader: Reader, instance: Instance) => boolean,
) => Step<State>;

/** The steps of reader `n`, a request at instance `home`; the other reader may be one at the same instance. */
export function readerSteps(n: Two, bounds: Bounds, rules: Rules): Step<State>[] {
  const home = bounds.homes[n];
  const step: MakeStep = (name, at, run) => ({
    name: `read ${'ab'[n]} ${name}`,
    run: (s) => s.readers[n].at === at && run(s, s.readers[n], s.instances[home]),
  });
  const giveUp: Step<State> = {
    name: `read ${'ab'[n]} gives up`,
    run: (s) => {
      if (s.readers[n].at === 0) return false;
      endRead(s.readers[n]);
      return true;
    },
  };
  const mayJoin = bounds.readers === 2 && bounds.homes[0] === bounds.homes[1];
  return [
    ...permitAndFences(step, bounds, rules),
    ...lookups(step, rules),
    ...(mayJoin ? [join(step, n === 0 ? 1 : 0, rules)] : []),
    ...loads(step, bounds, rules),
    giveUp,
  ];
}

function permitAndFences(step: MakeStep, bounds: Bounds, rules: Rules): Step<State>[] {
  const arrive = step('arrives with a permit', 0, (s, reader, instance) => {
    if (instance.lease.epoch === 0) return false;
    reader.at = FENCES;
    reader.need = s.acked;
    reader.epoch = instance.lease.epoch;
    return true;
  });
  const tags = tagsOf(bounds);
  const readFence = (tag: Two) =>
    step(tags.length === 1 ? 'reads the fence' : `reads fence ${tag}`, FENCES, (s, reader, instance) => {
      if (reader.tokens[tag] !== 0 || instance.link !== UP) return false;
      reader.tokens[tag] = fence(rules, s, keysOf(rules, s, instance.memory, reader.epoch), tag);
      if (tags.every((each) => reader.tokens[each] !== 0)) reader.at = ENTRY;
      return true;
    });
  const shareBatch = step('arrives and shares that batch', ENTRY, (s, reader) => {
    if (reader.need === s.acked) return false;
    reader.need = s.acked;
    return true;
  });
  return [arrive, ...tags.map(readFence), ...(rules.fencesAfterArrival ? [] : [shareBatch])];
}

/** Entries may live anywhere, over any client: they are judged by their tokens alone. So any memory will do. */
function lookups(step: MakeStep, rules: Rules): Step<State>[] {
  const local = step('is answered from the local copy', ENTRY, (s, reader, instance) =>
    inService(rules, instance.local, reader) ? answer(s, reader, instance.local.data) : false,
  );
  const entryIn = (m: Two) =>
    step(`is answered from the entry in memory ${m}`, ENTRY, (s, reader, instance) => {
      const { entry } = keysOf(rules, s, m, reader.epoch);
      if (!inService(rules, entry, reader)) return false;
      copyTokens(instance.local.tokens, entry.tokens);
      instance.local.data = entry.data;
      return answer(s, reader, entry.data);
    });
  return [local, ...BOTH.map(entryIn)];
}

/** One load for all who hold its tokens. */
function join(step: MakeStep, theOther: Two, rules: Rules): Step<State> {
  return step('joins the load of the other', ENTRY, (s, reader) => {
    const other = s.readers[theOther];
    if (other.at !== STORE) return false;
    if (rules.joinSameTokens && !sameTokens(other.tokens, reader.tokens)) return false;
    return answer(s, reader, other.data);
  });
}

/**
 * An entry may have expired, so a load may begin even where there is one; and even while another runs, as
 * another process would begin it. It may be stored long after, whatever has become of the session.
 */
function loads(step: MakeStep, bounds: Bounds, rules: Rules): Step<State>[] {
  const load = step('loads from PostgreSQL', ENTRY, (s, reader) => {
    reader.at = STORE;
    reader.need = 0;
    reader.data = s.data;
    return true;
  });
  const storeIn = (m: Two) =>
    step(`stores the entry in memory ${m}`, STORE, (s, reader, instance) => {
      const keys = keysOf(rules, s, m, reader.epoch);
      if (!rules.fencesBeforeLoad) {
        for (const tag of tagsOf(bounds)) reader.tokens[tag] = fence(rules, s, keys, tag);
      }
      keep(keys.entry, reader);
      keep(instance.local, reader);
      endRead(reader);
      return true;
    });
  const keepOnly = step('keeps a local copy only', STORE, (_, reader, instance) => {
    keep(instance.local, reader);
    endRead(reader);
    return true;
  });
  return [load, ...BOTH.map(storeIn), keepOnly];
}

/** A session is over: a read that waits for its fences goes to PostgreSQL. */
export function readEndsWithSession(reader: Reader): void {
  if (reader.at === FENCES) endRead(reader);
}
