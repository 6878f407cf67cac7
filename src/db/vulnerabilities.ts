import type { List, Severity, VulnerabilitiesQuery, Vulnerability, VulnerabilityDetail } from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import { likePattern, selection, severityLevels, storable, timeConditions } from './filters.ts';
import { Conditions, type ListOptions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';
import { severityCounts } from './scans.ts';
import {
  type Chosen,
  choose,
  NAMED_PACKAGES,
  NAMED_VULNERABILITIES,
  oneOfChosen,
  selectArtifacts,
} from './selection.ts';
import { worstOf } from './trend.ts';

interface VulnerabilityRow {
  key: number;
  id: string;
  severity: number;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  title: string | null;
  cvss_score: number | null;
  fixable: number;
  affected_artifacts: number;
  first_seen_at: Date;
  published_at: Date | null;
  primary_url: string | null;
}

const COLUMNS = `s.vulnerability_id AS key, vulnerability.vulnerability_id AS id, s.severity,
  s.critical, s.high, s.medium, s.low, s.unknown, vulnerability.title, vulnerability.cvss_score, s.fixable,
  s.affected_artifacts, s.first_seen_at, vulnerability.published_at, vulnerability.primary_url`;

const SORTS: ListPlan<never>['sorts'] = {
  severity: { expression: 's.severity', type: 'smallint', order: 'desc' },
  // What to fix first: by severity, then what has a fix, then what is in most artifacts.
  priority: {
    expression: '(((s.severity::bigint * 2 + (s.fixable > 0)::int) << 32) + s.affected_artifacts)',
    type: 'bigint',
    order: 'desc',
  },
  cvss: { expression: 's.cvss_score', type: 'real', order: 'desc' },
  affectedArtifacts: { expression: 's.affected_artifacts', type: 'integer', order: 'desc' },
  firstSeenAt: { expression: 's.first_seen_at', type: 'timestamptz', order: 'desc' },
  publishedAt: { expression: 's.published_at', type: 'timestamptz', order: 'desc' },
  id: { expression: 's.natural_order', type: 'text', order: 'asc' },
};

/**
 * Vulnerabilities in the latest scans of artifacts that are not stale. Filters that choose artifacts make every
 * number of an item one about those. Of `fixable`, `status` and `package`, one finding has to have all that are
 * given; `fixable=false` lists those of which no finding has a fixed version. It takes several statements, so `db`
 * should be a snapshot.
 * @throws CursorError, FilterError
 */
export async function listVulnerabilities(
  db: Db,
  query: VulnerabilitiesQuery,
  options?: ListOptions,
): Promise<List<Vulnerability>> {
  const artifacts = (await selectArtifacts(db, query))?.ids ?? null;
  const conditions = new Conditions();
  const among = await lookUp(db, query, artifacts, conditions);
  let from = 'vulnerability_summary s';
  if (artifacts) from = `(${summaryOf(`${conditions.bind(artifacts)}::integer[]`, among, query.sort)}) s`;
  else for (const condition of among) conditions.add(condition);
  if (query.severity) conditions.add('s.severity = ANY(?::smallint[])', severityLevels(query.severity));
  if (query.fixable !== undefined) conditions.add(query.fixable ? 's.fixable > 0' : 's.fixable = 0');
  timeConditions(conditions, query, 's.first_seen_at');
  const list = await readList<VulnerabilityRow>(
    db,
    {
      request: query,
      filters: { list: 'vulnerabilities', ...selection(query) },
      sorts: SORTS,
      defaultSort: 'severity',
      columns: COLUMNS,
      from,
      computed: artifacts !== null,
      joins: 'JOIN vulnerability ON vulnerability.id = s.vulnerability_id',
      conditions,
      id: 's.vulnerability_id',
      toItem: (row: VulnerabilityRow) => row,
    },
    options,
  );
  const packages = await packagesOf(
    db,
    list.items.map((row) => row.key),
    artifacts,
  );
  return { ...list, items: list.items.map((row) => toVulnerability(row, packages.get(row.key) ?? [])) };
}

/** Sorts by what a vulnerability is, for which it is looked up. */
const SORTS_OF_TEXTS = ['cvss', 'publishedAt', 'id'];

/**
 * SQL of the same columns as vulnerability_summary about some artifacts. In those in which a vulnerability is gone
 * (severity is null) it was still seen.
 * @param artifacts SQL of an array
 * @param among conditions on the vulnerability
 */
function summaryOf(artifacts: string, among: string[], sort: string | undefined): string {
  const affected = (name: string, severity: number) =>
    `(count(*) FILTER (WHERE severity = ${severity}))::integer AS ${name}`;
  const grouped = `SELECT *, ${worstOf((name) => name)}::smallint AS severity,
      critical + high + medium + low + unknown AS affected_artifacts
    FROM (
      SELECT vulnerability_id, ${affected('critical', 4)}, ${affected('high', 3)}, ${affected('medium', 2)},
        ${affected('low', 1)}, ${affected('unknown', 0)}, sum(fixable)::integer AS fixable,
        min(first_seen_at) AS first_seen_at
      FROM artifact_vulnerability
      WHERE ${[`artifact_id = ANY(${artifacts})`, ...among].join(' AND ')}
      GROUP BY vulnerability_id
    ) counted WHERE critical + high + medium + low + unknown > 0`;
  if (!SORTS_OF_TEXTS.includes(sort ?? '')) return grouped;
  return `SELECT grouped.*, natural_order, coalesce(cvss_score, -1) AS cvss_score,
      coalesce(published_at, '-infinity') AS published_at
    FROM (${grouped}) grouped JOIN vulnerability ON vulnerability.id = grouped.vulnerability_id`;
}

/** A condition on findings, and what its `?` stand for. */
type Wanted = [condition: string, ...values: unknown[]];

/**
 * Looks up which vulnerabilities the filters on findings and texts select.
 * @param artifacts to look into; null for all that are not stale
 * @returns conditions on the column vulnerability_id, their values bound.
 */
async function lookUp(
  db: Db,
  query: VulnerabilitiesQuery,
  artifacts: number[] | null,
  conditions: Conditions,
): Promise<string[]> {
  const among: string[] = [];
  const select = (chosen: Chosen) => oneOfChosen(conditions, 'vulnerability_id', 'integer', chosen);
  const selectFinding = async (...wanted: Wanted[]) => {
    const all: Wanted[] = artifacts ? [['artifact_id = ANY(?::integer[])', artifacts], ...wanted] : wanted;
    const sql = `SELECT DISTINCT vulnerability_id FROM ${artifacts ? 'current_finding' : 'vulnerability_package'}
      WHERE ${all.map(([condition]) => condition).join(' AND ')}`;
    const values = all.flatMap(([, ...bound]) => bound);
    return select(await choose(db, sql, values, artifacts ? null : undefined));
  };
  const { status, package: packages, fixable, q } = query;
  if (status || packages) {
    const wanted: Wanted[] = [];
    if (status) wanted.push(['status = ANY(?::text[])', status]);
    if (packages) wanted.push(['package = ANY(?::text[])', storable(packages)]);
    if (fixable) wanted.push(['fixable']);
    among.push(await selectFinding(...wanted));
  }
  if (q !== undefined) {
    const pattern = likePattern(q);
    const named = select(await choose(db, NAMED_VULNERABILITIES, [pattern]));
    const { found } = await choose(db, NAMED_PACKAGES, [pattern]);
    const inPackages = await selectFinding(
      found ? ['package = ANY(?::text[])', found] : [`package IN (${NAMED_PACKAGES})`, pattern],
    );
    among.push(`(${named} OR ${inPackages})`);
  }
  return among;
}

/**
 * Packages in which vulnerabilities are found now, in alphabetical order, by vulnerability.
 * @param artifacts to look into; null for all that are not stale.
 */
async function packagesOf(
  db: Db,
  vulnerabilities: number[],
  artifacts: number[] | null,
): Promise<Map<number, string[]>> {
  const { rows } = await db.query<{ vulnerability_id: number; packages: string[] }>(
    `SELECT vulnerability_id, array_agg(DISTINCT package ORDER BY package) AS packages
     FROM ${artifacts ? 'current_finding' : 'vulnerability_package'}
     WHERE vulnerability_id = ANY($1::integer[]) ${artifacts ? 'AND artifact_id = ANY($2::integer[])' : ''}
     GROUP BY vulnerability_id`,
    artifacts ? [vulnerabilities, artifacts] : [vulnerabilities],
  );
  return new Map(rows.map((row) => [row.vulnerability_id, row.packages]));
}

function toVulnerability(row: VulnerabilityRow, packages: string[]): Vulnerability {
  return {
    id: row.id,
    severity: severityOf(row.severity),
    severities: severityCounts(row),
    title: row.title,
    cvss: row.cvss_score,
    fixable: row.fixable > 0,
    packages: packages.slice(0, 5),
    packageCount: packages.length,
    affectedArtifacts: row.affected_artifacts,
    firstSeenAt: row.first_seen_at.toISOString(),
    publishedAt: row.published_at?.toISOString() ?? null,
    primaryUrl: row.primary_url,
  };
}

function severityOf(level: unknown): Severity {
  return SEVERITIES[Number(level)] ?? 'UNKNOWN';
}

interface DetailRow extends Omit<VulnerabilityRow, 'first_seen_at'> {
  first_seen_at: Date | null;
  description: string | null;
  references: string[];
  cvss: Record<string, unknown> | null;
  vendor_severity: Record<string, unknown> | null;
  cwe_ids: string[];
  modified_at: Date | null;
  findings: number;
  stale_artifacts: number;
}

/**
 * All that is known of a vulnerability, and where it is. In stale artifacts only, its counts are zero.
 * @param id as Trivy prints it
 * @returns null where no latest scan has it.
 */
export async function getVulnerability(db: Db, id: string): Promise<VulnerabilityDetail | null> {
  const { rows } = await db.query<DetailRow>(
    `SELECT v.id AS key, v.vulnerability_id AS id, v.title, v.description, v."references", v.cvss, v.vendor_severity,
       v.cvss_score, v.cwe_ids, v.primary_url, v.published_at, v.modified_at,
       coalesce(s.severity, stale.severity) AS severity, coalesce(s.critical, 0) AS critical,
       coalesce(s.high, 0) AS high, coalesce(s.medium, 0) AS medium, coalesce(s.low, 0) AS low,
       coalesce(s.unknown, 0) AS unknown, coalesce(s.affected_artifacts, 0) AS affected_artifacts,
       coalesce(s.findings, 0) AS findings, coalesce(s.fixable, 0) AS fixable,
       coalesce(s.first_seen_at, stale.first_seen_at) AS first_seen_at, stale.artifacts AS stale_artifacts
     FROM vulnerability v
     LEFT JOIN vulnerability_summary s ON s.vulnerability_id = v.id
     CROSS JOIN LATERAL (
       SELECT count(known.severity) FILTER (WHERE artifact.stale)::integer AS artifacts,
         max(known.severity) FILTER (WHERE artifact.stale) AS severity, min(known.first_seen_at) AS first_seen_at
       FROM artifact_vulnerability known JOIN artifact ON artifact.id = known.artifact_id
       WHERE known.vulnerability_id = v.id
     ) stale
     WHERE v.vulnerability_id = ANY($1::text[]) AND (s.vulnerability_id IS NOT NULL OR stale.artifacts > 0)`,
    [storable([id])],
  );
  const row = rows[0];
  return row ? toDetail(row, await fixesOf(db, row.key)) : null;
}

/** Per package what is installed, what fixes it, and in how many artifacts: the most frequent first. */
async function fixesOf(db: Db, vulnerability: number): Promise<VulnerabilityDetail['packages']> {
  const { rows } = await db.query<{
    package: string;
    installed: string | null;
    fixed: string | null;
    /** True for the row that counts all of a package's artifacts. */
    whole: boolean;
    artifacts: number;
  }>(
    `SELECT f.package, d.installed_version AS installed, d.fixed_version AS fixed,
       grouping(d.installed_version, d.fixed_version) > 0 AS whole, count(DISTINCT f.artifact_id)::integer AS artifacts
     FROM current_finding f
     JOIN finding_definition d ON d.id = f.definition_id AND d.vulnerability_id = f.vulnerability_id
     WHERE f.vulnerability_id = $1
     GROUP BY GROUPING SETS ((f.package), (f.package, d.installed_version, d.fixed_version))
     ORDER BY f.package, whole DESC, artifacts DESC, installed, fixed`,
    [vulnerability],
  );
  const packages: VulnerabilityDetail['packages'] = [];
  for (const { package: name, installed, fixed, whole, artifacts } of rows) {
    if (whole) packages.push({ package: name, artifacts, fixes: [] });
    else packages.at(-1)?.fixes.push({ installedVersion: installed, fixedVersion: fixed, artifacts });
  }
  return packages;
}

function toDetail(row: DetailRow, packages: VulnerabilityDetail['packages']): VulnerabilityDetail {
  return {
    id: row.id,
    severity: severityOf(row.severity),
    severities: severityCounts(row),
    title: row.title,
    description: row.description,
    references: row.references,
    cvss: row.cvss_score,
    cvssBySource: row.cvss ?? {},
    severityBySource: Object.fromEntries(
      Object.entries(row.vendor_severity ?? {}).map(([source, level]) => [source, severityOf(level)]),
    ),
    cweIds: row.cwe_ids,
    fixable: row.fixable > 0,
    affectedArtifacts: row.affected_artifacts,
    findingCount: row.findings,
    staleArtifacts: row.stale_artifacts,
    firstSeenAt: row.first_seen_at?.toISOString() ?? null,
    publishedAt: row.published_at?.toISOString() ?? null,
    modifiedAt: row.modified_at?.toISOString() ?? null,
    primaryUrl: row.primary_url,
    packages,
  };
}
