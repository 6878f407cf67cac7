import { Button, Modal } from '@mantine/core';
import { useMutation } from '@tanstack/react-query';
import { Suspense, useState } from 'react';
import type { CacheStatistics } from '../../../src/schemas.ts';
import { send } from '../api.ts';
import { Facts } from '../components/Facts.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { Await, Empty, Failure } from '../components/States.tsx';
import { refreshAll, useGet } from '../data.ts';
import { formatBytes, formatClock, formatCount, formatDuration, formatMs, formatRatio } from '../format.ts';
import { early } from '../parts.ts';
import { reasonText } from '../reasons.ts';
import classes from './Cache.module.css';
import { CacheEvents } from './CacheEvents.tsx';
import { CacheInstances, CacheReads } from './CacheTables.tsx';

const CacheCharts = early('CacheCharts', () => import('./CacheCharts.tsx'));

const POLL_MS = 1000;

/** Is the cache working, right, and worth it? */
export function Cache() {
  const loaded = useGet<CacheStatistics>('/api/cache/stats', { pollMs: POLL_MS });
  return (
    <Page
      title="Cache"
      lead="Figures of all running instances, each since it started."
      actions={<ClearCache />}
    >
      <Await loaded={loaded}>
        {(statistics) => (
          <>
            <State statistics={statistics} />
            {statistics.hits + statistics.misses + statistics.bypasses === 0 ? (
              <Empty title="No reads yet">
                <span>Open any page, and it shows here.</span>
              </Empty>
            ) : (
              <Suspense fallback={<div className={classes.chartsPlace} role="status" aria-label="Loading" />}>
                <CacheCharts history={statistics.history} />
              </Suspense>
            )}
            <CacheReads reads={statistics.reads} />
            <CacheInstances instances={statistics.instances} />
          </>
        )}
      </Await>
      <CacheEvents />
    </Page>
  );
}

function State({ statistics }: { statistics: CacheStatistics }) {
  const { state, since, reason, redis, window, staleReads, pending } = statistics;
  const memory =
    redis &&
    `${formatBytes(redis.usedMemoryBytes)} of ${redis.maxMemoryBytes ? formatBytes(redis.maxMemoryBytes) : 'no limit'}`;
  return (
    <Panel
      title={
        <span className={classes.state} data-state={state}>
          {state === 'active' && `Active since ${formatClock(since)}`}
          {state === 'bypass' &&
            `Bypass since ${formatClock(since)}${reason ? `: ${reasonText(reason)}` : ''}`}
          {state === 'off' && 'Off: every answer comes from PostgreSQL'}
        </span>
      }
      actions={window.hitRate !== null && <b>{formatRatio(window.hitRate)} hits in the last 5 minutes</b>}
    >
      {state === 'off' && (
        <p className={classes.note}>
          Trivet runs without Redis, because REDIS_URL is “off”. Set it to a server to keep answers there.
        </p>
      )}
      <Facts
        facts={[
          ['Hit ratio', `${formatRatio(statistics.hitRate)} of all`],
          [
            'Requests',
            `${formatCount(statistics.hits)} hits (${formatCount(statistics.localHits)} local), ${formatCount(statistics.misses)} misses, ${formatCount(statistics.bypasses)} bypassed`,
          ],
          ['Invalidations', formatCount(statistics.invalidations)],
          ['Errors', formatCount(statistics.errors)],
          ['Redis', redis && [redis.mode, redis.version, redis.address].filter(Boolean).join(' · ')],
          ['Latency', redis && formatMs(redis.latencyMs)],
          ['Memory', memory],
          ['Keys', statistics.totalKeys !== null && formatCount(statistics.totalKeys)],
          ['Evictions', statistics.evictions !== null && formatCount(statistics.evictions)],
          ['Epoch', statistics.epoch],
          ['Stale reads', <StaleReads key="stale" found={staleReads.found} sampled={staleReads.sampled} />],
          [
            'Pending',
            pending.changes === 0
              ? 'no invalidations'
              : `${pending.changes} invalidations, the oldest for ${formatDuration(pending.oldestSeconds ?? 0)}`,
          ],
        ]}
      />
    </Panel>
  );
}

/** Answers from the cache that were compared with PostgreSQL; none may differ. */
function StaleReads({ found, sampled }: { found: number; sampled: number }) {
  return (
    <span className={classes.state} data-state={found > 0 ? 'bypass' : 'active'}>
      {found} found in {formatCount(sampled)} compared
    </span>
  );
}

function ClearCache() {
  const [asked, setAsked] = useState(false);
  const clearing = useMutation({
    mutationFn: () => send('POST', '/api/cache/clear'),
    onSuccess: () => {
      setAsked(false);
      return refreshAll();
    },
  });
  return (
    <>
      <Button size="xs" variant="default" onClick={() => setAsked(true)}>
        Clear cache
      </Button>
      <Modal
        opened={asked}
        onClose={() => setAsked(false)}
        title="Clear the cache?"
        lockScroll={false}
        centered
        closeButtonProps={{ 'aria-label': 'Close' }}
      >
        <p>
          Every answer goes out of service, on all instances. Nothing is lost, and nothing becomes more
          current than it is; the next reads are computed by PostgreSQL again, once each, and are slower for
          it.
        </p>
        {clearing.error && <Failure error={clearing.error} retry={() => clearing.mutate()} />}
        <div className={classes.buttons}>
          <Button variant="default" onClick={() => setAsked(false)} data-autofocus>
            Cancel
          </Button>
          <Button loading={clearing.isPending} onClick={() => clearing.mutate()}>
            Clear
          </Button>
        </div>
      </Modal>
    </>
  );
}
