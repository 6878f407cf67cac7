import type { InstanceState, MinutePoint, PublishedInstance } from './board.ts';
import { addTallies, counters, hitRate, merged, quantile, type Tallies, type Tally } from './tally.ts';
import type { CacheStatistics, InstanceStatistics, ReadStatistics } from './types.ts';

const WINDOW_MINUTES = 5;
const HISTORY_MINUTES = 60;

export interface DeclaredRead {
  name: string;
  ttlSeconds: number;
  /** Kinds of tags that this instance's answers have depended on so far: `artifact:…`. */
  tags: ReadonlySet<string>;
}

/** What the server says of itself; null where it did not answer. */
export interface RedisFacts {
  version: string;
  latencyMs: number;
  usedMemoryBytes: number;
  maxMemoryBytes: number;
  evictedKeys: number;
  uptimeSeconds: number;
  keys: number;
}

export interface StatisticsInput {
  self: PublishedInstance;
  others: PublishedInstance[];
  minutes: MinutePoint[];
  reads: DeclaredRead[];
  redis: { address: string; facts: RedisFacts | null } | null;
  pending: { changes: number; oldestSeconds: number | null };
  nowMs: number;
}

/** Adds up what all running instances have published. */
export function buildStatistics(input: StatisticsInput): CacheStatistics {
  const { self, others, minutes, redis } = input;
  const instances = [self, ...others];
  const all: Tallies = {};
  for (const instance of instances) addTallies(all, instance.tallies);
  const total = counters(Object.values(all));
  const invalidations = instances.flatMap((instance) => Object.values(instance.invalidations));
  return {
    state: self.state,
    since: self.since,
    reason: self.reason,
    connected: redis?.facts != null,
    ...total,
    hitRate: hitRate(total),
    invalidations: sum(invalidations),
    errors: sum(instances.map((instance) => instance.errors)),
    totalKeys: redis?.facts?.keys ?? null,
    memoryUsed: redis?.facts?.usedMemoryBytes ?? null,
    evictions: redis?.facts?.evictedKeys ?? null,
    uptimeSeconds: uptime(self, input.nowMs),
    staleReads: {
      sampled: sum(instances.map((instance) => instance.staleReads.sampled)),
      found: sum(instances.map((instance) => instance.staleReads.found)),
    },
    pending: input.pending,
    epoch: self.epoch,
    redis: redis && {
      mode: 'single',
      version: redis.facts?.version ?? null,
      address: redis.address,
      latencyMs: redis.facts?.latencyMs ?? null,
      usedMemoryBytes: redis.facts?.usedMemoryBytes ?? null,
      maxMemoryBytes: redis.facts?.maxMemoryBytes ?? null,
      evictedKeys: redis.facts?.evictedKeys ?? null,
      uptimeSeconds: redis.facts?.uptimeSeconds ?? null,
    },
    reads: readStatistics(input.reads, all),
    ...windowAndHistory(input, minutes),
    instances: instances.map((instance) => instanceStatistics(instance, instance === self, input.nowMs)),
  };
}

function readStatistics(reads: DeclaredRead[], tallies: Tallies): Record<string, ReadStatistics> {
  return Object.fromEntries(
    reads.map(({ name, ttlSeconds, tags }) => {
      const tally: Tally = tallies[name] ?? {
        outcomes: { hit: 0, local: 0, collapsed: 0, miss: 0, bypass: 0 },
        redis: {},
        load: {},
      };
      const counted = counters([tally]);
      const statistics = {
        ttl: ttlSeconds,
        tags: [...tags].sort(),
        ...counted,
        hitRate: hitRate(counted),
        loadMs: { p50: quantile(tally.load, 0.5), p99: quantile(tally.load, 0.99) },
        redisMs: { p50: quantile(tally.redis, 0.5), p99: quantile(tally.redis, 0.99) },
      };
      return [name, statistics];
    }),
  );
}

function windowAndHistory(
  input: StatisticsInput,
  minutes: MinutePoint[],
): Pick<CacheStatistics, 'window' | 'history'> {
  const thisMinuteMs = input.nowMs - (input.nowMs % 60_000);
  const points = new Map<number, Omit<MinutePoint, 'minute'>>();
  for (let back = HISTORY_MINUTES - 1; back >= 0; back -= 1)
    points.set(thisMinuteMs - back * 60_000, { tallies: {}, bypass: false, degraded: false });
  for (const { minute, tallies, bypass, degraded } of minutes) {
    const point = points.get(Date.parse(minute));
    if (!point) continue;
    addTallies(point.tallies, tallies);
    point.bypass ||= bypass;
    point.degraded ||= degraded;
  }
  const recent: Tallies = {};
  for (const point of [...points.values()].slice(-WINDOW_MINUTES)) addTallies(recent, point.tallies);
  const counted = counters(Object.values(recent));
  return {
    window: {
      seconds: (WINDOW_MINUTES - 1) * 60 + Math.round((input.nowMs - thisMinuteMs) / 1000),
      ...counted,
      hitRate: hitRate(counted),
      reads: readStatistics(input.reads, recent),
    },
    history: [...points].map(([ms, { tallies, bypass, degraded }]) => {
      const inMinute = counters(Object.values(tallies));
      const redis = merged(tallies, 'redis');
      return {
        minute: new Date(ms).toISOString(),
        ...inMinute,
        hitRate: hitRate(inMinute),
        loadMsP99: quantile(merged(tallies, 'load'), 0.99),
        redisMsP50: quantile(redis, 0.5),
        redisMsP99: quantile(redis, 0.99),
        bypass,
        degraded,
      };
    }),
  };
}

function instanceStatistics(instance: PublishedInstance, self: boolean, nowMs: number): InstanceStatistics {
  const counted = counters(Object.values(instance.tallies));
  const {
    version,
    startedAt,
    seenAt,
    state,
    reason,
    leaseAgeMs,
    epoch,
    localBytes,
    localEntries,
  }: InstanceState & PublishedInstance = instance;
  return {
    id: instance.instance,
    self,
    version,
    startedAt,
    seenAt,
    uptimeSeconds: uptime(instance, nowMs),
    state,
    reason,
    leaseAgeMs,
    epoch,
    ...counted,
    hitRate: hitRate(counted),
    localBytes,
    localEntries,
  };
}

function uptime(instance: PublishedInstance, nowMs: number): number {
  return Math.max(0, Math.round((nowMs - Date.parse(instance.startedAt)) / 1000));
}

function sum(values: number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
