/** What is maintained, computed over all artifacts at once. */
import type { Db } from '../db/pool.ts';
import { trendHorizon } from '../db/timeline.ts';
import { worstOf } from '../db/trend.ts';

export async function storeDerived(
  db: Db,
  { scans, now }: { scans: number; now: Date },
  step: (text: string) => void,
): Promise<void> {
  step('what artifacts show');
  await showLatest(db, scans);
  step('vulnerabilities of artifacts');
  await storeVulnerabilities(db, scans);
  step('current findings');
  await storeCurrentFindings(db, scans);
  step('sums');
  await storeSums(db);
  step('the trend');
  await storeTrend(db, trendHorizon(now));
  step('the upload log');
  await storeUploads(db, now);
}

async function showLatest(db: Db, scans: number): Promise<void> {
  await db.query(
    `UPDATE artifact a SET (newest_scan_id, vulnerability_scan_id, labels, eosl, critical, high, medium, low, unknown,
       fixable, misconfigurations, secrets, licenses) = (s.id, s.id, s.labels, coalesce(s.os_eosl, false), s.critical,
       s.high, s.medium, s.low, s.unknown, s.fixable, s.misconfigurations, s.secrets, s.licenses)
     FROM seed_scan newest JOIN scan s USING (id) WHERE newest.artifact_id = a.id AND number = $1`,
    [scans],
  );
}

async function storeVulnerabilities(db: Db, scans: number): Promise<void> {
  await db.query(
    `INSERT INTO artifact_vulnerability (artifact_id, vulnerability_id, first_seen_at, severity, findings, fixable)
     SELECT artifact_id, vulnerability_id, s.scanned_at, v.severity, v.findings, v.fixable
     FROM (
       SELECT artifact_id, vulnerability_id, min(first) AS number, max(severity) FILTER (WHERE last = $1::int) AS severity,
         count(*) FILTER (WHERE last = $1) AS findings, count(*) FILTER (WHERE last = $1 AND fixable) AS fixable
       FROM seed_finding GROUP BY artifact_id, vulnerability_id
     ) v JOIN seed_scan s USING (artifact_id, number)
     ORDER BY s.id`,
    [scans],
  );
}

async function storeCurrentFindings(db: Db, scans: number): Promise<void> {
  await db.query(
    `INSERT INTO current_finding (artifact_id, definition_id, target_id, path_id, copy, vulnerability_id, severity,
       fixable, status, package, artifact_name, first_seen_at)
     SELECT f.artifact_id, f.definition_id, target_id, path_id, row_number() OVER (
         PARTITION BY f.artifact_id, f.definition_id, target_id, path_id), f.vulnerability_id, f.severity, f.fixable,
       d.status, d.package, a.name, v.first_seen_at
     FROM seed_finding f JOIN artifact a ON a.id = f.artifact_id AND NOT a.stale
     JOIN finding_definition d ON d.id = f.definition_id
     JOIN artifact_vulnerability v ON v.artifact_id = f.artifact_id AND v.vulnerability_id = f.vulnerability_id
     WHERE last = $1`,
    [scans],
  );
}

const LEVELS = [4, 3, 2, 1, 0];

async function storeSums(db: Db): Promise<void> {
  await db.query(
    `INSERT INTO vulnerability_summary (vulnerability_id, critical, high, medium, low, unknown, findings, fixable,
       first_seen_at, natural_order, cvss_score, published_at)
     SELECT v.id, ${LEVELS.map((level) => `count(*) FILTER (WHERE av.severity = ${level})`)}, sum(findings), sum(av.fixable),
       min(first_seen_at), natural_order, coalesce(cvss_score, -1), coalesce(published_at, '-infinity')
     FROM artifact_vulnerability av JOIN artifact a ON a.id = av.artifact_id AND NOT a.stale
     JOIN vulnerability v ON v.id = av.vulnerability_id
     GROUP BY v.id HAVING count(av.severity) > 0`,
  );
  await db.query(
    `INSERT INTO vulnerability_package (vulnerability_id, package, status, fixable, severity, findings)
     SELECT vulnerability_id, package, status, fixable, severity, count(*) FROM current_finding GROUP BY 1, 2, 3, 4, 5`,
  );
  await db.query(
    `INSERT INTO finding_count (severity, fixable, findings)
     SELECT severity, fixable, sum(findings) FROM vulnerability_package GROUP BY 1, 2`,
  );
}

