import type { Tallies } from './tally.ts';
import type { BypassReason, CacheEvent } from './types.ts';

/** Where instances tell each other how they fare: kept in the database, for Redis may be away just then. */
export interface Board {
  /** Publishes this instance's state, its current minute and its new events. */
  publish(state: InstanceState, minute: MinutePoint, events: CacheEvent[]): Promise<void>;
  /** Removes what is no longer shown. */
  sweep(): Promise<void>;
  /** Running instances, this one included when it has published. */
  instances(): Promise<PublishedInstance[]>;
  /** Minutes of all instances, those of one minute not yet added up. */
  minutes(since: Date): Promise<MinutePoint[]>;
  /** The newest first. */
  events(limit: number): Promise<CacheEvent[]>;
}

export interface InstanceState {
  instance: string;
  state: 'active' | 'bypass' | 'off';
  reason: BypassReason | null;
  since: string;
  epoch: number | null;
  leaseAgeMs: number | null;
  localBytes: number;
  localEntries: number;
  tallies: Tallies;
  invalidations: Record<string, number>;
  errors: number;
  staleReads: { sampled: number; found: number };
}

export interface PublishedInstance extends InstanceState {
  version: string;
  startedAt: string;
  seenAt: string;
}

export interface MinutePoint {
  /** The minute's beginning. */
  minute: string;
  tallies: Tallies;
  /** Whether any of it was spent in bypass. */
  bypass: boolean;
  /** Whether a warning was on in any of it. */
  degraded: boolean;
}
