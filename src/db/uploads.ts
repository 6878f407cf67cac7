import type { List, Upload, UploadsQuery } from '../schemas.ts';
import { moment, selection } from './filters.ts';
import { Conditions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';

const SHOWN_MS = 7 * 86_400_000;

interface UploadRow {
  id: number;
  received_at: Date;
  outcome: Upload['outcome'];
  code: string | null;
  detail: string | null;
  looks_like: string | null;
  artifact: string | null;
  /** 64-bit integers in an array come as text. */
  scan_ids: string[];
  token: string | null;
  bytes: number | null;
  request_id: string | null;
}

/**
 * What was sent in the 7 days before `now`, the newest first.
 * @throws CursorError, FilterError
 */
export function listUploads(db: Db, query: UploadsQuery, now: Date): Promise<List<Upload>> {
  const conditions = new Conditions().add('received_at >= ?', new Date(now.getTime() - SHOWN_MS));
  if (query.outcome) conditions.add('outcome = ANY(?::text[])', query.outcome);
  if (query.receivedSince !== undefined)
    conditions.add('received_at >= ?', moment('receivedSince', query.receivedSince));
  const plan: ListPlan<UploadRow> = {
    request: query,
    filters: { ...selection(query), list: 'uploads' },
    sorts: { receivedAt: { expression: 'received_at', type: 'timestamptz', order: 'desc' } },
    defaultSort: 'receivedAt',
    columns:
      'id, received_at, outcome, code, detail, looks_like, artifact, scan_ids, token, bytes, request_id',
    from: 'upload',
    conditions,
    id: 'id',
    toItem: (row): Upload => ({
      id: row.id,
      receivedAt: row.received_at.toISOString(),
      outcome: row.outcome,
      code: row.code,
      detail: row.detail,
      looksLike: row.looks_like,
      artifact: row.artifact,
      scanIds: row.scan_ids.map(Number),
      token: row.token,
      bytes: row.bytes,
      requestId: row.request_id,
    }),
  };
  return readList(db, plan);
}
