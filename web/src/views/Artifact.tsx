import { Suspense, useMemo } from 'react';
import { Link, useParams } from 'wouter';
import type { Artifact as ArtifactBody, SeverityCounts } from '../../../src/schemas.ts';
import { Breakable, CountOf, LabelList, OperatingSystem } from '../components/Cells.tsx';
import { ChangeStrip } from '../components/ChangeStrip.tsx';
import { Copy } from '../components/Copy.tsx';
import { DeleteButton } from '../components/DeleteButton.tsx';
import { Facts } from '../components/Facts.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Await } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { KIND_NOUNS, typeName } from '../filters.ts';
import { formatWord, plural, shortDigest } from '../format.ts';
import { artifactHref, ofSeverity, scanHref } from '../links.ts';
import { KINDS } from '../parameters.ts';
import { early } from '../parts.ts';
import { ArtifactTabs } from './ArtifactTabs.tsx';
import classes from './Scan.module.css';

const SeverityChart = early('SeverityChart', () => import('../components/SeverityChart.tsx'));

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
            <Breakable value={artifact.name} /> <Copy value={artifact.name} what="name" />
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

function About({ artifact }: { artifact: ArtifactBody }) {
  const { latestScans, fixableCount } = artifact;
  const vulnerability = latestScans.vulnerability;
  return (
    <Panel
      title={
        <SeverityBar
          counts={artifact.severityCounts}
          href={(key) => artifactHref(artifact.id, ofSeverity(key))}
        />
      }
      actions={vulnerability && <ChangeStrip scan={vulnerability} />}
    >
      {artifact.stale && (
        <p className={classes.stale}>
          Stale: nothing came of it for long, so its findings count in no list of vulnerabilities. A new scan,
          or the last one sent again, ends that.
        </p>
      )}
      <Facts
        facts={[
          [
            'Fixable',
            <CountOf
              key="fixable"
              value={fixableCount}
              noun={['finding', 'findings']}
              href={artifactHref(artifact.id, { fixable: ['true'] })}
            />,
          ],
          ...KINDS.flatMap((kind) => {
            const scan = latestScans[kind];
            if (!scan) return [];
            return [
              [
                formatWord(KIND_NOUNS[kind][1]),
                <Link key={kind} href={scanHref(scan.id)}>
                  scanned <Time value={scan.scannedAt} />
                </Link>,
              ] as const,
            ];
          }),
          ['OS', artifact.os && <OperatingSystem os={artifact.os} />],
          [
            'Digest',
            artifact.digest && (
              <>
                <code title={artifact.digest}>{shortDigest(artifact.digest)}</code>{' '}
                <Copy value={artifact.digest} what="digest" />
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
    () =>
      history.map(({ day, scanId, severityCounts }) => ({
        day,
        counts: severityCounts,
        href: (key: keyof SeverityCounts) => scanHref(scanId, ofSeverity(key)),
      })),
    [history],
  );
  return (
    <Panel title="Findings of the last 90 days">
      <Suspense fallback={<div className={classes.chartPlace} role="status" aria-label="Loading" />}>
        <SeverityChart
          label="Findings by severity, a point for each day with a scan"
          points={points}
          height={150}
        />
      </Suspense>
    </Panel>
  );
}

function DeleteArtifact({ artifact }: { artifact: ArtifactBody }) {
  return (
    <DeleteButton what="artifact" path={`/api/artifacts/${artifact.id}`} leadsTo="/artifacts">
      <p>
        <b>{artifact.name}</b> goes with {plural(artifact.scanCount, ['scan', 'scans'])}, all their findings
        and reports. It comes back, without its history, when it is scanned again.
      </p>
    </DeleteButton>
  );
}
