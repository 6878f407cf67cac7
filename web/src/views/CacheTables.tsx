import { useState } from 'react';
import type { CacheStatistics, InstanceStatistics, ReadStatistics } from '../../../src/schemas.ts';
import { Count } from '../components/Cells.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Panel } from '../components/Page.tsx';
import { Time } from '../components/Time.tsx';
import { formatBytes, formatDuration, formatMs, formatRatio } from '../format.ts';
import { reasonText } from '../reasons.ts';
import classes from './Cache.module.css';

type Read = ReadStatistics & { name: string; savedSeconds: number | null };

/** What would have been waited for PostgreSQL: hits times the difference between a load and a hit, by their medians. */
function savedSeconds({ hits, loadMs, redisMs }: ReadStatistics): number | null {
  if (loadMs.p50 === null) return null;
  return (hits * Math.max(loadMs.p50 - (redisMs.p50 ?? 0), 0)) / 1000;
}

const readColumns: (Column<Read> & { value?: (read: Read) => number | string | null })[] = [
  {
    label: 'Read and its tags',
    sort: 'name',
    cell: (read) => (
      <>
        <b>{read.name}</b> <small className={classes.tags}>{read.tags.join(', ')}</small>
      </>
    ),
    value: (read) => read.name,
  },
  { label: 'TTL', spare: true, align: 'right', cell: (read) => `${read.ttl} s` },
  ...(
    [
      ['Hits', 'hits'],
      ['Local', 'localHits'],
      ['Misses', 'misses'],
      ['Collapsed', 'collapsed'],
      ['Bypassed', 'bypasses'],
    ] as const
  ).map(([label, key]) => ({
    label,
    sort: key,
    descending: true,
    spare: key === 'collapsed',
    align: 'right' as const,
    cell: (read: Read) => <Count value={read[key]} />,
    value: (read: Read) => read[key],
  })),
  {
    label: 'Hit ratio',
    sort: 'hitRate',
    align: 'right',
    cell: (read) => formatRatio(read.hitRate),
    value: (read) => read.hitRate,
  },
  {
    label: 'Load p50 / p99',
    sort: 'load',
    descending: true,
    align: 'right',
    cell: ({ loadMs }) => `${formatMs(loadMs.p50)} / ${formatMs(loadMs.p99)}`,
    value: (read) => read.loadMs.p99,
  },
  {
    label: 'Time saved',
    sort: 'saved',
    descending: true,
    align: 'right',
    cell: ({ savedSeconds: saved }) =>
      saved !== null && saved >= 1 ? formatDuration(saved) : formatMs(saved && saved * 1000),
    value: (read) => read.savedSeconds,
  },
];

/** Each kind of read, the one with most misses first. */
export function CacheReads({ reads }: { reads: CacheStatistics['reads'] }) {
  const [order, setOrder] = useState({ by: 'misses', descending: true });
  const value = readColumns.find(({ sort }) => sort === order.by)?.value ?? (() => 0);
  const rows = Object.entries(reads)
    .map(([name, read]): Read => ({ name, ...read, savedSeconds: savedSeconds(read) }))
    .sort((a, b) => compare(value(a), value(b)) * (order.descending ? -1 : 1) || compare(a.name, b.name));
  return (
    <Panel title="Reads">
      <DataTable
        caption="Reads"
        columns={readColumns}
        items={rows}
        itemKey={(read) => read.name}
        sorting={{ ...order, onSort: (by, descending) => setOrder({ by, descending }) }}
      />
    </Panel>
  );
}

function compare(a: number | string | null, b: number | string | null): number {
  if (typeof a === 'string' && typeof b === 'string') return a.localeCompare(b);
  return Number(a ?? -1) - Number(b ?? -1);
}

const STATES = { active: 'Active', bypass: 'Bypass', off: 'Off' } as const;

const instanceColumns: Column<InstanceStatistics>[] = [
  {
    label: 'Instance',
    cell: (one) => (
      <>
        <code title={one.id}>{one.id.slice(0, 8)}</code> {one.self && <small>(answers you)</small>}
      </>
    ),
  },
  {
    label: 'State',
    cell: ({ state, reason }) => (reason ? `${STATES[state]}: ${reasonText(reason)}` : STATES[state]),
  },
  { label: 'Version', spare: true, cell: (one) => one.version },
  { label: 'Up for', align: 'right', cell: (one) => formatDuration(one.uptimeSeconds) },
  {
    label: 'Lease renewed',
    align: 'right',
    cell: (one) => (one.leaseAgeMs === null ? '–' : `${formatMs(one.leaseAgeMs)} ago`),
  },
  { label: 'Hit ratio', align: 'right', cell: (one) => formatRatio(one.hitRate) },
  { label: 'Local memory', align: 'right', cell: (one) => formatBytes(one.localBytes) },
  { label: 'Local answers', spare: true, align: 'right', cell: (one) => <Count value={one.localEntries} /> },
  { label: 'Last seen', cell: (one) => <Time value={one.seenAt} /> },
];

/** Problems first, so that no row of a healthy many hides them. */
export function CacheInstances({ instances }: { instances: InstanceStatistics[] }) {
  const rank = ({ state }: InstanceStatistics) => (state === 'bypass' ? 0 : 1);
  const rows = [...instances].sort((a, b) => rank(a) - rank(b) || a.startedAt.localeCompare(b.startedAt));
  return (
    <Panel title="Instances">
      <DataTable caption="Instances" columns={instanceColumns} items={rows} itemKey={(one) => one.id} />
    </Panel>
  );
}
