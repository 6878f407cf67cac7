import { Link } from 'wouter';
import type { List, ScanSummary } from '../../../src/schemas.ts';
import { Panel } from '../components/Page.tsx';
import { Reference } from '../components/Reference.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { ofSeverity, scanHref } from '../links.ts';
import classes from './Arrivals.module.css';

const POLL_MS = 3000;

/** What arrives while one is watching. */
export function Arrivals() {
  const loaded = useGet<List<ScanSummary>>('/api/scan-results?sort=receivedAt&limit=5', { pollMs: POLL_MS });
  const scans = loaded.data?.body.items;
  return (
    <Panel title="Arriving">
      <div role="status" className={classes.arrivals}>
        {scans?.length === 0 && 'Waiting for the first report…'}
        {scans?.map((scan) => (
          <div key={scan.id}>
            <Link href={scanHref(scan.id)}>
              <Reference name={scan.artifact.name} />
            </Link>
            <SeverityBar counts={scan.severityCounts} href={(key) => scanHref(scan.id, ofSeverity(key))} />
            <Time value={scan.receivedAt} />
          </div>
        ))}
      </div>
    </Panel>
  );
}
