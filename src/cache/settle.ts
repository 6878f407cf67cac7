import { setTimeout as sleep } from 'node:timers/promises';
import type { Keys } from './keys.ts';
import { type Lease, OUTLIVED_MS, type Permit } from './lease.ts';
import { ALL, type Change, type Ledger, type RegisteredLease } from './ledger.ts';
import type { Command, Session } from './session.ts';

/** More pending changes than this are not named one by one: the tag `*` covers them. */
export const NAMED_CHANGES = 200;
/** Rows deleted by one settle of a backlog. */
const BATCH = 10_000;
/** Entries whose memory is freed at once, per tag; the rest goes by its TTL. */
const FREED_ENTRIES = 1_000;
const POLL_MS = 50;

export interface SettleOptions {
  ledger: Ledger;
  keys: Keys;
  /** Null where the cache is switched off. */
  lease: () => Lease | null;
  /** Told of the changes that a settle of this instance removed from the ledger. */
  invalidated(changes: Change[], operation: string): void;
}

/** The one way in which changes become confirmed, for writers, the tick and renewals. */
export class Settle {
  readonly #options: SettleOptions;
  /** When this instance first saw a lease's term, on its own monotonic clock. */
  readonly #firstSeen = new Map<string, number>();

  constructor(options: SettleOptions) {
    this.#options = options;
  }

  /**
   * Puts the fences of `changes` out of service and deletes them from the ledger, in this order.
   * @param held the lease (session, epoch) that was held when the changes were read
   * @param stillHeld asked after Redis has answered: only then is the invalidation confirmed
   * @returns false when it is not confirmed; nothing is deleted then
   */
  async settle(
    changes: Change[],
    held: Permit,
    stillHeld: () => boolean,
    operation: string,
  ): Promise<boolean> {
    if (changes.length === 0) return true;
    const tags = changes.length > NAMED_CHANGES ? [ALL] : [...new Set(changes.map((change) => change.tag))];
    const entries = await this.#unlink(held, tags);
    if (entries === null || !stillHeld()) return false;
    const deleted = await this.#options.ledger.confirmed(changes.map((change) => change.id));
    if (deleted.length > 0) this.#options.invalidated(deleted, operation);
    this.#free(held.session, entries);
    if (tags.includes(ALL)) this.#freeAll(held).catch(() => {});
    return true;
  }

  /** Settles everything pending; a backlog goes in batches, each a settle of its own. */
  async settleAll(held: Permit, stillHeld: () => boolean, operation: string): Promise<boolean> {
    let limit = NAMED_CHANGES + 1;
    for (;;) {
      const changes = await this.#options.ledger.pending(null, limit);
      if (!(await this.settle(changes, held, stillHeld, operation))) return false;
      if (changes.length < limit) return true;
      limit = BATCH;
    }
  }

  /**
   * What a writer awaits after its COMMIT: its changes are confirmed, or gone, or outlived. Never longer than
   * OUTLIVED_MS: by then every lease older than the commit is over, and a younger one has settled them.
   * @param txid of the transaction; null settles all that is pending, for an answer that changed nothing vouches for it
   */
  async settled(txid: string | null, operation: string): Promise<void> {
    const committedMs = performance.now();
    const giveUp = new AbortController();
    try {
      await Promise.race([
        this.#confirmOrOutlive(txid, operation, committedMs, giveUp.signal),
        sleep(OUTLIVED_MS, undefined, { signal: giveUp.signal }).catch(() => {}),
      ]);
    } finally {
      giveUp.abort();
    }
  }

  async #confirmOrOutlive(
    txid: string | null,
    operation: string,
    committedMs: number,
    stop: AbortSignal,
  ): Promise<void> {
    const { ledger } = this.#options;
    let awaited: Change[] | undefined;
    let reading: RegisteredLease[] | undefined;
    while (!stop.aborted && performance.now() - committedMs < OUTLIVED_MS) {
      try {
        if (await this.#confirm(txid, operation)) return;
        // Only what was pending when this write looked first: others' later changes are theirs to await.
        const pending = await ledger.pending(txid, NAMED_CHANGES + 1);
        awaited ??= pending;
        const still = new Set(pending.map((change) => change.id));
        if (!awaited.some((change) => still.has(change.id))) return;
        const leases = await ledger.leases();
        reading ??= leases;
        if (this.outlived(reading, leases)) return;
      } catch {
        // The ledger does not answer; what is left is to wait until every older lease is over.
      }
      await sleep(POLL_MS, undefined, { signal: stop }).catch(() => {});
    }
  }

  async #confirm(txid: string | null, operation: string): Promise<boolean> {
    const lease = this.#options.lease();
    const permit = lease?.permit();
    if (!lease || !permit || typeof permit === 'string') return false;
    const held = () => lease.holds(permit);
    if (txid === null) return this.settleAll(permit, held, operation);
    const changes = await this.#options.ledger.pending(txid, NAMED_CHANGES + 1);
    return this.settle(changes, permit, held, operation);
  }

  /**
   * Whether every lease of an earlier reading has been handed back or is over. A new term of the same instance
   * proves nothing: the lease of the old one may still be in use until its time has passed.
   */
  outlived(reading: RegisteredLease[], now: RegisteredLease[]): boolean {
    const registered = new Set(now.map((lease) => lease.instance));
    for (const lease of [...reading, ...now]) {
      if (!this.#firstSeen.has(lease.term)) this.#firstSeen.set(lease.term, performance.now());
    }
    if (this.#firstSeen.size > 1_000) this.#forget();
    return reading.every((lease) => {
      if (!registered.has(lease.instance)) return true;
      return performance.now() - (this.#firstSeen.get(lease.term) ?? Number.POSITIVE_INFINITY) >= OUTLIVED_MS;
    });
  }

  #forget(): void {
    const old = performance.now() - 60_000;
    for (const [term, seenMs] of this.#firstSeen) if (seenMs < old) this.#firstSeen.delete(term);
  }

  // UNLINK is repeatable and needs no order, works when Redis is full, and an eviction is only one more of it.
  async #unlink({ session, epoch }: Permit, tags: string[]): Promise<string[] | null> {
    const { keys } = this.#options;
    try {
      const replies = await session.send([
        ['UNLINK', ...tags.map((tag) => keys.fence(epoch, tag))],
        ...tags.map((tag): Command => ['SPOP', keys.index(epoch, tag), FREED_ENTRIES]),
      ]);
      if (replies[0]?.[0] !== null) return null;
      return replies.slice(1).flatMap(([, members]) => (Array.isArray(members) ? (members as string[]) : []));
    } catch {
      return null;
    }
  }

  // No set names the entries of `*`: they are looked for, a thousand keys at a time.
  async #freeAll({ session, epoch }: Permit): Promise<void> {
    let cursor = '0';
    do {
      const [reply] = await session.send([
        ['SCAN', cursor, 'MATCH', this.#options.keys.entries(epoch), 'COUNT', FREED_ENTRIES],
      ]);
      const [next, keys] = (reply?.[1] ?? ['0', []]) as [string, string[]];
      this.#free(session, keys);
      cursor = next;
    } while (cursor !== '0');
  }

  // The entries are out of service already; this frees their memory, and nobody waits for it.
  #free(session: Session, entries: string[]): void {
    if (entries.length === 0 || session.ended) return;
    session.send([['UNLINK', ...new Set(entries)]]).catch(() => {});
  }
}
