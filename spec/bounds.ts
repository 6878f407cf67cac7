import type { Two } from './state.ts';

/**
 * How much may happen. Reads, renewals, ticks, hand-backs and lost answers are never limited: each may
 * happen any number of times.
 */
export interface Bounds {
  readonly writes: 0 | 1 | 2;
  readonly faults: 0 | 1 | 2;
  /** Tags of the one entry; a write touches any of them. */
  readonly tags: 1 | 2;
  /** Reads at work at once. */
  readonly readers: 1 | 2;
  /** The instance of each read: both at instance 1, or the first at the one that writes. */
  readonly homes: readonly [Two, Two];
  /** Which instances renew their leases, and which tick. */
  readonly renewals: readonly Two[];
  readonly ticks: readonly Two[];
  readonly resend: boolean;
  /** Someone may drop the backlog, as long as epochs last. */
  readonly drop: boolean;
  readonly start: Start;
  /** Merge states that differ in nothing that matters (normalise.ts). Without, a run takes 60 times the states. */
  readonly merge: boolean;
}

/**
 * - `warm`: epoch 1 is settled on memory 0, both instances hold a lease, an entry and a local copy are there.
 * - `moved`: instance 1 has moved on to memory 1 under epoch 2; instance 0 still talks to memory 0, its lease
 *   of epoch 1 is over.
 * - `strange`: both instances are connected to memory 1 and hold no lease; memory 0 counts.
 * In each the other memory remembers what memory 0 held at first, as an old dump or a replica does.
 */
type Start = 'warm' | 'moved' | 'strange';
