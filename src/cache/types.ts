/**
 * What the cache is to the rest of the program, and what it needs of it. This folder knows nothing of scans, SQL
 * or HTTP.
 */

/** Every request has exactly one. `local` is a hit answered from this process's memory. */
export type Outcome = 'hit' | 'local' | 'collapsed' | 'miss' | 'bypass';

/** Why the cache is not used; part of `Cache-Status` and of the statistics. */
export type BypassReason =
  | 'redis-unreachable'
  | 'redis-slow'
  | 'redis-other-server'
  | 'redis-read-only'
  | 'no-lease'
  | 'off';

/** A cached read, declared once. `Params` must be plain data; `Source` is what the snapshot of a load is read from. */
export interface ReadPolicy<Params, Source> {
  /** Name in statistics, metrics and the log: `scan-results`, … */
  name: string;
  ttlSeconds: number;
  /** Equal for equal questions; becomes part of the Redis key (hashed when long). */
  key(params: Params): string;
  /** What an answer depends on, as a function of the parameters alone. `*` is always added. */
  tags(params: Params): string[];
  /** Computes the answer from one snapshot, which the cache begins. Null: there is none (never stored). */
  load(source: Source, params: Params): Promise<unknown>;
}

/** An encoded answer; encoded once, when it is loaded. */
export interface Entry {
  /** Weak, with quotes: `W/"…"`. */
  readonly etag: string;
  readonly gzip: Buffer;
  /** Size of the JSON text in bytes. */
  readonly jsonBytes: number;
  /** The JSON text; inflated when asked for where only the compressed form is held. */
  json(): Buffer;
}

export interface Answer {
  /** Null where the loader found nothing. */
  entry: Entry | null;
  outcome: Outcome;
  /** Whether a miss was stored. */
  stored: boolean;
  /** Remaining life of a hit in seconds. */
  ttlSeconds: number | null;
  /** Set when bypassed. */
  reason: BypassReason | null;
}

export interface CachedRead<Params> {
  (params: Params): Promise<Answer>;
  /** Works out key and tags now. @returns the read of these parameters, to be called as often as it is asked for */
  prepare(params: Params): () => Promise<Answer>;
}

export interface Cache<Source> {
  /** Declares a read. @returns the function that answers it. */
  define<Params>(policy: ReadPolicy<Params, Source>): CachedRead<Params>;
  /**
   * What a writer awaits after its COMMIT: resolved once no instance can serve an answer older than it.
   * @param txid of the transaction, or null when it changed nothing (it then vouches for all that is pending).
   * @param operation for the log line: `scan-results.create`, …
   */
  settled(txid: string | null, operation: string): Promise<void>;
  /** Puts everything out of service. Resolved once no instance can serve an older entry. */
  clear(by: string): Promise<void>;
  health(): CacheHealth;
  /** Over all running instances. */
  statistics(): Promise<CacheStatistics>;
  /** The newest first, over all instances, at most 500. */
  events(): Promise<CacheEvent[]>;
  /** For the metrics endpoint: this process alone. */
  metrics(): CacheMetrics;
  /** Waits for the first lease, but never longer than `timeoutMs`. */
  ready(timeoutMs: number): Promise<void>;
  /** Hands back the lease and closes the connection to Redis. */
  close(): Promise<void>;
}

export interface CacheHealth {
  status: 'ok' | 'degraded' | 'off';
  redis: 'connected' | 'unreachable' | 'off';
  latencyMs: number | null;
}

export interface Counters {
  hits: number;
  localHits: number;
  collapsed: number;
  misses: number;
  bypasses: number;
}

export interface ReadStatistics extends Counters {
  ttl: number;
  /** Kinds of tags that answers have depended on so far: `artifacts`, `artifact:…`. */
  tags: string[];
  hitRate: number | null;
  loadMs: { p50: number | null; p99: number | null };
  redisMs: { p50: number | null; p99: number | null };
}

/** Over all running instances since each started; `hits` include local ones, `misses` collapsed ones. */
export interface CacheStatistics extends Counters {
  state: 'active' | 'bypass' | 'off';
  since: string;
  reason: BypassReason | null;
  connected: boolean;
  hitRate: number | null;
  invalidations: number;
  errors: number;
  totalKeys: number | null;
  memoryUsed: number | null;
  evictions: number | null;
  uptimeSeconds: number;
  staleReads: { sampled: number; found: number };
  pending: { changes: number; oldestSeconds: number | null };
  epoch: number | null;
  redis: {
    mode: 'single' | 'cluster' | 'sentinel';
    version: string | null;
    address: string | null;
    latencyMs: number | null;
    usedMemoryBytes: number | null;
    maxMemoryBytes: number | null;
    evictedKeys: number | null;
    uptimeSeconds: number | null;
  } | null;
  reads: Record<string, ReadStatistics>;
  window: Counters & { seconds: number; hitRate: number | null; reads: Record<string, ReadStatistics> };
  /** 60 points of a minute, the oldest first. */
  history: (Counters & {
    minute: string;
    hitRate: number | null;
    loadMsP99: number | null;
    redisMsP50: number | null;
    redisMsP99: number | null;
    bypass: boolean;
    degraded: boolean;
  })[];
  instances: InstanceStatistics[];
}

export interface InstanceStatistics extends Counters {
  id: string;
  self: boolean;
  version: string;
  startedAt: string;
  seenAt: string;
  uptimeSeconds: number;
  state: 'active' | 'bypass' | 'off';
  reason: BypassReason | null;
  leaseAgeMs: number | null;
  epoch: number | null;
  hitRate: number | null;
  localBytes: number;
  localEntries: number;
}

export interface CacheEvent {
  at: string;
  instance: string;
  kind: 'connection' | 'invalidation' | 'clear' | 'warning' | 'instance';
  /** The log line's `msg`. */
  message: string;
  detail: Record<string, unknown>;
}

export interface CacheMetrics {
  state: 'active' | 'bypass' | 'off';
  /** Null without a lease. */
  epoch: number | null;
  /** Time since the lease was confirmed last; null without one. */
  leaseAgeMs: number | null;
  requests: { read: string; outcome: Outcome; count: number }[];
  invalidations: { cause: string; count: number }[];
  staleReads: number;
}

/** Where the cache logs: pino's signature. */
export interface Log {
  debug(fields: object, message: string): void;
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}
