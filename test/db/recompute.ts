import type { Db } from '../../src/db/pool.ts';
import { trendHorizon } from '../../src/db/timeline.ts';

/** One maintained table, and the same computed from scans alone. */
interface Comparison {
  name: string;
  actual: string;
  expected: string;
}

const NEWEST_FIRST = 'scanned_at DESC, received_at DESC, id DESC';

const VULNERABILITY_SCAN = `(SELECT id FROM scan s WHERE s.artifact_id = a.id AND kinds & 1 <> 0
  ORDER BY ${NEWEST_FIRST} LIMIT 1)`;

const latestOf = (bit: number, column: string) =>
  `coalesce((SELECT ${column} FROM scan s WHERE s.artifact_id = a.id AND kinds & ${bit} <> 0
    ORDER BY ${NEWEST_FIRST} LIMIT 1), 0)`;

const newest = (column: string) =>
  `(SELECT ${column} FROM scan s WHERE s.artifact_id = a.id ORDER BY ${NEWEST_FIRST} LIMIT 1)`;

const COUNTS = ['critical', 'high', 'medium', 'low', 'unknown', 'fixable'];

/** Findings of the latest scan for vulnerabilities, of every artifact. */
const LATEST = `SELECT a.id AS artifact_id, a.name, a.stale, d.vulnerability_id, d.severity, d.fixable, d.status,
    d.package, f.definition_id, f.target_id, f.path_id
  FROM artifact a JOIN scan_finding f ON f.scan_id = ${VULNERABILITY_SCAN}
  JOIN finding_definition d ON d.id = f.definition_id`;

/** How artifacts that are not stale stood at the end of each day of the trend, vulnerability by vulnerability. */
const END_OF_DAY = `SELECT day::date, a.id AS artifact_id, s.id AS scan_id
  FROM generate_series($1::date - 1, $2::date, interval '1 day') day CROSS JOIN artifact a
  CROSS JOIN LATERAL (
    SELECT id FROM scan WHERE artifact_id = a.id AND kinds & 1 <> 0
      AND (scanned_at AT TIME ZONE 'UTC')::date <= day::date
    ORDER BY ${NEWEST_FIRST} LIMIT 1
  ) s
  WHERE NOT a.stale`;

const SEVERITY_COLUMNS = `(VALUES (4, s.critical), (3, s.high), (2, s.medium), (1, s.low), (0, s.unknown))
  AS n(severity, amount)`;
const WORST = `CASE WHEN s.critical > 0 THEN 4 WHEN s.high > 0 THEN 3 WHEN s.medium > 0 THEN 2 WHEN s.low > 0 THEN 1
  WHEN s.unknown > 0 THEN 0 END`;

