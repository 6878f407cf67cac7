import { Button } from '@mantine/core';
import { Link } from 'wouter';
import { Empty } from '../components/States.tsx';

/** Where nothing was ever received. */
export function NoData() {
  return (
    <Empty title="No scan results yet">
      <span>Send a Trivy report, and it appears here.</span>
      <Button component={Link} href="/add" size="xs">
        Add results
      </Button>
    </Empty>
  );
}
