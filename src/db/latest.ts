import type { ChangedArtifact } from './maintain.ts';
import type { Db } from './pool.ts';

const VULNERABILITY_COUNTS = ['critical', 'high', 'medium', 'low', 'unknown', 'fixable'];

/** What an artifact shows of its latest scans. */
const SHOWN_COLUMNS = [
  'stale',
  'newest_scan_id',
  'vulnerability_scan_id',
  'labels',
  'eosl',
  ...VULNERABILITY_COUNTS,
  'misconfigurations',
  'secrets',
  'licenses',
];

/** Which scan is the latest for which kind, and what the artifact shows of them. */
export async function markLatest(db: Db, artifacts: ChangedArtifact[], removed: number[]): Promise<void> {
  const columns = (prefix: string) => SHOWN_COLUMNS.map((name) => prefix + name).join(', ');
  await db.query(
    `WITH changed AS (
       SELECT * FROM unnest($1::int[], $2::boolean[]) AS c(id, stale)
     ), latest AS MATERIALIZED (
       SELECT c.id AS artifact_id, kind.bit, newest.*
       FROM changed c CROSS JOIN unnest('{1,2,4,8}'::smallint[]) AS kind(bit)
       CROSS JOIN LATERAL (
         SELECT s.id, s.scanned_at, s.received_at, s.labels, s.os_eosl, s.critical, s.high, s.medium, s.low, s.unknown,
           s.fixable, s.misconfigurations, s.secrets, s.licenses
         FROM scan s
         WHERE s.artifact_id = c.id AND s.kinds & kind.bit <> 0 AND s.id <> ALL ($3::bigint[])
         ORDER BY s.scanned_at DESC, s.received_at DESC, s.id DESC LIMIT 1
       ) newest
     ), mark AS (
       SELECT id, sum(bit)::smallint AS kinds FROM latest GROUP BY id
     ), affected AS MATERIALIZED (
       SELECT id FROM mark
       UNION
       SELECT id FROM scan WHERE artifact_id = ANY ($1) AND latest_kinds <> 0 AND id <> ALL ($3::bigint[])
     ), marked AS (
       UPDATE scan s SET latest_kinds = coalesce(m.kinds, 0) FROM affected LEFT JOIN mark m USING (id)
       WHERE s.id = ANY (ARRAY(SELECT id FROM affected)) AND s.id = affected.id
         AND s.latest_kinds <> coalesce(m.kinds, 0)
     ), shown AS (
       SELECT c.id AS artifact_id, c.stale,
         (array_agg(l.id ORDER BY l.scanned_at DESC, l.received_at DESC, l.id DESC))[1] AS newest_scan_id,
         coalesce((array_agg(l.labels ORDER BY l.scanned_at DESC, l.received_at DESC, l.id DESC))[1], '{}') AS labels,
         coalesce((array_agg(l.os_eosl ORDER BY l.scanned_at DESC, l.received_at DESC, l.id DESC)
           FILTER (WHERE l.os_eosl IS NOT NULL))[1], false) AS eosl,
         max(l.id) FILTER (WHERE bit = 1) AS vulnerability_scan_id,
         ${VULNERABILITY_COUNTS.map((name) => `coalesce(max(l.${name}) FILTER (WHERE bit = 1), 0) AS ${name}`).join(', ')},
         coalesce(max(l.misconfigurations) FILTER (WHERE bit = 2), 0) AS misconfigurations,
         coalesce(max(l.secrets) FILTER (WHERE bit = 4), 0) AS secrets,
         coalesce(max(l.licenses) FILTER (WHERE bit = 8), 0) AS licenses
       FROM changed c LEFT JOIN latest l ON l.artifact_id = c.id
       GROUP BY c.id, c.stale
     )
     UPDATE artifact a SET (${columns('')}) = (${columns('s.')}) FROM shown s
     WHERE a.id = ANY ($1) AND a.id = s.artifact_id AND (${columns('a.')}) IS DISTINCT FROM (${columns('s.')})`,
    [artifacts.map((one) => one.id), artifacts.map((one) => one.stale), removed],
  );
}