/** As the summary reads it: how it stands now, minus what changed on later days. */
const COMPARISONS: Comparison[] = [
  {
    name: 'latest_kinds',
    actual: 'SELECT id, latest_kinds::int FROM scan',
    expected: `SELECT s.id, coalesce((SELECT sum(bit)::int FROM unnest('{1,2,4,8}'::int[]) bit
        WHERE s.id = (SELECT id FROM scan o WHERE o.artifact_id = s.artifact_id AND o.kinds & bit <> 0
          ORDER BY ${NEWEST_FIRST} LIMIT 1)), 0) FROM scan s`,
  },
  {
    name: 'artifact',
    actual: `SELECT id, newest_scan_id, vulnerability_scan_id, labels, eosl, ${COUNTS}, misconfigurations, secrets, licenses
      FROM artifact`,
    expected: `SELECT id, ${newest('id')}, ${VULNERABILITY_SCAN}, ${newest('labels')},
        coalesce((SELECT os_eosl FROM scan s WHERE s.artifact_id = a.id AND latest_kinds <> 0 AND os_eosl IS NOT NULL
          ORDER BY ${NEWEST_FIRST} LIMIT 1), false),
        ${COUNTS.map((column) => latestOf(1, column))}, ${latestOf(2, 'misconfigurations')},
        ${latestOf(4, 'secrets')}, ${latestOf(8, 'licenses')} FROM artifact a`,
  },
  {
    name: 'artifact_vulnerability',
    actual: `SELECT artifact_id, vulnerability_id, first_seen_at, severity::int, findings, fixable
      FROM artifact_vulnerability`,
    expected: `WITH latest AS (${LATEST})
      SELECT artifact_id, vulnerability_id, seen.first_seen_at, max(severity)::int, count(latest.name)::int,
        (count(*) FILTER (WHERE fixable))::int
      FROM seen LEFT JOIN latest USING (artifact_id, vulnerability_id) GROUP BY 1, 2, 3`,
  },
  {
    name: 'current_finding',
    actual: `SELECT artifact_id, definition_id, target_id, path_id, copy, vulnerability_id, severity, fixable, status,
        package, artifact_name, first_seen_at FROM current_finding`,
    expected: `WITH latest AS (${LATEST})
      SELECT artifact_id, definition_id, target_id, path_id, (row_number() OVER (PARTITION BY artifact_id,
        definition_id, target_id, path_id))::int, vulnerability_id, severity, fixable, status, package, name,
        first_seen_at
      FROM latest JOIN seen USING (artifact_id, vulnerability_id) WHERE NOT stale`,
  },
  {
    name: 'vulnerability_summary',
    actual: `SELECT vulnerability_id, critical, high, medium, low, unknown, severity::int, affected_artifacts, findings,
        fixable, first_seen_at, natural_order, cvss_score, published_at FROM vulnerability_summary`,
    expected: `WITH worst AS (
        SELECT artifact_id, vulnerability_id, max(severity)::int AS severity, count(*)::int AS findings,
          (count(*) FILTER (WHERE fixable))::int AS fixable
        FROM (${LATEST}) latest WHERE NOT stale GROUP BY 1, 2)
      SELECT worst.vulnerability_id, ${[4, 3, 2, 1, 0].map((n) => `(count(*) FILTER (WHERE severity = ${n}))::int`)},
        max(severity), count(*)::int, sum(findings)::int, sum(fixable)::int,
        (SELECT min(first_seen_at) FROM seen JOIN artifact a ON a.id = artifact_id
         WHERE seen.vulnerability_id = worst.vulnerability_id AND NOT a.stale),
        v.natural_order, coalesce(v.cvss_score, -1), coalesce(v.published_at, '-infinity')
      FROM worst JOIN vulnerability v ON v.id = worst.vulnerability_id GROUP BY worst.vulnerability_id, v.id`,
  },
  {
    name: 'vulnerability_package',
    actual:
      'SELECT vulnerability_id, package, status, fixable, severity::int, findings FROM vulnerability_package',
    expected: `SELECT vulnerability_id, package, status, fixable, severity::int, count(*)::int FROM (${LATEST}) latest
      WHERE NOT stale GROUP BY 1, 2, 3, 4, 5`,
  },
  {
    name: 'finding_count',
    actual: 'SELECT severity::int, fixable, findings FROM finding_count',
    expected: `SELECT severity::int, fixable, count(*)::int FROM (${LATEST}) latest WHERE NOT stale GROUP BY 1, 2`,
  },
  {
    name: 'natural_order',
    actual: 'SELECT id, natural_order FROM finding_definition',
    expected:
      'SELECT d.id, v.natural_order FROM finding_definition d JOIN vulnerability v ON v.id = d.vulnerability_id',
  },
  {
    name: 'package',
    actual: 'SELECT name FROM package',
    expected: 'SELECT DISTINCT package FROM finding_definition',
  },
  {
    name: 'the trend of vulnerabilities',
    actual: `SELECT day::date, vulnerability_id, severity, sum(artifacts)::int
      FROM generate_series($1::date - 1, $2::date, interval '1 day') day CROSS JOIN LATERAL (
        SELECT vulnerability_id, n.severity, n.amount AS artifacts FROM vulnerability_summary s
        CROSS JOIN LATERAL ${SEVERITY_COLUMNS} WHERE n.amount <> 0
        UNION ALL
        SELECT vulnerability_id, c.severity, -artifacts FROM vulnerability_change c WHERE c.day > day.day
      ) part GROUP BY 1, 2, 3 HAVING sum(artifacts) <> 0`,
    expected: `SELECT day, vulnerability_id, severity, count(*)::int FROM (
        SELECT e.day, e.artifact_id, d.vulnerability_id, max(d.severity)::int AS severity
        FROM (${END_OF_DAY}) e JOIN scan_finding f ON f.scan_id = e.scan_id
        JOIN finding_definition d ON d.id = f.definition_id GROUP BY 1, 2, 3
      ) worst GROUP BY 1, 2, 3`,
  },
  {
    name: 'the trend that is shown',
    actual: `SELECT day::date, measure, severity, sum(amount)::int
      FROM generate_series($1::date - 1, $2::date, interval '1 day') day CROSS JOIN LATERAL (
        SELECT 'vulnerabilities' AS measure, severity::int, 1 AS amount FROM vulnerability_summary
        UNION ALL
        SELECT 'findings', n.severity, n.amount FROM artifact s CROSS JOIN LATERAL ${SEVERITY_COLUMNS} WHERE NOT stale
        UNION ALL
        SELECT 'artifacts', ${WORST}, 1 FROM artifact s WHERE NOT stale AND vulnerability_scan_id IS NOT NULL
        UNION ALL
        SELECT c.measure, c.severity, -delta FROM total_change c WHERE c.day > day.day
      ) part GROUP BY 1, 2, 3 HAVING sum(amount) <> 0`,
    expected: `SELECT day, measure, severity, sum(amount)::int FROM (${END_OF_DAY}) e JOIN scan s ON s.id = e.scan_id
      CROSS JOIN LATERAL (
        SELECT 'findings' AS measure, severity, amount FROM ${SEVERITY_COLUMNS} UNION ALL SELECT 'artifacts', ${WORST}, 1
      ) part GROUP BY 1, 2, 3 HAVING sum(amount) <> 0
      UNION ALL
      SELECT day, 'vulnerabilities', severity, count(*)::int FROM (
        SELECT e.day, d.vulnerability_id, max(d.severity)::int AS severity
        FROM (${END_OF_DAY}) e JOIN scan_finding f ON f.scan_id = e.scan_id
        JOIN finding_definition d ON d.id = f.definition_id GROUP BY 1, 2
      ) worst GROUP BY 1, 3`,
  },
  {
    name: 'leftovers',
    actual: `SELECT 'vulnerability_change', vulnerability_id::text FROM vulnerability_change WHERE artifacts = 0
      UNION ALL SELECT 'total_change', measure FROM total_change WHERE delta = 0`,
    expected: `SELECT NULL, NULL WHERE false`,
  },
];

