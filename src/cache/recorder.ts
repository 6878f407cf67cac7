import type { MinutePoint } from './board.ts';
import { addTallies, observe, type Tallies, tallyOf } from './tally.ts';
import type { CacheEvent, Outcome } from './types.ts';

/** Warnings look back this far at most. */
const SLICES = 60;
const SLICE_MS = 5_000;
const KEPT_EVENTS = 500;

interface Slice {
  startMs: number;
  tallies: Tallies;
  errors: number;
}

/**
 * Counts what this instance does: since it started, by minute, and by slices of five seconds for the warnings. A
 * request is counted in one place, and added to the others when somebody looks, which is at least once a tick.
 */
export class Recorder {
  readonly invalidations: Record<string, number> = { write: 0, external: 0, clear: 0 };
  readonly staleReads = { sampled: 0, found: 0 };
  errors = 0;
  requests = 0;
  readonly #instance: string;
  readonly #total: Tallies = {};
  #current: Tallies = {};
  #currentErrors = 0;
  #minute: MinutePoint = newMinute();
  #slices: Slice[] = [];
  #sinceReport: Tallies = {};
  #events: CacheEvent[] = [];

  constructor(instance: string) {
    this.#instance = instance;
  }

  /** Counts one request. Times in ms; null where it did not wait for that. */
  count(read: string, outcome: Outcome, redisMs: number | null, loadMs: number | null): void {
    this.requests += 1;
    const tally = tallyOf(this.#current, read);
    tally.outcomes[outcome] += 1;
    if (redisMs !== null) observe(tally.redis, redisMs);
    if (loadMs !== null) observe(tally.load, loadMs);
  }

  /** Counts an answer of Redis that failed or came too late. */
  error(): void {
    this.errors += 1;
    this.#currentErrors += 1;
  }

  /** Since the start. */
  get tallies(): Tallies {
    this.#fold();
    return this.#total;
  }

  /** The current minute. */
  minute(): MinutePoint {
    this.#fold();
    return this.#minute;
  }

  /** What happened in the last `windowMs` of this instance. */
  last(windowMs: number): { tallies: Tallies; errors: number } {
    this.#fold();
    const fromMs = performance.now() - windowMs;
    const sum: { tallies: Tallies; errors: number } = { tallies: {}, errors: 0 };
    for (const slice of this.#slices) {
      if (slice.startMs + SLICE_MS < fromMs) continue;
      addTallies(sum.tallies, slice.tallies);
      sum.errors += slice.errors;
    }
    return sum;
  }

  /** What happened since the last call, for the log line about performance. */
  takeReport(): Tallies {
    this.#fold();
    const report = this.#sinceReport;
    this.#sinceReport = {};
    return report;
  }

  event(kind: CacheEvent['kind'], message: string, detail: Record<string, unknown>): void {
    this.#events.push({ at: new Date().toISOString(), instance: this.#instance, kind, message, detail });
    if (this.#events.length > KEPT_EVENTS) this.#events.shift();
  }

  /** Events that no other instance knows of yet; `keep` puts them back when publishing failed. */
  takeEvents(): CacheEvent[] {
    return this.#events.splice(0);
  }

  keep(events: CacheEvent[]): void {
    this.#events = [...events, ...this.#events].slice(-KEPT_EVENTS);
  }

  #fold(): void {
    const minute = newMinute();
    if (this.#minute.minute !== minute.minute) this.#minute = minute;
    const slice = this.#slice();
    for (const sum of [this.#total, this.#minute.tallies, slice.tallies, this.#sinceReport]) {
      addTallies(sum, this.#current);
    }
    slice.errors += this.#currentErrors;
    this.#current = {};
    this.#currentErrors = 0;
  }

  #slice(): Slice {
    const now = performance.now();
    const newest = this.#slices.at(-1);
    if (newest && now - newest.startMs < SLICE_MS) return newest;
    const slice = { startMs: now, tallies: {}, errors: 0 };
    this.#slices.push(slice);
    if (this.#slices.length > SLICES) this.#slices.shift();
    return slice;
  }
}

function newMinute(): MinutePoint {
  const now = Date.now();
  return {
    minute: new Date(now - (now % 60_000)).toISOString(),
    tallies: {},
    bypass: false,
    degraded: false,
  };
}
