import { randomBytes } from 'node:crypto';
import type { Keys } from './keys.ts';
import type { Permit } from './lease.ts';
import { waitAtMost } from './wait.ts';

/** Long beside every entry's life; a fence that expires costs one miss. */
const FENCE_TTL_MS = 3_600_000;

interface Waiting {
  tags: string[];
  resolve(tokens: string[] | null): void;
}

/**
 * Reads the tokens of tags. All requests that arrive in one turn of the event loop share one round trip.
 *
 * A fence is a random token, never a counter: a counter that was evicted, flushed or rolled back counts up to old
 * values again, and old entries with them. An absent fence means that nothing is known: whoever needs it writes a
 * new one.
 */
export class Fences {
  readonly #keys: Keys;
  readonly #deadlineMs: number;
  readonly #turns = new Map<Permit, Waiting[]>();

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
      const turn = this.#turns.get(permit);
      if (turn) {
        turn.push({ tags, resolve });
        return;
      }
      this.#turns.set(permit, [{ tags, resolve }]);
      setImmediate(() => void this.#flush(permit));
    });
  }

  async #flush(permit: Permit): Promise<void> {
    const turn = this.#turns.get(permit) ?? [];
    this.#turns.delete(permit);
    const tags = [...new Set(turn.flatMap((waiting) => waiting.tags))];
    const tokens = await waitAtMost(this.#deadlineMs, permit.session, this.#fetch(permit, tags));
    for (const waiting of turn) {
      waiting.resolve(tokens === null ? null : waiting.tags.map((tag) => tokens.get(tag) ?? ''));
    }
  }

  async #fetch(permit: Permit, tags: string[]): Promise<Map<string, string> | null> {
    const names = tags.map((tag) => this.#keys.fence(permit.epoch, tag));
    const [reply, info] = await permit.session.send((pipeline) =>
      pipeline.mget(...names).info('replication'),
    );
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
    const replies = await permit.session.send((pipeline) => {
      for (const [index, tag] of absent.entries()) {
        pipeline.set(
          this.#keys.fence(permit.epoch, tag),
          fresh[index] ?? '',
          'PX',
          FENCE_TTL_MS,
          'NX',
          'GET',
        );
      }
    });
    for (const [index, tag] of absent.entries()) {
      const reply = replies[index];
      // Redis is full and takes no new key: without tokens there is nothing to compare.
      if (!reply || reply[0]) return null;
      tokens.set(tag, (reply[1] as string | null) ?? fresh[index] ?? '');
    }
    return tokens;
  }
}
