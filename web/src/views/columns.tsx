import { Link } from 'wouter';
import type {
  ArtifactSummary,
  Finding,
  Labels,
  ScanFinding,
  ScanSummary,
  Vulnerability,
} from '../../../src/schemas.ts';
import type { Column } from '../components/DataTable.tsx';
import { Reference } from '../components/Reference.tsx';
import { Severity, SeverityBar } from '../components/Severity.tsx';
import { Time } from '../components/Time.tsx';
import { typeName } from '../filters.ts';
import { formatCount, formatWord, plural } from '../format.ts';
import classes from './columns.module.css';

export const vulnerabilityHref = (id: string): string => `/vulnerabilities/${encodeURIComponent(id)}`;

/** Zeros are greyed, so that what is there stands out. */
export function Count({ value }: { value: number }) {
  return <span className={value === 0 ? classes.zero : undefined}>{formatCount(value)}</span>;
}

/** A dash where a report says nothing. */
export function Text({ value }: { value: string | number | null | undefined }) {
  return value === null || value === undefined || value === '' ? (
    <span className={classes.zero} data-none>
      –
    </span>
  ) : (
    value
  );
}

/** At most two lines. */
function Title({ value }: { value: string | null }) {
  return (
    <span className={classes.title} title={value ?? undefined}>
      <Text value={value} />
    </span>
  );
}

export function LabelList({ labels }: { labels: Labels }) {
  if (Object.keys(labels).length === 0) return <Text value={null} />;
  return (
    <span className={classes.labels}>
      {Object.entries(labels).map(([name, value]) => (
        <span key={name} title={`${name}=${value}`}>
          {name}={value}
        </span>
      ))}
    </span>
  );
}

export const vulnerabilityColumns: Column<Vulnerability>[] = [
  {
    label: 'Vulnerability',
    sort: 'id',
    descending: true,
    cell: (item) => <Link href={vulnerabilityHref(item.id)}>{item.id}</Link>,
  },
  {
    label: 'Severity',
    sort: 'severity',
    descending: true,
    cell: (item) => <Severity value={item.severity} />,
  },
  { label: 'Title', fit: 'wide', cell: (item) => <Title value={item.title} /> },
  {
    label: 'Packages',
    fit: 'text',
    cell: ({ packages, packageCount }) => {
      const shown = packages.slice(0, 2);
      const more = packageCount - shown.length;
      return (
        <span title={packages.join(', ')}>
          {shown.join(', ')}
          {more > 0 && <span className={classes.zero}> +{formatCount(more)}</span>}
        </span>
      );
    },
  },
  {
    label: 'Fix',
    cell: (item) =>
      item.fixable ? <span className={classes.fix}>Yes</span> : <span className={classes.zero}>No</span>,
  },
  {
    label: 'CVSS',
    sort: 'cvss',
    descending: true,
    align: 'right',
    cell: (item) => <Text value={item.cvss?.toFixed(1)} />,
  },
  {
    label: 'Artifacts',
    sort: 'affectedArtifacts',
    descending: true,
    align: 'right',
    cell: (item) => <Count value={item.affectedArtifacts} />,
  },
  {
    label: 'First seen',
    sort: 'firstSeenAt',
    descending: true,
    cell: (item) => <Time value={item.firstSeenAt} />,
  },
];

const installed: Column<ScanFinding> = {
  label: 'Installed',
  fit: 'text',
  cell: (item) => <Text value={item.installedVersion} />,
};
const fixed: Column<ScanFinding> = {
  label: 'Fixed in',
  fit: 'text',
  cell: (item) => (
    <span className={classes.fix}>
      <Text value={item.fixedVersion} />
    </span>
  ),
};
const status: Column<ScanFinding> = { label: 'Status', cell: (item) => formatWord(item.status) };
const path: Column<ScanFinding> = {
  label: 'Path',
  fit: 'text',
  cell: (item) => <Place path={item.path} target={item.target} kind={item.class} />,
};
/** Packages of the operating system have no path, and their target repeats the artifact's name. */
export function Place({
  path,
  target,
  kind,
}: {
  path: string | null;
  target: string | null;
  kind: string | null;
}) {
  return (
    <span title={target ?? undefined}>
      <Text value={path ?? (kind === 'os-pkgs' ? 'OS packages' : target)} />
    </span>
  );
}

const vulnerabilityLink = (item: ScanFinding) => (
  <Link href={vulnerabilityHref(item.vulnerabilityId)}>{item.vulnerabilityId}</Link>
);
const severity: Column<ScanFinding> = {
  label: 'Severity',
  sort: 'severity',
  descending: true,
  cell: (item) => <Severity value={item.severity} />,
};
const packageName: Column<ScanFinding> = {
  label: 'Package',
  fit: 'text',
  sort: 'package',
  cell: (item) => item.package,
};

