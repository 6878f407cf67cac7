import type { Changes, Kind, Labels, List, Scan, ScanSummary, ScansQuery } from '../schemas.ts';
import {
  artifactConditions,
  containsText,
  hasSeverity,
  kindBits,
  kindsOf,
  labelConditions,
  likePattern,
  moment,
  selection,
  timeConditions,
} from './filters.ts';
import { Conditions, type ListOptions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';

/** A row of `SCAN_COLUMNS`. */
export interface ScanRow {
  id: number;
  artifact_id: number;
  artifact_type: ScanSummary['artifact']['type'];
  artifact_name: string;
  repository: string;
  version: string | null;
  digest: string | null;
  cluster: string | null;
  namespace: string | null;
  resource_kind: string | null;
  kinds: number;
  latest_kinds: number;
  scanned_at: Date;
  received_at: Date;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
  misconfigurations: number;
  secrets: number;
  licenses: number;
  suppressed: number;
  labels: Labels;
  trivy_version: string | null;
  os_family: string | null;
  os_name: string | null;
  os_eosl: boolean | null;
  uploaded_by: string | null;
  warnings: string[];
  changes: Changes | null;
}

/** What a summary is made of, FROM `SCAN_TABLES`. */
export const SCAN_COLUMNS = `scan.id, scan.artifact_id, artifact.type AS artifact_type, scan.artifact_name,
  artifact.repository, artifact.version, scan.digest, artifact.cluster, artifact.namespace, artifact.resource_kind,
  scan.kinds, scan.latest_kinds, scan.scanned_at, scan.received_at,
  scan.critical, scan.high, scan.medium, scan.low, scan.unknown, scan.fixable,
  scan.misconfigurations, scan.secrets, scan.licenses, scan.suppressed,
  scan.labels, scan.trivy_version, scan.os_family, scan.os_name, scan.os_eosl, scan.uploaded_by,
  scan.warnings, scan.changes`;
export const SCAN_TABLES = 'scan JOIN artifact ON artifact.id = scan.artifact_id';

const ALL_KINDS = kindsOf(-1);

/** @param among the kinds for one of which the scan has to be the latest to be called so. */
export function toScanSummary(row: ScanRow, among: readonly Kind[] = ALL_KINDS): ScanSummary {
  return {
    id: row.id,
    artifact: {
      id: row.artifact_id,
      type: row.artifact_type,
      name: row.artifact_name,
      repository: row.repository,
      version: row.version,
      digest: row.digest,
      cluster: row.cluster,
      namespace: row.namespace,
      kind: row.resource_kind,
    },
    kinds: kindsOf(row.kinds),
    scannedAt: row.scanned_at.toISOString(),
    receivedAt: row.received_at.toISOString(),
    latest: (row.latest_kinds & kindBits(among)) !== 0,
    severityCounts: severityCounts(row),
    fixableCount: row.fixable,
    misconfigurationCount: row.misconfigurations,
    secretCount: row.secrets,
    licenseCount: row.licenses,
    suppressedCount: row.suppressed,
    labels: row.labels,
    trivyVersion: row.trivy_version,
    os: operatingSystem(row),
    uploadedBy: row.uploaded_by,
    warnings: row.warnings,
    changes: row.changes,
  };
}

export function severityCounts(row: ScanSummary['severityCounts']): ScanSummary['severityCounts'] {
  const { critical, high, medium, low, unknown } = row;
  return { critical, high, medium, low, unknown };
}

export function operatingSystem(row: ScanRow): ScanSummary['os'] {
  if (row.os_family === null) return null;
  return { family: row.os_family, name: row.os_name, eosl: row.os_eosl ?? false };
}

const SORTS: ListPlan<never>['sorts'] = {
  scannedAt: { expression: 'scan.scanned_at', type: 'timestamptz', order: 'desc' },
  receivedAt: { expression: 'scan.received_at', type: 'timestamptz', order: 'desc' },
  severity: { expression: 'scan.severity_order', type: 'bytea', order: 'desc' },
  artifact: { expression: 'scan.artifact_name', type: 'text', order: 'asc' },
};

/**
 * Summaries of scans. With the filter `kind`, a scan is the latest when it is so for one of those kinds.
 * @throws CursorError, FilterError
 */
export function listScans(db: Db, query: ScansQuery, options?: ListOptions): Promise<List<ScanSummary>> {
  const conditions = ofArtifacts(query);
  labelConditions(conditions, query.label, 'scan.labels');
  if (query.severity) conditions.add(hasSeverity('scan', query.severity));
  if (query.kind) conditions.add('scan.kinds & ?::smallint <> 0', kindBits(query.kind));
  if (query.latest !== undefined) latestCondition(conditions, query.latest, query.kind);
  timeConditions(conditions, query, 'scan.scanned_at');
  if (query.receivedSince !== undefined)
    conditions.add('scan.received_at >= ?', moment('receivedSince', query.receivedSince));
  const plan: ListPlan<ScanRow> = {
    request: query,
    filters: { ...selection(query), list: 'scans' },
    sorts: SORTS,
    defaultSort: 'scannedAt',
    columns: SCAN_COLUMNS,
    from: 'scan',
    joins: 'JOIN artifact ON artifact.id = scan.artifact_id',
    conditions,
    id: 'scan.id',
    toItem: (row) => toScanSummary(row, query.kind),
  };
  return readList(db, plan, options);
}

/** The condition that a scan is of an artifact that the filters choose; its labels are its own. */
function ofArtifacts({ label, ...query }: ScansQuery): Conditions {
  const chosen = new Conditions();
  artifactConditions(chosen, query);
  if (query.q !== undefined) chosen.add(containsText('artifact.name'), likePattern(query.q));
  const conditions = new Conditions();
  for (const value of chosen.values) conditions.bind(value);
  return chosen.isEmpty
    ? conditions
    : conditions.add(`scan.artifact_id IN (SELECT artifact.id FROM artifact ${chosen})`);
}

function latestCondition(conditions: Conditions, latest: boolean, kinds: readonly Kind[] = ALL_KINDS): void {
  conditions.add(`scan.latest_kinds & ?::smallint ${latest ? '<>' : '='} 0`, kindBits(kinds));
  // Follows from it, and is the condition of the partial indexes.
  if (latest) conditions.add('scan.latest_kinds <> 0');
}

/**
 * The summaries of these scans, in the order of the ids.
 * @returns fewer where some do not exist.
 */
export async function getScanSummaries(db: Db, ids: readonly number[]): Promise<ScanSummary[]> {
  const { rows } = await db.query<ScanRow>(
    `SELECT ${SCAN_COLUMNS} FROM unnest($1::bigint[]) WITH ORDINALITY AS wanted (id, position)
     JOIN scan ON scan.id = wanted.id JOIN artifact ON artifact.id = scan.artifact_id
     ORDER BY wanted.position`,
    [ids],
  );
  return rows.map((row) => toScanSummary(row));
}

/** One scan with what its report said of itself; null where there is none. */
export async function getScan(db: Db, id: number): Promise<Scan | null> {
  const { rows } = await db.query<
    ScanRow & { report_id: string | null; bytes: number; metadata: Record<string, unknown> }
  >(
    `SELECT ${SCAN_COLUMNS}, scan.report_id, scan.metadata, document.bytes
     FROM ${SCAN_TABLES} JOIN document ON document.id = scan.document_id WHERE scan.id = $1`,
    [id],
  );
  const row = rows[0];
  if (!row) return null;
  return { ...toScanSummary(row), reportId: row.report_id, bytes: row.bytes, metadata: row.metadata };
}

/** The document that the scan came in, and its size in bytes when inflated; null where there is no such scan. */
export async function getDocument(db: Db, id: number): Promise<{ gzip: Buffer; bytes: number } | null> {
  const { rows } = await db.query<{ gzip: Buffer; bytes: number }>(
    `SELECT document.gzip, document.bytes FROM scan JOIN document ON document.id = scan.document_id
     WHERE scan.id = $1`,
    [id],
  );
  return rows[0] ?? null;
}
