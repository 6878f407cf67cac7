import type { ScanRows, StoredDocument } from '../upload/columns.ts';
import { joinColumns } from './dictionaries.ts';
import { kindBits } from './filters.ts';
import type { StoreOptions } from './ingest.ts';
import type { LockedArtifact } from './lock.ts';
import type { Db } from './pool.ts';

/** A scan that is not stored yet, with what is decided at receipt. */
export interface NewScan {
  rows: ScanRows;
  artifact: LockedArtifact;
  /** RFC 3339. */
  scannedAt: string;
  warnings: string[];
}

/** What tells two reports with one ReportID apart (hex): the findings, or an operator's whole report. */
export function contentHash(rows: ScanRows): string {
  return rows.reportHash ?? rows.findingsHash;
}

/**
 * Writes the document, its scans and their findings. The dictionaries must know them. To be run joined by hash.
 * @returns ids of the scans, in the order given.
 */
export async function insertScans(
  db: Db,
  document: StoredDocument,
  scans: NewScan[],
  options: StoreOptions,
  now: Date,
): Promise<number[]> {
  if (scans.length === 0) return [];
  const { rows: documents } = await db.query<{ id: number }>(
    `INSERT INTO document (sha256, bytes, gzip) VALUES (decode($1, 'hex'), $2, $3) RETURNING id`,
    [document.sha256, document.bytes, document.gzip],
  );
  // Identities are given in the order of the rows.
  const { rows } = await db.query<{ id: number }>(
    `INSERT INTO scan (artifact_id, artifact_name, document_id, kinds, scanned_at, received_at, report_id,
       document_sha256, findings_sha256, digest, trivy_version, os_family, os_name, os_eosl, critical, high, medium,
       low, unknown, fixable, misconfigurations, secrets, licenses, suppressed, labels, metadata, warnings, uploaded_by)
     SELECT artifact, name, $2, kinds, scanned_at, $3::timestamptz, report_id, decode($4, 'hex'),
       decode(findings_hash, 'hex'), digest, trivy_version, os_family, os_name, os_eosl, critical, high, medium, low,
       unknown, fixable, misconfigurations, secrets, licenses, suppressed, $5::jsonb, metadata, warnings, $6
     FROM json_to_recordset($1) AS s(position int, artifact int, name text, kinds smallint, scanned_at timestamptz,
       report_id text, findings_hash text, digest text, trivy_version text, os_family text, os_name text,
       os_eosl boolean, critical int, high int, medium int, low int, unknown int, fixable int, misconfigurations int,
       secrets int, licenses int, suppressed int, metadata jsonb, warnings jsonb)
     ORDER BY position
     RETURNING id`,
    [
      JSON.stringify(scans.map(scanRecord)),
      documents[0]?.id,
      now.toISOString(),
      document.sha256,
      JSON.stringify(options.labels),
      options.uploadedBy,
    ],
  );
  const ids = rows.map((row) => row.id).sort((a, b) => a - b);
  await insertFindings(db, document, scans, ids);
  await insertOthers(db, scans, ids);
  return ids;
}

function scanRecord({ rows, artifact, scannedAt, warnings }: NewScan, position: number): object {
  return {
    position,
    artifact: artifact.id,
    name: rows.artifact.name,
    kinds: kindBits(rows.kinds),
    scanned_at: scannedAt,
    report_id: rows.reportId,
    findings_hash: contentHash(rows),
    digest: rows.digest,
    trivy_version: rows.trivyVersion,
    os_family: rows.os?.family,
    os_name: rows.os?.name,
    os_eosl: rows.os?.eosl,
    ...rows.severityCounts,
    fixable: rows.fixableCount,
    misconfigurations: rows.misconfigurationCount,
    secrets: rows.secretCount,
    licenses: rows.licenseCount,
    suppressed: rows.suppressedCount,
    metadata: rows.metadata,
    warnings,
  };
}

async function insertFindings(
  db: Db,
  document: StoredDocument,
  scans: NewScan[],
  ids: number[],
): Promise<void> {
  const counts = scans.map(({ rows }) => Object.values(rows.severityCounts).reduce((sum, n) => sum + n, 0));
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (total === 0) return;
  const column = (name: keyof ScanRows['occurrenceColumns']) =>
    joinColumns(scans.map(({ rows }) => rows.occurrenceColumns[name]));
  const { rowCount } = await db.query(
    `WITH definition AS MATERIALIZED (
       SELECT id, hash FROM finding_definition WHERE hash = ANY ($2::bytea[])
     ), known_place AS MATERIALIZED (
       SELECT id, text FROM place
       WHERE hash = ANY (ARRAY(SELECT sha256(convert_to(i.text, 'UTF8')) FROM unnest($5::text[]) AS i(text)))
     )
     INSERT INTO scan_finding (scan_id, definition_id, target_id, path_id)
     SELECT i.scan_id, d.id, t.id, p.id
     FROM unnest($1::bigint[], $2::bytea[], $3::text[], $4::text[]) AS i(scan_id, hash, target, path)
     JOIN definition d ON d.hash = i.hash
     JOIN known_place t ON t.text = i.target
     JOIN known_place p ON p.text = i.path`,
    [
      ids.flatMap((id, index) => new Array<number>(counts[index] ?? 0).fill(id)),
      column('hash'),
      column('target'),
      column('path'),
      document.dictionary.places,
    ],
  );
  if (rowCount !== total) throw new Error(`${rowCount} of ${total} findings have all that they refer to`);
}

async function insertOthers(db: Db, scans: NewScan[], ids: number[]): Promise<void> {
  for (const [index, { rows }] of scans.entries()) {
    const { otherColumns } = rows;
    if (otherColumns.kind === '{}') continue;
    await db.query(
      `INSERT INTO other_finding (scan_id, kind, position, severity, status, code, title, target, package, detail)
       SELECT $1, CASE i.kind WHEN 'misconfiguration' THEN 2 WHEN 'secret' THEN 4 WHEN 'license' THEN 8 ELSE 16 END,
         i.position, i.severity, i.status, i.code, i.title, i.target, i.package, i.detail::jsonb
       FROM unnest($2::text[], $3::smallint[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[], $9::text[])
         WITH ORDINALITY AS i(kind, severity, status, code, title, target, package, detail, position)`,
      [
        ids[index],
        otherColumns.kind,
        otherColumns.severity,
        otherColumns.status,
        otherColumns.code,
        otherColumns.title,
        otherColumns.target,
        otherColumns.package,
        otherColumns.detail,
      ],
    );
  }
}
