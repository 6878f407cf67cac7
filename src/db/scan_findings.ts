import type {
  License,
  List,
  Misconfiguration,
  ScanFinding,
  ScanOthersQuery,
  ScanVulnerabilitiesQuery,
  Secret,
  Severity,
  Suppressed,
} from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import { containsText, likePattern, selection, severityLevels, storable } from './filters.ts';
import { Conditions, type ListOptions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';

/** A row of `FINDING_COLUMNS` and a severity. */
export interface FindingRow {
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
}

/**
 * What a finding is made of, from a `definition`, its `vulnerability` and the `found` row that says where. The texts
 * of places are looked up one by one, which PostgreSQL puts off until the rows of the page are known.
 */
export const FINDING_COLUMNS = `vulnerability.vulnerability_id, definition.package,
  definition.installed_version, definition.fixed_version, definition.status, definition.class,
  definition.package_type, definition.purl, definition.primary_url, vulnerability.title, vulnerability.cvss_score,
  (SELECT text FROM place WHERE place.id = found.path_id) AS path,
  (SELECT text FROM place WHERE place.id = found.target_id) AS target`;

export function severityWord(level: number): Severity {
  return SEVERITIES[level] ?? 'UNKNOWN';
}

export function toScanFinding(row: FindingRow): ScanFinding {
  return {
    vulnerabilityId: row.vulnerability_id,
    severity: severityWord(row.severity),
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
  };
}

/**
 * The findings of the scan $1 with what they are filtered and sorted by. OFFSET 0 has dictionaries looked up one by one:
 * the planner does not know how many findings this scan has, and would read all definitions for some hundreds.
 */
const FOUND = `SELECT found.definition_id, found.target_id, found.path_id, definition.*
  FROM scan_finding found
  CROSS JOIN LATERAL (SELECT vulnerability_id, natural_order, package, severity, status, fixable
    FROM finding_definition WHERE id = found.definition_id OFFSET 0) definition
  WHERE found.scan_id = $1`;

/**
 * The rows of a scan have no number of their own, but they never change: counted off in an order of what they
 * hold, each has the same number at every reading (exact repeats are alike, whichever is first). The count runs
 * backwards, so that under the default order, severity descending, packages are in alphabetical order.
 */
const NUMBERED = `SELECT found.*, row_number() OVER (ORDER BY package DESC, natural_order DESC, definition_id DESC,
    target_id DESC, path_id DESC) AS number FROM (${FOUND}) found`;

const FINDING_SORTS: ListPlan<never>['sorts'] = {
  severity: { expression: 'found.severity', type: 'smallint', order: 'desc' },
  package: { expression: 'found.package', type: 'text', order: 'asc' },
  id: { expression: 'found.natural_order', type: 'text', order: 'asc' },
};

/**
 * A scan's vulnerability findings, every row of Trivy's table.
 * @returns null where there is no such scan
 * @throws CursorError
 */
export async function listScanVulnerabilities(
  db: Db,
  scanId: number,
  query: ScanVulnerabilitiesQuery,
  options?: ListOptions,
): Promise<List<ScanFinding> | null> {
  const conditions = new Conditions();
  conditions.bind(scanId);
  if (query.severity) conditions.add('found.severity = ANY(?::int[])', severityLevels(query.severity));
  if (query.fixable !== undefined) conditions.add('found.fixable = ?', query.fixable);
  if (query.status) conditions.add('found.status = ANY(?::text[])', query.status);
  if (query.package) conditions.add('found.package = ANY(?::text[])', storable(query.package));
  if (query.q !== undefined) {
    const pattern = likePattern(query.q);
    const search = '(SELECT search FROM vulnerability WHERE id = found.vulnerability_id)';
    conditions.add(`(${search} LIKE lower(?::text) OR ${containsText('found.package')})`, pattern, pattern);
  }
  const plan: ListPlan<FindingRow> = {
    request: query,
    filters: { ...selection(query), list: 'vulnerabilities', scan: scanId },
    sorts: FINDING_SORTS,
    defaultSort: 'severity',
    columns: `definition.severity, ${FINDING_COLUMNS}`,
    from: `(${NUMBERED}) found`,
    computed: true,
    joins: `JOIN finding_definition definition ON definition.id = found.definition_id
      JOIN vulnerability ON vulnerability.id = found.vulnerability_id`,
    conditions,
    id: 'found.number',
    toItem: toScanFinding,
  };
  return unlessUnknown(db, scanId, await readList<ScanFinding>(db, plan, options));
}

/** The kinds of `other_finding`. */
export const OTHER_KINDS = { misconfiguration: 2, secret: 4, license: 8, suppressed: 16 } as const;

interface OtherFindings {
  misconfiguration: Misconfiguration;
  secret: Secret;
  license: License;
  suppressed: Suppressed;
}

export interface OtherRow {
  severity: number;
  detail: Record<string, unknown>;
}

/** The wire object, which is stored as it is answered; of severities the column is the one that filters see. */
export function toOtherFinding(row: OtherRow): Record<string, unknown> {
  return { ...row.detail, severity: severityWord(row.severity) };
}

/**
 * A scan's misconfigurations, secrets, licenses or suppressed findings: the most severe first, then as in the report.
 * @returns null where there is no such scan
 * @throws CursorError
 */
export async function listScanOthers<OtherKind extends keyof OtherFindings>(
  db: Db,
  scanId: number,
  kind: OtherKind,
  query: ScanOthersQuery,
  options?: ListOptions,
): Promise<List<OtherFindings[OtherKind]> | null> {
  const conditions = new Conditions().add('other.scan_id = ? AND other.kind = ?', scanId, OTHER_KINDS[kind]);
  if (query.severity) conditions.add('other.severity = ANY(?::int[])', severityLevels(query.severity));
  if (query.status) conditions.add('other.status = ANY(?::text[])', storable(query.status));
  if (query.package) conditions.add('other.package = ANY(?::text[])', storable(query.package));
  if (query.q !== undefined) {
    const pattern = conditions.bind(likePattern(query.q));
    const columns = ['code', 'title', 'package'];
    conditions.add(
      `(${columns.map((column) => `lower(other.${column}) LIKE lower(${pattern}::text)`).join(' OR ')})`,
    );
  }
  const plan: ListPlan<OtherRow> = {
    request: query,
    filters: { ...selection(query), list: kind, scan: scanId },
    sorts: { severity: { expression: 'other.severity', type: 'smallint', order: 'desc' } },
    defaultSort: 'severity',
    columns: 'other.severity, other.detail',
    from: 'other_finding other',
    // A scan has few of them; there is no index on the sort.
    computed: true,
    conditions,
    // Backwards, so that under severity descending the order is the report's.
    id: '(-other.position)',
    toItem: toOtherFinding,
  };
  return unlessUnknown(db, scanId, await readList<OtherFindings[OtherKind]>(db, plan, options));
}

/** An empty list may be that of a scan which does not exist. */
async function unlessUnknown<Item>(db: Db, scanId: number, list: List<Item>): Promise<List<Item> | null> {
  if (list.items.length > 0) return list;
  const { rows } = await db.query('SELECT 1 FROM scan WHERE id = $1', [scanId]);
  return rows.length > 0 ? list : null;
}
