import { setTimeout as sleep } from 'node:timers/promises';
import type { EncodedEntry } from './encode.ts';
import type { Entries, Found } from './entries.ts';
import type { Fences } from './fences.ts';
import type { Lease, Permit } from './lease.ts';
import type { Loads } from './loads.ts';
import type { Answer, BypassReason, Outcome } from './types.ts';

/** How often a request that lost the fill lock asks for the entry: soon at first, then less. */
const POLLS_MS = [2, 4, 8, 16, 25];
/** Then it loads by itself: the lock saves work, correctness never rests on it. */
const LOCKED_AT_MOST_MS = 10_000;

export interface ReadParts {
  /** Null: the cache is switched off. */
  lease: Lease | null;
  fences: Fences;
  entries: Entries;
  loads: Loads;
  deadlineMs: number;
  /** Told of every request, once. */
  count(read: string, outcome: Outcome, redisMs: number | null, loadMs: number | null): void;
  /** Told of every wait for Redis that failed or came too late. */
  failed(): void;
  /** Told of every hit. */
  sample(hit: Hit): void;
}

/** One request: a read and its parameters. */
export interface Question {
  read: string;
  key: string;
  /** The Redis key of its entry. */
  entryKey(epoch: number): string;
  ttlMs: number;
  /** `*` among them. */
  tags: string[];
  /** Loads the answer from a snapshot begun by the call. */
  load(): Promise<unknown>;
  /** The same, with the tags of changes that are pending in that snapshot. */
  loadAndPending(): Promise<{ value: unknown; pendingTags: string[] }>;
}

/** What a hit was served under, so that it can be looked at again. */
export interface Hit {
  question: Question;
  permit: Permit;
  tokens: string;
  etag: string;
}

/** A request that may use the cache. */
interface Asked {
  question: Question;
  permit: Permit;
  entryKey: string;
  arrivedMs: number;
}

/**
 * Answers a read in five steps:
 *   1. a permit, or bypass; 2. the tokens of its tags, read after it arrived; 3. the local copy, or Redis's entry,
 *   when its tokens are these; 4. else one load for all who ask; 5. stored with the tokens of step 2.
 */
export async function answer(parts: ReadParts, question: Question): Promise<Answer> {
  const { lease, fences, entries } = parts;
  const arrivedMs = performance.now();
  const permit = lease === null ? 'off' : lease.permit();
  if (typeof permit === 'string') return bypass(parts, question, permit, null);

  const entryKey = question.entryKey(permit.epoch);
  const asked: Asked = { question, permit, entryKey, arrivedMs };
  const fetch = () => entries.fetch(permit, entryKey, arrivedMs + parts.deadlineMs);
  // When it was fetched does not matter, only under which tokens it was loaded: where it will be needed, both at once.
  const fetching = entries.has(entryKey) ? null : fetch();
  const tokenList = await fences.read(permit, question.tags);
  if (tokenList === null) return tooLate(parts, asked);
  const tokens = tokenList.join('');

  const local = entries.local(permit.epoch, entryKey, tokens);
  if (local) return hit(parts, asked, tokens, local, 'local');
  const held = await (fetching ?? fetch());
  if (held === null) return tooLate(parts, asked);
  const found = entries.take(permit, entryKey, tokens, held);
  return found ? hit(parts, asked, tokens, found, 'hit') : miss(parts, asked, tokens);
}

function hit(parts: ReadParts, asked: Asked, tokens: string, found: Found, outcome: 'hit' | 'local'): Answer {
  const { question, permit } = asked;
  parts.count(question.read, outcome, performance.now() - asked.arrivedMs, null);
  parts.sample({ question, permit, tokens, etag: found.entry.etag });
  return {
    entry: found.entry,
    outcome,
    stored: false,
    ttlSeconds: Math.floor(found.ttlMs / 1000),
    reason: null,
  };
}

// A missed deadline is slowness, unless the session has ended meanwhile.
function tooLate(parts: ReadParts, asked: Asked): Promise<Answer> {
  parts.failed();
  const now = parts.lease?.permit() ?? 'off';
  const reason = typeof now === 'string' && asked.permit.session.ended ? now : 'redis-slow';
  return bypass(parts, asked.question, reason, performance.now() - asked.arrivedMs);
}

async function bypass(
  parts: ReadParts,
  question: Question,
  reason: BypassReason,
  redisMs: number | null,
): Promise<Answer> {
  const { entry, loadMs, joined } = await parts.loads.fresh(
    `${question.read} ${question.key}`,
    question.load,
  );
  parts.count(question.read, 'bypass', redisMs, joined ? null : loadMs);
  return { entry, outcome: 'bypass', stored: false, ttlSeconds: null, reason };
}

async function miss(parts: ReadParts, asked: Asked, tokens: string): Promise<Answer> {
  const { filled, joined } = await parts.loads.fill(`${asked.entryKey} ${tokens}`, () =>
    fill(parts, asked, tokens),
  );
  const { entry, stored, loadMs } = filled;
  const collapsed = joined || loadMs === null;
  parts.count(asked.question.read, collapsed ? 'collapsed' : 'miss', null, joined ? null : loadMs);
  return { entry, outcome: collapsed ? 'collapsed' : 'miss', stored, ttlSeconds: null, reason: null };
}

/** What filling an entry came to; `loadMs` is null where another instance loaded it. */
interface Filled {
  entry: EncodedEntry | null;
  stored: boolean;
  loadMs: number | null;
}

async function fill(parts: ReadParts, asked: Asked, tokens: string): Promise<Filled> {
  const { entries, loads } = parts;
  const { permit, question } = asked;
  const found = await lockOrWait(parts, asked, tokens);
  if (found) return { entry: found.entry, stored: true, loadMs: null };
  const stop = entries.keepLock(permit, asked.entryKey);
  try {
    const { entry, loadMs } = await loads.load(question.load);
    if (entry === null) entries.unlock(permit, asked.entryKey);
    const { tags, ttlMs } = question;
    const stored =
      entry !== null && (await entries.store(permit, asked.entryKey, tags, tokens, entry, ttlMs));
    return { entry, stored, loadMs };
  } catch (error) {
    entries.unlock(permit, asked.entryKey);
    throw error;
  } finally {
    stop();
  }
}

/**
 * Takes the fill lock, or waits for the instance that has it.
 * @returns the entry that another one stored; null when this one is to load
 */
async function lockOrWait({ entries }: ReadParts, asked: Asked, tokens: string): Promise<Found | null> {
  const startedMs = performance.now();
  for (let poll = 0; performance.now() - startedMs < LOCKED_AT_MOST_MS; poll += 1) {
    const state = await entries.lock(asked.permit, asked.entryKey, tokens);
    // No answer: load, in the worst case once more than needed.
    if (state === 'ours' || state === null) return null;
    if (state !== 'theirs') return state;
    await sleep(POLLS_MS[Math.min(poll, POLLS_MS.length - 1)] ?? 0);
  }
  return null;
}
