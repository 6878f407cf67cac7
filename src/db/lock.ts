import type { ScanRows } from '../upload/columns.ts';
import type { Db } from './pool.ts';

/** An artifact whose row is locked until COMMIT, as it was before. */
export interface LockedArtifact {
  id: number;
  stale: boolean;
}

/**
 * Finds or adds the artifacts of a document's scans and locks them. Sorted: who inserts waits only for inserters,
 * who locks only for lockers of a later id.
 * @returns the artifact of each scan.
 */
export async function lockArtifacts(db: Db, scans: ScanRows[], now: Date): Promise<LockedArtifact[]> {
  const identities = JSON.stringify(scans.map((scan) => scan.artifact));
  // An artifact can be deleted between the two statements.
  for (let attempt = 0; attempt < 5; attempt++) {
    await db.query(
      `INSERT INTO artifact (type, name, repository, version, cluster, namespace, resource_kind, resource_name,
         created_at, last_seen_at)
       SELECT DISTINCT ON (i.type, i.name) i.type, i.name, i.repository, i.version, i.cluster, i.namespace,
         i."resourceKind", i."resourceName", $2::timestamptz, $2
       FROM json_to_recordset($1) AS i(type text, name text COLLATE "C", repository text, version text, cluster text,
         namespace text, "resourceKind" text, "resourceName" text)
       WHERE NOT EXISTS (SELECT 1 FROM artifact a WHERE a.type = i.type AND a.name = i.name)
       ORDER BY i.type, i.name
       ON CONFLICT (type, name) DO NOTHING`,
      [identities, now.toISOString()],
    );
    const { rows } = await db.query<LockedArtifact & { type: string; name: string }>(
      `SELECT a.id, a.stale, a.type, a.name FROM artifact a
       WHERE (a.type, a.name) IN (SELECT i.type, i.name FROM json_to_recordset($1) AS i(type text, name text))
       ORDER BY a.id FOR UPDATE`,
      [identities],
    );
    const byName = new Map(rows.map(({ id, stale, type, name }) => [`${type} ${name}`, { id, stale }]));
    const locked = scans.flatMap(({ artifact }) => byName.get(`${artifact.type} ${artifact.name}`) ?? []);
    if (locked.length === scans.length) return locked;
  }
  throw new Error('an artifact was deleted again and again while its report was stored');
}

/** Locks one artifact. @param id also one larger than an integer can be. @returns null when there is none. */
export async function lockArtifact(db: Db, id: number): Promise<LockedArtifact | null> {
  const { rows } = await db.query<LockedArtifact>(
    'SELECT id, stale FROM artifact WHERE id = $1::bigint FOR UPDATE',
    [id],
  );
  return rows[0] ?? null;
}

const DAY = `interval '1 day'`;

/**
 * Notes that something was received of the artifacts and the workloads that run them.
 * @param renewed those with a new scan; of the others it is noted once a day, or where it ends their being stale.
 */
export async function touchArtifacts(
  db: Db,
  scans: ScanRows[],
  artifacts: LockedArtifact[],
  renewed: ReadonlySet<number>,
  now: Date,
): Promise<void> {
  const ids = [...new Set(artifacts.map((artifact) => artifact.id))];
  await db.query(
    `UPDATE artifact SET last_seen_at = $3::timestamptz
     WHERE id = ANY ($1::int[]) AND last_seen_at < $3::timestamptz
       AND (id = ANY ($2::int[]) OR stale OR last_seen_at < $3::timestamptz - ${DAY})`,
    [ids, [...renewed], now.toISOString()],
  );
  const workloads = scans.flatMap((scan, index) => {
    const artifact = artifacts[index];
    return scan.workload && artifact ? [{ ...scan.workload, artifact: artifact.id }] : [];
  });
  if (workloads.length === 0) return;
  await db.query(
    `INSERT INTO artifact_workload AS w (artifact_id, cluster, namespace, kind, name, container, last_seen_at)
     SELECT DISTINCT artifact, cluster, namespace, kind, name, container, $3::timestamptz
     FROM json_to_recordset($1)
       AS i(artifact int, cluster text, namespace text, kind text, name text, container text)
     ON CONFLICT (artifact_id, cluster, namespace, kind, name, container)
     DO UPDATE SET last_seen_at = excluded.last_seen_at
     WHERE w.last_seen_at < excluded.last_seen_at
       AND (w.artifact_id = ANY ($2::int[]) OR w.last_seen_at < excluded.last_seen_at - ${DAY})`,
    [JSON.stringify(workloads), [...renewed], now.toISOString()],
  );
}
