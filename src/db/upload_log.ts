import type { Db } from './pool.ts';

/** What became of an upload. */
export interface UploadRow {
  outcome: 'stored' | 'same' | 'refused';
  /** Of the error, where it was refused. */
  code: string | null;
  detail: string | null;
  looksLike: string | null;
  artifact: string | null;
  scanIds: number[];
  /** Name of the token. */
  token: string | null;
  /** As sent. */
  bytes: number | null;
  requestId: string | null;
}

/** Adds to the upload log. */
export async function insertUpload(db: Db, row: UploadRow): Promise<void> {
  await db.query(
    `INSERT INTO upload (outcome, code, detail, looks_like, artifact, scan_ids, token, bytes, request_id)
     VALUES ($1, $2, $3, $4, $5, $6::bigint[], $7, $8, $9)`,
    [
      row.outcome,
      row.code,
      row.detail,
      row.looksLike,
      row.artifact,
      row.scanIds,
      row.token,
      row.bytes,
      row.requestId,
    ],
  );
}

/** Removes uploads older than 7 days. */
export async function purgeUploads(db: Db): Promise<void> {
  await db.query(`DELETE FROM upload WHERE received_at < now() - interval '7 days'`);
}
