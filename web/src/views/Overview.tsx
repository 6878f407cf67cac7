import { Button } from '@mantine/core';
import { lazy, type ReactNode, Suspense, useMemo, useState } from 'react';
import { Link } from 'wouter';
import type { ArtifactSummary, List, ScanSummary, Summary, Vulnerability } from '../../../src/schemas.ts';
import { Difference } from '../components/Cells.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { Freshness } from '../components/Freshness.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { Reference } from '../components/Reference.tsx';
import { Await } from '../components/States.tsx';
import { Time, useNow } from '../components/Time.tsx';
import { Toggles } from '../components/Toggles.tsx';
import { useHeld } from '../components/useHeld.ts';
import { useGet } from '../data.ts';
import { formatCount, formatDifference } from '../format.ts';
import { artifactColumns } from './artifactColumns.tsx';
import { NoData } from './NoData.tsx';
import classes from './Overview.module.css';
import { vulnerabilityColumns } from './vulnerabilityColumns.tsx';

const SeverityChart = lazy(async () => ({
  default: (await import('../components/SeverityChart.tsx')).SeverityChart,
}));

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
        {(['critical', 'high'] as const).map((key) => {
          const severity = key.toUpperCase();
          return (
            <Figure
              key={key}
              label={`${key === 'critical' ? 'Critical' : 'High'} vulnerabilities`}
              value={vulnerabilities[key]}
              href={`/vulnerabilities?severity=${severity}`}
              severity={key}
            >
              <Link href={`/vulnerabilities?severity=${severity}&fixable=true`}>
                {formatCount(fixable.vulnerabilities[key])} fixable
              </Link>
              <Week difference={since7Days.vulnerabilities[key]} />
            </Figure>
          );
        })}
        <Figure label="Artifacts" value={artifacts.live} href="/artifacts?show=artifacts&stale=false">
          <Link href="/artifacts?show=artifacts&stale=true">{formatCount(artifacts.stale)} stale</Link>
        </Figure>
        <Figure label="Scans" value={scans.total} href="/scans">
          <span>{formatCount(scans.today)} received today (UTC)</span>
          <LastReceived at={scans.lastReceivedAt} />
        </Figure>
      </div>
      <Trend summary={summary} />
      <div className={classes.columns}>
        <div>
          <ShortList
            title="Fix first"
            path="/api/vulnerabilities?fixable=true&limit=10"
            columns={fixColumns}
            itemKey={(item: Vulnerability) => item.id}
            all={['/vulnerabilities?fixable=true', 'All fixable']}
            empty="Nothing that has a fix."
          />
          <ShortList
            title="Most exposed artifacts"
            path="/api/artifacts?stale=false&limit=10"
            columns={exposedColumns}
            itemKey={(item: ArtifactSummary) => item.id}
            all={['/artifacts?show=artifacts&stale=false', 'All artifacts']}
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

const MEASURES = {
  vulnerabilities: 'Vulnerabilities',
  findings: 'Findings',
  artifacts: 'Artifacts',
} as const;
type Measure = keyof typeof MEASURES;

function Trend({ summary }: { summary: Summary }) {
  const [measure, setMeasure] = useState<Measure>('vulnerabilities');
  const points = useMemo(
    () => summary.trend.map((point) => ({ day: point.day, counts: point[measure] })),
    [summary, measure],
  );
  return (
    <Panel
      title="The last 30 days"
      actions={
        <Toggles
          label="What the chart counts"
          toggles={(Object.keys(MEASURES) as Measure[]).map((one) => ({
            key: one,
            label: MEASURES[one],
            pressed: one === measure,
            onPress: () => setMeasure(one),
          }))}
        />
      }
    >
      <Suspense fallback={<div className={classes.chartPlace} />}>
        <SeverityChart
          label={`${MEASURES[measure]} by severity at the end of each of the last 30 UTC days`}
          points={points}
        />
      </Suspense>
    </Panel>
  );
}

/** Columns of a list in another view, without their order: a short list has its own. */
const choose = <T,>(columns: Column<T>[], labels: string[]): Column<T>[] =>
  columns.filter(({ label }) => labels.includes(label)).map(({ sort: _sort, ...column }) => column);

const fixColumns = choose(vulnerabilityColumns, ['Vulnerability', 'Severity', 'Title', 'Artifacts']);
const exposedColumns = choose(artifactColumns(), ['Artifact', 'Findings', 'Fixable']);
const newestColumns: Column<ScanSummary>[] = [
  {
    label: 'Artifact',
    fit: 'name',
    cell: (scan) => (
      <Link href={`/scans/${scan.id}`}>
        <Reference name={scan.artifact.name} />
      </Link>
    ),
  },
  { label: 'Changes', align: 'right', cell: (scan) => <Difference changes={scan.changes} /> },
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