const artifactOfFinding: Column<Finding> = {
  label: 'Artifact',
  sort: 'artifact',
  fit: 'name',
  cell: ({ artifact }) => (
    <Link href={`/artifacts/${artifact.id}`}>
      <Reference name={artifact.name} />
    </Link>
  ),
};
const firstSeen: Column<Finding> = {
  label: 'First seen',
  sort: 'firstSeenAt',
  descending: true,
  cell: (item) => <Time value={item.firstSeenAt} />,
};

export const findingColumns: Column<Finding>[] = [
  { label: 'Vulnerability', cell: vulnerabilityLink },
  severity,
  artifactOfFinding,
  packageName,
  installed,
  fixed,
  path,
  firstSeen,
];

/** Where one vulnerability is. */
export const placeColumns: Column<Finding>[] = [
  artifactOfFinding,
  severity,
  packageName,
  installed,
  fixed,
  status,
  path,
  firstSeen,
];

/** In the order of Trivy's own table. */
export const scanFindingColumns: Column<ScanFinding>[] = [
  packageName,
  { label: 'Vulnerability', sort: 'id', descending: true, cell: vulnerabilityLink },
  severity,
  status,
  installed,
  fixed,
  { label: 'Title', fit: 'wide', cell: (item) => <Title value={item.title} /> },
];

export function OperatingSystem({ os }: { os: ArtifactSummary['os'] }) {
  if (!os) return <Text value={null} />;
  return (
    <>
      {os.family} {os.name}
      {os.eosl && (
        <span className={classes.eosl} title="Its distributor publishes no fixes any more">
          End of life
        </span>
      )}
    </>
  );
}

/** `nginx:1.25`, or only the version where the repository stands above. */
export const artifactColumns = (short = false): Column<ArtifactSummary>[] => [
  {
    label: short ? 'Version' : 'Artifact',
    sort: short ? undefined : 'name',
    fit: 'name',
    cell: (item) => (
      <>
        <Link href={`/artifacts/${item.id}`}>
          <Reference name={short ? (item.version ?? item.name) : item.name} />
        </Link>
        {item.stale && <span className={classes.stale}>Stale</span>}
      </>
    ),
  },
  ...(short ? [] : [{ label: 'Type', cell: (item: ArtifactSummary) => typeName(item.type) }]),
  {
    label: 'Findings',
    sort: short ? undefined : 'severity',
    descending: true,
    cell: (item) => (
      <SeverityBar
        counts={item.severityCounts}
        href={(key) => `/vulnerabilities?show=findings&artifact=${item.id}&severity=${key.toUpperCase()}`}
      />
    ),
  },
  { label: 'Fixable', align: 'right', cell: (item) => <Count value={item.fixableCount} /> },
  { label: 'Secrets', align: 'right', cell: (item) => <Count value={item.secretCount} /> },
  {
    label: 'Misconfigurations',
    align: 'right',
    cell: (item) => <Count value={item.misconfigurationCount} />,
  },
  { label: 'OS', fit: 'text', cell: (item) => <OperatingSystem os={item.os} /> },
  {
    label: 'Last seen',
    sort: short ? undefined : 'lastSeenAt',
    descending: true,
    cell: (item) => <Time value={item.lastSeenAt} />,
  },
  { label: 'Scans', align: 'right', cell: (item) => <Count value={item.scanCount} /> },
];

/** New and gone against the scan before, from the gate. */
export function Difference({ changes }: { changes: ScanSummary['changes'] }) {
  if (!changes) return <Text value={null} />;
  if (changes.against === null) return <span className={classes.zero}>first scan</span>;
  return (
    <span className={classes.difference}>
      <span data-some={changes.new > 0 || undefined} title={`${changes.new} new`}>
        +{formatCount(changes.new)}
      </span>{' '}
      <span title={`${changes.gone} gone`}>−{formatCount(changes.gone)}</span>
    </span>
  );
}

const scanLink: Column<ScanSummary> = {
  label: 'Scanned',
  sort: 'scannedAt',
  descending: true,
  cell: (item) => (
    <>
      <Link href={`/scans/${item.id}`}>
        <Time value={item.scannedAt} />
      </Link>
      {item.latest && <span className={classes.latest}>Latest</span>}
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

/** What tells findings apart; the rows of a page are told apart by their place too, as exact repeats exist. */
export const findingKey = (item: Finding): string =>
  [item.artifact.id, item.vulnerabilityId, item.package, item.installedVersion, item.target, item.path].join(
    '\n',
  );
