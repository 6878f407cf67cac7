import type { DiffItem, DiffList, DiffQuery } from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import { FilterError, kindBits, kindsOf, selection, severityLevels } from './filters.ts';
import { Conditions, type ListPlan, readCounted, TOTAL_LIMIT } from './list.ts';
import type { Db } from './pool.ts';
import {
  FINDING_COLUMNS,
  type FindingRow,
  OTHER_KINDS,
  type OtherRow,
  toOtherFinding,
  toScanFinding,
} from './scan_findings.ts';

const CHANGES = ['new', 'gone', 'same'] as const;
const VULNERABILITY = kindBits(['vulnerability']);

/**
 * The vulnerability findings of the scans $1 (after) and $2 (before; null: none), where the bits $3 have that kind, and
 * the vulnerabilities of which one scan has a definition at a path more often than the other. OFFSET 0: as in
 * scan_findings.ts.
 */
const FOUND = `side (scan_id, after) AS (VALUES ($1::bigint, true), ($2::bigint, false)),
  found AS MATERIALIZED (
    SELECT after, found.definition_id, found.target_id, found.path_id, definition.*
    FROM side
    JOIN scan_finding found ON found.scan_id = side.scan_id AND $3 & ${VULNERABILITY} <> 0
    CROSS JOIN LATERAL (SELECT vulnerability_id, package, installed_version AS version, severity, class, package_type
      FROM finding_definition WHERE id = found.definition_id OFFSET 0) definition
  ),
  changed AS MATERIALIZED (
    SELECT vulnerability_id FROM found GROUP BY vulnerability_id, definition_id, path_id
    HAVING count(*) FILTER (WHERE after) <> count(*) FILTER (WHERE NOT after)
  )`;

/** IS TRUE keeps PostgreSQL from making a join of it. */
const IS_CHANGED = '(vulnerability_id IN (SELECT vulnerability_id FROM changed)) IS TRUE';

/**
 * What may have changed, of the kinds in the bits $3, each with its key.
 * A vulnerability is known by its id, package and path, or class and type where it has no path; the version is not
 * part of the key. Other findings are known by code, target and resource or path: lines move. A misconfiguration
 * counts only where it is one (FAIL).
 */
const KEYED = `
  SELECT after, ${VULNERABILITY} AS kind, severity, package, version, definition_id, target_id, path_id,
    NULL::int AS position,
    text_hash(ARRAY['${VULNERABILITY}', vulnerability_id::text, package,
      CASE WHEN path_id = nowhere.id THEN class END,
      CASE WHEN path_id = nowhere.id THEN package_type ELSE path_id::text END]::text) AS key
  FROM found LEFT JOIN place nowhere ON nowhere.hash = text_hash('')
  WHERE ${IS_CHANGED}
  UNION ALL
  SELECT after, other.kind, other.severity, coalesce(other.package, ''), NULL, NULL, NULL, NULL, other.position,
    text_hash(ARRAY[other.kind::text, other.code, other.target, other.package]::text)
  FROM side
  JOIN other_finding other ON other.scan_id = side.scan_id AND $3 & other.kind <> 0
  WHERE other.kind <> ${OTHER_KINDS.misconfiguration} OR other.status = 'FAIL'`;

/**
 * Findings of one key pair up one to one: first those of equal version (whose `twin` is on the other side), then the
 * rest in the order of their versions, so that an update is one change and not a loss and a gain. Of a pair the row
 * of the scan after remains. Where both scans have a vulnerability in the same way, which of most is so, all of its
 * findings have their twins, and are not paired up for that to be seen.
 */
const COMPARED = `(
  WITH ${FOUND},
  keyed AS (${KEYED}),
  repeated AS (
    SELECT keyed.*, row_number() OVER (PARTITION BY key, version, after
      ORDER BY severity DESC, definition_id, target_id, path_id, position) AS repeat
    FROM keyed
  ),
  matched AS (
    SELECT repeated.*, count(*) OVER (PARTITION BY key, version, repeat) AS twin FROM repeated
  ),
  ranked AS (
    SELECT matched.*, row_number() OVER (PARTITION BY key, after ORDER BY twin DESC, version, repeat) AS rank
    FROM matched
  ),
  paired AS (
    SELECT ranked.*, count(*) OVER pair AS sides,
      max(version) FILTER (WHERE NOT after) OVER pair AS version_before
    FROM ranked WINDOW pair AS (PARTITION BY key, rank)
  )
  SELECT kind, severity, package, definition_id, target_id, path_id, position, version_before,
    CASE WHEN after THEN version END AS version_after,
    CASE WHEN sides = 2 THEN 2 WHEN after THEN 0 ELSE 1 END AS change, CASE WHEN after THEN $1 ELSE $2 END AS scan_id
  FROM paired WHERE after OR sides = 1
  UNION ALL
  SELECT ${VULNERABILITY}, severity, package, definition_id, target_id, path_id, NULL, version, version, 2, $1
  FROM found WHERE after AND NOT ${IS_CHANGED}
)`;

/** In their order, and numbered in it: both scans never change, so every row has its number at every reading. */
const NUMBERED = `(
  SELECT compared.*, row_number() OVER (ORDER BY change, severity DESC, package, kind, definition_id, path_id, target_id,
    position, version_before) AS number
  FROM ${COMPARED} compared
)`;

