import type { Counters, Outcome } from './types.ts';

/**
 * A latency histogram that instances can add up: bucket n ends at 0.05 ms * 1.25^n, so a percentile is at most
 * 25 % too high. Sparse, as plain data, because it travels as JSON.
 */
export type Histogram = Record<string, number>;

const FIRST_MS = 0.05;
const FACTOR = 1.25;
const LAST = 63;

export function observe(histogram: Histogram, ms: number): void {
  const bucket = ms <= FIRST_MS ? 0 : Math.min(LAST, Math.ceil(Math.log(ms / FIRST_MS) / Math.log(FACTOR)));
  histogram[bucket] = (histogram[bucket] ?? 0) + 1;
}

/** @returns the upper end in ms of the bucket that holds the quantile, null when nothing was observed */
export function quantile(histogram: Histogram, q: number): number | null {
  const buckets = Object.entries(histogram)
    .map(([bucket, count]) => [Number(bucket), count] as const)
    .sort(([a], [b]) => a - b);
  const total = buckets.reduce((sum, [, count]) => sum + count, 0);
  if (total === 0) return null;
  let seen = 0;
  for (const [bucket, count] of buckets) {
    seen += count;
    if (seen >= q * total) return Math.round(FIRST_MS * FACTOR ** bucket * 1000) / 1000;
  }
  return null;
}

/** How one read fared: requests by outcome, and what they waited for. */
export interface Tally {
  outcomes: Record<Outcome, number>;
  redis: Histogram;
  load: Histogram;
}

/** By the read's name. */
export type Tallies = Record<string, Tally>;

export function tallyOf(tallies: Tallies, read: string): Tally {
  let tally = tallies[read];
  if (!tally) {
    tally = { outcomes: { hit: 0, local: 0, collapsed: 0, miss: 0, bypass: 0 }, redis: {}, load: {} };
    tallies[read] = tally;
  }
  return tally;
}

/** Adds `other` to `sum`. */
export function addTallies(sum: Tallies, other: Tallies): void {
  for (const [read, tally] of Object.entries(other)) {
    const into = tallyOf(sum, read);
    for (const [outcome, count] of Object.entries(tally.outcomes)) into.outcomes[outcome as Outcome] += count;
    for (const [bucket, count] of Object.entries(tally.redis))
      into.redis[bucket] = (into.redis[bucket] ?? 0) + count;
    for (const [bucket, count] of Object.entries(tally.load))
      into.load[bucket] = (into.load[bucket] ?? 0) + count;
  }
}

/** `hits` include local ones, `misses` collapsed ones. */
export function counters(tallies: Iterable<Tally>): Counters {
  const sum = { hits: 0, localHits: 0, collapsed: 0, misses: 0, bypasses: 0 };
  for (const { outcomes } of tallies) {
    sum.hits += outcomes.hit + outcomes.local;
    sum.localHits += outcomes.local;
    sum.collapsed += outcomes.collapsed;
    sum.misses += outcomes.miss + outcomes.collapsed;
    sum.bypasses += outcomes.bypass;
  }
  return sum;
}

/** hits / (hits + misses); null when there were neither. */
export function hitRate({ hits, misses }: Pick<Counters, 'hits' | 'misses'>): number | null {
  return hits + misses === 0 ? null : hits / (hits + misses);
}

/** All reads' latencies together. */
export function merged(tallies: Tallies, which: 'redis' | 'load'): Histogram {
  const sum: Histogram = {};
  for (const tally of Object.values(tallies)) {
    for (const [bucket, count] of Object.entries(tally[which])) sum[bucket] = (sum[bucket] ?? 0) + count;
  }
  return sum;
}
