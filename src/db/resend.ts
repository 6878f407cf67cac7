import type { ScanRows, StoredDocument } from '../upload/columns.ts';
import { kindBits } from './filters.ts';
import { contentHash } from './insert.ts';
import { checkLabelCount } from './labels.ts';
import type { LockedArtifact } from './lock.ts';
import type { Db } from './pool.ts';

/** What of a report is known already. */
export interface Found {
  /** The scan that the same report made. */
  same: number | null;
  /** Whether a scan of the artifact has its ReportID, with other findings. */
  reused: boolean;
}

/**
 * Looks for the same reports: of the same artifact and kinds, and the same bytes, or the same ReportID (an operator
 * resource's uid) and findings. In a list of operator resources the bytes tell nothing: two of them may be about one
 * image.
 * @returns one per scan.
 */
export async function findSame(
  db: Db,
  document: StoredDocument,
  artifacts: LockedArtifact[],
): Promise<Found[]> {
  const wanted = document.scans.map((rows, index) => ({
    artifact: artifacts[index]?.id,
    kinds: kindBits(rows.kinds),
    report: rows.reportId,
    findings: contentHash(rows),
    bytes: !document.multiple || rows.reportHash === null,
  }));
  const { rows } = await db.query<Found>(
    `SELECT (
         SELECT min(s.id) FROM scan s
         WHERE s.artifact_id = i.artifact AND s.kinds = i.kinds AND (i.bytes AND s.document_sha256 = decode($2, 'hex')
           OR s.report_id = i.report AND s.findings_sha256 = decode(i.findings, 'hex'))
       ) AS same,
       EXISTS (
         SELECT 1 FROM scan s WHERE s.artifact_id = i.artifact AND s.report_id = i.report
           AND s.findings_sha256 <> decode(i.findings, 'hex')
       ) AS reused
     FROM ROWS FROM (json_to_recordset($1) AS (artifact int, kinds smallint, report text, findings text, bytes boolean))
       WITH ORDINALITY AS i(artifact, kinds, report, findings, bytes, position)
     ORDER BY i.position`,
    [JSON.stringify(wanted), document.sha256],
  );
  return rows;
}

/** What makes two reports of one document the same. Without a ReportID each is its own. */
export function identityOf(rows: ScanRows, artifact: number, index: number): string {
  return JSON.stringify([artifact, kindBits(rows.kinds), contentHash(rows), rows.reportId ?? index]);
}

/**
 * Adds labels to scans that were sent again, and to their artifacts where they are the newest.
 * @throws TooManyLabels
 */
export async function addLabels(db: Db, scans: number[], labels: Record<string, string>): Promise<void> {
  if (scans.length === 0 || Object.keys(labels).length === 0) return;
  const { rows } = await db.query<{ labels: Record<string, string> }>(
    `WITH labelled AS (
       UPDATE scan SET labels = labels || $2::jsonb WHERE id = ANY ($1::bigint[]) AND NOT labels @> $2::jsonb
       RETURNING id, labels
     ), shown AS (
       UPDATE artifact a SET labels = l.labels FROM labelled l WHERE a.newest_scan_id = l.id
     )
     SELECT labels FROM labelled`,
    [scans, JSON.stringify(labels)],
  );
  for (const row of rows) checkLabelCount(row.labels);
}
