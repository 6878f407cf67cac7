import type { Artifact } from '../../../src/schemas.ts';
import { DataTable } from '../components/DataTable.tsx';
import { FindingTabs } from '../components/FindingTabs.tsx';
import { ListView } from '../components/ListView.tsx';
import { Panel } from '../components/Page.tsx';
import { Empty } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { sumOf } from '../format.ts';
import { findingsParameters, only } from '../parameters.ts';
import { useUrlQuery } from '../url.ts';
import { ArtifactScans } from './ArtifactScans.tsx';
import { findingTabs } from './Scan.tsx';
import { ScanVulnerabilities } from './ScanFindings.tsx';
import { artifactFindingColumns, findingList } from './vulnerabilityColumns.tsx';

interface Props {
  artifact: Artifact;
}

/** What was found in an artifact, its scans, and what runs it. */
export function ArtifactTabs({ artifact }: Props) {
  const { latestScans, workloadCount } = artifact;
  // One scan may have looked for all kinds, or each for its own.
  const scans = [...new Map(Object.values(latestScans).map((scan) => [scan.id, scan])).values()];
  const workloads = { key: 'workloads', name: 'Workloads', count: workloadCount };
  return (
    <FindingTabs
      label="About this artifact"
      tabs={[
        {
          key: 'vulnerabilities',
          name: 'Vulnerabilities',
          count: sumOf(artifact.severityCounts),
          panel: <Vulnerabilities artifact={artifact} />,
        },
        ...findingTabs((kind) => latestScans[kind], scans),
        {
          key: 'scans',
          name: 'Scans',
          count: artifact.scanCount,
          panel: <ArtifactScans artifactId={artifact.id} />,
        },
        ...(workloadCount > 0 ? [{ ...workloads, panel: <Workloads artifact={artifact} /> }] : []),
      ]}
    />
  );
}

/** Of a stale artifact no finding is current: what its latest scan found is shown. */
function Vulnerabilities({ artifact }: Props) {
  const scan = artifact.latestScans.vulnerability;
  return artifact.stale && scan ? <ScanVulnerabilities scan={scan} /> : <Current artifact={artifact} />;
}

const parameters = only(
  findingsParameters,
  'severity',
  'fixable',
  'status',
  'package',
  'q',
  'since',
  'until',
);
function Current({ artifact }: Props) {
  const state = useUrlQuery(parameters);
  return (
    <ListView
      {...findingList}
      parameters={parameters}
      state={state}
      fixed={{ artifact: [String(artifact.id)] }}
      caption="Vulnerabilities of this artifact"
      columns={artifactFindingColumns}
      group={(item) => item.path ?? item.target}
      defaultSort="severity"
      searchLabel="Search id, title, package"
      counts={artifact.severityCounts}
      empty={<Empty title="No vulnerabilities" />}
    />
  );
}

function Workloads({ artifact }: Props) {
  return (
    <Panel title="Who runs this image">
      <DataTable
        caption="Workloads"
        items={artifact.workloads}
        itemKey={(item) => [item.cluster, item.namespace, item.kind, item.name, item.container].join('/')}
        group={(item) => `${item.cluster} / ${item.namespace}`}
        columns={[
          { label: 'Name', fit: 'wide', cell: (item) => item.name },
          { label: 'Kind', cell: (item) => item.kind },
          { label: 'Container', cell: (item) => item.container },
          { label: 'Last seen', cell: (item) => <Time value={item.lastSeenAt} /> },
        ]}
      />
    </Panel>
  );
}
