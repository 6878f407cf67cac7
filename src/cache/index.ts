import { randomUUID } from 'node:crypto';
import { claim, dropBacklog, prove } from './authority.ts';
import type { Board, InstanceState } from './board.ts';
import { repeat } from './clock.ts';
import { Entries } from './entries.ts';
import { Fences } from './fences.ts';
import { Keys } from './keys.ts';
import { address, Lease } from './lease.ts';
import { ALL, type Change, type Ledger } from './ledger.ts';
import { Loads } from './loads.ts';
import { answer, type Question, type ReadParts } from './read.ts';
import { Recorder } from './recorder.ts';
import { sampler } from './sampler.ts';
import { ServerFacts } from './server_facts.ts';
import { Settle } from './settle.ts';
import { buildStatistics, type DeclaredRead } from './statistics.ts';
import { counters, hitRate, merged, quantile } from './tally.ts';
import type { BypassReason, Cache, CacheHealth, CacheStatistics, Log, Outcome } from './types.ts';
import { Warnings } from './warnings.ts';

const TICK_MS = 250;
const IDLE_PUBLISH_MS = 1_000;
const WARN_MS = 1_000;
const REPORT_MS = 60_000;
const BACKLOG = 10_000;
const BACKLOG_CHECK_MS = 10_000;
const EVENTS = 500;
const NAMED_TAGS = 20;
/** The source of a change that clears: `clear <by>`. */
const CLEAR_SOURCE = 'clear';

export interface CacheOptions<Source> {
  /** Null switches the cache off: every read is loaded, every write answered after COMMIT. */
  redisUrl: string | null;
  namespace: string;
  /** Random id of the installation: part of every key. */
  installation: string;
  /** Sources (application_name) of this program's own changes; all others are external. */
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
  const { ledger, board, log } = options;
  const instance = randomUUID();
  const startedAt = new Date().toISOString();
  const recorder = new Recorder(instance);
  const keys = new Keys(options.namespace, options.installation);
  const reads: DeclaredRead[] = [];
  const published = { what: '', atMs: 0 };
  const context = {
    since: new Date().toISOString(),
    sinceMs: performance.now(),
    state: '' as InstanceState['state'],
  };

  const settle = new Settle({
    ledger,
    keys,
    lease: () => lease,
    invalidated: (changes, operation) => reportInvalidation(changes, operation, options, recorder),
  });
  const lease =
    options.redisUrl === null
      ? null
      : new Lease({
          redisUrl: options.redisUrl,
          namespace: options.namespace,
          instance,
          ledger,
          log,
          prove: (session, stillOurs) => prove(session, stillOurs, { ledger, settle }),
          claim: (session) => claim(session, { ledger, settle }),
          event: (kind, message, detail) => recorder.event(kind, message, detail),
        });
  const facts = new ServerFacts();
  const fences = new Fences(keys, options.deadlineMs);
  const parts: ReadParts = {
    lease,
    fences,
    entries: new Entries(keys, options.localBytes, options.deadlineMs),
    loads: new Loads(),
    keys,
    deadlineMs: options.deadlineMs,
    count: (read: string, outcome: Outcome, redisMs, loadMs) =>
      recorder.count(read, outcome, redisMs, loadMs),
    failed: () => recorder.error(),
    sample: lease === null ? () => {} : sampler({ fences, lease, recorder, log }),
  };

  const stops = [repeat(BACKLOG_CHECK_MS, () => backlog())];
  if (lease) stops.push(repeat(TICK_MS, () => tick(lease, settle)));
  const warnings = new Warnings({
    recorder,
    log,
    hitRateFloor: options.hitRateFloor,
    deadlineMs: options.deadlineMs,
    bypassedSinceMs: () => (stateNow().state === 'bypass' ? context.sinceMs : null),
    evictions: () => facts.recentEvictions(),
  });
  stops.push(
    repeat(TICK_MS, publishChanges),
    repeat(WARN_MS, async () => {
      if (lease?.session) await facts.refresh(lease.session, 5_000);
      warnings.check();
    }),
    repeat(REPORT_MS, async () => {
      reportPerformance(recorder, log);
      await board.sweep();
    }),
  );
  recorder.event('instance', 'instance started', { version: options.version });

  async function backlog(): Promise<void> {
    if (!lease?.session) await dropBacklog(BACKLOG, { ledger, settle });
  }

  function stateNow(): { state: InstanceState['state']; reason: BypassReason | null; epoch: number | null } {
    const permit = lease === null ? 'off' : lease.permit();
    const reason = typeof permit === 'string' ? permit : null;
    const state = reason === null ? 'active' : reason === 'off' ? 'off' : 'bypass';
    if (state !== context.state) {
      context.state = state;
      context.since = new Date().toISOString();
      context.sinceMs = performance.now();
    }
    return { state, reason, epoch: typeof permit === 'string' ? null : permit.epoch };
  }

  function ownState(): InstanceState {
    const now = stateNow();
    return {
      instance,
      ...now,
      since: context.since,
      leaseAgeMs: lease?.ageMs == null ? null : Math.round(lease.ageMs),
      localBytes: parts.entries.localBytes,
      localEntries: parts.entries.localCount,
      tallies: recorder.tallies,
      invalidations: recorder.invalidations,
      errors: recorder.errors,
      staleReads: recorder.staleReads,
    };
  }

  // An idle instance says once a second that it is there; a busy one publishes at every tick.
  async function publishChanges(): Promise<void> {
    const now = `${recorder.requests} ${stateNow().state}`;
    if (now === published.what && performance.now() - published.atMs < IDLE_PUBLISH_MS) return;
    await publish();
    Object.assign(published, { what: now, atMs: performance.now() });
  }

