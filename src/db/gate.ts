import type { Db } from './pool.ts';

/**
 * Computes and stores the `changes` of new scans: their vulnerability findings against those of the scan next before
 * in `scannedAt` that looked for vulnerabilities. What counts is the key of a finding: vulnerability, package, and
 * path or, where it has none, class and type; another version of the package is the same.
 */
export async function storeChanges(db: Db, scans: number[]): Promise<void> {
  if (scans.length === 0) return;
  await db.query(
    `WITH pair AS MATERIALIZED (
       SELECT s.id, before.id AS against
       FROM scan s LEFT JOIN LATERAL (
         SELECT p.id FROM scan p
         WHERE p.artifact_id = s.artifact_id AND p.kinds & 1 <> 0
           AND (p.scanned_at, p.received_at, p.id) < (s.scanned_at, s.received_at, s.id)
         ORDER BY p.scanned_at DESC, p.received_at DESC, p.id DESC LIMIT 1
       ) before ON true
       WHERE s.id = ANY ($1::bigint[]) AND s.kinds & 1 <> 0
     ), key AS (
       SELECT pair.id, d.vulnerability_id, d.package, f.path_id,
         CASE WHEN f.path_id = nowhere.id THEN coalesce(d.class, '') || ' ' || coalesce(d.package_type, '') END AS area,
         max(d.severity) FILTER (WHERE f.scan_id = pair.id) AS severity,
         bool_or(f.scan_id = pair.against) AS was_there
       FROM pair JOIN scan_finding f ON f.scan_id IN (pair.id, pair.against)
       JOIN finding_definition d ON d.id = f.definition_id
       LEFT JOIN place nowhere ON nowhere.hash = text_hash('')
       GROUP BY 1, 2, 3, 4, 5
     ), counted AS (
       SELECT pair.id, pair.against,
         count(*) FILTER (WHERE severity IS NOT NULL AND was_there IS NOT TRUE) AS new,
         count(*) FILTER (WHERE severity IS NULL AND was_there) AS gone,
         count(*) FILTER (WHERE severity IS NOT NULL AND was_there) AS same,
         count(*) FILTER (WHERE severity = 4 AND was_there IS NOT TRUE) AS critical,
         count(*) FILTER (WHERE severity = 3 AND was_there IS NOT TRUE) AS high,
         count(*) FILTER (WHERE severity = 2 AND was_there IS NOT TRUE) AS medium,
         count(*) FILTER (WHERE severity = 1 AND was_there IS NOT TRUE) AS low,
         count(*) FILTER (WHERE severity = 0 AND was_there IS NOT TRUE) AS unknown
       FROM pair LEFT JOIN key ON key.id = pair.id
       GROUP BY pair.id, pair.against
     )
     UPDATE scan s SET changes = jsonb_build_object('against', c.against, 'new', c.new, 'gone', c.gone, 'same', c.same,
       'newBySeverity', jsonb_build_object('critical', c.critical, 'high', c.high, 'medium', c.medium, 'low', c.low,
         'unknown', c.unknown))
     FROM counted c WHERE s.id = c.id`,
    [scans],
  );
}