/** What a test has to keep beside the database: first times, which outlive the scans that told them. */
export async function createSeen(db: Db): Promise<void> {
  await db.query(`CREATE TABLE seen (artifact_id int REFERENCES artifact ON DELETE CASCADE, vulnerability_id int,
    first_seen_at timestamptz, PRIMARY KEY (artifact_id, vulnerability_id))`);
}

/** To be called after new scans were stored. */
export async function noteSeen(db: Db, scans: number[]): Promise<void> {
  await db.query(
    `INSERT INTO seen SELECT s.artifact_id, d.vulnerability_id, min(s.scanned_at)
     FROM scan s JOIN scan_finding f ON f.scan_id = s.id JOIN finding_definition d ON d.id = f.definition_id
     WHERE s.id = ANY ($1::bigint[]) GROUP BY 1, 2
     ON CONFLICT (artifact_id, vulnerability_id)
     DO UPDATE SET first_seen_at = least(seen.first_seen_at, excluded.first_seen_at)`,
    [scans],
  );
}

/** Compares all that is maintained with what scans say. @returns the rows that differ; none when all is right. */
export async function differences(db: Db, now: Date): Promise<unknown[]> {
  const days = [trendHorizon(now), now.toISOString().slice(0, 10)];
  const found: unknown[] = [];
  for (const { name, actual, expected } of COMPARISONS) {
    const { rows } = await db.query<{ side: string }>(
      `WITH days AS (SELECT $1::date, $2::date), actual AS (${actual}), expected AS (${expected})
       SELECT 'surplus' AS side, to_jsonb(r)::text AS row FROM (SELECT * FROM actual EXCEPT ALL SELECT * FROM expected) r
       UNION ALL
       SELECT 'missing', to_jsonb(r)::text FROM (SELECT * FROM expected EXCEPT ALL SELECT * FROM actual) r
       LIMIT 5`,
      days,
    );
    found.push(...rows.map((row) => ({ name, ...row })));
  }
  return found;
}
