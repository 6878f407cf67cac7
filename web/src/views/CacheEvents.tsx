import { useState } from 'react';
import type { CacheEvent } from '../../../src/schemas.ts';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Icon } from '../components/Icon.tsx';
import { Panel } from '../components/Page.tsx';
import { Scrollable } from '../components/Scrollable.tsx';
import { Await } from '../components/States.tsx';
import { Toggles } from '../components/Toggles.tsx';
import { useGet } from '../data.ts';
import { formatClock, formatDateTime } from '../format.ts';
import classes from './Cache.module.css';

const POLL_MS = 2000;

const KINDS: Record<CacheEvent['kind'], string> = {
  warning: 'Warnings',
  connection: 'Connections',
  clear: 'Clears',
  invalidation: 'Invalidations',
  instance: 'Instances',
};

const columns: Column<CacheEvent>[] = [
  {
    label: 'Time',
    cell: ({ at }) => (
      <time dateTime={at} title={formatDateTime(at)}>
        {formatClock(at)}
      </time>
    ),
  },
  { label: 'Event', cell: ({ message }) => message },
  { label: 'Detail', fit: 'wide', cell: ({ detail }) => describe(detail) },
  { label: 'Instance', cell: ({ instance }) => <code title={instance}>{instance.slice(0, 8)}</code> },
];

function describe(detail: CacheEvent['detail']): string {
  return Object.entries(detail)
    .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : textOf(value)}`)
    .join(' · ');
}

const number = new Intl.NumberFormat('en', { maximumFractionDigits: 2, useGrouping: false });
const textOf = (value: unknown): string => (typeof value === 'number' ? number.format(value) : String(value));

/** What happened to the cache, the newest first. */
export function CacheEvents() {
  const [kinds, setKinds] = useState<ReadonlySet<CacheEvent['kind']>>(new Set());
  const [paused, setPaused] = useState(false);
  const loaded = useGet<{ items: CacheEvent[] }>('/api/cache/events', {
    pollMs: paused ? 0 : POLL_MS,
  });
  const toggle = (kind: CacheEvent['kind']) => {
    const changed = new Set(kinds);
    if (!changed.delete(kind)) changed.add(kind);
    setKinds(changed);
  };
  return (
    <Panel
      title="Events"
      actions={
        <Toggles
          label="Kinds of event"
          toggles={[
            ...(Object.keys(KINDS) as CacheEvent['kind'][]).map((kind) => ({
              key: kind,
              label: KINDS[kind],
              pressed: kinds.has(kind),
              onPress: () => toggle(kind),
            })),
            {
              key: 'pause',
              label: (
                <>
                  <Icon name={paused ? 'play' : 'pause'} size={12} /> Pause
                </>
              ),
              pressed: paused,
              onPress: () => setPaused(!paused),
            },
          ]}
        />
      }
    >
      <Await loaded={loaded} rows={5}>
        {({ items: all }) => {
          const events = all.filter(({ kind }) => kinds.size === 0 || kinds.has(kind));
          return events.length === 0 ? (
            <p className={classes.empty}>
              {all.length === 0 ? 'Nothing has happened yet.' : 'Nothing of this kind.'}
            </p>
          ) : (
            <Scrollable label="All events" className={classes.events}>
              <DataTable
                caption="Events"
                columns={columns}
                items={events}
                itemKey={(event) => `${event.at} ${event.instance} ${event.message}`}
              />
            </Scrollable>
          );
        }}
      </Await>
    </Panel>
  );
}
