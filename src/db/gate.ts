import type { Db } from './pool.ts';

const STORE_CHANGES = `
  WITH pair AS MATERIALIZED (
    SELECT s.id, before.id AS against
    FROM scan s LEFT JOIN LATERAL (
      SELECT p.id FROM scan p
      WHERE p.artifact_id = s.artifact_id AND p.kinds & 1 <> 0
        AND (p.scanned_at, p.received_at, p.id) < (s.scanned_at, s.received_at, s.id)
      ORDER BY p.scanned_at DESC, p.received_at DESC, p.id DESC LIMIT 1
    ) before ON true
    WHERE s.id = ANY ($1::bigint[]) AND s.kinds & 1 <> 0
  ), occurrence AS MATERIALIZED (
    -- what is on both sides unchanged pairs up here, by numbers alone; the rest of a scan again is small
    SELECT pair.id, f.definition_id, f.path_id, count(*) FILTER (WHERE f.scan_id = pair.id) AS after,
      count(*) FILTER (WHERE f.scan_id = pair.against) AS before
    FROM (SELECT scan_id, definition_id, path_id FROM scan_finding
      WHERE scan_id = ANY (ARRAY(SELECT id FROM pair) || ARRAY(SELECT against FROM pair))) f
    JOIN pair ON f.scan_id IN (pair.id, pair.against)
    GROUP BY pair.id, f.definition_id, f.path_id
  ), definition AS MATERIALIZED (
    SELECT id, vulnerability_id, severity, package, class, package_type FROM finding_definition
    WHERE id = ANY (ARRAY(SELECT definition_id FROM occurrence WHERE after <> before))
  ), key AS (
    SELECT o.id, max(d.severity) FILTER (WHERE o.after > o.before) AS severity,
      sum(greatest(o.after - o.before, 0)) AS after, sum(greatest(o.before - o.after, 0)) AS before
    FROM occurrence o JOIN definition d ON d.id = o.definition_id
    LEFT JOIN (SELECT id FROM place WHERE hash = sha256('')) nowhere ON true
    WHERE o.after <> o.before
    GROUP BY o.id, d.vulnerability_id, d.package, o.path_id,
      CASE WHEN o.path_id = nowhere.id THEN d.class END, CASE WHEN o.path_id = nowhere.id THEN d.package_type END
  ), counted AS (
    SELECT id, severity, greatest(after - before, 0) AS new, greatest(before - after, 0) AS gone,
      least(after, before) AS same
    FROM key
    UNION ALL
    SELECT id, NULL, 0, 0, sum(least(after, before)) FROM occurrence GROUP BY id
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
  UPDATE scan s SET changes = total.changes FROM total WHERE s.id = ANY ($1) AND s.id = total.id`;

/**
 * Computes and stores the `changes` of new scans: their vulnerability findings against those of the scan next before
 * in `scannedAt` that looked for vulnerabilities. A finding is known by vulnerability, package and path or, where it
 * has none, class and type; findings of one key pair up one to one, and what has no partner is new or gone. It counts
 * as `diff.ts` does, but where findings of a key differ in severity, the new ones count by the worst.
 * To be run joined by hash.
 */
export async function storeChanges(db: Db, scans: number[]): Promise<void> {
  if (scans.length > 0) await db.query(STORE_CHANGES, [scans]);
}
