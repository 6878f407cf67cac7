import { Link } from 'wouter';
import type { Scan, ScanSummary } from '../../../src/schemas.ts';
import { useGet } from '../data.ts';
import { formatCount, formatDateTime } from '../format.ts';
import { compareHref } from '../links.ts';

/** What a scan changed, since when: a link to what that is. */
export function ChangeStrip({ scan }: { scan: ScanSummary }) {
  const { changes } = scan;
  const href = compareHref(scan);
  if (!changes) return null;
  if (!href || changes.against === null)
    return <span>The first scan of this artifact for vulnerabilities</span>;
  return (
    <span data-words>
      <Link href={href}>
        {formatCount(changes.new)} new, {formatCount(changes.gone)} gone
      </Link>{' '}
      since <MomentOf scanId={changes.against} />
    </span>
  );
}

/** When the scan was made that another one is compared with. */
function MomentOf({ scanId }: { scanId: number }) {
  const at = useGet<Scan>(`/api/scan-results/${scanId}`).data?.body.scannedAt;
  return at ? <time dateTime={at}>{formatDateTime(at)}</time> : 'the scan before';
}
