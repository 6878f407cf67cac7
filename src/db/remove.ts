/** How scans and artifacts go, or stop counting. Locks are taken in the order of `ingest.ts`, documents last. */
import { lockArtifact } from './lock.ts';
import { maintain } from './maintain.ts';
import type { Db } from './pool.ts';
import { lockSums } from './sums.ts';
import { trendHorizon } from './timeline.ts';

/**
 * Deletes a scan; what it showed is then shown by the one before. With the last of a document's scans the document
 * goes, and with the last of an artifact's scans the artifact: without any it would be a name that says nothing.
 * @returns false when there is no such scan.
 */
export async function deleteScan(db: Db, id: number, now = new Date()): Promise<boolean> {
  const found = await db.query<{ artifact_id: number }>('SELECT artifact_id FROM scan WHERE id = $1', [id]);
  const artifact = found.rows[0] && (await lockArtifact(db, found.rows[0].artifact_id));
  if (!artifact) return false;
  const scans = await db.query<{ id: number; document_id: number }>(
    `SELECT id, document_id FROM scan WHERE artifact_id = $1 AND id = $2
     UNION ALL (SELECT id, document_id FROM scan WHERE artifact_id = $1 AND id <> $2 LIMIT 1)`,
    [artifact.id, id],
  );
  const scan = scans.rows.find((row) => row.id === id);
  if (!scan) return false;
  if (scans.rows.length === 1) return deleteArtifact(db, artifact.id, now);

  const { stale } = artifact;
  await maintain(db, { artifacts: [{ id: artifact.id, wasStale: stale, stale }], removed: [id], now });
  await lockDocuments(db, [scan.document_id]);
  await db.query('DELETE FROM scan WHERE id = $1', [id]);
  await deleteUnusedDocuments(db, [scan.document_id]);
  return true;
}

/**
 * Deletes an artifact with all its scans: it stops counting as though it had become stale, and then goes.
 * @returns false when there is no such artifact.
 */
export async function deleteArtifact(db: Db, id: number, now = new Date()): Promise<boolean> {
  const artifact = await lockArtifact(db, id);
  if (!artifact) return false;
  await maintain(db, { artifacts: [{ id, wasStale: artifact.stale, stale: true }], now });
  const { rows } = await db.query<{ document_id: number }>(
    'SELECT DISTINCT document_id FROM scan WHERE artifact_id = $1',
    [id],
  );
  const documents = rows.map((row) => row.document_id);
  await lockDocuments(db, documents);
  await db.query('DELETE FROM scan WHERE artifact_id = $1', [id]);
  await db.query('DELETE FROM artifact WHERE id = $1', [id]);
  await deleteUnusedDocuments(db, documents);
  return true;
}

/**
 * Marks artifacts of which nothing came since `before` as stale, a batch of them; those that something is coming of
 * right now are passed over.
 * @returns how many.
 */
export async function markStaleBatch(db: Db, before: Date, limit: number, now = new Date()): Promise<number> {
  const { rows } = await db.query<{ id: number }>(
    `SELECT id FROM artifact WHERE NOT stale AND last_seen_at < $1::timestamptz
     ORDER BY id LIMIT $2 FOR UPDATE SKIP LOCKED`,
    [before.toISOString(), limit],
  );
  if (rows.length === 0) return 0;
  await maintain(db, { artifacts: rows.map(({ id }) => ({ id, wasStale: false, stale: true })), now });
  return rows.length;
}

/** Removes days before the horizon of the trend, which no answer shows any more. */
export async function purgeTrend(db: Db, now = new Date()): Promise<void> {
  await lockSums(db);
  await db.query('DELETE FROM vulnerability_change WHERE day < $1', [trendHorizon(now)]);
  await db.query('DELETE FROM total_change WHERE day < $1', [trendHorizon(now)]);
}

/** Two writers that delete the last two scans of a document would otherwise each see the other's. */
async function lockDocuments(db: Db, ids: number[]): Promise<void> {
  await db.query('SELECT FROM document WHERE id = ANY ($1::bigint[]) ORDER BY id FOR UPDATE', [ids]);
}

async function deleteUnusedDocuments(db: Db, ids: number[]): Promise<void> {
  await db.query(
    `DELETE FROM document d
     WHERE id = ANY ($1::bigint[]) AND NOT EXISTS (SELECT 1 FROM scan s WHERE s.document_id = d.id)`,
    [ids],
  );
}
