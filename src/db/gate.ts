import { findingsOf } from './findings_of.ts';
import type { Db } from './pool.ts';

/**
 * Computes and stores the `changes` of new scans: their vulnerability findings against those of the scan next before
 * in `scannedAt` that looked for vulnerabilities. A finding is known by vulnerability, package and path or, where it
 * has none, class and type; findings of one key pair up one to one, and what has no partner is new or gone. It counts
 * as `diff.ts` does, but where the findings of a key differ in severity, the new ones count by the worst.
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
     ), ${findingsOf('ARRAY(SELECT id FROM pair) || ARRAY(SELECT against FROM pair)')}, side AS (
       SELECT id, id AS scan_id, true AS after FROM pair
       UNION ALL
       SELECT id, against, false FROM pair WHERE against IS NOT NULL
     ), key AS (
       SELECT side.id, max(f.severity) FILTER (WHERE side.after) AS severity,
         count(*) FILTER (WHERE side.after) AS after, count(*) FILTER (WHERE NOT side.after) AS before
       FROM side JOIN finding f ON f.scan_id = side.scan_id
       LEFT JOIN (SELECT id FROM place WHERE hash = sha256('')) nowhere ON true
       GROUP BY side.id, f.vulnerability_id, f.package, f.path_id,
         CASE WHEN f.path_id = nowhere.id THEN f.class END, CASE WHEN f.path_id = nowhere.id THEN f.package_type END
     ), counted AS (
       SELECT id, severity, greatest(after - before, 0) AS new, greatest(before - after, 0) AS gone,
         least(after, before) AS same
       FROM key
     ), total AS (
       SELECT pair.id, jsonb_build_object('against', pair.against, 'new', coalesce(sum(new), 0),
         'gone', coalesce(sum(gone), 0), 'same', coalesce(sum(same), 0),
         'newBySeverity', jsonb_build_object(
           'critical', coalesce(sum(new) FILTER (WHERE severity = 4), 0),
           'high', coalesce(sum(new) FILTER (WHERE severity = 3), 0),
           'medium', coalesce(sum(new) FILTER (WHERE severity = 2), 0),
           'low', coalesce(sum(new) FILTER (WHERE severity = 1), 0),
           'unknown', coalesce(sum(new) FILTER (WHERE severity = 0), 0))) AS changes
       FROM pair LEFT JOIN counted USING (id)
       GROUP BY pair.id, pair.against
     )
     UPDATE scan s SET changes = total.changes FROM total WHERE s.id = total.id`,
    [scans],
  );
}
