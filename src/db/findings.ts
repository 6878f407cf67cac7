import type { Finding, FindingsQuery, List } from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import { likePattern, selection, severityLevels, storable, timeConditions } from './filters.ts';
import { Conditions, type ListOptions, type ListPlan, readList, TOTAL_LIMIT } from './list.ts';
import type { Db } from './pool.ts';
import {
  type Chosen,
  choose,
  NAMED_PACKAGES,
  NAMED_VULNERABILITIES,
  oneOf,
  oneOfChosen,
  type SelectedArtifacts,
  selectArtifacts,
} from './selection.ts';

interface FindingRow {
  vulnerability_id: string;
  severity: number;
  package: string;
  installed_version: string | null;
  fixed_version: string | null;
  status: string;
  path: string;
  target: string;
  class: string | null;
  package_type: string | null;
  purl: string | null;
  title: string | null;
  cvss_score: number | null;
  primary_url: string | null;
  artifact_id: number;
  artifact_type: Finding['artifact']['type'];
  artifact_name: string;
  workload_count: number;
  scan_id: number;
  scanned_at: Date;
  first_seen_at: Date;
}

const COLUMNS = `vulnerability.vulnerability_id, f.severity, f.package, definition.installed_version,
  definition.fixed_version, f.status, path.text AS path, target.text AS target, definition.class,
  definition.package_type, definition.purl, vulnerability.title, vulnerability.cvss_score,
  coalesce(definition.primary_url, vulnerability.primary_url) AS primary_url,
  artifact.id AS artifact_id, artifact.type AS artifact_type, artifact.name AS artifact_name,
  (SELECT count(*)::int FROM artifact_workload WHERE artifact_id = artifact.id) AS workload_count,
  artifact.vulnerability_scan_id AS scan_id, scan.scanned_at, f.first_seen_at`;

const JOINS = `JOIN artifact ON artifact.id = f.artifact_id
  JOIN scan ON scan.id = artifact.vulnerability_scan_id
  JOIN vulnerability ON vulnerability.id = f.vulnerability_id
  JOIN finding_definition definition ON definition.id = f.definition_id
  JOIN place target ON target.id = f.target_id
  JOIN place path ON path.id = f.path_id`;

const SORTS: ListPlan<never>['sorts'] = {
  severity: { expression: 'f.severity', type: 'smallint', order: 'desc', within: 'f.vulnerability_id' },
  artifact: { expression: 'f.artifact_name', type: 'text', order: 'asc' },
  package: { expression: 'f.package', type: 'text', order: 'asc' },
  firstSeenAt: { expression: 'f.first_seen_at', type: 'timestamptz', order: 'desc' },
};

/**
 * Vulnerability findings of the latest scans of artifacts that are not stale. It takes several statements, so `db`
 * should be a snapshot.
 * @throws CursorError, FilterError
 */
export async function listFindings(
  db: Db,
  query: FindingsQuery,
  options?: ListOptions,
): Promise<List<Finding>> {
  const artifacts = await selectArtifacts(db, query);
  const wanted = await lookUp(db, query);
  const { total, vulnerabilities } = await survey(db, query, artifacts, wanted);
  const conditions = new Conditions();
  if (artifacts) conditions.add(oneOf(conditions, 'f.artifact_id', 'integer', artifacts.ids));
  if (vulnerabilities) conditions.add(oneOf(conditions, 'f.vulnerability_id', 'integer', vulnerabilities));
  addProperties(conditions, 'f', query, wanted);
  timeConditions(conditions, query, 'f.first_seen_at');
  return readList(
    db,
    {
      request: query,
      filters: { list: 'findings', ...selection(query) },
      sorts: SORTS,
      defaultSort: 'severity',
      columns: COLUMNS,
      from: 'current_finding f',
      joins: JOINS,
      conditions,
      total,
      id: 'f.id',
      toItem: toFinding,
    },
    options,
  );
}

/** What the filters on dictionaries select there. */
interface Wanted {
  vulnerabilities: number[] | null;
  text: { vulnerabilities: Chosen; packages: Chosen } | null;
}

/** Filters on dictionaries are looked up first: what is left compares columns of the findings. */
async function lookUp(db: Db, query: FindingsQuery): Promise<Wanted> {
  const wanted: Wanted = { vulnerabilities: null, text: null };
  if (query.q !== undefined) {
    const pattern = likePattern(query.q);
    wanted.text = {
      vulnerabilities: await choose(db, NAMED_VULNERABILITIES, [pattern]),
      packages: await choose(db, NAMED_PACKAGES, [pattern]),
    };
  }
  if (query.vulnerability) {
    const { rows } = await db.query<{ id: number }>(
      'SELECT id FROM vulnerability WHERE vulnerability_id = ANY($1::text[])',
      [storable(query.vulnerability)],
    );
    wanted.vulnerabilities = rows.map((row) => row.id);
  }
  return wanted;
}

