import { Button } from '@mantine/core';
import { Link, useParams } from 'wouter';
import type { Kind, List, Scan as ScanBody, ScanSummary } from '../../../src/schemas.ts';
import { addressOf } from '../api.ts';
import { Breakable, CountOf, OperatingSystem } from '../components/Cells.tsx';
import { ChangeStrip } from '../components/ChangeStrip.tsx';
import { Copy } from '../components/Copy.tsx';
import { DeleteButton } from '../components/DeleteButton.tsx';
import { Facts } from '../components/Facts.tsx';
import { type FindingTab, FindingTabs } from '../components/FindingTabs.tsx';
import { Icon } from '../components/Icon.tsx';
import { Labels } from '../components/Labels.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Await, Empty } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { KIND_NOUNS } from '../filters.ts';
import { formatBytes, formatDateTime, shortDigest, sumOf } from '../format.ts';
import { artifactHref, compareHref, FAILED, ofSeverity, scanHref } from '../links.ts';
import { ArtifactScans } from './ArtifactScans.tsx';
import classes from './Scan.module.css';
import { Licenses, Misconfigurations, ScanVulnerabilities, Secrets, Suppressed } from './ScanFindings.tsx';

/** What does this image have, and what changed? */
export function Scan() {
  const { id = '' } = useParams();
  const loaded = useGet<ScanBody>(`/api/scan-results/${encodeURIComponent(id)}`);
  const scan = loaded.data?.body;
  return (
    <Page
      title={scan ? `Scan of ${scan.artifact.name}` : `Scan ${id}`}
      heading={
        scan && (
          <>
            <small className={classes.kicker}>Scan of </small>
            <Link href={artifactHref(scan.artifact.id)}>
              <Breakable value={scan.artifact.name} />
            </Link>
          </>
        )
      }
      lead={
        scan && (
          <>
            Scanned <Time value={scan.scannedAt} absolute />
            {scan.latest ? ', the latest' : ', not the latest'}
          </>
        )
      }
      actions={scan && <DeleteScan scan={scan} />}
    >
      <Await loaded={loaded}>
        {(body) => (
          <>
            <About scan={body} />
            <ScanTabs scan={body} />
          </>
        )}
      </Await>
    </Page>
  );
}

function About({ scan }: { scan: ScanBody }) {
  const { changes, artifact } = scan;
  return (
    <Panel
      title={<SeverityBar counts={scan.severityCounts} href={(key) => scanHref(scan.id, ofSeverity(key))} />}
      actions={<ChangeStrip scan={scan} />}
    >
      <Facts
        facts={[
          [
            'Fixable',
            <CountOf
              key="fixable"
              value={scan.fixableCount}
              noun={['finding', 'findings']}
              href={scanHref(scan.id, { fixable: ['true'] })}
            />,
          ],
          ['Looked for', scan.kinds.map((kind) => KIND_NOUNS[kind][1]).join(', ')],
          [
            'Digest',
            artifact.digest && (
              <>
                <code title={artifact.digest}>{shortDigest(artifact.digest)}</code>{' '}
                <Copy value={artifact.digest} what="digest" />
              </>
            ),
          ],
          ['OS', scan.os && <OperatingSystem os={scan.os} />],
          ['Trivy', scan.trivyVersion],
          ['Received', <Time key="received" value={scan.receivedAt} absolute />],
          ['Sent by', scan.uploadedBy],
          [
            'New by severity',
            changes && changes.against !== null && changes.new > 0 && (
              <SeverityBar
                counts={changes.newBySeverity}
                href={(key) => compareHref(scan, ofSeverity(key)) ?? ''}
              />
            ),
          ],
          ['Labels', <Labels key="labels" scan={scan} />],
          [
            'Warnings',
            scan.warnings.length > 0 && scan.warnings.map((warning) => <div key={warning}>{warning}</div>),
          ],
        ]}
      />
    </Panel>
  );
}

/**
 * What a scan found, by kind; of an artifact each kind has the scan that looked for it last.
 * @param scans all of these, once each: what was suppressed is of any kind
 */
export function findingTabs(
  scanOf: (kind: Kind) => ScanSummary | undefined,
  scans: readonly ScanSummary[],
): FindingTab[] {
  const tabs = [
    [
      'misconfigurations',
      'Misconfigurations',
      'misconfiguration',
      'misconfigurationCount',
      Misconfigurations,
    ],
    ['secrets', 'Secrets', 'secret', 'secretCount', Secrets],
    ['licences', 'Licences', 'license', 'licenseCount', Licenses],
  ] as const;
  const found = tabs.flatMap(([key, name, kind, count, List]) => {
    const scan = scanOf(kind);
    if (!scan) return [];
    const query = key === 'misconfigurations' ? FAILED : {};
    return [{ key, name, count: scan[count], query, panel: <List scan={scan} /> }];
  });
  const suppressed = scans.reduce((sum, scan) => sum + scan.suppressedCount, 0);
  const panel = <Suppressed scans={scans} />;
  return [...found, { key: 'suppressed', name: 'Suppressed', count: suppressed, panel }];
}

function ScanTabs({ scan }: { scan: ScanBody }) {
  return (
    <FindingTabs
      label="Findings of this scan"
      tabs={[
        {
          key: 'vulnerabilities',
          name: 'Vulnerabilities',
          count: sumOf(scan.severityCounts),
          panel: <ScanVulnerabilities scan={scan} />,
        },
        ...findingTabs(() => scan, [scan]),
        {
          key: 'scans',
          name: 'Scans of this artifact',
          panel: <ArtifactScans artifactId={scan.artifact.id} />,
        },
        { key: 'raw', name: 'Report', panel: <Raw scan={scan} /> },
      ]}
    />
  );
}

function Raw({ scan }: { scan: ScanBody }) {
  return (
    <Empty title={`The report as it was sent, ${formatBytes(scan.bytes)}`}>
      <span className={classes.note}>
        It can hold what the lists do not show: environment variables of the image, its history, and package
        lists. Look before you pass it on.
      </span>
      <Button
        component="a"
        href={addressOf(`/api/scan-results/${scan.id}/report`)}
        download={`scan-${scan.id}.json`}
        leftSection={<Icon name="download" />}
      >
        Download
      </Button>
    </Empty>
  );
}

function DeleteScan({ scan }: { scan: ScanBody }) {
  return (
    <DeleteButton what="scan" path={`/api/scan-results/${scan.id}`} leadsTo="/scans">
      <p>
        The scan of <b>{scan.artifact.name}</b> of {formatDateTime(scan.scannedAt)} goes, with its findings
        and its report.
      </p>
      <p>
        {scan.latest ? (
          <NextLatest scan={scan} />
        ) : (
          'It is not the latest, so no list of vulnerabilities changes.'
        )}
      </p>
    </DeleteButton>
  );
}

/** What becomes of the artifact once its latest scan is gone. */
function NextLatest({ scan }: { scan: ScanBody }) {
  const scans = useGet<List<ScanSummary>>(`/api/scan-results?artifact=${scan.artifact.id}&limit=2`);
  if (!scans.data) return 'It is the latest: the one before it becomes the latest.';
  const before = scans.data.body.items.find(({ id }) => id !== scan.id);
  return before
    ? `It is the latest: the scan of ${formatDateTime(before.scannedAt)} becomes the latest.`
    : 'It is the only one, so the artifact goes with it.';
}
