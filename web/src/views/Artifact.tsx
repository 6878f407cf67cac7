import { Button, Tabs } from '@mantine/core';
import { lazy, Suspense, useMemo, useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import type { Artifact as ArtifactBody, Kind } from '../../../src/schemas.ts';
import { Difference, LabelList, OperatingSystem } from '../components/Cells.tsx';
import { Copy } from '../components/Copy.tsx';
import { DataTable } from '../components/DataTable.tsx';
import { DeleteDialog } from '../components/DeleteDialog.tsx';
import { Facts } from '../components/Facts.tsx';
import { Icon } from '../components/Icon.tsx';
import { ListView } from '../components/ListView.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Await, Empty } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { typeName } from '../filters.ts';
import { formatCount, plural, sumOf } from '../format.ts';
import { findingsParameters, type Parameters } from '../parameters.ts';
import { useShow, useUrlQuery } from '../url.ts';
import { ArtifactScans } from './ArtifactScans.tsx';
import classes from './Scan.module.css';
import { findingColumns, findingKey } from './vulnerabilityColumns.tsx';

const SeverityChart = lazy(async () => ({
  default: (await import('../components/SeverityChart.tsx')).SeverityChart,
}));

const TABS = ['vulnerabilities', 'scans', 'workloads'] as const;

/** What does this thing have now, and how did it come to that? */
export function Artifact() {
  const { id = '' } = useParams();
  const loaded = useGet<ArtifactBody>(`/api/artifacts/${encodeURIComponent(id)}`);
  const artifact = loaded.data?.body;
  return (
    <Page
      title={artifact?.name ?? `Artifact ${id}`}
      heading={
        artifact && (
          <>
            {artifact.name} <Copy value={artifact.name} what="name" />
          </>
        )
      }
      lead={
        artifact && (
          <>
            {typeName(artifact.type)}, last seen <Time value={artifact.lastSeenAt} absolute />
          </>
        )
      }
      actions={artifact && <DeleteArtifact artifact={artifact} />}
    >
      <Await loaded={loaded}>
        {(body) => (
          <>
            <About artifact={body} />
            {body.history.length > 1 && <History history={body.history} />}
            <ArtifactTabs artifact={body} />
          </>
        )}
      </Await>
    </Page>
  );
}

const KIND_TABS: Record<Kind, string> = {
  vulnerability: 'vulnerabilities',
  misconfiguration: 'misconfigurations',
  secret: 'secrets',
  license: 'licences',
};

function About({ artifact }: { artifact: ArtifactBody }) {
  const { latestScans } = artifact;
  const vulnerability = latestScans.vulnerability;
  const counts: Record<Kind, number> = {
    vulnerability: sumOf(artifact.severityCounts),
    misconfiguration: artifact.misconfigurationCount,
    secret: artifact.secretCount,
    license: artifact.licenseCount,
  };
  return (
    <Panel
      title={<SeverityBar counts={artifact.severityCounts} />}
      actions={
        vulnerability?.changes?.against && (
          <Link href={`/compare?base=${vulnerability.changes.against}&head=${vulnerability.id}`}>
            <Difference changes={vulnerability.changes} /> since the scan before
          </Link>
        )
      }
    >
      {artifact.stale && (
        <p className={classes.stale}>
          Stale: nothing came of it for long, so its findings count in no list of vulnerabilities. A new scan,
          or the last one sent again, ends that.
        </p>
      )}
      <Facts
        facts={[
          ['Fixable', plural(artifact.fixableCount, ['finding', 'findings'])],
          ...(Object.keys(KIND_TABS) as Kind[]).flatMap((kind) => {
            const scan = latestScans[kind];
            if (!scan) return [];
            const name = KIND_TABS[kind];
            return [
              [
                name.charAt(0).toUpperCase() + name.slice(1),
                <span key={kind}>
                  <Link href={`/scans/${scan.id}${kind === 'vulnerability' ? '' : `?show=${name}`}`}>
                    {formatCount(counts[kind])} in the latest scan
                  </Link>
                  , <Time value={scan.scannedAt} />
                </span>,
              ] as const,
            ];
          }),
          ['OS', artifact.os && <OperatingSystem os={artifact.os} />],
          [
            'Digest',
            artifact.digest && (
              <>
                <code>{artifact.digest}</code> <Copy value={artifact.digest} what="digest" />
              </>
            ),
          ],
          ['Cluster', artifact.cluster],
          ['Namespace', artifact.namespace],
          ['Kind', artifact.kind],
          ['Labels', Object.keys(artifact.labels).length > 0 && <LabelList labels={artifact.labels} />],
        ]}
      />
    </Panel>
  );
}

function History({ history }: { history: ArtifactBody['history'] }) {
  const points = useMemo(
    () => history.map(({ day, severityCounts }) => ({ day, counts: severityCounts })),
    [history],
  );
  return (
    <Panel title="Findings of the last 90 days">
      <Suspense fallback={<div className={classes.chartPlace} />}>
        <SeverityChart
          label="Findings by severity, a point for each day with a scan"
          points={points}
          height={150}
        />
      </Suspense>
    </Panel>
  );
}

function ArtifactTabs({ artifact }: { artifact: ArtifactBody }) {
  const show = useShow(TABS);
  const [path, navigate] = useLocation();
  return (
    <Tabs
      value={show}
      keepMounted={false}
      onChange={(tab) => navigate(tab === TABS[0] ? path : `${path}?show=${tab}`)}
    >
      <Tabs.List aria-label="About this artifact" className={classes.tabs}>
        <Tabs.Tab value="vulnerabilities">
          Vulnerabilities {formatCount(sumOf(artifact.severityCounts))}
        </Tabs.Tab>
        <Tabs.Tab value="scans">Scans {formatCount(artifact.scanCount)}</Tabs.Tab>
        {artifact.workloadCount > 0 && (
          <Tabs.Tab value="workloads">Workloads {formatCount(artifact.workloadCount)}</Tabs.Tab>
        )}
      </Tabs.List>
      <Tabs.Panel value="vulnerabilities">
        <Findings artifact={artifact} />
      </Tabs.Panel>
      <Tabs.Panel value="scans">
        <ArtifactScans artifactId={artifact.id} />
      </Tabs.Panel>
      <Tabs.Panel value="workloads">
        <Workloads artifact={artifact} />
      </Tabs.Panel>
    </Tabs>
  );
}

const {
  severity,
  fixable,
  status,
  package: packages,
  q,
  since,
  until,
  sort,
  order,
  limit,
  cursor,
} = findingsParameters;
const findingsOfOne: Parameters = {
  severity,
  fixable,
  status,
  package: packages,
  q,
  since,
  until,
  sort,
  order,
  limit,
  cursor,
};
const columns = findingColumns.filter(({ label }) => label !== 'Artifact');

function Findings({ artifact }: { artifact: ArtifactBody }) {
  const state = useUrlQuery(findingsOfOne);
  return (
    <ListView
      api="/api/findings"
      parameters={findingsOfOne}
      state={state}
      fixed={{ artifact: [String(artifact.id)] }}
      caption="Vulnerabilities of this artifact"
      noun={['finding', 'findings']}
      columns={columns}
      itemKey={findingKey}
      defaultSort="severity"
      timeLabel="First seen"
      searchLabel="Search id, title, package"
      counts={artifact.severityCounts}
      csv
      empty={
        <Empty title={artifact.stale ? 'A stale artifact has no current findings' : 'No vulnerabilities'}>
          {artifact.stale && <span>Its latest scan still shows what it had.</span>}
        </Empty>
      }
    />
  );
}

function Workloads({ artifact }: { artifact: ArtifactBody }) {
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

function DeleteArtifact({ artifact }: { artifact: ArtifactBody }) {
  const [asked, setAsked] = useState(false);
  const [, navigate] = useLocation();
  return (
    <>
      <Button
        size="xs"
        variant="default"
        leftSection={<Icon name="trash" size={14} />}
        onClick={() => setAsked(true)}
      >
        Delete artifact
      </Button>
      <DeleteDialog
        opened={asked}
        onClose={() => setAsked(false)}
        title="Delete this artifact?"
        path={`/api/artifacts/${artifact.id}`}
        onDeleted={() => navigate('/artifacts')}
      >
        <p>
          <b>{artifact.name}</b> goes with {plural(artifact.scanCount, ['scan', 'scans'])}, all their findings
          and reports. It comes back, without its history, when it is scanned again.
        </p>
      </DeleteDialog>
    </>
  );
}
