import type { Severity } from '../schemas.ts';
import type { Db } from './pool.ts';
import { severityWord } from './scan_findings.ts';

export interface FindingCount {
  severity: Severity;
  fixable: boolean;
  count: number;
}

/** Vulnerability findings that are present now; of what there is none, there is no count. */
export async function countFindings(db: Db): Promise<FindingCount[]> {
  const { rows } = await db.query<{ severity: number; fixable: boolean; count: number }>(
    'SELECT severity, fixable, findings AS count FROM finding_count ORDER BY severity, fixable',
  );
  return rows.map((row) => ({ ...row, severity: severityWord(row.severity) }));
}
