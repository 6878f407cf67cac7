import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { Link } from 'wouter';
import type { ArtifactSummary, List, ScanSummary, Summary, Vulnerability } from '../../../src/schemas.ts';
import { CountOf, Difference } from '../components/Cells.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Freshness } from '../components/Freshness.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { Reference } from '../components/Reference.tsx';
import { Await } from '../components/States.tsx';
import { Time, useNow } from '../components/Time.tsx';
import { useHeld } from '../components/useHeld.ts';
import { useGet } from '../data.ts';
import { formatCount, formatDifference } from '../format.ts';
import { artifactsHref, ofSeverity, scanHref, vulnerabilitiesHref } from '../links.ts';
import { artifactColumns } from './artifactColumns.tsx';
import { NoData } from './NoData.tsx';
import classes from './Overview.module.css';
import { Trend } from './Trend.tsx';
import { vulnerabilityColumns } from './vulnerabilityColumns.tsx';

/** Are we better or worse than last week, and what first? */
export function Overview() {
  const loaded = useGet<Summary>('/api/summary');
  return (
    <Page title="Overview" actions={loaded.data && <Freshness answer={loaded.data} />}>
      <Await loaded={loaded}>
        {(summary) =>
          summary.scans.total === 0 && summary.artifacts.live + summary.artifacts.stale === 0 ? (
            <NoData what="results" />
          ) : (
            <Figures summary={summary} />
          )
        }
      </Await>
    </Page>
  );
}

function Figures({ summary }: { summary: Summary }) {
  const { vulnerabilities, fixable, since7Days, artifacts, scans } = summary;
  return (
    <>
      <div className={classes.figures}>
        {(['critical', 'high'] as const).map((key) => (
          <Figure
            key={key}
            label={`${key === 'critical' ? 'Critical' : 'High'} vulnerabilities`}
            value={vulnerabilities[key]}
            href={vulnerabilitiesHref(ofSeverity(key))}
            severity={key}
          >
            <CountOf
              value={fixable.vulnerabilities[key]}
              noun={['fixable', 'fixable']}
              href={vulnerabilitiesHref({ ...ofSeverity(key), fixable: ['true'] })}
            />
            <Week difference={since7Days.vulnerabilities[key]} />
          </Figure>
        ))}
        <Figure label="Artifacts" value={artifacts.live} href={artifactsHref({ stale: ['false'] })}>
          <CountOf
            value={artifacts.stale}
            noun={['stale', 'stale']}
            href={artifactsHref({ stale: ['true'] })}
          />
        </Figure>
        <Figure label="Scans today (UTC)" value={scans.today} href={`/scans?receivedSince=${summary.day}`}>
          <CountOf value={scans.total} noun={['in all', 'in all']} href="/scans" />
          <LastReceived at={scans.lastReceivedAt} />
        </Figure>
      </div>
      <Trend summary={summary} />
      <div className={classes.columns}>
        <div>
          <ShortList
            title="Fix first"
            path="/api/vulnerabilities?sort=priority&limit=10"
            columns={fixColumns}
            itemKey={(item: Vulnerability) => item.id}
            all={['/vulnerabilities?sort=priority', 'All vulnerabilities']}
            empty="Nothing is vulnerable."
          />
          <ShortList
            title="Most exposed artifacts"
            path="/api/artifacts?stale=false&limit=10"
            columns={exposedColumns}
            itemKey={(item: ArtifactSummary) => item.id}
            all={[artifactsHref({ stale: ['false'] }), 'All artifacts']}
            empty="No artifact that is not stale."
          />
        </div>
        <ShortList
          title="Newest scans"
          path="/api/scan-results?sort=receivedAt&limit=20"
          columns={newestColumns}
          itemKey={(item: ScanSummary) => item.id}
          all={['/scans', 'All scans']}
          empty="No scan is kept."
        />
      </div>
    </>
  );
}

interface FigureProps {
  label: string;
  value: number;
  href: string;
  severity?: 'critical' | 'high';
  children: ReactNode;
}

function Figure({ label, value, href, severity, children }: FigureProps) {
  return (
    <div className={classes.figure} data-severity={severity}>
      <Link href={href} className={classes.number}>
        <span>{label}</span>
        <b>{formatCount(value)}</b>
      </Link>
      <div>{children}</div>
    </div>
  );
}

/** More is worse. */
function Week({ difference }: { difference: number }) {
  const tone = difference > 0 ? 'worse' : difference < 0 ? 'better' : undefined;
  return (
    <span className={classes.week} data-tone={tone}>
      {formatDifference(difference)} in 7 days
    </span>
  );
}

const DAY_MS = 86_400_000;

/** A pipeline that fell silent looks like a healthy one; so the last report tells its age. */
function LastReceived({ at }: { at: string | null }) {
  const now = useNow();
  if (at === null) return <span>nothing received yet</span>;
  const silent = now - Date.parse(at) > DAY_MS;
  return (
    <span className={classes.week} data-tone={silent ? 'worse' : undefined}>
      last report <Time value={at} />
    </span>
  );
}

/** Columns of a list in another view, without their order: a short list has its own. */
const choose = <T,>(columns: Column<T>[], labels: string[]): Column<T>[] =>
  columns.filter(({ label }) => labels.includes(label)).map(({ sort: _sort, ...column }) => column);

const fixColumns = choose(vulnerabilityColumns(), ['Vulnerability', 'Severity', 'Title', 'Fix', 'Artifacts']);
const exposedColumns = choose(artifactColumns(), ['Artifact', 'Findings', 'Fixable']);
const newestColumns: Column<ScanSummary>[] = [
  {
    label: 'Artifact',
    fit: 'name',
    cell: (scan) => (
      <Link href={scanHref(scan.id)}>
        <Reference name={scan.artifact.name} />
      </Link>
    ),
  },
  { label: 'Changes', align: 'right', cell: (scan) => <Difference scan={scan} /> },
  { label: 'Received', cell: (scan) => <Time value={scan.receivedAt} /> },
];

interface ShortListProps<T> {
  title: string;
  path: string;
  columns: Column<T>[];
  itemKey: (item: T) => string | number;
  /** Where the whole list is, and how that is called. */
  all: readonly [href: string, label: string];
  empty: string;
}

/** The first rows of a list. */
function ShortList<T>({ title, path, columns, itemKey, all, empty }: ShortListProps<T>) {
  const loaded = useGet<List<T>>(path);
  const { answer, pending, showPending } = useHeld(path, loaded, itemKey);
  return (
    <Panel
      title={title}
      actions={
        <>
          <output className={classes.pending}>
            {pending && (
              <Button size="compact-xs" onClick={showPending}>
                The list has changed – show
              </Button>
            )}
          </output>
          <Link href={all[0]}>{all[1]}</Link>
        </>
      }
    >
      <Await loaded={loaded} rows={10}>
        {(list) => {
          const { items } = answer?.body ?? list;
          if (items.length === 0) return <p className={classes.none}>{empty}</p>;
          return <DataTable caption={title} columns={columns} items={items} itemKey={itemKey} />;
        }}
      </Await>
    </Panel>
  );
}
