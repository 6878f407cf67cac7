import { Link } from 'wouter';
import type { ScanSummary } from '../../../src/schemas.ts';
import { Badge, Difference, LabelList, Text } from '../components/Cells.tsx';
import type { Column } from '../components/DataTable.tsx';
import { Reference } from '../components/Reference.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Time } from '../components/Time.tsx';
import { plural } from '../format.ts';

const scanLink: Column<ScanSummary> = {
  label: 'Scanned',
  sort: 'scannedAt',
  descending: true,
  cell: (item) => (
    <>
      <Link href={`/scans/${item.id}`}>
        <Time value={item.scannedAt} />
      </Link>
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
      <Link href={`/artifacts/${artifact.id}`}>
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
const scanRest: Column<ScanSummary>[] = [
  {
    label: 'Findings',
    sort: 'severity',
    descending: true,
    cell: (item) => (
      <SeverityBar
        counts={item.severityCounts}
        href={(key) => `/scans/${item.id}?severity=${key.toUpperCase()}`}
      />
    ),
  },
  { label: 'Changes', align: 'right', cell: (item) => <Difference changes={item.changes} /> },
  {
    label: 'Others',
    cell: (item) => {
      const others = [
        item.secretCount > 0 && plural(item.secretCount, ['secret', 'secrets']),
        item.misconfigurationCount > 0 &&
          plural(item.misconfigurationCount, ['misconfiguration', 'misconfigurations']),
        item.licenseCount > 0 && plural(item.licenseCount, ['licence', 'licences']),
      ].filter((other) => other !== false);
      return others.length === 0 ? (
        <Text value={null} />
      ) : (
        others.map((other) => <div key={other}>{other}</div>)
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
