import { once } from 'node:events';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { allPages, CSV_COLUMNS, EXPORT_PAGE, streamCsv } from '../csv.ts';
import type { ListOptions } from '../db/list.ts';
import type { Database, Db } from '../db/pool.ts';
import { HttpError } from '../errors.ts';
import { today } from '../reads.ts';
import type { List } from '../schemas.ts';

/** Each holds a connection and a snapshot for as long as its reader takes. */
const AT_ONCE = 2;
/** A reader that takes no page for so long is cut off. */
const STALLED_MS = 60_000;
const WAIT_MS = 1_000;
const POLL_MS = 50;
const RETRY_SECONDS = 10;

interface ExportQuery {
  format?: 'json' | 'csv';
  limit?: number;
  cursor?: string;
}

type ReadPage<Query> = (db: Db, query: Query, options?: ListOptions) => Promise<List<object>>;

export type SendCsv = ReturnType<typeof createExports>;

/** Exports of lists, few at a time. */
export function createExports(database: Database) {
  let running = 0;

  /**
   * Sends everything that the filters select, from one snapshot, page by page as the client reads it.
   * @throws HttpError 429 where too many are being sent, and whatever the list refuses
   */
  return async <Query extends ExportQuery>(
    request: FastifyRequest,
    reply: FastifyReply,
    name: keyof typeof CSV_COLUMNS,
    query: Query,
    list: ReadPage<Query>,
  ): Promise<FastifyReply> => {
    // One that was just read to its end may still hold its place.
    for (let waitedMs = 0; running >= AT_ONCE; waitedMs += POLL_MS) {
      if (waitedMs >= WAIT_MS) {
        const detail = `${AT_ONCE} exports are being sent already: try again when one has ended.`;
        throw new HttpError('exports_busy', detail, { retryAfterSeconds: RETRY_SECONDS });
      }
      await sleep(POLL_MS);
    }
    running += 1;
    try {
      await database.snapshot(async (db) => {
        await db.query(`SET LOCAL idle_in_transaction_session_timeout = ${STALLED_MS}`);
        const { limit: _, cursor: __, ...filters } = query;
        const read = (cursor?: string) => list(db, { ...filters, cursor } as Query, EXPORT_PAGE);
        // Read before anything is sent, so that a refusal can still be answered as one.
        const first = await read();
        reply
          .type('text/csv; charset=utf-8; header=present')
          .header('content-disposition', `attachment; filename="trivet-${name}-${today()}.csv"`)
          .header('cache-control', 'private, no-store')
          .header('vary', 'accept');
        // A stream, for of nothing at all Fastify says that it is 0 bytes long.
        if (request.method === 'HEAD') return reply.send(Readable.from([]));
        const pages = allPages<object>(async (cursor) => (cursor === undefined ? first : read(cursor)));
        const stream = streamCsv(CSV_COLUMNS[name], pages);
        // Rejected by an error of the stream, which has ended its queries when it closes.
        const closed = once(stream, 'close');
        reply.send(stream);
        await closed;
      });
    } catch (error) {
      if (!reply.sent) throw error;
      request.log.warn({ err: error, requestId: request.id, name }, 'export ended early');
    } finally {
      running -= 1;
    }
    return reply;
  };
}

/** Whether CSV is asked for: by `format`, or by an Accept that prefers it to JSON. */
export function wantsCsv(request: FastifyRequest, format: 'json' | 'csv' | undefined): boolean {
  if (format !== undefined) return format === 'csv';
  const { accept = '' } = request.headers;
  if (!/csv/i.test(accept)) return false;
  const ranges = accept.split(',').map((range) => {
    const [type = '', ...parameters] = range.split(';').map((part) => part.trim().toLowerCase());
    const quality = parameters.find((parameter) => parameter.startsWith('q='))?.slice(2);
    return { type, quality: Number(quality ?? 1) };
  });
  const csv = ranges.find(({ type }) => type === 'text/csv');
  const json = ranges.find(({ type }) => type === 'application/json');
  if (!csv || !(csv.quality > 0)) return false;
  if (!json) return true;
  return (
    csv.quality > json.quality || (csv.quality === json.quality && ranges.indexOf(csv) < ranges.indexOf(json))
  );
}
