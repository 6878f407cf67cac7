import { randomBytes } from 'node:crypto';
import { LRUCache } from 'lru-cache';
import { type EncodedEntry, pack, unpack } from './encode.ts';
import type { Keys } from './keys.ts';
import type { Permit } from './lease.ts';
import { ALL } from './ledger.ts';
import type { Command, Replies } from './session.ts';
import { waitAtMost } from './wait.ts';

/** Larger answers are not kept. */
export const MAX_ENTRY_BYTES = 4 * 1024 * 1024;
/** A holder of a fill lock that dies keeps others waiting this long at most. */
const LOCK_MS = 1_000;
/** A set of entry keys is dropped whole after this long, or it would grow with every new question. */
const INDEX_TTL_MS = 3_600_000;

export interface Found {
  entry: EncodedEntry;
  /** Remaining life in ms. */
  ttlMs: number;
}

/** What Redis holds under a key, of use under its tokens alone. */
interface Held {
  /** Those that it was loaded under, and the key. */
  tokens: string;
  entry: EncodedEntry;
  /** When Redis will have removed it, by `performance.now()`. */
  expiresMs: number;
}

interface LocalCopy {
  epoch: number;
  tokens: string;
  entry: EncodedEntry;
  expiresMs: number;
}

interface Waiting {
  entryKey: string;
  deadlineAtMs: number;
  resolve(held: Held | 'absent' | null): void;
}

/** The two places where an answer is kept: this process's memory, bounded in bytes, and Redis. */
export class Entries {
  readonly #keys: Keys;
  readonly #deadlineMs: number;
  readonly #turns = new Map<Permit, Waiting[]>();
  readonly #local: LRUCache<string, LocalCopy> | null;

  constructor(keys: Keys, localBytes: number, deadlineMs: number) {
    this.#keys = keys;
    this.#deadlineMs = deadlineMs;
    this.#local =
      localBytes === 0
        ? null
        : new LRUCache({
            maxSize: localBytes,
            maxEntrySize: Math.max(1, Math.floor(localBytes / 4)),
            sizeCalculation: (copy, key) => copy.entry.heldBytes + copy.tokens.length + key.length + 200,
          });
  }

  get localBytes(): number {
    return this.#local?.calculatedSize ?? 0;
  }

  get localCount(): number {
    return this.#local?.size ?? 0;
  }

  /** @returns the local copy when it was loaded in this epoch under these tokens and has not expired */
  local(epoch: number, entryKey: string, tokens: string): Found | null {
    const copy = this.#local?.get(entryKey);
    if (!copy || copy.epoch !== epoch || copy.tokens !== tokens) return null;
    const ttlMs = copy.expiresMs - performance.now();
    if (ttlMs <= 0) {
      this.#local?.delete(entryKey);
      return null;
    }
    return { entry: copy.entry, ttlMs };
  }

  keep(epoch: number, entryKey: string, tokens: string, entry: EncodedEntry, expiresMs: number): void {
    this.#local?.set(entryKey, { epoch, tokens, entry: entry.kept(), expiresMs });
  }

  /** Whether there is a local copy, under whichever tokens. */
  has(entryKey: string): boolean {
    return this.#local?.has(entryKey) ?? false;
  }

  /**
   * Asks Redis. All that ask in one turn of the event loop share one round trip.
   * @returns what it holds, `absent` when that is nothing, null when Redis did not answer in time
   */
  fetch(permit: Permit, entryKey: string, deadlineAtMs: number): Promise<Held | 'absent' | null> {
    return new Promise((resolve) => {
      const waiting = { entryKey, deadlineAtMs, resolve };
      const turn = this.#turns.get(permit);
      if (turn) {
        turn.push(waiting);
        return;
      }
      this.#turns.set(permit, [waiting]);
      setImmediate(() => void this.#flush(permit));
    });
  }

  async #flush(permit: Permit): Promise<void> {
    const turn = this.#turns.get(permit) ?? [];
    this.#turns.delete(permit);
    const names = [...new Set(turn.map((waiting) => waiting.entryKey))];
    const deadlineAtMs = Math.min(...turn.map((waiting) => waiting.deadlineAtMs));
    const askedMs = performance.now();
    const commands = names.flatMap((name): Command[] => [
      ['GET', name],
      ['PTTL', name],
    ]);
    const answer = permit.session.send(commands, 'bytes');
    const replies = await waitAtMost(Math.max(1, deadlineAtMs - askedMs), permit.session, answer);
    // Each is unpacked once, however many wait for it.
    const held = new Map(names.map((name, index) => [name, heldIn(replies, index * 2, askedMs)]));
    for (const { entryKey, resolve } of turn) {
      resolve(replies === null ? null : (held.get(entryKey) ?? 'absent'));
    }
  }

