import { useEffect, useState } from 'react';
import type { CacheHealth, CacheStatistics } from '../../../src/schemas.ts';
import { ApiError } from '../api.ts';
import { useGet } from '../data.ts';
import { formatClock } from '../format.ts';
import { reasonText } from '../reasons.ts';
import classes from './HealthLine.module.css';

/** One calm line where answers do not come from the cache, or not at all. */
export function HealthLine() {
  const health = useGet<CacheHealth>('/api/cache/health');
  const degraded = health.data?.body.status === 'degraded';
  const statistics = useGet<CacheStatistics>(degraded ? '/api/cache/stats' : null);
  const unreachable = health.error instanceof ApiError && health.error.problem.status === 0;
  return (
    <div role="status" className={classes.line} data-shown={unreachable || degraded || undefined}>
      {unreachable ? (
        <Unreachable lastAnswerAt={health.data?.at} />
      ) : degraded ? (
        <Degraded statistics={statistics.data?.body} />
      ) : null}
    </div>
  );
}

function Unreachable({ lastAnswerAt }: { lastAnswerAt: number | undefined }) {
  const [since, setSince] = useState(0);
  useEffect(() => setSince(Date.now()), []);
  return (
    <>
      Trivet cannot be reached{since > 0 && ` since ${formatClock(since)}`}.
      {lastAnswerAt !== undefined && ` What you see is from ${formatClock(lastAnswerAt)} or before.`} The
      dashboard keeps trying.
    </>
  );
}

function Degraded({ statistics }: { statistics: CacheStatistics | undefined }) {
  const bypass = statistics?.state === 'bypass' ? statistics : null;
  return (
    <>
      Answers come directly from PostgreSQL{bypass && ` since ${formatClock(bypass.since)}`}
      {bypass?.reason && ` (${reasonText(bypass.reason)})`}. They are current; pages may take longer.
    </>
  );
}