/**
 * Adds what is asked of findings themselves.
 * @param alias of current_finding, or of vulnerability_package, which has these columns too
 */
function addProperties(
  conditions: Conditions,
  alias: string,
  query: FindingsQuery,
  { vulnerabilities, text }: Wanted,
): void {
  // Of one vulnerability an index has the findings by severity.
  if (vulnerabilities?.length === 1) conditions.add(`${alias}.vulnerability_id = ?`, vulnerabilities[0]);
  else if (vulnerabilities) conditions.add(`${alias}.vulnerability_id = ANY(?::integer[])`, vulnerabilities);
  if (query.severity)
    conditions.add(`${alias}.severity = ANY(?::smallint[])`, severityLevels(query.severity));
  if (query.fixable !== undefined) conditions.add(`${alias}.fixable = ?`, query.fixable);
  if (query.status) conditions.add(`${alias}.status = ANY(?::text[])`, query.status);
  if (query.package) conditions.add(`${alias}.package = ANY(?::text[])`, storable(query.package));
  if (!text) return;
  const named = oneOfChosen(conditions, `${alias}.vulnerability_id`, 'integer', text.vulnerabilities);
  conditions.add(`(${named} OR ${oneOfChosen(conditions, `${alias}.package`, 'text', text.packages)})`);
}

/**
 * What sums tell beforehand of the findings that are selected. Where artifacts are named, an answer is cached as one
 * about those alone: it is not computed from sums over all.
 */
interface Survey {
  /** How many there are, where they tell; else null. More than TOTAL_LIMIT are not counted any further. */
  total: number | null;
  /** Of which vulnerabilities they are, where they are few. */
  vulnerabilities: number[] | null;
}

async function survey(
  db: Db,
  query: FindingsQuery,
  artifacts: SelectedArtifacts | null,
  wanted: Wanted,
): Promise<Survey> {
  const isTimed = query.since !== undefined || query.until !== undefined;
  const conditions = new Conditions();
  addProperties(conditions, 'p', query, wanted);
  if (conditions.isEmpty) {
    const total = isTimed ? await countTimed(db, query, artifacts) : (artifacts?.findings ?? null);
    return { total, vulnerabilities: null };
  }
  if (query.artifact !== undefined) return { total: null, vulnerabilities: null };
  // Each row stands for a finding or more.
  const { rows } = await db.query<{ total: number; vulnerabilities: number[] | null }>(
    `SELECT coalesce(sum(findings), 0) AS total,
       CASE WHEN coalesce(sum(findings), 0) <= ${TOTAL_LIMIT}
         THEN coalesce(array_agg(DISTINCT vulnerability_id), '{}') END AS vulnerabilities
     FROM (SELECT findings, vulnerability_id FROM vulnerability_package p ${conditions} LIMIT ${TOTAL_LIMIT + 1}) p`,
    conditions.values,
  );
  const { total = 0, vulnerabilities = null } = rows[0] ?? {};
  return { total: isTimed || artifacts ? null : total, vulnerabilities };
}

/** Times alone are counted in their index. */
async function countTimed(
  db: Db,
  query: FindingsQuery,
  artifacts: SelectedArtifacts | null,
): Promise<number | null> {
  if (artifacts) return null;
  const conditions = new Conditions();
  timeConditions(conditions, query, 'first_seen_at');
  const { rows } = await db.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM (SELECT FROM current_finding ${conditions} LIMIT ${TOTAL_LIMIT + 1}) timed`,
    conditions.values,
  );
  return rows[0]?.total ?? null;
}

function toFinding(row: FindingRow): Finding {
  return {
    vulnerabilityId: row.vulnerability_id,
    severity: SEVERITIES[row.severity] ?? 'UNKNOWN',
    package: row.package,
    installedVersion: row.installed_version,
    fixedVersion: row.fixed_version,
    status: row.status,
    path: row.path || null,
    target: row.target,
    class: row.class,
    packageType: row.package_type,
    purl: row.purl,
    title: row.title,
    cvss: row.cvss_score,
    primaryUrl: row.primary_url,
    artifact: {
      id: row.artifact_id,
      type: row.artifact_type,
      name: row.artifact_name,
      workloadCount: row.workload_count,
    },
    scanId: row.scan_id,
    scannedAt: row.scanned_at.toISOString(),
    firstSeenAt: row.first_seen_at.toISOString(),
  };
}
