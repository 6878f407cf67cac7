import { randomUUID } from 'node:crypto';
import { claim, dropBacklog, prove } from './authority.ts';
import type { Board } from './board.ts';
import { repeat } from './clock.ts';
import { Entries } from './entries.ts';
import { Fences } from './fences.ts';
import { Keys } from './keys.ts';
import { Lease } from './lease.ts';
import { ALL, type Ledger } from './ledger.ts';
import { Loads } from './loads.ts';
import { answer, type Question, type ReadParts } from './read.ts';
import { Recorder } from './recorder.ts';
import { clearSource, reportInvalidation, reportPerformance } from './reports.ts';
import { sampler } from './sampler.ts';
import { Settle } from './settle.ts';
import { Telemetry } from './telemetry.ts';
import type {
  Cache,
  CachedRead,
  CacheEvent,
  CacheHealth,
  CacheMetrics,
  CacheStatistics,
  Log,
  Outcome,
  ReadPolicy,
} from './types.ts';
import { Warnings } from './warnings.ts';

const TICK_MS = 250;
const WARN_MS = 1_000;
const FACTS_MS = 5_000;
const REPORT_MS = 60_000;
const BACKLOG = 10_000;
const BACKLOG_CHECK_MS = 10_000;

export interface CacheOptions<Source> {
  /** Null switches the cache off: every read is loaded. */
  redisUrl: string | null;
  namespace: string;
  /** Random id of the installation: part of every key. */
  installation: string;
  /** Source (application_name) of this program's own changes; all others are external. */
  ownSource: string;
  version: string;
  deadlineMs: number;
  localBytes: number;
  hitRateFloor: number;
  ledger: Ledger;
  board: Board;
  log: Log;
  /** Runs `work` on one snapshot, begun by the call, on the primary. */
  snapshot<T>(work: (source: Source) => Promise<T>): Promise<T>;
  /** Tags of the changes that are pending in a snapshot. */
  pendingTags(source: Source): Promise<string[]>;
}

/** Builds the consistent cache; it connects by itself, and nobody waits for it. See README.md in this folder. */
export function createCache<Source>(options: CacheOptions<Source>): Cache<Source> {
  return new ConsistentCache(options);
}

/** Puts the parts together; what each does is in its own file. */
class ConsistentCache<Source> implements Cache<Source> {
  readonly #options: CacheOptions<Source>;
  readonly #instance = randomUUID();
  readonly #recorder = new Recorder(this.#instance);
  readonly #keys: Keys;
  readonly #settle: Settle;
  readonly #lease: Lease | null;
  readonly #parts: ReadParts;
  readonly #warnings: Warnings;
  readonly #telemetry: Telemetry;
  readonly #stops: (() => void)[];

