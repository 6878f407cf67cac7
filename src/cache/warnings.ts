import type { Recorder } from './recorder.ts';
import { counters, hitRate, merged, quantile } from './tally.ts';
import type { Log } from './types.ts';

const HIT_RATE_WINDOW_MS = 300_000;
const HIT_RATE_READS = 100;
const SHORT_WINDOW_MS = 30_000;
const SHORT_WINDOW_READS = 20;
const ERROR_SHARE = 0.01;
const BYPASS_MS = 10_000;

export interface WarningOptions {
  recorder: Recorder;
  log: Log;
  /** Below it, hits are too rare. */
  hitRateFloor: number;
  deadlineMs: number;
  /** Since when the cache is bypassed, on the monotonic clock; null while it is active. */
  bypassedSinceMs(): number | null;
  /** Keys that Redis has evicted in the last 30 s. */
  evictions(): number;
}

interface Judgement {
  reason: string;
  degraded: boolean;
  value: number | null;
  threshold: number;
}

/** Says once when the cache begins to degrade, and once when it has recovered. */
export class Warnings {
  readonly #options: WarningOptions;
  readonly #degraded = new Set<string>();

  constructor(options: WarningOptions) {
    this.#options = options;
  }

  /** Whether any warning is on. */
  get degraded(): boolean {
    return this.#degraded.size > 0;
  }

  /** To be called every second. */
  check(): void {
    const { log, recorder } = this.#options;
    for (const { reason, degraded, value, threshold } of this.#judge()) {
      if (degraded === this.#degraded.has(reason)) continue;
      const detail = { operation: 'cache', reason, value, threshold };
      if (degraded) {
        this.#degraded.add(reason);
        log.warn(detail, 'cache degraded');
      } else {
        this.#degraded.delete(reason);
        log.info(detail, 'cache recovered');
      }
      recorder.event('warning', degraded ? 'cache degraded' : 'cache recovered', {
        reason,
        value,
        threshold,
      });
    }
  }

  #judge(): Judgement[] {
    const { recorder, hitRateFloor, deadlineMs } = this.#options;
    const long = counters(Object.values(recorder.last(HIT_RATE_WINDOW_MS).tallies));
    const rate = hitRate(long);
    const recent = recorder.last(SHORT_WINDOW_MS);
    const short = counters(Object.values(recent.tallies));
    const reads = short.hits + short.misses + short.bypasses;
    const slow = quantile(merged(recent.tallies, 'redis'), 0.99);
    const since = this.#options.bypassedSinceMs();
    const bypassedMs = since === null ? 0 : performance.now() - since;
    const evictions = this.#options.evictions();
    const enough = reads >= SHORT_WINDOW_READS;
    const errorShare = reads === 0 ? 0 : recent.errors / reads;
    return [
      {
        reason: 'hit-rate',
        degraded: rate !== null && long.hits + long.misses >= HIT_RATE_READS && rate < hitRateFloor,
        value: rate,
        threshold: hitRateFloor,
      },
      {
        reason: 'redis-slow',
        degraded: enough && slow !== null && slow > deadlineMs / 2,
        value: slow,
        threshold: deadlineMs / 2,
      },
      {
        reason: 'errors',
        degraded: enough && errorShare > ERROR_SHARE,
        value: errorShare,
        threshold: ERROR_SHARE,
      },
      { reason: 'evictions', degraded: evictions > 0, value: evictions, threshold: 0 },
      {
        reason: 'bypass',
        degraded: bypassedMs > BYPASS_MS,
        value: Math.round(bypassedMs),
        threshold: BYPASS_MS,
      },
    ];
  }
}
