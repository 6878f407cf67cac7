import { Link } from 'wouter';
import type { List, Upload } from '../../../src/schemas.ts';
import { Text } from '../components/Cells.tsx';
import { Copy } from '../components/Copy.tsx';
import type { Column } from '../components/DataTable.tsx';
import { ListView } from '../components/ListView.tsx';
import { Page } from '../components/Page.tsx';
import { Reference } from '../components/Reference.tsx';
import { Segments } from '../components/Segments.tsx';
import { Empty } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { dayBefore, outcomeName } from '../filters.ts';
import { formatBytes, formatCount } from '../format.ts';
import { type Query, scansParameters, uploadsParameters } from '../parameters.ts';
import { apiPath, toSearch, useShow, useUrlQuery } from '../url.ts';
import { NoData } from './NoData.tsx';
import classes from './Scans.module.css';
import { scanColumns } from './scanColumns.tsx';

/** Did my upload arrive? */
export function Scans() {
  const show = useShow(['scans', 'uploads']);
  const { outcome = [] } = useUrlQuery(uploadsParameters).query;
  const notStored = outcome.length > 0 && !outcome.includes('stored');
  const current = show === 'scans' ? 'Scans' : notStored ? 'Not stored' : 'Uploads';
  return (
    <Page title={current} lead={LEADS[current]} actions={<Rows current={current} />}>
      {show === 'uploads' ? <Uploads /> : <AllScans />}
    </Page>
  );
}

const LEADS = {
  Scans: 'Every report that is kept, the one received last first.',
  'Not stored': 'What was sent and made no scan: the same again, or refused and why. Kept for 7 days.',
  Uploads: 'What was sent in the last 7 days: stored, the same again, or refused and why.',
} as const;

/** What CI owners look for first is counted: of what was sent since yesterday, how much made no scan. */
function Rows({ current }: { current: keyof typeof LEADS }) {
  const query: Query = { outcome: ['same', 'refused'], receivedSince: [dayBefore(1)] };
  const count = useGet<List<Upload>>(apiPath('/api/uploads', query, { limit: ['1'] })).data?.body.total;
  return (
    <Segments
      label="Rows"
      items={[
        { label: 'Scans', href: '/scans', current: current === 'Scans' },
        {
          label: `Not stored${count ? ` ${formatCount(count)}` : ''}`,
          href: `/scans${toSearch({ show: ['uploads'], ...query })}`,
          current: current === 'Not stored',
        },
        { label: 'Everything sent', href: '/scans?show=uploads', current: current === 'Uploads' },
      ]}
    />
  );
}

const DEFAULT_SORT = 'receivedAt';

function AllScans() {
  const state = useUrlQuery(scansParameters);
  return (
    <ListView
      api="/api/scan-results"
      parameters={scansParameters}
      state={state}
      fixed={{ sort: state.query.sort ?? [DEFAULT_SORT] }}
      caption="Scans"
      noun={['scan', 'scans']}
      columns={scanColumns}
      itemKey={(item) => item.id}
      defaultSort={DEFAULT_SORT}
      timeLabel="Scanned"
      searchLabel="Search artifact"
      csv
      empty={<NoData what="scans" />}
    />
  );
}

const uploadColumns: Column<Upload>[] = [
  { label: 'Received', cell: (item) => <Time value={item.receivedAt} /> },
  {
    label: 'Outcome',
    cell: (item) => (
      <span className={classes.outcome} data-outcome={item.outcome}>
        {outcomeName(item.outcome)}
      </span>
    ),
  },
  {
    label: 'Artifact',
    fit: 'name',
    cell: ({ artifact, scanIds }) =>
      scanIds.length === 1 ? (
        <Link href={`/scans/${scanIds[0]}`}>
          <Reference name={artifact ?? 'Scan'} />
        </Link>
      ) : (
        <Text value={artifact} />
      ),
  },
  {
    label: 'Reason',
    fit: 'text',
    cell: (item) => (
      <>
        <Text value={item.detail ?? item.code} />
        {item.looksLike && !item.detail?.includes(item.looksLike) && (
          <div className={classes.looks}>It looks like {item.looksLike}.</div>
        )}
      </>
    ),
  },
  { label: 'Size', align: 'right', cell: (item) => formatBytes(item.bytes) },
  {
    label: 'Request',
    cell: ({ requestId }) =>
      requestId && (
        <>
          <code title={requestId}>{requestId.slice(0, 8)}</code> <Copy value={requestId} what="request id" />
        </>
      ),
  },
];

function Uploads() {
  const state = useUrlQuery(uploadsParameters);
  return (
    <ListView
      api="/api/uploads"
      parameters={uploadsParameters}
      state={state}
      caption="Uploads"
      noun={['upload', 'uploads']}
      columns={uploadColumns}
      itemKey={(item) => item.id}
      empty={
        <Empty title="Nothing was sent in the last 7 days">
          <Link href="/add">Add results</Link>
        </Empty>
      }
    />
  );
}
