/**
 * What the cache needs of the database, which is the only authority over it. Each call is one statement in a
 * transaction of its own, and fails within its own time limit; none is ever repeated or combined with another.
 */
export interface Ledger {
  /**
   * Registers a lease under a new term, or, with `leaseMs` null, only keeps the instance's row alive.
   * The first half of a renewal: the answer is the proof that every later writer will see the term.
   */
  register(registration: { instance: string; term: string; leaseMs: number | null }): Promise<void>;
  /** The second half: whose memory counts, and what is pending (at most `limit` rows, the oldest first). */
  look(limit: number): Promise<Authority & { newestSchema: boolean; changes: Change[] }>;
  /** Gives a lease back, if `term` is still the one registered. */
  handBack(instance: string, term: string): Promise<void>;
  /** Committed changes not yet confirmed: those of one transaction, or all; the oldest first. */
  pending(txid: string | null, limit: number): Promise<Change[]>;
  /** Deletes confirmed changes. @returns those that this call deleted, and nobody else. */
  confirmed(ids: number[]): Promise<Change[]>;
  /** Leases that may be in use: registered, not handed back, and not over for 10 s by the database's clock. */
  leases(): Promise<RegisteredLease[]>;
  /** Makes `identity` the memory that counts, under the next epoch, unsettled. False when the epoch is no longer `seen`. */
  takeAuthority(seen: number, identity: string | null): Promise<boolean>;
  /** Lets instances use the epoch: no lease of an earlier one is left. */
  settleAuthority(epoch: number): Promise<void>;
  /** Records a change of tags by hand: the tag `*` clears. @returns the transaction's id. */
  record(tag: string, source: string): Promise<string>;
}

export interface RegisteredLease {
  instance: string;
  term: string;
  /** By the database's clock; negative when it is over. */
  remainingMs: number;
}

export interface Authority {
  epoch: number;
  /** Null: no memory counts. */
  identity: string | null;
  settled: boolean;
}

export interface Change {
  id: number;
  tag: string;
  /** The application_name of the connection that made it. */
  source: string;
  ageMs: number;
}

/** The tag that every read depends on. */
export const ALL = '*';
