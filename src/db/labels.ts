import { lockArtifact } from './lock.ts';
import type { Db } from './pool.ts';

/** As many labels as a scan may have. */
export const MAX_LABELS = 50;

/** A scan would have more labels than it may. */
export class TooManyLabels extends Error {
  constructor() {
    super(`A scan may have ${MAX_LABELS} labels.`);
  }
}

/** @throws TooManyLabels */
export function checkLabelCount(labels: Record<string, string>): void {
  if (Object.keys(labels).length > MAX_LABELS) throw new TooManyLabels();
}

/**
 * Changes a scan's labels, and its artifact's where it is the newest.
 * @param patch by RFC 7396: null removes a label.
 * @returns the labels then; null when there is no such scan.
 * @throws TooManyLabels
 */
export async function patchScanLabels(
  db: Db,
  id: number,
  patch: Record<string, string | null>,
): Promise<Record<string, string> | null> {
  const { rows: found } = await db.query<{ artifact_id: number }>(
    'SELECT artifact_id FROM scan WHERE id = $1',
    [id],
  );
  const artifact = found[0]?.artifact_id;
  if (artifact === undefined || !(await lockArtifact(db, artifact))) return null;
  const { rows } = await db.query<{ labels: Record<string, string> }>(
    'SELECT labels FROM scan WHERE id = $1',
    [id],
  );
  const before = rows[0]?.labels;
  if (!before) return null;

  const kept = Object.entries({ ...before, ...patch }).filter(
    (label): label is [string, string] => label[1] !== null,
  );
  const after = Object.fromEntries(kept);
  checkLabelCount(after);
  await db.query(
    `WITH labelled AS (
       UPDATE scan SET labels = $2::jsonb WHERE id = $1 AND labels <> $2::jsonb RETURNING id, artifact_id
     )
     UPDATE artifact a SET labels = $2::jsonb FROM labelled l WHERE a.id = l.artifact_id AND a.newest_scan_id = l.id`,
    [id, JSON.stringify(after)],
  );
  return after;
}
