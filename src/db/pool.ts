import { createHash } from 'node:crypto';
import pg from 'pg';
import { Pulse, Silence, wentUnanswered } from './pulse.ts';
import { Turns } from './turns.ts';

// Counts and ids fit JavaScript's safe integers; pg would give 64-bit columns as text.
pg.types.setTypeParser(pg.types.builtins.INT8, Number);

/** One connection, inside or outside a transaction: what every query function takes first. */
export interface Db {
  query<Row extends pg.QueryResultRow>(
    sql: string,
    values?: readonly unknown[],
  ): Promise<{ rows: Row[]; rowCount: number | null }>;
}

/** PostgreSQL did not answer, or the connection broke: whether a COMMIT took place is then unknown. */
export class DatabaseUnavailable extends Error {
  constructor(cause: unknown) {
    super('PostgreSQL is not reachable', { cause });
  }
}

export interface DatabaseOptions {
  url: string;
  poolMax: number;
  statementTimeoutMs: number;
}

/** The name that connections carry: the ledger tells Trivet's own changes from others' by it. */
export const APPLICATION_NAME = 'trivet';

const CONNECT_TIMEOUT_MS = 3_000;
/** Of the connections, for transactions that write. */
const WRITERS_SHARE = 0.5;

/**
 * Planning took up to a fifth of a write, so its statements are prepared and planned without looking at their values.
 * Such a plan can be older than most rows of a table: it has to find rows by their keys even where there are few. Only
 * of a table that was analysed while it was empty it does not, until autovacuum has analysed it again.
 */
export const BEGIN_WRITE = `BEGIN;
  SET LOCAL plan_cache_mode = force_generic_plan;
  SET LOCAL enable_seqscan = off; SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off`;

export interface Database extends Db {
  /** Runs `work` in a read-only snapshot begun now; nothing is written by it. */
  snapshot<T>(work: (db: Db) => Promise<T>): Promise<T>;
  /**
   * Runs `work` in one transaction and commits it. Every connection plans a statement once, so texts must be fixed, and
   * they find their rows by index.
   * @returns its value, and the transaction's id where it wrote anything (null otherwise).
   * @throws DatabaseUnavailable when the connection was lost, also at COMMIT (outcome unknown; sending again is safe).
   */
  transaction<T>(work: (db: Db) => Promise<T>): Promise<{ value: T; txid: string | null }>;
  /** Whether PostgreSQL answers; to be told by whoever asks it all the time. */
  readonly pulse: Pulse;
  /** Connections in the pool now. */
  counts(): { total: number; idle: number; waiting: number };
  close(): Promise<void>;
}

/**
 * Opens the pool; connects at the first query.
 * @param options.statementTimeoutMs PostgreSQL cancels a statement after this long; the client gives up a second later.
 */