interface DiffRow extends FindingRow, OtherRow {
  change: number;
  kind: number;
  version_before: string | null;
  version_after: string | null;
}

function toDiffItem(row: DiffRow): DiffItem {
  return {
    change: CHANGES[row.change] ?? 'same',
    kind: kindsOf(row.kind)[0] ?? 'vulnerability',
    versionBefore: row.version_before,
    versionAfter: row.version_after,
    finding: row.kind === VULNERABILITY ? toScanFinding(row) : toOtherFinding(row),
  };
}

/**
 * What changed between two scans: what is new, then what is gone, then what is the same; the most severe first.
 * Compared are the kinds of finding that both scans looked for, of those that are asked for; without a scan to compare
 * with, everything is new.
 * @param against null: the artifact's scan next before this one that looked for the same kinds, else the one next
 * before that looked for vulnerabilities, where this one did
 * @returns null where there is no such scan
 * @throws FilterError where there is no scan `against`; CursorError
 */
export async function diffScans(
  db: Db,
  scanId: number,
  against: number | null,
  query: DiffQuery,
): Promise<DiffList | null> {
  const sides = await findSides(db, scanId, against);
  if (!sides) return null;
  const compared = [scanId, sides.against, sides.kinds & kindBits(query.kind ?? kindsOf(-1))];
  const severities = severityLevels(query.severity ?? SEVERITIES);

  const conditions = new Conditions();
  for (const value of compared) conditions.bind(value);
  const changes = CHANGES.filter((change) => query.change?.includes(change) ?? true);
  conditions.add('found.severity = ANY(?::smallint[])', severities);
  const plan: ListPlan<DiffRow> = {
    request: query,
    filters: { ...selection(query), list: 'diff', compared },
    sorts: { change: { expression: 'found.number', type: 'bigint', order: 'asc' } },
    defaultSort: 'change',
    columns: `${FINDING_COLUMNS}, found.change, found.kind, found.severity, found.version_before,
      found.version_after, other.detail`,
    from: `${NUMBERED} found`,
    computed: true,
    aggregates: COUNTED,
    shown: `found.change = ANY(${conditions.bind(changes.map((change) => CHANGES.indexOf(change)))}::int[])`,
    joins: `LEFT JOIN finding_definition definition ON definition.id = found.definition_id
      LEFT JOIN vulnerability ON vulnerability.id = definition.vulnerability_id
      LEFT JOIN other_finding other
        ON (other.scan_id, other.kind, other.position) = (found.scan_id, found.kind, found.position)`,
    conditions,
    id: 'found.number',
    toItem: toDiffItem,
  };
  const { list, aggregates } = await readCounted<DiffItem, Counted>(db, plan, { total: false });
  const counts = { new: aggregates.new, gone: aggregates.gone, same: aggregates.same };
  const total = changes.reduce((sum, change) => sum + counts[change], 0);
  return {
    ...list,
    total: Math.min(total, TOTAL_LIMIT),
    totalIsExact: total <= TOTAL_LIMIT,
    against: sides.against,
    counts,
    newBySeverity: aggregates.newBySeverity,
  };
}

const NAMED = 'before.id = $2';
const NEXT_BEFORE = `before.artifact_id = scan.artifact_id
  AND (before.scanned_at, before.received_at, before.id) < (scan.scanned_at, scan.received_at, scan.id)
  AND (before.kinds = scan.kinds OR before.kinds & scan.kinds & ${VULNERABILITY} <> 0)`;

/** The scan to compare with, and the kinds to compare as bits. */
async function findSides(
  db: Db,
  scanId: number,
  against: number | null,
): Promise<{ against: number | null; kinds: number } | null> {
  const { rows } = await db.query<{ kinds: number; against: number | null; kinds_before: number | null }>(
    `SELECT scan.kinds, before.id AS against, before.kinds AS kinds_before
     FROM scan LEFT JOIN LATERAL (
       SELECT before.id, before.kinds FROM scan before WHERE ${against === null ? NEXT_BEFORE : NAMED}
       ORDER BY before.kinds = scan.kinds DESC, before.scanned_at DESC, before.received_at DESC, before.id DESC
       LIMIT 1
     ) before ON true
     WHERE scan.id = $1`,
    against === null ? [scanId] : [scanId, against],
  );
  const row = rows[0];
  if (!row) return null;
  if (against !== null && row.against === null)
    throw new FilterError('against', 'there is no scan of this id');
  return { against: row.against, kinds: row.kinds & (row.kinds_before ?? row.kinds) };
}

type Counted = DiffList['counts'] & Pick<DiffList, 'newBySeverity'>;

const count = (where: string) => `(count(*) FILTER (WHERE ${where}))::int`;
const COUNTED = `${CHANGES.map((change, index) => `${count(`change = ${index}`)} AS "${change}"`)},
  json_build_object(${SEVERITIES.map(
    (severity, level) => `'${severity.toLowerCase()}', ${count(`change = 0 AND severity = ${level}`)}`,
  ).reverse()}) AS "newBySeverity"`;
