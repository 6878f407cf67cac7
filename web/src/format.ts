import type { SeverityCounts } from '../../src/schemas.ts';

const integer = new Intl.NumberFormat('en');
const short = new Intl.NumberFormat('en', { maximumFractionDigits: 1 });
const relative = new Intl.RelativeTimeFormat('en', { numeric: 'always', style: 'narrow' });
const absolute = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium', timeStyle: 'short' });
const clock = new Intl.DateTimeFormat('en-GB', { timeStyle: 'medium' });
const day = new Intl.DateTimeFormat('en-GB', { day: 'numeric', month: 'short', timeZone: 'UTC' });

/** One and many of a thing. */
export type Noun = readonly [one: string, many: string];

export const formatCount = (count: number): string => integer.format(count);

export const plural = (count: number, [one, many]: Noun): string =>
  `${formatCount(count)} ${count === 1 ? one : many}`;

/** With its sign: `+3`, `−2`, `0`. */
export const formatDifference = (difference: number): string =>
  difference > 0 ? `+${formatCount(difference)}` : difference < 0 ? `−${formatCount(-difference)}` : '0';

export const formatDateTime = (time: string | number): string => absolute.format(new Date(time));
export const formatClock = (time: string | number): string => clock.format(new Date(time));
/** Of a UTC day like `2026-11-24`. */
export const formatDay = (value: string): string => day.format(new Date(`${value}T00:00:00Z`));

const STEPS = [
  { unit: 'year', seconds: 31_557_600 },
  { unit: 'month', seconds: 2_629_800 },
  { unit: 'day', seconds: 86_400 },
  { unit: 'hour', seconds: 3600 },
  { unit: 'minute', seconds: 60 },
] as const;

/** `3 h ago`; `just now` within a minute. */
export function formatAgo(time: string | number, now: number): string {
  const seconds = (new Date(time).getTime() - now) / 1000;
  const step = STEPS.find((candidate) => Math.abs(seconds) >= candidate.seconds);
  return step ? relative.format(Math.trunc(seconds / step.seconds), step.unit) : 'just now';
}

/** `2 d 4 h`, `3 min`, `12 s`. */
export function formatDuration(seconds: number): string {
  if (seconds < 60) return `${Math.round(seconds)} s`;
  if (seconds < 3600) return `${Math.round(seconds / 60)} min`;
  const hours = Math.floor(seconds / 3600);
  if (hours < 24) return `${hours} h ${Math.round((seconds % 3600) / 60)} min`;
  return `${Math.floor(hours / 24)} d ${hours % 24} h`;
}

export function formatMs(ms: number | null): string {
  if (ms === null) return '–';
  return ms >= 1000 ? `${short.format(ms / 1000)} s` : `${ms < 10 ? short.format(ms) : Math.round(ms)} ms`;
}

export function formatBytes(bytes: number | null): string {
  if (bytes === null) return '–';
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  const power = bytes < 1000 ? 0 : Math.min(Math.floor(Math.log10(bytes) / 3), units.length - 1);
  return `${short.format(bytes / 1000 ** power)} ${units[power]}`;
}

/** `98.2 %`; a dash where there was nothing to divide. */
export const formatRatio = (ratio: number | null): string =>
  ratio === null ? '–' : `${short.format(ratio * 100)} %`;

/** Trivy's words for people: `will_not_fix` becomes `Will not fix`. */
export function formatWord(word: string): string {
  const text = word.replaceAll('_', ' ').toLowerCase();
  return text.charAt(0).toUpperCase() + text.slice(1);
}

export const sumOf = (counts: SeverityCounts): number =>
  counts.critical + counts.high + counts.medium + counts.low + counts.unknown;

/** `sha256:b1802758…`: enough to tell two apart. */
export const shortDigest = (digest: string): string =>
  digest.length > 16 ? `${digest.slice(0, 15)}…` : digest;

/** The address where it is one of the web, so that no other scheme becomes a link; else null. */
export function webAddress(text: string | null | undefined): string | null {
  return text && /^https?:\/\//i.test(text) && URL.canParse(text) ? text : null;
}
