import type { Answer } from '../api.ts';
import { formatClock } from '../format.ts';
import { reasonText } from '../reasons.ts';
import classes from './Freshness.module.css';

const TITLES = {
  cache: 'The answer was in the cache. It is never older than the last acknowledged change.',
  database: 'The answer was computed by PostgreSQL for this request, and is in the cache now.',
  bypass: 'The cache was left out; the answer was computed by PostgreSQL.',
} as const;

/** Where the answer above came from, and when. */
export function Freshness({ answer }: { answer: Answer<unknown> }) {
  const { freshness, at } = answer;
  return (
    <span className={classes.freshness} title={freshness ? TITLES[freshness.source] : undefined}>
      {freshness && <span data-source={freshness.source}>{describe(freshness)}</span>}
      <span>as of {formatClock(at)}</span>
    </span>
  );
}

function describe({ source, ttlSeconds, detail }: NonNullable<Answer<unknown>['freshness']>): string {
  if (source === 'cache') return ttlSeconds === null ? 'cached' : `cached · ${ttlSeconds} s left`;
  if (source === 'database') return 'fresh from PostgreSQL';
  return `cache bypassed${detail ? `: ${reasonText(detail)}` : ''}`;
}
