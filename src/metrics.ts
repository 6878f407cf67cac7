import { setTimeout as sleep } from 'node:timers/promises';
import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client';
import type { Answer, Cache } from './cache/types.ts';
import type { FindingCount } from './db/gauges.ts';
import type { Database, Db } from './db/pool.ts';
import { type Reads, today } from './reads.ts';
import type { Summary } from './schemas.ts';

const SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];
const REDIS_SECONDS = [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1];
/** What is vulnerable is counted anew this often at most. */
const CONTENT_MS = 10_000;
/** A scrape does not wait longer for that: Prometheus itself gives up after 10 s. */
const CONTENT_WAIT_MS = 2_000;
const STATES = ['active', 'bypass', 'off'] as const;

export type Metrics = ReturnType<typeof createMetrics>;

/** What the program measures by itself, and Node's own metrics, in a registry of their own. */
export function createMetrics(version: string) {
  const registry = new Registry();
  const registers = [registry];
  collectDefaultMetrics({ register: registry });

  const build = { name: 'trivet_build_info', help: 'The running version', labelNames: ['version', 'node'] };
  new Gauge({ ...build, registers }).set({ version, node: process.version }, 1);
  const http = new Histogram({
    name: 'http_request_duration_seconds',
    help: 'From the arrival of a request to the end of its answer',
    labelNames: ['route', 'method', 'status'],
    buckets: SECONDS,
    registers,
  });
  const redis = new Histogram({
    name: 'trivet_cache_redis_seconds',
    help: 'What hits waited for Redis',
    buckets: REDIS_SECONDS,
    registers,
  });
  const load = new Histogram({
    name: 'trivet_cache_load_seconds',
    help: 'What it took to compute an answer',
    labelNames: ['read'],
    buckets: SECONDS,
    registers,
  });
  const confirm = new Histogram({
    name: 'trivet_write_confirm_seconds',
    help: 'From a commit until no instance can serve an older answer',
    buckets: SECONDS,
    registers,
  });
  const uploads = new Counter({
    name: 'trivet_uploads_total',
    help: 'Uploads by outcome, and by the code of a refusal',
    labelNames: ['outcome', 'code'],
    registers,
  });
  const uploadSeconds = new Histogram({
    name: 'trivet_upload_seconds',
    help: 'From the arrival of an upload to its answer',
    buckets: [...SECONDS, 30, 60],
    registers,
  });
  const lastUpload = new Gauge({
    name: 'trivet_last_upload_timestamp_seconds',
    help: 'When this instance last stored a report',
    registers,
  });

  return {
    registry,
    onRequest(route: string, method: string, status: number, ms: number): void {
      http.observe({ route, method, status }, ms / 1000);
    },
    onAnswer(_read: string, outcome: Answer['outcome'], ms: number): void {
      if (outcome === 'hit' || outcome === 'local') redis.observe(ms / 1000);
    },
    onLoad(read: string, ms: number): void {
      load.observe({ read }, ms / 1000);
    },
    onConfirm(ms: number): void {
      confirm.observe(ms / 1000);
    },
    /** @param code of a refusal; empty where there is none */
    onUpload(outcome: string, code: string, ms: number): void {
      uploads.inc({ outcome, code });
      uploadSeconds.observe(ms / 1000);
      if (outcome === 'stored') lastUpload.setToCurrentTime();
    },
  };
}

/** Adds what is read when the metrics are asked for. */
export function watch(
  registry: Registry,
  sources: { cache: Cache<Db>; database: Database; reads: Reads },
): void {
  watchCache(registry, sources.cache);
  watchContents(registry, sources.reads);
  const help = 'Connections to PostgreSQL';
  new Gauge({
    name: 'trivet_db_pool',
    help,
    labelNames: ['state'],
    registers: [registry],
    collect() {
      const { total, idle, waiting } = sources.database.counts();
      this.set({ state: 'busy' }, total - idle);
      this.set({ state: 'idle' }, idle);
      this.set({ state: 'waiting' }, waiting);
    },
  });
}

