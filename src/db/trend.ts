/**
 * The trend, as differences from one day's end to the next. It is written under the lock of the sums, see `sums.ts`.
 */
import { SEVERITIES } from '../trivy/report.ts';
import type { TrendDifferences } from './maintain.ts';
import type { Db } from './pool.ts';
import type { Shift } from './timeline.ts';

/** Columns of counts by severity, the worst first, each with the severity's number. */
const COLUMNS = SEVERITIES.map((severity, level) => [severity.toLowerCase(), level] as const).reverse();
const NAMES = COLUMNS.map(([name]) => name);

/** SQL of the worst severity that has a count above zero; NULL where none has. @param count by its name or number */
export function worstOf(count: (name: string, level: number) => string): string {
  return `CASE ${COLUMNS.map(([name, level]) => `WHEN ${count(name, level)} > 0 THEN ${level}`).join(' ')} END`;
}

/** Days on which nothing changed have no row. */
export async function addToTrend(db: Db, differences: TrendDifferences): Promise<void> {
  await db.query(
    `MERGE INTO vulnerability_change c
     USING unnest($1::int[], $2::date[], $3::smallint[], $4::int[]) AS d(vulnerability_id, day, severity, artifacts)
     ON c.vulnerability_id = d.vulnerability_id AND c.day = d.day AND c.severity = d.severity
     WHEN MATCHED AND c.artifacts + d.artifacts = 0 THEN DELETE
     WHEN MATCHED THEN UPDATE SET artifacts = c.artifacts + d.artifacts
     WHEN NOT MATCHED AND isfinite(d.day) THEN INSERT (vulnerability_id, day, severity, artifacts)
       VALUES (d.vulnerability_id, d.day, d.severity, d.artifacts)`,
    [differences.vulnerability, differences.day, differences.severity, differences.artifacts],
  );
}

/** Adds rows (day, measure, severity, delta) to the totals; what cancels out leaves none. */
const addToTotalChange = (differences: string) => `MERGE INTO total_change t
  USING (
    SELECT day, measure, severity, sum(delta)::int AS delta FROM (${differences}) difference
    GROUP BY day, measure, severity HAVING sum(delta) <> 0
  ) d ON t.day = d.day AND t.measure = d.measure AND t.severity IS NOT DISTINCT FROM d.severity
  WHEN MATCHED AND t.delta + d.delta = 0 THEN DELETE
  WHEN MATCHED THEN UPDATE SET delta = t.delta + d.delta
  WHEN NOT MATCHED THEN INSERT (day, measure, severity, delta) VALUES (d.day, d.measure, d.severity, d.delta)`;

/** Findings by severity, and artifacts by their worst. The scans must still be there. */
export async function addToTotals(db: Db, shifts: Shift[]): Promise<void> {
  await db.query(
    addToTotalChange(`
      SELECT part.day, measure.name AS measure, measure.severity, part.sign * measure.amount AS delta
      FROM (
        SELECT day, sign, after AS scan_id FROM unnest($1::date[], $2::int[], $4::bigint[]) AS s(day, sign, after)
        UNION ALL
        SELECT day, -sign, before FROM unnest($1::date[], $2::int[], $3::bigint[]) AS s(day, sign, before)
      ) part
      JOIN scan s ON s.id = part.scan_id AND isfinite(part.day)
      CROSS JOIN LATERAL (VALUES
        ('findings', 4::smallint, s.critical), ('findings', 3, s.high), ('findings', 2, s.medium),
        ('findings', 1, s.low), ('findings', 0, s.unknown), ('artifacts', ${worstOf((name) => `s.${name}`)}, 1)
      ) AS measure(name, severity, amount)`),
    [
      shifts.map((shift) => shift.day),
      shifts.map((shift) => shift.sign),
      shifts.map((shift) => shift.before),
      shifts.map((shift) => shift.after),
    ],
  );
}

/**
 * Vulnerabilities by the worst severity at which any artifact has them: on which days that changes, and by how much.
 * How it was (sign -1) is taken out, and how it will be (1) put in. What there is now, as a row of the last day with
 * its sign turned, less all that changed since a day is how it was at the end of that day. Only days from the first
 * that differs on are looked at. Left out are vulnerabilities that keep today's worst severity on all of these days:
 * nothing worse changes, and more artifacts have it today than gained it since or lose it now. That leaves few.
 * To be called before the summary and the trend are changed.
 */
export async function addToWorst(db: Db, differences: TrendDifferences): Promise<void> {
  const after = (name: string) => `${name} - sum(${name}) OVER since`;
  const before = (name: string) => `- sum(${name}) OVER since`;
  await db.query(
    addToTotalChange(`
      WITH difference AS MATERIALIZED (
        SELECT * FROM unnest($1::int[], $2::date[], $3::smallint[], $4::int[])
          AS d(vulnerability_id, day, severity, artifacts)
      ), touched AS (
        SELECT vulnerability_id, min(day) AS first, max(severity) AS severity, -sum(least(artifacts, 0)) AS lost
        FROM difference GROUP BY vulnerability_id
      ), unsteady AS MATERIALIZED (
        SELECT vulnerability_id, first, ${NAMES.map((name) => `coalesce(s.${name}, 0) AS ${name}`)}
        FROM touched t LEFT JOIN vulnerability_summary s USING (vulnerability_id)
        CROSS JOIN LATERAL (
          SELECT max(severity) AS severity, coalesce(sum(greatest(artifacts, 0)), 0) AS gained FROM vulnerability_change
          WHERE vulnerability_id = t.vulnerability_id AND day > first
        ) later
        WHERE s.severity IS NULL OR greatest(t.severity, later.severity) > s.severity
          OR lost + gained >= CASE s.severity ${COLUMNS.map(([name, level]) => `WHEN ${level} THEN s.${name}`).join(' ')} END
      ), stored AS (
        SELECT vulnerability_id, day, severity, artifacts FROM unsteady JOIN vulnerability_change USING (vulnerability_id)
        WHERE day >= first
        UNION ALL
        SELECT vulnerability_id, 'infinity', now.severity, -now.artifacts FROM unsteady
        CROSS JOIN LATERAL (VALUES ${COLUMNS.map(([name, level]) => `(${level}, ${name})`)}) AS now(severity, artifacts)
        WHERE now.artifacts > 0
      ), side AS (
        SELECT sign, stored.* FROM stored CROSS JOIN (VALUES (-1), (1)) AS side(sign)
        UNION ALL
        SELECT 1, vulnerability_id, unnest(ARRAY[day, 'infinity']), severity, unnest(ARRAY[artifacts, -artifacts])
        FROM difference WHERE vulnerability_id = ANY (ARRAY(SELECT vulnerability_id FROM unsteady))
      ), changed AS (
        SELECT sign, vulnerability_id, day,
          ${COLUMNS.map(([name, level]) => `coalesce(sum(artifacts) FILTER (WHERE severity = ${level}), 0) AS ${name}`)}
        FROM side GROUP BY sign, vulnerability_id, day
      ), state AS (
        SELECT sign, day, ${worstOf(after)} AS after, ${worstOf(before)} AS before FROM changed
        WINDOW since AS (PARTITION BY sign, vulnerability_id ORDER BY day DESC)
      )
      SELECT day, 'vulnerabilities' AS measure, step.severity::smallint, sign * delta AS delta
      FROM state CROSS JOIN LATERAL (VALUES (after, 1), (before, -1)) AS step(severity, delta)
      WHERE after IS DISTINCT FROM before AND step.severity IS NOT NULL AND isfinite(day)`),
    [differences.vulnerability, differences.day, differences.severity, differences.artifacts],
  );
}
