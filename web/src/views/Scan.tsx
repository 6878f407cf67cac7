import { Button, Tabs } from '@mantine/core';
import { useState } from 'react';
import { Link, useLocation, useParams } from 'wouter';
import type { Scan as ScanBody } from '../../../src/schemas.ts';
import { addressOf } from '../api.ts';
import { OperatingSystem } from '../components/Cells.tsx';
import { Copy } from '../components/Copy.tsx';
import { DeleteDialog } from '../components/DeleteDialog.tsx';
import { Facts } from '../components/Facts.tsx';
import { Icon } from '../components/Icon.tsx';
import { Labels } from '../components/Labels.tsx';
import { Page, Panel } from '../components/Page.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Await, Empty } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { formatBytes, formatCount, formatDateTime, plural, sumOf } from '../format.ts';
import { useShow } from '../url.ts';
import { ArtifactScans } from './ArtifactScans.tsx';
import classes from './Scan.module.css';
import { Licenses, Misconfigurations, ScanVulnerabilities, Secrets, Suppressed } from './ScanFindings.tsx';

const TABS = [
  'vulnerabilities',
  'misconfigurations',
  'secrets',
  'licences',
  'suppressed',
  'scans',
  'raw',
] as const;
type Tab = (typeof TABS)[number];

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
            <Link href={`/artifacts/${scan.artifact.id}`}>{scan.artifact.name}</Link>
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
            <FindingTabs scan={body} />
          </>
        )}
      </Await>
    </Page>
  );
}

function About({ scan }: { scan: ScanBody }) {
  const { changes, artifact } = scan;
  return (
    <Panel title={<SeverityBar counts={scan.severityCounts} />} actions={<ChangeStrip scan={scan} />}>
      <Facts
        facts={[
          ['Fixable', plural(scan.fixableCount, ['finding', 'findings'])],
          ['Looked for', scan.kinds.join(', ')],
          [
            'Digest',
            artifact.digest && (
              <>
                <code>{artifact.digest}</code> <Copy value={artifact.digest} what="digest" />
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
              <SeverityBar counts={changes.newBySeverity} />
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

function ChangeStrip({ scan }: { scan: ScanBody }) {
  const { changes, id } = scan;
  if (!changes) return null;
  if (changes.against === null) return <span>The first scan of this artifact for vulnerabilities</span>;
  return (
    <Link href={`/compare?base=${changes.against}&head=${id}`}>
      {formatCount(changes.new)} new, {formatCount(changes.gone)} gone since the scan before
    </Link>
  );
}

function FindingTabs({ scan }: { scan: ScanBody }) {
  const show = useShow(TABS);
  const [path, navigate] = useLocation();
  const names: Record<Tab, string> = {
    vulnerabilities: `Vulnerabilities ${formatCount(sumOf(scan.severityCounts))}`,
    misconfigurations: `Misconfigurations ${formatCount(scan.misconfigurationCount)}`,
    secrets: `Secrets ${formatCount(scan.secretCount)}`,
    licences: `Licences ${formatCount(scan.licenseCount)}`,
    suppressed: `Suppressed ${formatCount(scan.suppressedCount)}`,
    scans: 'Scans of this artifact',
    raw: 'Report',
  };
  const open = (tab: string | null) => navigate(tab === TABS[0] ? path : `${path}?show=${tab}`);
  return (
    <Tabs value={show} onChange={open} keepMounted={false}>
      <Tabs.List aria-label="Findings of this scan" className={classes.tabs}>
        {TABS.map((tab) => (
          <Tabs.Tab key={tab} value={tab}>
            {names[tab]}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      <Tabs.Panel value="vulnerabilities">
        <ScanVulnerabilities scan={scan} />
      </Tabs.Panel>
      <Tabs.Panel value="misconfigurations">
        <Misconfigurations scan={scan} />
      </Tabs.Panel>
      <Tabs.Panel value="secrets">
        <Secrets scan={scan} />
      </Tabs.Panel>
      <Tabs.Panel value="licences">
        <Licenses scan={scan} />
      </Tabs.Panel>
      <Tabs.Panel value="suppressed">
        <Suppressed scan={scan} />
      </Tabs.Panel>
      <Tabs.Panel value="scans">
        <ArtifactScans artifactId={scan.artifact.id} />
      </Tabs.Panel>
      <Tabs.Panel value="raw">
        <Raw scan={scan} />
      </Tabs.Panel>
    </Tabs>
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
        Delete scan
      </Button>
      <DeleteDialog
        opened={asked}
        onClose={() => setAsked(false)}
        title="Delete this scan?"
        path={`/api/scan-results/${scan.id}`}
        onDeleted={() => navigate('/scans')}
      >
        <p>
          The scan of <b>{scan.artifact.name}</b> of {formatDateTime(scan.scannedAt)} goes, with its findings
          and its report.
        </p>
        <p>
          {scan.latest
            ? 'It is the latest: the scan before it becomes the latest, or the artifact counts nowhere if there is none.'
            : 'It is not the latest, so no list of vulnerabilities changes.'}
        </p>
      </DeleteDialog>
    </>
  );
}
