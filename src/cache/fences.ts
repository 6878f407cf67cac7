import { randomBytes } from 'node:crypto';
import type { Keys } from './keys.ts';
import type { Permit } from './lease.ts';
import { waitAtMost } from './wait.ts';

/** Long beside every entry's life; a fence that expires costs one miss. */
const FENCE_TTL_MS = 3_600_000;

/** While round trips are shorter than this, the next one begins when the last one has ended, for more requests. */
const QUICK_MS = 1;

interface Waiting {
  tags: string[];
  resolve(tokens: string[] | null): void;
}

/** Requests that share one round trip. */
interface Turn {
  permit: Permit;
  waiting: Waiting[];
}

/**
 * Reads the tokens of tags. All requests that arrive in one turn of the event loop, or while the tokens of others are
 * being read, share one round trip, which begins after the last of them arrived.
 *
 * A fence is a random token, never a counter: a counter that was evicted, flushed or rolled back counts up to old
 * values again, and old entries with them. An absent fence means that nothing is known: whoever needs it writes a
 * new one.
 */
export class Fences {
  readonly #keys: Keys;
  readonly #deadlineMs: number;
  /** Requests may still join it. */
  #open: Turn | null = null;
  #underWay: Promise<unknown> | null = null;
  #roundTripMs = 0;

  constructor(keys: Keys, deadlineMs: number) {
    this.#keys = keys;
    this.#deadlineMs = deadlineMs;
  }

  /**
   * @param permit taken when the request arrived: the tokens are read after that
   * @returns a token for each tag, in order; null when Redis did not answer in time
   */
  read(permit: Permit, tags: string[]): Promise<string[] | null> {
    return new Promise((resolve) => {
      if (this.#open?.permit === permit) {
        this.#open.waiting.push({ tags, resolve });
        return;
      }
      const turn = { permit, waiting: [{ tags, resolve }] };
      this.#open = turn;
      void this.#answer(turn);
    });
  }

  async #answer(turn: Turn): Promise<void> {
    const { permit, waiting } = turn;
    const tokens = await waitAtMost(this.#deadlineMs, permit.session, this.#ask(turn));
    this.#close(turn);
    for (const { tags, resolve } of waiting) {
      resolve(tokens === null ? null : tags.map((tag) => tokens.get(tag) ?? ''));
    }
  }

  async #ask(turn: Turn): Promise<Map<string, string> | null> {
    const isQuick = this.#roundTripMs < QUICK_MS;
    await (isQuick && this.#underWay ? this.#underWay : new Promise(setImmediate));
    this.#close(turn);
    const startedMs = performance.now();
    const tags = [...new Set(turn.waiting.flatMap((waiting) => waiting.tags))];
    const fetched = this.#fetch(turn.permit, tags);
    const ended = fetched
      .catch(() => {})
      .then(() => {
        this.#roundTripMs = performance.now() - startedMs;
        if (this.#underWay === ended) this.#underWay = null;
      });
    this.#underWay = ended;
    return fetched;
  }

  // Who comes later has to read the tokens himself.
  #close(turn: Turn): void {
    if (this.#open === turn) this.#open = null;
  }

  async #fetch(permit: Permit, tags: string[]): Promise<Map<string, string> | null> {
    const names = tags.map((tag) => this.#keys.fence(permit.epoch, tag));
    const [reply, info] = await permit.session.send([
      ['MGET', ...names],
      ['INFO', 'replication'],
    ]);
    if (!reply || reply[0] || !permit.session.isSameMemory(info?.[1])) return null;
    const found = reply[1] as (string | null)[];
    const tokens = new Map<string, string>();
    const absent: string[] = [];
    for (const [index, tag] of tags.entries()) {
      const token = found[index];
      if (token) tokens.set(tag, token);
      else absent.push(tag);
    }
    return absent.length === 0 ? tokens : this.#create(permit, absent, tokens);
  }

  // SET NX GET answers the token of whoever was first, or nothing when that was us.
  async #create(
    permit: Permit,
    absent: string[],
    tokens: Map<string, string>,
  ): Promise<Map<string, string> | null> {
    const fresh = absent.map(() => randomBytes(12).toString('base64url'));
    const replies = await permit.session.send(
      absent.map((tag, index) => [
        'SET',
        this.#keys.fence(permit.epoch, tag),
        fresh[index] ?? '',
        'PX',
        FENCE_TTL_MS,
        'NX',
        'GET',
      ]),
    );
    for (const [index, tag] of absent.entries()) {
      const reply = replies[index];
      // Redis is full and takes no new key: without tokens there is nothing to compare.
      if (!reply || reply[0]) return null;
      tokens.set(tag, (reply[1] as string | null) ?? fresh[index] ?? '');
    }
    return tokens;
  }
}
