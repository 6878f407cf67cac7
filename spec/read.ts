import type { Bounds } from './bounds.ts';
import type { Step } from './checker.ts';
import type { Rules } from './rules.ts';
import { keysOf } from './settle.ts';
import {
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

/** Both readers are requests at one instance: instance 1, or 0 where `bounds` says so for the first. */
export function readerSteps(
  n: Two,
  home: Two,
  sameHome: boolean,
  bounds: Bounds,
  rules: Rules,
): Step<State>[] {
  const tags: readonly Two[] = bounds.tags === 1 ? [0] : [0, 1];
  const step = (
    name: string,
    at: number,
    run: (s: State, reader: Reader, instance: Instance) => boolean,
  ) => ({
    name: `read ${'ab'[n]} ${name}`,
    run: (s: State) => {
      const reader = s.readers[n];
      return reader.at === at && run(s, reader, s.instances[home]);
    },
  });
  const arrive = step('arrives with a permit', 0, (s, reader, instance) => {
    if (instance.lease.epoch === 0) return false;
    reader.at = FENCES;
    reader.need = s.acked;
    reader.epoch = instance.lease.epoch;
    return true;
  });
  const readFence = (tag: Two) =>
    step(tags.length === 1 ? 'reads the fence' : `reads fence ${tag}`, FENCES, (s, reader, instance) => {
      if (reader.tokens[tag] !== 0 || instance.link !== UP) return false;
      reader.tokens[tag] = fence(rules, s, keysOf(rules, s, instance, reader.epoch), tag);
      if (tags.every((each) => reader.tokens[each] !== 0)) reader.at = ENTRY;
      return true;
    });
  const shareBatch = step('arrives and shares that batch', ENTRY, (s, reader) => {
    if (rules.fencesAfterArrival || reader.need === s.acked) return false;
    reader.need = s.acked;
    return true;
  });
  const hitLocal = step('is answered from the local copy', ENTRY, (s, reader, instance) =>
    inService(rules, instance.local, reader) ? answer(s, reader, instance.local.data) : false,
  );
  // Entries may live anywhere: the GET goes to whatever memory the instance is connected to by now.
  const hit = step('is answered from the entry', ENTRY, (s, reader, instance) => {
    const { entry } = keysOf(rules, s, instance, reader.epoch);
    if (instance.link !== UP || !inService(rules, entry, reader)) return false;
    copyTokens(instance.local.tokens, entry.tokens);
    instance.local.data = entry.data;
    return answer(s, reader, entry.data);
  });
  const join = step('joins the load of the other', ENTRY, (s, reader) => {
    const other = s.readers[n === 0 ? 1 : 0];
    if (!sameHome || other.at !== STORE) return false;
    if (rules.joinSameTokens && !sameTokens(other.tokens, reader.tokens)) return false;
    return answer(s, reader, other.data);
  });
  // An entry may have expired, so a load may begin even where there is one; and even while another runs,
  // as another process would do it.
  const load = step('loads from PostgreSQL', ENTRY, (s, reader) => {
    reader.at = STORE;
    reader.need = 0;
    reader.data = s.data;
    return true;
  });
  const store = step('stores the entry', STORE, (s, reader, instance) => {
    if (instance.link !== UP) return false;
    const keys = keysOf(rules, s, instance, reader.epoch);
    if (!rules.fencesBeforeLoad) for (const tag of tags) reader.tokens[tag] = fence(rules, s, keys, tag);
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
  const giveUp: Step<State> = {
    name: `read ${'ab'[n]} gives up`,
    run: (s) => {
      if (s.readers[n].at === 0) return false;
      endRead(s.readers[n]);
      return true;
    },
  };
  const both = [arrive, ...tags.map(readFence), hitLocal, hit, join, load, store, keepOnly, giveUp];
  return rules.fencesAfterArrival ? both : [...both, shareBatch];
}

/** A session is over: a read that waits for its fences goes to PostgreSQL. */
export function readEndsWithSession(reader: Reader): void {
  if (reader.at === FENCES) endRead(reader);
}
