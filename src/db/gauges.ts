import type { Severity } from '../schemas.ts';
import type { Db } from './pool.ts';
import { severityWord } from './scan_findings.ts';

export interface FindingCount {
  severity: Severity;
  fixable: boolean;
  count: number;
}

/** Vulnerability findings that are present now; of what there is none, there is no count. It reads all of them. */
export async function countFindings(db: Db): Promise<FindingCount[]> {
  const { rows } = await db.query<{ severity: number; fixable: boolean; count: number }>(
    'SELECT severity, fixable, count(*) AS count FROM current_finding GROUP BY severity, fixable ORDER BY 1, 2',
  );
  return rows.map((row) => ({ ...row, severity: severityWord(row.severity) }));
}
