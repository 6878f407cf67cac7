import type {
  Artifact,
  ArtifactSummary,
  ArtifactsQuery,
  Labels,
  List,
  RepositoriesQuery,
} from '../schemas.ts';
import { KINDS, SEVERITIES } from '../trivy/report.ts';
import {
  artifactConditions,
  containsText,
  hasSeverity,
  kindBits,
  likePattern,
  selection,
  storable,
  timeConditions,
} from './filters.ts';
import { Conditions, type ListOptions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';
import {
  operatingSystem,
  SCAN_COLUMNS,
  SCAN_TABLES,
  type ScanRow,
  severityCounts,
  toScanSummary,
} from './scans.ts';

/** Of one artifact, in alphabetical order; `workloadCount` tells how many there are. */
const WORKLOAD_LIMIT = 1_000;
const HISTORY_DAYS = 90;

interface ArtifactRow {
  id: number;
  type: ArtifactSummary['type'];
  name: string;
  repository: string;
  version: string | null;
  digest: string | null;
  cluster: string | null;
  namespace: string | null;
  resource_kind: string | null;
  stale: boolean;
  last_seen_at: Date;
  labels: Labels;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
  misconfigurations: number;
  secrets: number;
  licenses: number;
  scan_count: number;
  workload_count: number;
}

/** The digest is that of the newest scan which has one. */
const ARTIFACT_COLUMNS = `artifact.id, artifact.type, artifact.name, artifact.repository, artifact.version,
  (SELECT digest FROM scan WHERE artifact_id = artifact.id AND digest IS NOT NULL
    ORDER BY scanned_at DESC, received_at DESC, scan.id DESC LIMIT 1) AS digest,
  artifact.cluster, artifact.namespace, artifact.resource_kind, artifact.stale, artifact.last_seen_at,
  artifact.labels, artifact.critical, artifact.high, artifact.medium, artifact.low, artifact.unknown,
  artifact.fixable, artifact.misconfigurations, artifact.secrets, artifact.licenses,
  (SELECT count(*)::int FROM scan WHERE artifact_id = artifact.id) AS scan_count,
  (SELECT count(*)::int FROM artifact_workload WHERE artifact_id = artifact.id) AS workload_count`;

/** @param latest the latest scans of its kinds, the newest first; its operating system is the first that one tells. */
function toArtifactSummary(row: ArtifactRow, latest: ScanRow[]): ArtifactSummary {
  const system = latest.find(({ os_family }) => os_family !== null);
  const latestScans: ArtifactSummary['latestScans'] = {};
  for (const kind of KINDS) {
    const scan = latest.find(({ latest_kinds }) => latest_kinds & kindBits([kind]));
    if (scan) latestScans[kind] = toScanSummary(scan);
  }
  return {
    id: row.id,
    type: row.type,
    name: row.name,
    repository: row.repository,
    version: row.version,
    digest: row.digest,
    cluster: row.cluster,
    namespace: row.namespace,
    kind: row.resource_kind,
    stale: row.stale,
    lastSeenAt: row.last_seen_at.toISOString(),
    labels: row.labels,
    os: system ? operatingSystem(system) : null,
    severityCounts: severityCounts(row),
    fixableCount: row.fixable,
    misconfigurationCount: row.misconfigurations,
    secretCount: row.secrets,
    licenseCount: row.licenses,
    scanCount: row.scan_count,
    workloadCount: row.workload_count,
    latestScans,
  };
}

const SORTS: ListPlan<never>['sorts'] = {
  severity: { expression: 'artifact.severity_order', type: 'bytea', order: 'desc' },
  name: { expression: 'artifact.name', type: 'text', order: 'asc' },
  lastSeenAt: { expression: 'artifact.last_seen_at', type: 'timestamptz', order: 'desc' },
};

/**
 * What the lists of artifacts and of repositories ask of the table `artifact`.
 * @throws FilterError
 */
export function artifactListConditions(query: ArtifactsQuery | RepositoriesQuery): Conditions {
  const conditions = new Conditions();
  artifactConditions(conditions, query);
  if (query.q !== undefined) conditions.add(containsText('artifact.name'), likePattern(query.q));
  if (query.severity) conditions.add(hasSeverity('artifact', query.severity));
  if (query.kind) {
    const latest = 'scan.latest_kinds <> 0 AND scan.latest_kinds & ?::smallint <> 0';
    conditions.add(
      `EXISTS (SELECT FROM scan WHERE scan.artifact_id = artifact.id AND ${latest})`,
      kindBits(query.kind),
    );
  }
  if (query.stale !== undefined) conditions.add('artifact.stale = ?', query.stale);
  if (query.eosl !== undefined) conditions.add('artifact.eosl = ?', query.eosl);
  if (query.worst) conditions.add(`${WORST} = ANY(?::text[])`, query.worst);
  findingConditions(conditions, query);
  timeConditions(conditions, query, 'artifact.last_seen_at');
  return conditions;
}

/** The worst severity of which an artifact has findings; NULL where it has none. */
const WORST = `CASE ${[...SEVERITIES]
  .reverse()
  .map((severity) => `WHEN artifact.${severity.toLowerCase()} > 0 THEN '${severity}'`)
  .join(' ')} END`;

/**
 * Adds that the latest scan found one of these vulnerabilities, be the artifact stale or not. With packages, one
 * finding has to have both; the packages of stale artifacts are not looked into.
 */
function findingConditions(conditions: Conditions, query: ArtifactsQuery): void {
  const { vulnerability, package: packages } = query;
  const wanted: string[] = [];
  if (vulnerability) {
    const ids = conditions.bind(storable(vulnerability));
    wanted.push(
      `vulnerability_id IN (SELECT id FROM vulnerability WHERE vulnerability_id = ANY(${ids}::text[]))`,
    );
  }
  if (packages) wanted.push(`package = ANY(${conditions.bind(storable(packages))}::text[])`);
  if (wanted.length === 0) return;
  const findings = packages ? 'current_finding' : 'artifact_vulnerability';
  conditions.add(
    `artifact.id IN (SELECT artifact_id FROM ${findings} WHERE ${[...wanted, 'severity IS NOT NULL'].join(' AND ')})`,
  );
}

/**
 * What has been scanned, stale or not. `since` and `until` are about the last time something came of it.
 * @throws CursorError, FilterError
 */
export async function listArtifacts(
  db: Db,
  query: ArtifactsQuery,
  options?: ListOptions,
): Promise<List<ArtifactSummary>> {
  const plan: ListPlan<ArtifactRow> = {
    request: query,
    filters: { ...selection(query), list: 'artifacts' },
    sorts: SORTS,
    defaultSort: 'severity',
    columns: ARTIFACT_COLUMNS,
    from: 'artifact',
    conditions: artifactListConditions(query),
    id: 'artifact.id',
    toItem: (row) => row,
  };
  const list = await readList<ArtifactRow>(db, plan, options);
  const latest = await readLatestScans(
    db,
    list.items.map((row) => row.id),
  );
  return { ...list, items: list.items.map((row) => toArtifactSummary(row, latest.get(row.id) ?? [])) };
}

/** The scans of each of these artifacts that are the latest for a kind, the newest first. */
async function readLatestScans(db: Db, artifactIds: number[]): Promise<Map<number, ScanRow[]>> {
  const { rows } = await db.query<ScanRow>(
    `SELECT ${SCAN_COLUMNS} FROM ${SCAN_TABLES}
     WHERE scan.artifact_id = ANY($1::int[]) AND scan.latest_kinds <> 0
     ORDER BY scan.scanned_at DESC, scan.received_at DESC, scan.id DESC`,
    [artifactIds],
  );
  const scans = new Map<number, ScanRow[]>(artifactIds.map((id) => [id, []]));
  for (const row of rows) scans.get(row.artifact_id)?.push(row);
  return scans;
}

interface HistoryRow {
  day: string;
  scan_id: number;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
}

/** The last scan for vulnerabilities of each UTC day, of the days that end with `today`. */
async function readHistory(db: Db, artifactId: number, today: string): Promise<Artifact['history']> {
  const { rows } = await db.query<HistoryRow>(
    `SELECT DISTINCT ON (day) (scanned_at AT TIME ZONE 'UTC')::date::text AS day, id AS scan_id,
       critical, high, medium, low, unknown, fixable
     FROM scan
     WHERE artifact_id = $1 AND kinds & 1 <> 0
       AND scanned_at >= ($2::date - $3::int)::timestamp AT TIME ZONE 'UTC'
       AND scanned_at < ($2::date + 1)::timestamp AT TIME ZONE 'UTC'
     ORDER BY day, scanned_at DESC, received_at DESC, id DESC`,
    [artifactId, today, HISTORY_DAYS - 1],
  );
  return rows.map((row) => ({
    day: row.day,
    scanId: row.scan_id,
    severityCounts: severityCounts(row),
    fixableCount: row.fixable,
  }));
}

type WorkloadRow = Artifact['workloads'][number];

/** Read with the artifact, as one JSON value. */
const WORKLOADS_COLUMN = `(SELECT coalesce(json_agg(workload), '[]') FROM (
    SELECT cluster, namespace, kind, name, container, last_seen_at AS "lastSeenAt"
    FROM artifact_workload WHERE artifact_id = artifact.id
    ORDER BY cluster, namespace, kind, name, container LIMIT ${WORKLOAD_LIMIT}
  ) workload) AS workloads`;

/**
 * One artifact with its workloads and history; null where there is none.
 * @param today the UTC day (`2026-01-31`) that the history ends with
 */
export async function getArtifact(db: Db, id: number, today: string): Promise<Artifact | null> {
  const { rows } = await db.query<ArtifactRow & { workloads: WorkloadRow[] }>(
    // An address may hold a number that no integer can be: of that one there is none either.
    `SELECT ${ARTIFACT_COLUMNS}, ${WORKLOADS_COLUMN} FROM artifact WHERE id = $1::bigint`,
    [id],
  );
  const row = rows[0];
  if (!row) return null;
  const latest = await readLatestScans(db, [id]);
  return {
    ...toArtifactSummary(row, latest.get(id) ?? []),
    workloads: row.workloads.map((workload) => ({
      ...workload,
      lastSeenAt: new Date(workload.lastSeenAt).toISOString(),
    })),
    history: await readHistory(db, id, today),
  };
}
