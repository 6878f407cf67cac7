import type {
  License,
  Misconfiguration,
  ScanFinding,
  ScanSummary,
  Secret,
  Suppressed as SuppressedFinding,
} from '../../../src/schemas.ts';
import { Text } from '../components/Cells.tsx';
import { CodeLines } from '../components/CodeLines.tsx';
import type { Column } from '../components/DataTable.tsx';
import { ExternalLink } from '../components/ExternalLink.tsx';
import { Facts } from '../components/Facts.tsx';
import { ListView } from '../components/ListView.tsx';
import { Severity } from '../components/Severity.tsx';
import { Empty } from '../components/States.tsx';
import { KIND_NOUNS } from '../filters.ts';
import { formatDateTime, formatWord } from '../format.ts';
import {
  licensesParameters,
  misconfigurationsParameters,
  otherFindingsParameters,
  scanVulnerabilitiesParameters,
} from '../parameters.ts';
import { type QueryState, useMemoryQuery, useUrlQuery } from '../url.ts';
import { scanFindingColumns } from './vulnerabilityColumns.tsx';

interface Props {
  scan: ScanSummary;
}

const severity = {
  label: 'Severity',
  cell: (item: { severity: Misconfiguration['severity'] }) => <Severity value={item.severity} />,
};

/** Nothing was found, or nothing was looked for: that is not the same. */
function NothingFound({ scan, kind, what }: Props & { kind: ScanSummary['kinds'][number]; what: string }) {
  return scan.kinds.includes(kind) ? (
    <Empty title={`No ${what}`}>
      <span>The scan looked for them and found none.</span>
    </Empty>
  ) : (
    <Empty title={`This scan did not look for ${what}`}>
      <span>What an earlier scan of the artifact found still stands.</span>
    </Empty>
  );
}

export function ScanVulnerabilities({ scan }: Props) {
  const state = useUrlQuery(scanVulnerabilitiesParameters);
  return (
    <ListView
      api={`/api/scan-results/${scan.id}/vulnerabilities`}
      parameters={scanVulnerabilitiesParameters}
      state={state}
      caption="Vulnerabilities of this scan"
      noun={['finding', 'findings']}
      columns={scanFindingColumns}
      itemKey={(item: ScanFinding) =>
        [item.vulnerabilityId, item.package, item.installedVersion, item.target, item.path].join('\n')
      }
      group={(item) => item.path ?? item.target}
      defaultSort="severity"
      searchLabel="Search id, title, package"
      counts={scan.severityCounts}
      empty={<NothingFound scan={scan} kind="vulnerability" what="vulnerabilities" />}
    />
  );
}

const misconfigurationColumns: Column<Misconfiguration>[] = [
  { label: 'Check', cell: (item) => item.id },
  severity,
  { label: 'Status', cell: (item) => formatWord(item.status) },
  { label: 'Title', fit: 'wide', cell: (item) => <Text value={item.title} /> },
  { label: 'Message', fit: 'wide', cell: (item) => <Text value={item.message} /> },
  { label: 'Lines', cell: (item) => <Lines item={item} /> },
];

function Lines({ item }: { item: { startLine: number | null; endLine: number | null } }) {
  const { startLine, endLine } = item;
  if (startLine === null) return <Text value={null} />;
  return <>{endLine === null || endLine === startLine ? startLine : `${startLine}–${endLine}`}</>;
}

export function Misconfigurations({ scan }: Props) {
  const state = useUrlQuery(misconfigurationsParameters);
  return (
    <ListView
      api={`/api/scan-results/${scan.id}/misconfigurations`}
      parameters={misconfigurationsParameters}
      state={state}
      caption="Misconfigurations of this scan"
      noun={['misconfiguration', 'misconfigurations']}
      columns={misconfigurationColumns}
      itemKey={(item: Misconfiguration) => [item.id, item.target, item.startLine, item.message].join('\n')}
      group={(item) => item.target}
      detail={(item) => (
        <>
          <Facts
            facts={[
              ['Description', item.description],
              ['What to do', item.resolution],
              ['Resource', item.resource],
              ['Service', [item.provider, item.service].filter(Boolean).join(' / ')],
              ['More', item.primaryUrl && <ExternalLink href={item.primaryUrl} />],
            ]}
          />
          <CodeLines lines={item.code} />
        </>
      )}
      searchLabel="Search check, title, message"
      empty={<NothingFound scan={scan} kind="misconfiguration" what="misconfigurations" />}
    />
  );
}