  async function publish(): Promise<void> {
    const state = ownState();
    const minute = recorder.minute();
    minute.bypass ||= state.state === 'bypass';
    const events = recorder.takeEvents();
    try {
      await board.publish(state, minute, events);
    } catch (error) {
      recorder.keep(events);
      throw error;
    }
  }

  async function statistics(): Promise<CacheStatistics> {
    // Where the database is away, this instance speaks for itself.
    await publish().catch(() => {});
    const nowMs = Date.now();
    const [instances, minutes, pending, redisFacts] = await Promise.all([
      board.instances().catch(() => []),
      board.minutes(new Date(nowMs - 3_600_000)).catch(() => [recorder.minute()]),
      ledger.pending(null, BACKLOG).catch(() => []),
      lease?.session ? facts.refresh(lease.session, 0) : null,
    ]);
    return buildStatistics({
      self: { ...ownState(), version: options.version, startedAt, seenAt: new Date(nowMs).toISOString() },
      others: instances.filter((other) => other.instance !== instance),
      minutes,
      reads,
      redis: options.redisUrl === null ? null : { address: address(options.redisUrl), facts: redisFacts },
      pending: { changes: pending.length, oldestSeconds: pending[0] ? pending[0].ageMs / 1000 : null },
      nowMs,
    });
  }

  return {
    define(policy) {
      reads.push({ name: policy.name, ttlSeconds: policy.ttlSeconds });
      const ttlMs = policy.ttlSeconds * 1000;
      return (params) => {
        const question: Question = {
          read: policy.name,
          key: policy.key(params),
          ttlMs,
          tags: policy.tags(params),
          load: () => options.snapshot((source) => policy.load(source, params)),
          loadAndPending: () =>
            options.snapshot(async (source) => ({
              value: await policy.load(source, params),
              pendingTags: await options.pendingTags(source),
            })),
        };
        return answer(parts, question);
      };
    },
    settled: (txid, operation) => settle.settled(txid, operation),
    async clear(by) {
      const txid = await ledger.record(ALL, `${CLEAR_SOURCE} ${by}`);
      parts.entries.clear();
      await settle.settled(txid, 'clear');
    },
    health(): CacheHealth {
      const { state, reason } = stateNow();
      if (state === 'off') return { status: 'off', redis: 'off', latencyMs: null };
      const connected = lease?.session != null && reason !== 'redis-unreachable';
      return {
        status: state === 'active' ? 'ok' : 'degraded',
        redis: connected ? 'connected' : 'unreachable',
        latencyMs: connected ? (facts.latest?.latencyMs ?? null) : null,
      };
    },
    statistics,
    async events() {
      await publish().catch(() => {});
      return board.events(EVENTS);
    },
    metrics() {
      const requests = Object.entries(recorder.tallies).flatMap(([read, { outcomes }]) =>
        Object.entries(outcomes).map(([outcome, count]) => ({ read, outcome: outcome as Outcome, count })),
      );
      const invalidations = Object.entries(recorder.invalidations).map(([cause, count]) => ({
        cause,
        count,
      }));
      return { state: stateNow().state, requests, invalidations, staleReads: recorder.staleReads.found };
    },
    ready: (timeoutMs) => lease?.ready(timeoutMs) ?? Promise.resolve(),
    async close() {
      for (const stop of stops) stop();
      await lease?.close();
      recorder.event('instance', 'instance stopped', {});
      await publish().catch(() => {});
    },
  };
}

/** Everyone's changes are settled within a tick, and an idle instance notices a dead server. */
async function tick(lease: Lease, settle: Settle): Promise<void> {
  const { session } = lease;
  const permit = lease.permit();
  await Promise.all([
    session?.send((pipeline) => pipeline.ping()),
    typeof permit === 'string' ? null : settle.settleAll(permit, () => lease.holds(permit), 'settle'),
  ]);
}

function reportInvalidation(
  changes: Change[],
  operation: string,
  { ownSource, log }: { ownSource: string; log: Log },
  recorder: Recorder,
): void {
  const causeOf = (source: string) =>
    source === ownSource ? 'write' : source.startsWith(`${CLEAR_SOURCE} `) ? 'clear' : 'external';
  for (const cause of ['write', 'external', 'clear']) {
    const caused = changes.filter((change) => causeOf(change.source) === cause);
    const [first] = caused;
    if (!first) continue;
    const tags = [...new Set(caused.map((change) => change.tag))];
    recorder.invalidations[cause] = (recorder.invalidations[cause] ?? 0) + 1;
    const detail = {
      operation,
      tags: tags.slice(0, NAMED_TAGS),
      cause,
      ms: Math.round(Math.max(...caused.map((change) => change.ageMs)) * 10) / 10,
    };
    log.info(detail, 'cache invalidated');
    recorder.event('invalidation', 'cache invalidated', detail);
    if (cause === 'clear') {
      const by = first.source.slice(CLEAR_SOURCE.length + 1);
      log.info({ operation: 'clear', by }, 'cache cleared');
      recorder.event('clear', 'cache cleared', { by });
    }
  }
}

function reportPerformance(recorder: Recorder, log: Log): void {
  for (const [read, tally] of Object.entries(recorder.takeReport())) {
    const counted = counters([tally]);
    const tallies = { [read]: tally };
    log.info(
      {
        operation: read,
        hits: counted.hits,
        localHits: counted.localHits,
        misses: counted.misses,
        bypasses: counted.bypasses,
        hitRate: hitRate(counted),
        loadMsP99: quantile(merged(tallies, 'load'), 0.99),
        redisMsP99: quantile(merged(tallies, 'redis'), 0.99),
      },
      'cache performance',
    );
  }
}