  constructor(options: CacheOptions<Source>) {
    const { ledger, log, deadlineMs, namespace } = options;
    const recorder = this.#recorder;
    const keys = new Keys(namespace, options.installation);
    this.#keys = keys;
    this.#options = options;
    this.#settle = new Settle({
      ledger,
      keys,
      lease: () => this.#lease,
      invalidated: (changes, operation) => reportInvalidation(changes, operation, { ...options, recorder }),
    });
    this.#lease = options.redisUrl === null ? null : this.#startLease(options.redisUrl);
    const fences = new Fences(keys, deadlineMs);
    this.#parts = {
      lease: this.#lease,
      fences,
      entries: new Entries(keys, options.localBytes, deadlineMs),
      loads: new Loads(),
      deadlineMs,
      count: (read, outcome, redisMs, loadMs) => recorder.count(read, outcome, redisMs, loadMs),
      failed: () => recorder.error(),
      sample: this.#lease ? sampler({ fences, lease: this.#lease, recorder, log }) : () => {},
    };
    this.#telemetry = new Telemetry({
      ...options,
      instance: this.#instance,
      recorder,
      lease: this.#lease,
      entries: this.#parts.entries,
      isDegraded: () => this.#warnings.degraded,
    });
    this.#warnings = new Warnings({
      recorder,
      log,
      hitRateFloor: options.hitRateFloor,
      deadlineMs,
      bypassedSinceMs: () => (this.#telemetry.now().state === 'bypass' ? this.#telemetry.sinceMs : null),
      evictions: () => this.#telemetry.facts.recentEvictions(),
    });
    this.#stops = [
      repeat(TICK_MS, () => this.#tick()),
      repeat(TICK_MS, () => this.#telemetry.publishChanges()),
      repeat(WARN_MS, () => this.#warn()),
      repeat(REPORT_MS, () => this.#report()),
      repeat(BACKLOG_CHECK_MS, () => this.#dropBacklog()),
    ];
    recorder.event('instance', 'instance started', { version: options.version });
  }

  define<Params>(policy: ReadPolicy<Params, Source>): CachedRead<Params> {
    const { snapshot, pendingTags } = this.#options;
    const { name: read, ttlSeconds } = policy;
    const kinds = new Set<string>();
    this.#telemetry.declare({ name: read, ttlSeconds, tags: kinds });
    const keys = this.#keys;
    const prepare = (params: Params) => {
      const key = policy.key(params);
      const tags = policy.tags(params);
      for (const tag of tags) kinds.add(tag.replace(/:.*/, ':…'));
      let known = { epoch: Number.NaN, entryKey: '' };
      const question: Question = {
        read,
        key,
        entryKey(epoch) {
          if (known.epoch !== epoch) known = { epoch, entryKey: keys.entry(epoch, read, key) };
          return known.entryKey;
        },
        ttlMs: ttlSeconds * 1000,
        tags: [ALL, ...tags],
        load: () => snapshot((source) => policy.load(source, params)),
        loadAndPending: () =>
          snapshot(async (source) => ({
            value: await policy.load(source, params),
            pendingTags: await pendingTags(source),
          })),
      };
      return () => answer(this.#parts, question);
    };
    return Object.assign((params: Params) => prepare(params)(), { prepare });
  }

  settled(txid: string | null, operation: string): Promise<void> {
    return this.#settle.settled(txid, operation);
  }

  async clear(by: string): Promise<void> {
    const txid = await this.#options.ledger.record(ALL, clearSource(by));
    this.#parts.entries.clear();
    await this.#settle.settled(txid, 'clear');
  }

  health(): CacheHealth {
    const { state, reason } = this.#telemetry.now();
    if (state === 'off') return { status: 'off', redis: 'off', latencyMs: null };
    const connected = this.#lease?.session != null && reason !== 'redis-unreachable';
    return {
      status: state === 'active' ? 'ok' : 'degraded',
      redis: connected ? 'connected' : 'unreachable',
      latencyMs: connected ? (this.#telemetry.facts.latest?.latencyMs ?? null) : null,
    };
  }

  statistics(): Promise<CacheStatistics> {
    return this.#telemetry.statistics();
  }

  events(): Promise<CacheEvent[]> {
    return this.#telemetry.events();
  }

  metrics(): CacheMetrics {
    const requests = Object.entries(this.#recorder.tallies).flatMap(([read, { outcomes }]) =>
      Object.entries(outcomes).map(([outcome, count]) => ({ read, outcome: outcome as Outcome, count })),
    );
    const invalidations = Object.entries(this.#recorder.invalidations).map(([cause, count]) => ({
      cause,
      count,
    }));
    const { state, epoch } = this.#telemetry.now();
    return {
      state,
      epoch,
      leaseAgeMs: epoch === null ? null : (this.#lease?.ageMs ?? null),
      requests,
      invalidations,
      staleReads: this.#recorder.staleReads.found,
    };
  }

  ready(timeoutMs: number): Promise<void> {
    return this.#lease?.ready(timeoutMs) ?? Promise.resolve();
  }

  async close(): Promise<void> {
    for (const stop of this.#stops) stop();
    await this.#lease?.close();
    this.#recorder.event('instance', 'instance stopped', {});
    await this.#telemetry.publish().catch(() => {});
  }

  #startLease(redisUrl: string): Lease {
    const { namespace, ledger, log } = this.#options;
    const parts = { ledger, settle: this.#settle };
    return new Lease({
      redisUrl,
      namespace,
      instance: this.#instance,
      ledger,
      log,
      prove: (session, stillOurs) => prove(session, stillOurs, parts),
      claim: (session) => claim(session, parts),
      event: (message, detail) => this.#recorder.event('connection', message, detail),
    });
  }

  /** Everyone's changes are settled within a tick, and an idle instance notices a dead or changed server. */
  async #tick(): Promise<void> {
    const lease = this.#lease;
    const permit = lease?.permit();
    await Promise.all([
      lease?.session?.notice(),
      lease && permit && typeof permit !== 'string'
        ? this.#settle.settleAll(permit, () => lease.holds(permit), 'settle')
        : null,
    ]);
  }

  async #warn(): Promise<void> {
    if (this.#lease?.session) await this.#telemetry.facts.refresh(this.#lease.session, FACTS_MS);
    this.#warnings.check();
  }

  async #report(): Promise<void> {
    reportPerformance(this.#recorder, this.#options.log);
    await this.#options.board.sweep();
  }

  async #dropBacklog(): Promise<void> {
    if (this.#lease?.session) return;
    await dropBacklog(BACKLOG, { ledger: this.#options.ledger, settle: this.#settle });
  }
}