/** What comes with a scan counts from its day on, until that of the next; what is of one day adds up. */
async function storeTrend(db: Db, horizon: string): Promise<void> {
  const dayOf = (time: string) => `(${time} AT TIME ZONE 'UTC')::date`;
  await db.query(
    `INSERT INTO vulnerability_change (vulnerability_id, day, severity, artifacts)
     WITH changed AS (
       SELECT DISTINCT f.artifact_id, f.vulnerability_id, s.number, ${dayOf('s.scanned_at')} AS day
       FROM seed_finding f JOIN artifact a ON a.id = f.artifact_id AND NOT a.stale
       JOIN seed_scan s ON s.artifact_id = f.artifact_id AND s.number IN (f.first, f.last + 1)
       WHERE ${dayOf('s.scanned_at')} >= $1::date
     ), state AS (
       SELECT c.vulnerability_id, c.day, max(f.severity) FILTER (WHERE c.number BETWEEN f.first AND f.last) AS after,
         max(f.severity) FILTER (WHERE c.number - 1 BETWEEN f.first AND f.last) AS before
       FROM changed c JOIN seed_finding f USING (artifact_id, vulnerability_id)
       GROUP BY c.artifact_id, c.vulnerability_id, c.day, c.number
     )
     SELECT vulnerability_id, day, severity, sum(artifacts)
     FROM state CROSS JOIN LATERAL (VALUES (after, 1), (before, -1)) AS worst(severity, artifacts)
     WHERE severity IS NOT NULL GROUP BY vulnerability_id, day, severity HAVING sum(artifacts) <> 0`,
    [horizon],
  );
  await db.query(
    `INSERT INTO total_change (day, measure, severity, delta)
     SELECT ${dayOf('change.at')}, measure, severity, sum(sign * amount)
     FROM (
       SELECT s.*, lead(scanned_at) OVER (PARTITION BY artifact_id ORDER BY scanned_at) AS next
       FROM scan s JOIN artifact a ON a.id = s.artifact_id AND NOT a.stale
     ) s
     CROSS JOIN LATERAL (VALUES (scanned_at, 1), (next, -1)) AS change(at, sign)
     CROSS JOIN LATERAL (VALUES ('findings', 4, critical), ('findings', 3, high), ('findings', 2, medium),
       ('findings', 1, low), ('findings', 0, unknown),
       ('artifacts', CASE WHEN critical > 0 THEN 4 WHEN high > 0 THEN 3 WHEN medium > 0 THEN 2 WHEN low > 0 THEN 1
         WHEN unknown > 0 THEN 0 END, 1)) AS total(measure, severity, amount)
     WHERE ${dayOf('change.at')} >= $1::date
     GROUP BY 1, 2, 3 HAVING sum(sign * amount) <> 0`,
    [horizon],
  );
  // How a vulnerability was at the end of a day is how it is now, less all that changed since.
  await db.query(
    `INSERT INTO total_change (day, measure, severity, delta)
     WITH changed AS (
       SELECT vulnerability_id, day, ${LEVELS.map((level) => `sum(artifacts) FILTER (WHERE severity = ${level}) AS n${level}`)}
       FROM (
         SELECT vulnerability_id, day, severity, artifacts FROM vulnerability_change
         UNION ALL
         SELECT vulnerability_id, 'infinity', n.severity, -n.artifacts FROM vulnerability_summary CROSS JOIN LATERAL
           (VALUES (4, critical), (3, high), (2, medium), (1, low), (0, unknown)) AS n(severity, artifacts)
       ) part GROUP BY vulnerability_id, day
     ), state AS (
       SELECT day, ${worstOf((_, level) => `coalesce(n${level}, 0) - coalesce(sum(n${level}) OVER since, 0)`)} AS after,
         ${worstOf((_, level) => `-sum(n${level}) OVER since`)} AS before
       FROM changed WINDOW since AS (PARTITION BY vulnerability_id ORDER BY day DESC)
     )
     SELECT day, 'vulnerabilities', severity, sum(delta)
     FROM state CROSS JOIN LATERAL (VALUES (after, 1), (before, -1)) AS step(severity, delta)
     WHERE after IS DISTINCT FROM before AND severity IS NOT NULL AND isfinite(day)
     GROUP BY day, severity HAVING sum(delta) <> 0`,
  );
}

/** What was sent in the last week; some of it again, and some was no report. */
async function storeUploads(db: Db, now: Date): Promise<void> {
  await db.query(
    `INSERT INTO upload (received_at, outcome, code, detail, looks_like, artifact, scan_ids, bytes, request_id)
     SELECT received_at + again * interval '1 minute', outcome, CASE outcome WHEN 'refused' THEN 'not_a_trivy_report' END,
       CASE outcome WHEN 'refused' THEN 'This is no report of Trivy.' END, CASE outcome WHEN 'refused' THEN 'CycloneDX' END,
       name, CASE outcome WHEN 'refused' THEN '{}' ELSE ARRAY[id] END, 50000, gen_random_uuid()
     FROM seed_scan CROSS JOIN LATERAL (VALUES (0, 'stored'), (1, 'same'), (2, 'refused')) AS sent(again, outcome)
     WHERE received_at BETWEEN $1::timestamptz - interval '7 days' AND $1
       AND pg_temp.chance(id, 8) > CASE outcome WHEN 'stored' THEN 0 WHEN 'same' THEN 0.8 ELSE 0.97 END
     ORDER BY 1`,
    [now.toISOString()],
  );
}
