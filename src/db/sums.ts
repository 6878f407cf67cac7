/** The tables of now that artifacts add up to. Whoever writes them holds one lock: until COMMIT, so it is taken late. */
import { LOCKS } from './locks.ts';
import type { PackageDifferences, SummaryDifferences } from './maintain.ts';
import type { Db } from './pool.ts';

/** Waits for its turn to write the sums. The last of a writer's locks: who holds it waits for nobody. */
export async function lockSums(db: Db): Promise<void> {
  await db.query('SELECT pg_advisory_xact_lock($1)', [LOCKS.sums]);
}

/** When a vulnerability was first seen in an artifact that counts, be it gone by now. */
const FIRST_SEEN = `(
  SELECT av.first_seen_at FROM artifact_vulnerability av JOIN artifact a ON a.id = av.artifact_id
  WHERE av.vulnerability_id = d.vulnerability_id AND NOT a.stale
  ORDER BY av.first_seen_at LIMIT 1
)`;

/** What a new row copies of its vulnerability. */
const copied = (expression: string) =>
  `(SELECT ${expression} FROM vulnerability v WHERE v.id = d.vulnerability_id)`;

/**
 * Rows without artifacts are removed. A new row looks for the earliest time in all artifacts that count, for others
 * may have had the vulnerability before; so does a row of which an artifact no longer counts.
 */
export async function addToSummary(db: Db, differences: SummaryDifferences): Promise<void> {
  await db.query(
    `MERGE INTO vulnerability_summary s
     USING (
       SELECT d.*, CASE WHEN d.leaving THEN ${FIRST_SEEN} ELSE d.earliest END AS first_seen_at,
         d.critical + d.high + d.medium + d.low + d.unknown AS affected_artifacts
       FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::int[], $6::int[], $7::int[], $8::int[],
         $9::timestamptz[], $10::boolean[])
         AS d(vulnerability_id, critical, high, medium, low, unknown, findings, fixable, earliest, leaving)
     ) d ON s.vulnerability_id = d.vulnerability_id
     WHEN MATCHED AND s.affected_artifacts + d.affected_artifacts <= 0 THEN DELETE
     WHEN MATCHED AND ((d.critical, d.high, d.medium, d.low, d.unknown, d.findings, d.fixable) <> (0, 0, 0, 0, 0, 0, 0)
       OR d.leaving OR d.first_seen_at < s.first_seen_at) THEN UPDATE SET
       critical = s.critical + d.critical, high = s.high + d.high, medium = s.medium + d.medium, low = s.low + d.low,
       unknown = s.unknown + d.unknown, findings = s.findings + d.findings, fixable = s.fixable + d.fixable,
       first_seen_at = CASE WHEN d.leaving THEN d.first_seen_at ELSE least(s.first_seen_at, d.first_seen_at) END
     WHEN NOT MATCHED AND d.affected_artifacts > 0 THEN INSERT (vulnerability_id, critical, high, medium, low, unknown,
       findings, fixable, first_seen_at, natural_order, cvss_score, published_at)
       VALUES (d.vulnerability_id, d.critical, d.high, d.medium, d.low, d.unknown, d.findings, d.fixable, ${FIRST_SEEN},
         ${copied('v.natural_order')}, ${copied('coalesce(v.cvss_score, -1)')},
         ${copied("coalesce(v.published_at, '-infinity')")})`,
    [
      differences.vulnerability,
      differences.critical,
      differences.high,
      differences.medium,
      differences.low,
      differences.unknown,
      differences.findings,
      differences.fixable,
      differences.firstSeen,
      differences.leaving,
    ],
  );
}

/** Takes over what the summary copies from vulnerabilities whose texts changed. Needs the lock. */
export async function renewSummary(db: Db, vulnerabilities: number[]): Promise<void> {
  await db.query(
    `UPDATE vulnerability_summary s
     SET cvss_score = coalesce(v.cvss_score, -1), published_at = coalesce(v.published_at, '-infinity')
     FROM vulnerability v
     WHERE v.id = ANY ($1::int[]) AND s.vulnerability_id = v.id
       AND (s.cvss_score, s.published_at)
       IS DISTINCT FROM (coalesce(v.cvss_score, -1), coalesce(v.published_at, '-infinity'))`,
    [vulnerabilities],
  );
}

/** Rows without findings are removed, of the sums by package and of those over all packages. */
export async function addToPackages(db: Db, differences: PackageDifferences): Promise<void> {
  await db.query(
    `MERGE INTO vulnerability_package p
     USING unnest($1::int[], $2::text[], $3::text[], $4::boolean[], $5::smallint[], $6::int[])
       AS d(vulnerability_id, package, status, fixable, severity, findings)
     ON p.vulnerability_id = d.vulnerability_id AND p.package = d.package AND p.status = d.status
       AND p.fixable = d.fixable AND p.severity = d.severity
     WHEN MATCHED AND p.findings + d.findings <= 0 THEN DELETE
     WHEN MATCHED THEN UPDATE SET findings = p.findings + d.findings
     WHEN NOT MATCHED AND d.findings > 0 THEN INSERT (vulnerability_id, package, status, fixable, severity,
       findings) VALUES (d.vulnerability_id, d.package, d.status, d.fixable, d.severity, d.findings)`,
    [
      differences.vulnerability,
      differences.package,
      differences.status,
      differences.fixable,
      differences.severity,
      differences.findings,
    ],
  );
  await db.query(
    `MERGE INTO finding_count c
     USING (
       SELECT severity, fixable, sum(findings) AS findings
       FROM unnest($1::boolean[], $2::smallint[], $3::int[]) AS d(fixable, severity, findings)
       GROUP BY severity, fixable HAVING sum(findings) <> 0
     ) d ON c.severity = d.severity AND c.fixable = d.fixable
     WHEN MATCHED AND c.findings + d.findings <= 0 THEN DELETE
     WHEN MATCHED THEN UPDATE SET findings = c.findings + d.findings
     WHEN NOT MATCHED AND d.findings > 0 THEN INSERT (severity, fixable, findings)
       VALUES (d.severity, d.fixable, d.findings)`,
    [differences.fixable, differences.severity, differences.findings],
  );
}
