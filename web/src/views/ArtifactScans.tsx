import { Button } from '@mantine/core';
import { useState } from 'react';
import { Link } from 'wouter';
import type { ScanSummary } from '../../../src/schemas.ts';
import type { Column } from '../components/DataTable.tsx';
import { ListView } from '../components/ListView.tsx';
import { Empty } from '../components/States.tsx';
import { formatDateTime } from '../format.ts';
import { only, scansParameters } from '../parameters.ts';
import { useUrlQuery } from '../url.ts';
import { historyColumns } from './scanColumns.tsx';

const parameters = only(scansParameters, 'kind', 'latest', 'label', 'severity', 'since', 'until');

/** The scans of one artifact, of which two can be compared. */
export function ArtifactScans({ artifactId }: { artifactId: number }) {
  const state = useUrlQuery(parameters);
  const [chosen, setChosen] = useState<readonly ScanSummary[]>([]);
  const columns: Column<ScanSummary>[] = [
    ...historyColumns,
    {
      label: 'Compare',
      cell: (scan) => (
        <input
          type="checkbox"
          aria-label={`Compare the scan of ${formatDateTime(scan.scannedAt)}`}
          checked={chosen.some(({ id }) => id === scan.id)}
          onChange={(event) =>
            setChosen(
              event.currentTarget.checked
                ? [...chosen, scan].slice(-2)
                : chosen.filter(({ id }) => id !== scan.id),
            )
          }
        />
      ),
    },
  ];
  const [base, head] = [...chosen].sort((a, b) => a.scannedAt.localeCompare(b.scannedAt) || a.id - b.id);
  return (
    <>
      {chosen.length > 0 && (
        <p>
          {!base || !head ? (
            'Choose a second scan to compare.'
          ) : (
            <Button component={Link} href={`/compare?base=${base.id}&head=${head.id}`} size="xs">
              Compare the two
            </Button>
          )}
        </p>
      )}
      <ListView
        api="/api/scan-results"
        parameters={parameters}
        state={state}
        fixed={{ artifact: [String(artifactId)] }}
        caption="Scans of this artifact"
        noun={['scan', 'scans']}
        columns={columns}
        itemKey={(item) => item.id}
        defaultSort="scannedAt"
        empty={<Empty title="No scan is kept of this artifact" />}
      />
    </>
  );
}
