import type { MinutePoint } from './board.ts';
import { addTallies, observe, type Tallies, tallyOf } from './tally.ts';
import type { CacheEvent, Outcome } from './types.ts';

/** Warnings look back this far at most. */
const SLICES = 60;
export const SLICE_MS = 5_000;
const KEPT_EVENTS = 500;

interface Slice {
  startMs: number;
  tallies: Tallies;
  errors: number;
}

/** Counts what this instance does: since it started, by minute, and by slices of five seconds for the warnings. */
export class Recorder {
  readonly tallies: Tallies = {};
  readonly invalidations: Record<string, number> = { write: 0, external: 0, clear: 0 };
  readonly staleReads = { sampled: 0, found: 0 };
  errors = 0;
  requests = 0;
  readonly #instance: string;
  #minute: MinutePoint;
  #slices: Slice[] = [];
  #unpublished: CacheEvent[] = [];
  #sinceReport: Tallies = {};

  constructor(instance: string) {
    this.#instance = instance;
    this.#minute = newMinute();
  }

  /** Counts one request. Times in ms; null where it did not wait for that. */
  count(read: string, outcome: Outcome, redisMs: number | null, loadMs: number | null): void {
    this.requests += 1;
    for (const tallies of [this.tallies, this.minute().tallies, this.#slice().tallies, this.#sinceReport]) {
      const tally = tallyOf(tallies, read);
      tally.outcomes[outcome] += 1;
      if (redisMs !== null) observe(tally.redis, redisMs);
      if (loadMs !== null) observe(tally.load, loadMs);
    }
  }

  /** Counts an answer of Redis that failed or came too late. */
  error(): void {
    this.errors += 1;
    this.#slice().errors += 1;
  }

  /** The current minute. */
  minute(): MinutePoint {
    if (this.#minute.minute !== minuteOf(Date.now())) this.#minute = newMinute();
    return this.#minute;
  }

  /** What happened in the last `windowMs` of this instance. */
  last(windowMs: number): { tallies: Tallies; errors: number } {
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
    const report = this.#sinceReport;
    this.#sinceReport = {};
    return report;
  }

  event(kind: CacheEvent['kind'], message: string, detail: Record<string, unknown>): void {
    this.#unpublished.push({ at: new Date().toISOString(), instance: this.#instance, kind, message, detail });
    if (this.#unpublished.length > KEPT_EVENTS) this.#unpublished.shift();
  }

  /** Events that no other instance can know of yet; `keep` puts them back when publishing failed. */
  takeEvents(): CacheEvent[] {
    return this.#unpublished.splice(0);
  }

  keep(events: CacheEvent[]): void {
    this.#unpublished = [...events, ...this.#unpublished].slice(-KEPT_EVENTS);
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

function minuteOf(ms: number): string {
  return new Date(ms - (ms % 60_000)).toISOString();
}

function newMinute(): MinutePoint {
  return { minute: minuteOf(Date.now()), tallies: {}, bypass: false };
}