export function openDatabase(options: DatabaseOptions): Database {
  const pool = openPool(options);
  const pulse = new Pulse();
  // Whoever waits for a connection waits here: the pool's own time limit is for connecting, which a queue is not.
  const turns = (limit: number) =>
    new Turns(
      limit,
      options.statementTimeoutMs,
      () => new DatabaseUnavailable('no connection was free in time'),
    );
  const connections = turns(options.poolMax);
  // A crowd of writers leaves the readers their share.
  const writers = turns(Math.max(2, Math.floor(options.poolMax * WRITERS_SHARE)));

  function withClient<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return connections.run(() => withConnection(work));
  }

  async function withConnection<T>(work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    const connecting = pool.connect();
    const client = await pulse
      .guard(() => connecting)
      .catch((error: unknown) => {
        // One that is made too late is of no use.
        connecting.then((late) => late.release(true)).catch(() => {});
        throw new DatabaseUnavailable(error);
      });
    let broken: Error | undefined;
    const onError = (error: Error) => {
      broken = error;
    };
    client.on('error', onError);
    try {
      const value = await pulse.guard(() => work(client));
      pulse.heard();
      return value;
    } catch (error) {
      if (isConnectionError(error) || broken) {
        broken ??= error instanceof Error ? error : new Error(String(error));
        throw new DatabaseUnavailable(error);
      }
      throw error;
    } finally {
      client.off('error', onError);
      client.release(broken);
    }
  }

  async function within<T>(begin: string, work: (client: pg.PoolClient) => Promise<T>): Promise<T> {
    return withClient(async (client) => {
      await client.query(begin);
      try {
        const value = await work(client);
        await client.query('COMMIT');
        return value;
      } catch (error) {
        if (!isConnectionError(error)) await client.query('ROLLBACK');
        throw error;
      }
    });
  }

  // A read changes nothing: where its connection broke, it is asked again on another one. All idle connections may be
  // broken, each found out when it is used, so that only the attempt after the last of them proves anything.
  async function again<T>(read: () => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt += 1) {
      try {
        return await read();
      } catch (error) {
        if (attempt > options.poolMax || !wasReset(error)) throw error;
      }
    }
  }

  return {
    pulse,
    query: (sql, values) => withClient((client) => client.query(sql, values as unknown[])),
    snapshot: (work) =>
      again(() => within('BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY', (client) => work(client as Db))),
    transaction: (work) =>
      writers.run(() =>
        within(BEGIN_WRITE, async (client) => {
          const value = await work(prepared(client));
          const { rows } = await client.query<{ txid: string | null }>(
            'SELECT pg_current_xact_id_if_assigned()::text AS txid',
          );
          return { value, txid: rows[0]?.txid ?? null };
        }),
      ),
    counts: () => ({
      total: pool.totalCount,
      idle: pool.idleCount,
      waiting: connections.waiting + writers.waiting,
    }),
    close: () => pool.end(),
  };
}

function openPool(options: DatabaseOptions): pg.Pool {
  const pool = new pg.Pool({
    connectionString: options.url,
    max: options.poolMax,
    application_name: APPLICATION_NAME,
    statement_timeout: options.statementTimeoutMs,
    query_timeout: options.statementTimeoutMs + 1_000,
    idle_in_transaction_session_timeout: options.statementTimeoutMs,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    idleTimeoutMillis: 30_000,
    keepAlive: true,
    // Statements here are short: compiling them takes longer than running them. Dates are read in ISO form.
    options: '-c jit=off -c datestyle=ISO',
  });
  // An idle connection that breaks is replaced at the next query; without a listener it would end the process.
  pool.on('error', () => {});
  return pool;
}

const statementNames = new Map<string, string>();

/** The name of a prepared statement: the same for the same text, and no longer than PostgreSQL's 63 bytes. */
function statementName(text: string): string {
  let name = statementNames.get(text);
  if (name === undefined) {
    name = createHash('sha256').update(text).digest('base64url');
    statementNames.set(text, name);
  }
  return name;
}

/** A connection that prepares what takes values. */
export function prepared(client: pg.ClientBase): Db {
  return {
    query: (text, values) =>
      values ? client.query({ name: statementName(text), text, values: [...values] }) : client.query(text),
  };
}

/** True where an open connection broke, not where PostgreSQL is slow or cannot be reached. */
function wasReset(error: unknown): boolean {
  const cause = error instanceof DatabaseUnavailable ? error.cause : error;
  if (wentUnanswered(cause)) return false;
  const { code, message } = (cause ?? {}) as { code?: unknown; message?: unknown };
  return (
    ['ECONNRESET', 'EPIPE', '57P01', '57P02'].includes(String(code)) ||
    /Connection terminated|not queryable/i.test(String(message))
  );
}

/** True for errors after which the connection is of no use: sockets, shutdown, a client-side timeout. */
export function isConnectionError(error: unknown): boolean {
  if (error instanceof DatabaseUnavailable || error instanceof Silence) return true;
  if (!(error instanceof Error)) return false;
  const code = (error as { code?: unknown }).code;
  if (typeof code === 'string') {
    // Class 08: connection exception; 57P01 to 57P03: shutdown, crash, starting up; 53300: too many connections.
    if (/^(08...|57P0[123]|53300)$/.test(code)) return true;
    if (/^(ECONN|EPIPE|ETIMEDOUT|EHOST|ENET|ENOTFOUND|EAI_)/.test(code)) return true;
  }
  return wentUnanswered(error) || /Connection terminated|not queryable/i.test(error.message);
}