const secretColumns: Column<Secret>[] = [
  { label: 'Rule', cell: (item) => item.ruleId },
  severity,
  { label: 'Title', fit: 'wide', cell: (item) => <Text value={item.title} /> },
  { label: 'Category', cell: (item) => <Text value={item.category} /> },
  {
    label: 'Match',
    fit: 'wide',
    cell: (item) => (
      <code>
        <Text value={item.match} />
      </code>
    ),
  },
  { label: 'Lines', cell: (item) => <Lines item={item} /> },
];

export function Secrets({ scan }: Props) {
  const state = useUrlQuery(otherFindingsParameters);
  return (
    <ListView
      api={`/api/scan-results/${scan.id}/secrets`}
      parameters={otherFindingsParameters}
      state={state}
      caption="Secrets of this scan"
      noun={['secret', 'secrets']}
      columns={secretColumns}
      itemKey={(item: Secret) => [item.ruleId, item.target, item.startLine, item.match].join('\n')}
      group={(item) => item.target}
      detail={(item) => (item.code.length > 0 ? <CodeLines lines={item.code} /> : null)}
      searchLabel="Search rule, title"
      empty={<NothingFound scan={scan} kind="secret" what="secrets" />}
    />
  );
}

const licenseColumns: Column<License>[] = [
  {
    label: 'Licence',
    fit: 'wide',
    cell: (item) => (item.link ? <ExternalLink href={item.link}>{item.name}</ExternalLink> : item.name),
  },
  severity,
  { label: 'Category', cell: (item) => <Text value={item.category} /> },
  { label: 'Package', cell: (item) => <Text value={item.package} /> },
  { label: 'Path', fit: 'wide', cell: (item) => <Text value={item.path} /> },
  { label: 'Confidence', align: 'right', cell: (item) => <Text value={item.confidence} /> },
];

export function Licenses({ scan }: Props) {
  const state = useUrlQuery(licensesParameters);
  return (
    <ListView
      api={`/api/scan-results/${scan.id}/licenses`}
      parameters={licensesParameters}
      state={state}
      caption="Licences of this scan"
      noun={['licence', 'licences']}
      columns={licenseColumns}
      itemKey={(item: License) => [item.name, item.package, item.path, item.target].join('\n')}
      group={(item) => item.target}
      searchLabel="Search licence, package"
      empty={<NothingFound scan={scan} kind="license" what="licences" />}
    />
  );
}

const suppressedColumns: Column<SuppressedFinding>[] = [
  { label: 'Finding', cell: (item) => nameOf(item.finding) },
  severity,
  { label: 'Type', cell: (item) => formatWord(item.type) },
  { label: 'Status', cell: (item) => formatWord(item.status) },
  { label: 'Why', fit: 'wide', cell: (item) => <Text value={item.statement} /> },
  { label: 'Said by', fit: 'wide', cell: (item) => <Text value={item.source} /> },
];

/** Of whatever kind it is. */
function nameOf({ vulnerabilityId, id, ruleId, name, package: of }: Record<string, unknown>): string {
  return [vulnerabilityId ?? id ?? ruleId ?? name, of]
    .filter((part) => typeof part === 'string')
    .join(' in ');
}

/** What scans suppressed: one its own, several each below the other. */
export function Suppressed({ scans }: { scans: readonly ScanSummary[] }) {
  const some = scans.filter(({ suppressedCount }) => suppressedCount > 0);
  const [only, ...others] = some.length > 0 ? some : scans;
  if (!only) return <Empty title="Nothing was suppressed" />;
  if (others.length === 0) return <SuppressedOnly scan={only} />;
  return some.map((scan) => <SuppressedBelow key={scan.id} scan={scan} />);
}

function SuppressedOnly({ scan }: Props) {
  return <SuppressedList scan={scan} state={useUrlQuery(otherFindingsParameters)} />;
}

function SuppressedBelow({ scan }: Props) {
  const kinds = scan.kinds.map((kind) => KIND_NOUNS[kind][1]).join(', ');
  const title = `In the scan of ${formatDateTime(scan.scannedAt)} for ${kinds}`;
  return <SuppressedList scan={scan} state={useMemoryQuery()} title={title} />;
}

function SuppressedList({ scan, state, title }: Props & { state: QueryState; title?: string }) {
  return (
    <ListView
      api={`/api/scan-results/${scan.id}/suppressed`}
      parameters={otherFindingsParameters}
      state={state}
      {...(title ? { title } : {})}
      caption={title ?? 'Suppressed findings of this scan'}
      noun={['suppressed finding', 'suppressed findings']}
      columns={suppressedColumns}
      itemKey={(item) => JSON.stringify(item)}
      searchLabel="Search finding"
      empty={<Empty title="Nothing was suppressed" />}
    />
  );
}
