import { Link } from 'wouter';
import type { ArtifactSummary } from '../../../src/schemas.ts';
import { Badge, Count, OperatingSystem } from '../components/Cells.tsx';
import type { Column } from '../components/DataTable.tsx';
import { Reference } from '../components/Reference.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Time } from '../components/Time.tsx';
import { typeName } from '../filters.ts';
import { artifactHref, FAILED, ofSeverity } from '../links.ts';

/** `nginx:1.25`, or only the version where the repository stands above. */
export const artifactColumns = (short = false): Column<ArtifactSummary>[] => [
  {
    label: short ? 'Version' : 'Artifact',
    sort: short ? undefined : 'name',
    fit: 'name',
    cell: (item) => (
      <>
        <Link href={artifactHref(item.id)}>
          <Reference name={short ? (item.version ?? item.name) : item.name} />
        </Link>{' '}
        {item.stale && <Badge tone="warn">Stale</Badge>}
      </>
    ),
  },
  ...(short ? [] : [{ label: 'Type', spare: true, cell: (item: ArtifactSummary) => typeName(item.type) }]),
  {
    label: 'Findings',
    sort: short ? undefined : 'severity',
    descending: true,
    cell: (item) => (
      <SeverityBar counts={item.severityCounts} href={(key) => artifactHref(item.id, ofSeverity(key))} />
    ),
  },
  {
    label: 'Fixable',
    align: 'right',
    cell: (item) => <Count value={item.fixableCount} href={artifactHref(item.id, { fixable: ['true'] })} />,
  },
  {
    label: 'Secrets',
    align: 'right',
    cell: (item) => <Count value={item.secretCount} href={artifactHref(item.id, { show: ['secrets'] })} />,
  },
  {
    label: 'Misconfigurations',
    align: 'right',
    cell: (item) => <Count value={item.misconfigurationCount} href={artifactHref(item.id, FAILED)} />,
  },
  { label: 'OS', fit: 'text', cell: (item) => <OperatingSystem os={item.os} /> },
  {
    label: 'Last seen',
    sort: short ? undefined : 'lastSeenAt',
    descending: true,
    cell: (item) => <Time value={item.lastSeenAt} />,
  },
  {
    label: 'Scans',
    spare: true,
    align: 'right',
    cell: (item) => <Count value={item.scanCount} href={artifactHref(item.id, { show: ['scans'] })} />,
  },
];
