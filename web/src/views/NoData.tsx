import { Button } from '@mantine/core';
import { Link } from 'wouter';
import type { Summary } from '../../../src/schemas.ts';
import { Empty } from '../components/States.tsx';
import { useGet } from '../data.ts';

/** An empty list: because nothing was ever received, or because there is none. @param what `vulnerabilities` */
export function NoData({ what }: { what: string }) {
  const summary = useGet<Summary>('/api/summary').data?.body;
  if (!summary) return null;
  if (summary.scans.total > 0) {
    return (
      <Empty title={`No ${what}`}>
        <span>The latest scans have none.</span>
      </Empty>
    );
  }
  return (
    <Empty title="No scan results yet">
      <span>Send a Trivy report, and it appears here.</span>
      <Button component={Link} href="/add" size="xs">
        Add results
      </Button>
    </Empty>
  );
}
