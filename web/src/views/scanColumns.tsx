import { Link } from 'wouter';
import type { ScanSummary } from '../../../src/schemas.ts';
import { Badge, CountOf, Difference, LabelList, Stack, Text } from '../components/Cells.tsx';
import type { Column } from '../components/DataTable.tsx';
import { Reference } from '../components/Reference.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Time } from '../components/Time.tsx';
import type { Noun } from '../format.ts';
import { artifactHref, FAILED, ofSeverity, scanHref } from '../links.ts';
import type { Query } from '../parameters.ts';

const scanLink: Column<ScanSummary> = {
  label: 'Scanned',
  sort: 'scannedAt',
  descending: true,
  cell: (item) => (
    <>
      <Link href={scanHref(item.id)}>
        <Time value={item.scannedAt} />
      </Link>{' '}
      {item.latest && <Badge>Latest</Badge>}
    </>
  ),
};
const scanArtifact: Column<ScanSummary> = {
  label: 'Artifact',
  sort: 'artifact',
  fit: 'name',
  cell: ({ artifact, labels }) => (
    <>
      <Link href={artifactHref(artifact.id)}>
        <Reference name={artifact.name} />
      </Link>
      {Object.keys(labels).length > 0 && <LabelList labels={labels} />}
    </>
  ),
};
const scanLabels: Column<ScanSummary> = {
  label: 'Labels',
  fit: 'text',
  cell: (item) => <LabelList labels={item.labels} />,
};
/** What a scan has beside vulnerabilities, and the list of it. */
const othersOf = (scan: ScanSummary): (readonly [count: number, noun: Noun, list: Query])[] => [
  [scan.secretCount, ['secret', 'secrets'], { show: ['secrets'] }],
  [scan.misconfigurationCount, ['misconfiguration', 'misconfigurations'], FAILED],
  [scan.licenseCount, ['licence', 'licences'], { show: ['licences'] }],
  [scan.suppressedCount, ['suppressed', 'suppressed'], { show: ['suppressed'] }],
];

const scanRest: Column<ScanSummary>[] = [
  {
    label: 'Findings',
    sort: 'severity',
    descending: true,
    cell: (item) => (
      <SeverityBar counts={item.severityCounts} href={(key) => scanHref(item.id, ofSeverity(key))} />
    ),
  },
  { label: 'Changes', align: 'right', cell: (item) => <Difference scan={item} /> },
  {
    label: 'Others',
    fit: 'text',
    cell: (item) => {
      const others = othersOf(item).filter(([count]) => count > 0);
      return others.length === 0 ? (
        <Text value={null} />
      ) : (
        <Stack>
          {others.map(([count, noun, query]) => (
            <CountOf key={noun[0]} value={count} noun={noun} href={scanHref(item.id, query)} />
          ))}
        </Stack>
      );
    },
  },
  {
    label: 'Received',
    sort: 'receivedAt',
    descending: true,
    cell: (item) => <Time value={item.receivedAt} />,
  },
];

export const scanColumns: Column<ScanSummary>[] = [scanLink, scanArtifact, ...scanRest];
/** Of one artifact. */
export const historyColumns: Column<ScanSummary>[] = [scanLink, scanLabels, ...scanRest];
