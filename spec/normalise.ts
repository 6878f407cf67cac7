import type { Bounds } from './bounds.ts';
import { forgetRenewal } from './lease.ts';
import type { Rules } from './rules.ts';
import { forgetRows } from './settle.ts';
import { clearEntry, endRead, type Reader, STORE, type State, type Tokens, type Two } from './state.ts';

/*
 * Many states differ in nothing that could ever make a read wrong. Each function here replaces a state by
 * one that can do at least as much (and so finds at least as many stale reads), and says why.
 *
 * One argument is used several times. *An invalidation only takes away*: with a fence still in place, a
 * reader can do whatever it could do without. Without it, the next reader makes a token that nobody else
 * holds, finds nothing, loads and stores. With it, the next reader gets the old token, and may load and
 * store all the same, since an entry may have expired at any time.
 */

/**
 * The normal form under these rules; a merging is left out where a mutant takes its reason away, and all but
 * the renumbering of terms where `bounds.merge` is false.
 */
export function normaliser(rules: Rules, bounds: Bounds): (state: State) => void {
  const { merge, writes, readers, homes } = bounds;
  const alikeReaders = merge && readers === 2 && homes[0] === homes[1];
  const rowsDecide = merge && rules.writerDeletesLast && rules.renewalDeletesLast && rules.deleteWhatWasRead;
  const tokensDecide =
    merge &&
    rules.randomFences &&
    rules.compareTokens &&
    rules.compareEveryToken &&
    rules.joinSameTokens &&
    rules.fencesBeforeLoad &&
    rules.fencesAfterArrival;
  const use = new TokenUse();
  return (s) => {
    if (rowsDecide) {
      for (const instance of s.instances) forgetRenewal(rules, s, instance);
      forgetRows(s, s.writer);
      forgetRows(s, s.resend);
      for (const tick of s.ticks) forgetRows(s, tick);
    }
    if (merge && s.data === writes) forgetFresh(s);
    if (tokensDecide) forgetTokens(s, use);
    normaliseTerms(rules, s, 0);
    normaliseTerms(rules, s, 1);
    if (alikeReaders && rank(s.readers[0]) > rank(s.readers[1])) swap(s.readers[0], s.readers[1]);
  };
}

/** Once the last write is committed, whoever shows it is right: an entry with it is as good as none. */
function forgetFresh(s: State): void {
  for (const memory of s.memories) {
    for (const { entry } of memory) if (entry.data === s.data) clearEntry(entry);
  }
  for (const reader of s.readers) if (reader.at === STORE && reader.data === s.data) endRead(reader);
  for (const { local } of s.instances) if (local.data === s.data) clearEntry(local);
}

/**
 * Tokens are random: nothing but equality is ever asked of them. (So `layout` numbers them in the order in
 * which it meets them.) One that occurs nowhere else can match nothing: a fence with it is as good as
 * absent, for whoever comes next holds a token that nobody held before either way; an entry with it is as
 * good as gone; a read that holds it will find nothing, and store what nobody finds. The same is true of a
 * token that is neither a fence nor in the hands of a read that still looks for an entry.
 */
function forgetTokens(s: State, use: TokenUse): void {
  use.clear();
  for (const memory of s.memories) {
    for (const keys of memory) {
      use.count(keys.fences, true);
      use.count(keys.entry.tokens, false);
    }
  }
  for (const reader of s.readers) use.count(reader.tokens, reader.at !== STORE);
  for (const instance of s.instances) use.count(instance.local.tokens, false);

  for (const memory of s.memories) {
    for (const { fences, entry } of memory) {
      if (use.dead(fences[0])) fences[0] = 0;
      if (use.dead(fences[1])) fences[1] = 0;
      if (use.anyDead(entry.tokens)) clearEntry(entry);
    }
  }
  for (const reader of s.readers) if (use.anyDead(reader.tokens)) endRead(reader);
  for (const instance of s.instances) if (use.anyDead(instance.local.tokens)) clearEntry(instance.local);
}

/** How often each token occurs, and whether it is a fence or held by a read that still looks for an entry. */
class TokenUse {
  readonly #uses = new Uint8Array(32);
  readonly #live = new Uint8Array(32);

  clear(): void {
    this.#uses.fill(0);
    this.#live.fill(0);
  }

  count(tokens: Tokens, live: boolean): void {
    for (let tag = 0; tag < 2; tag++) {
      const token = tokens[tag as Two];
      this.#uses[token] = (this.#uses[token] ?? 0) + 1;
      if (live) this.#live[token] = 1;
    }
  }

  dead(token: number): boolean {
    return token !== 0 && (this.#uses[token] === 1 || this.#live[token] === 0);
  }

  anyDead(tokens: Tokens): boolean {
    return this.dead(tokens[0]) || this.dead(tokens[1]);
  }
}

/**
 * Of terms nothing but their order is ever asked: they are renumbered by age, so that there is no limit to
 * the number of renewals. A term that the instance itself does not hold, as its lease or in a running
 * renewal, can harm nobody: whoever has it registered, or waits for its end, has the next older one that is
 * held instead, or none. (It might be over just now, and time has only to pass.) For the same reason a
 * hand-back under way adds nothing, unless a mutant hands back what is still held.
 */
function normaliseTerms(rules: Rules, s: State, i: Two): void {
  const instance = s.instances[i];
  const { lease, renewal } = instance;
  // The term of a renewal is younger than that of the lease it is to replace.
  const older = lease.term;
  const younger = renewal.term;
  lease.term = heldTerm(older, older, younger);
  renewal.term = heldTerm(younger, older, younger);
  instance.registered = heldTerm(instance.registered, older, younger);
  s.writer.outlives[i] = heldTerm(s.writer.outlives[i], older, younger);
  s.resend.outlives[i] = heldTerm(s.resend.outlives[i], older, younger);
  s.drop.outlives[i] = heldTerm(s.drop.outlives[i], older, younger);
  s.instances[0].renewal.outlives[i] = heldTerm(s.instances[0].renewal.outlives[i], older, younger);
  s.instances[1].renewal.outlives[i] = heldTerm(s.instances[1].renewal.outlives[i], older, younger);
  if (instance.registered === 0 && rules.handBackByTerm) instance.handBack = 0;
}

/** The new number of `term`, or of the next older one among the two that are held. */
function heldTerm(term: number, older: number, younger: number): number {
  if (younger !== 0 && term >= younger) return older === 0 ? 1 : 2;
  return older !== 0 && term >= older ? 1 : 0;
}

/** Two readers of one instance are alike: the lesser one comes first. */
function rank(reader: Reader): number {
  const { at, need, epoch, data, tokens } = reader;
  return ((((at * 4 + need) * 4 + epoch) * 4 + data) * 32 + tokens[0]) * 32 + tokens[1];
}

function swap(a: Reader, b: Reader): void {
  const { at, need, epoch, data } = a;
  const [first, second] = a.tokens;
  copyReader(a, b);
  b.at = at;
  b.need = need;
  b.epoch = epoch;
  b.data = data;
  b.tokens[0] = first;
  b.tokens[1] = second;
}

function copyReader(to: Reader, from: Reader): void {
  to.at = from.at;
  to.need = from.need;
  to.epoch = from.epoch;
  to.data = from.data;
  to.tokens[0] = from.tokens[0];
  to.tokens[1] = from.tokens[1];
}