  /** @returns what Redis holds where that was loaded under these tokens, and is kept here from now on; else null */
  take(permit: Permit, entryKey: string, tokens: string, held: Held | 'absent'): Found | null {
    if (held === 'absent' || held.tokens !== tokens + entryKey) return null;
    const { entry, expiresMs } = held;
    this.keep(permit.epoch, entryKey, tokens, entry, expiresMs);
    return { entry, ttlMs: Math.max(0, expiresMs - performance.now()) };
  }

  /**
   * Stores an answer, with the tokens read before it was loaded, and lets go of the fill lock.
   * @param lifeMs how long it may live; Redis itself removes it then
   * @returns whether it was stored
   */
  async store(
    permit: Permit,
    entryKey: string,
    tags: string[],
    tokens: string,
    entry: EncodedEntry,
    lifeMs: number,
  ): Promise<boolean> {
    const startedMs = performance.now();
    if (entry.jsonBytes > MAX_ENTRY_BYTES) {
      this.unlock(permit, entryKey);
      return false;
    }
    if (permit.session.slow) return false;
    const indexes = tags.filter((tag) => tag !== ALL).map((tag) => this.#keys.index(permit.epoch, tag));
    const answer = permit.session.send([
      // With its own key, so that it is no answer to another question, wherever it gets to.
      ['SET', entryKey, pack(tokens + entryKey, entry), 'PX', lifeMs],
      ['UNLINK', this.#keys.lock(entryKey)],
      ...indexes.flatMap((index): Command[] => [
        ['SADD', index, entryKey],
        ['PEXPIRE', index, INDEX_TTL_MS, 'NX'],
      ]),
    ]);
    const replies = await waitAtMost(this.#deadlineMs, permit.session, answer);
    if (replies === null || !replies[0] || replies[0][0]) return false;
    this.keep(permit.epoch, entryKey, tokens, entry, startedMs + lifeMs);
    return true;
  }

  /**
   * Becomes the one instance that loads the entry, or learns who is ahead. Redis looks at lock and entry in one go,
   * so that an entry stored just before the lock was let go is not loaded again.
   * @returns `ours`; `theirs` while another instance loads; the entry that it stored; null without an answer in time
   */
  async lock(permit: Permit, entryKey: string, tokens: string): Promise<'ours' | 'theirs' | Found | null> {
    if (permit.session.slow) return null;
    const owner = randomBytes(8).toString('base64url');
    const askedMs = performance.now();
    const take: Command = ['SET', this.#keys.lock(entryKey), owner, 'PX', LOCK_MS, 'NX'];
    const answer = permit.session.send([take, ['GET', entryKey], ['PTTL', entryKey]], 'bytes');
    const replies = await waitAtMost(this.#deadlineMs, permit.session, answer);
    if (replies === null || !replies[0] || replies[0][0]) return null;
    const ours = replies[0][1] !== null;
    const found = this.take(permit, entryKey, tokens, heldIn(replies, 1, askedMs));
    if (found === null) return ours ? 'ours' : 'theirs';
    if (ours) this.unlock(permit, entryKey);
    return found;
  }

  /** Keeps the lock while a load takes long. @returns stops it */
  keepLock(permit: Permit, entryKey: string): () => void {
    const timer = setInterval(() => {
      permit.session.send([['PEXPIRE', this.#keys.lock(entryKey), LOCK_MS]]).catch(() => {});
    }, LOCK_MS / 3);
    timer.unref();
    return () => clearInterval(timer);
  }

  /** Lets go of the lock when a load failed or found nothing. */
  unlock(permit: Permit, entryKey: string): void {
    permit.session.send([['UNLINK', this.#keys.lock(entryKey)]]).catch(() => {});
  }

  /** Forgets all local copies. */
  clear(): void {
    this.#local?.clear();
  }
}

/** @returns what a GET and the PTTL after it, at `index` of the replies, found */
function heldIn(replies: Replies | null, index: number, askedMs: number): Held | 'absent' {
  const value = replies?.[index]?.[1];
  const ttlMs = replies?.[index + 1]?.[1];
  const stored = Buffer.isBuffer(value) ? unpack(value) : null;
  if (!stored || typeof ttlMs !== 'number' || ttlMs <= 0) return 'absent';
  return { ...stored, expiresMs: askedMs + ttlMs };
}