function watchCache(registry: Registry, cache: Cache<Db>): void {
  const registers = [registry];
  new Counter({
    name: 'trivet_cache_requests_total',
    help: 'Cached reads by outcome',
    labelNames: ['read', 'outcome'],
    registers,
    collect() {
      this.reset();
      for (const { read, outcome, count } of cache.metrics().requests) this.inc({ read, outcome }, count);
    },
  });
  new Gauge({
    name: 'trivet_cache_state',
    help: '1 for the state that the cache is in',
    labelNames: ['state'],
    registers,
    collect() {
      const current = cache.metrics().state;
      for (const state of STATES) this.set({ state }, state === current ? 1 : 0);
    },
  });
  const whileLeased = (name: string, help: string, value: () => number | null) =>
    new Gauge({
      name,
      help,
      registers,
      collect() {
        const now = value();
        if (now === null) this.remove();
        else this.set(now);
      },
    });
  whileLeased(
    'trivet_cache_epoch',
    'Number of the Redis memory that counts; absent without a lease',
    () => cache.metrics().epoch,
  );
  whileLeased('trivet_cache_lease_age_seconds', 'Since the lease was confirmed; absent without one', () => {
    const { leaseAgeMs } = cache.metrics();
    return leaseAgeMs === null ? null : leaseAgeMs / 1000;
  });
  new Counter({
    name: 'trivet_cache_invalidations_total',
    help: 'Confirmed invalidations by cause',
    labelNames: ['cause'],
    registers,
    collect() {
      this.reset();
      for (const { cause, count } of cache.metrics().invalidations) this.inc({ cause }, count);
    },
  });
  const statistics = shared(() => cache.statistics());
  new Gauge({
    name: 'trivet_cache_pending_invalidations',
    help: 'Changes that are committed and not yet confirmed invalid',
    registers,
    async collect() {
      this.set((await statistics()).pending.changes);
    },
  });
  new Gauge({
    name: 'trivet_cache_oldest_pending_seconds',
    help: 'Age of the oldest of them',
    registers,
    async collect() {
      this.set((await statistics()).pending.oldestSeconds ?? 0);
    },
  });
  new Counter({
    name: 'trivet_cache_stale_reads_total',
    help: 'Sampled hits that were older than a confirmed change: has to be 0',
    registers,
    collect() {
      this.reset();
      this.inc(cache.metrics().staleReads);
    },
  });
}

/** What is vulnerable, from the summary, which is cached. Missing while PostgreSQL cannot be reached. */
function watchContents(registry: Registry, reads: Reads): void {
  const registers = [registry];
  const summary = shared(() => contentOf<Summary>(reads.summary({ day: today() })), CONTENT_MS);
  const findings = shared(() => contentOf<FindingCount[]>(reads.findingCounts({})), CONTENT_MS);
  new Gauge({
    name: 'trivet_findings',
    help: 'Vulnerability findings that are present now',
    labelNames: ['severity', 'fixable'],
    registers,
    async collect() {
      this.reset();
      for (const { severity, fixable, count } of (await findings()) ?? []) {
        this.set({ severity: severity.toLowerCase(), fixable: String(fixable) }, count);
      }
    },
  });
  new Gauge({
    name: 'trivet_vulnerabilities',
    help: 'Distinct vulnerabilities that are present now, by their highest severity',
    labelNames: ['severity'],
    registers,
    async collect() {
      this.reset();
      const counts = await summary();
      if (!counts) return;
      for (const [severity, count] of Object.entries(counts.vulnerabilities)) this.set({ severity }, count);
    },
  });
  new Gauge({
    name: 'trivet_artifacts',
    help: 'Artifacts that are scanned, and those of which nothing came for long',
    labelNames: ['state'],
    registers,
    async collect() {
      this.reset();
      const counts = await summary();
      if (!counts) return;
      this.set({ state: 'live' }, counts.artifacts.live);
      this.set({ state: 'stale' }, counts.artifacts.stale);
    },
  });
}

/** What a cached answer says; null where PostgreSQL is away, for then metrics are wanted most. */
async function contentOf<T>(answered: Promise<Answer>): Promise<T | null> {
  try {
    const answer = await Promise.race([answered, sleep(CONTENT_WAIT_MS, null, { ref: false })]);
    if (answer === null) return null;
    const { entry } = answer;
    return entry === null ? null : JSON.parse(entry.json().toString());
  } catch {
    return null;
  }
}

/**
 * One scrape asks once: who asks while an answer is under way shares it.
 * @param keepMs how long an answer is good for
 */
function shared<T>(ask: () => Promise<T>, keepMs = 0): () => Promise<T> {
  let asked: Promise<T> | null = null;
  let askedMs = 0;
  let isUnderWay = false;
  return () => {
    const isFresh = isUnderWay || performance.now() - askedMs < keepMs;
    if (asked === null || !isFresh) {
      askedMs = performance.now();
      isUnderWay = true;
      asked = ask().finally(() => {
        isUnderWay = false;
      });
    }
    return asked;
  };
}
