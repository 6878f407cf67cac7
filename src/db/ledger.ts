import pg from 'pg';
import type { Board, InstanceState, MinutePoint, PublishedInstance } from '../cache/board.ts';
import type { Change, Ledger, RegisteredLease } from '../cache/ledger.ts';
import type { CacheEvent } from '../cache/types.ts';
import { SCHEMA_VERSION } from './migrate.ts';
import { APPLICATION_NAME, type Db } from './pool.ts';
import type { Pulse } from './pulse.ts';

/** Short beside a lease: a statement that takes longer is of no use to a renewal. */
const STATEMENT_TIMEOUT_MS = 1_000;
const CONNECT_TIMEOUT_MS = 1_000;
/** An instance that has not published for this long is not running. */
const GONE_SECONDS = 3;
const KEPT_EVENTS = 500;

export interface LedgerConnection {
  ledger: Ledger;
  board: Board;
  close(): Promise<void>;
}

/**
 * What the cache needs of PostgreSQL. Renewals have a connection of their own, so that nothing keeps them waiting.
 * Only what is written there has to survive a crash: of the rest, a change whose end is forgotten is settled once more.
 * @param version of this program, shown in the list of instances
 * @param pulse told of every answer, and of every one that does not come
 */
export function openLedger(databaseUrl: string, version: string, pulse: Pulse): LedgerConnection {
  const renewals = openPool(databaseUrl, 1, 'on');
  const others = openPool(databaseUrl, 3, 'off');
  const heard = (pool: pg.Pool): Db => ({
    query: (sql, values) => pulse.listen(pool.query(sql, values as unknown[])),
  });
  return {
    ledger: ledgerOn(heard(renewals), heard(others), version),
    board: boardOn(heard(others), version),
    async close() {
      await Promise.all([renewals.end(), others.end()]);
    },
  };
}

function openPool(databaseUrl: string, max: number, synchronousCommit: 'on' | 'off'): pg.Pool {
  const pool = new pg.Pool({
    connectionString: databaseUrl,
    max,
    application_name: APPLICATION_NAME,
    statement_timeout: STATEMENT_TIMEOUT_MS,
    query_timeout: STATEMENT_TIMEOUT_MS + 200,
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    options: `-c synchronous_commit=${synchronousCommit}`,
    keepAlive: true,
  });
  pool.on('error', () => {});
  return pool;
}

function ledgerOn(renewals: Db, others: Db, version: string): Ledger {
  const changes =
    'id, tag, source, extract(epoch FROM clock_timestamp() - created_at)::float8 * 1000 AS "ageMs"';
  return {
    async register({ instance, term, leaseMs }) {
      // A lease that PostgreSQL forgets in a crash would be one that writers do not wait for.
      // Without a lease the row is only kept alive: a statement that arrives late must not take a newer lease away.
      await renewals.query(
        `INSERT INTO cache_instance (id, term, lease_until, schema_version, version)
         VALUES ($1, $2, clock_timestamp() + $3::float8 * interval '1 ms', $4, $5)
         ON CONFLICT (id) DO UPDATE SET
           term = CASE WHEN excluded.lease_until IS NULL THEN cache_instance.term ELSE excluded.term END,
           lease_until = CASE WHEN excluded.lease_until IS NULL AND cache_instance.term <> excluded.term
             THEN cache_instance.lease_until ELSE excluded.lease_until END`,
        [instance, term, leaseMs, SCHEMA_VERSION, version],
      );
    },
    async look(limit) {
      const { rows } = await renewals.query<{
        epoch: number;
        identity: string | null;
        settled: boolean;
        schema: number;
        changes: Change[] | null;
      }>(
        `SELECT epoch, identity, settled, (SELECT count(*)::int FROM migration) AS schema,
           (SELECT json_agg(c) FROM (SELECT ${changes} FROM cache_change ORDER BY id LIMIT $1) c) AS changes
         FROM cache_authority`,
        [limit],
      );
      const [row] = rows;
      if (!row) throw new Error('the cache has no authority row');
      const { epoch, identity, settled } = row;
      return {
        epoch,
        identity,
        settled,
        newestSchema: row.schema === SCHEMA_VERSION,
        changes: row.changes ?? [],
      };
    },
    async handBack(instance, term) {
      await renewals.query('UPDATE cache_instance SET lease_until = NULL WHERE id = $1 AND term = $2', [
        instance,
        term,
      ]);
    },
    async pending(txid, limit) {
      const { rows } = await others.query<Change>(
        `SELECT ${changes} FROM cache_change WHERE $1::text IS NULL OR txid = $1::text::xid8 ORDER BY id LIMIT $2`,
        [txid, limit],
      );
      return rows;
    },
    async confirmed(ids) {
      if (ids.length === 0) return [];
      // Exactly these: ids are not in the order of commits, so a smaller one may not be confirmed yet.
      const { rows } = await others.query<Change>(
        `DELETE FROM cache_change WHERE id IN (SELECT id FROM cache_change WHERE id = ANY($1) FOR UPDATE SKIP LOCKED)
         RETURNING ${changes}`,
        [ids],
      );
      return rows;
    },
    async leases() {
      const { rows } = await others.query<RegisteredLease>(
        `SELECT id AS instance, term, extract(epoch FROM lease_until - clock_timestamp())::float8 * 1000 AS "remainingMs"
         FROM cache_instance WHERE lease_until > clock_timestamp() - interval '10 s'`,
      );
      return rows;
    },
    async takeAuthority(seen, identity) {
      const { rowCount } = await renewals.query(
        'UPDATE cache_authority SET epoch = epoch + 1, identity = $2, settled = false WHERE epoch = $1',
        [seen, identity],
      );
      return rowCount === 1;
    },
    async settleAuthority(epoch) {
      await renewals.query('UPDATE cache_authority SET settled = true WHERE epoch = $1', [epoch]);
    },
    async record(tag, source) {
      const { rows } = await renewals.query<{ txid: string }>(
        'INSERT INTO cache_change (tag, source) VALUES ($1, $2) RETURNING txid::text AS txid',
        [tag, source],
      );
      return rows[0]?.txid ?? '';
    },
  };
}

/** Tags of the changes that are pending in the caller's snapshot. */
export async function pendingTags(db: Db): Promise<string[]> {
  const { rows } = await db.query<{ tag: string }>('SELECT DISTINCT tag FROM cache_change LIMIT 1000');
  return rows.map((row) => row.tag);
}

function boardOn(pool: Db, version: string): Board {
  return {
    async publish(state: InstanceState, minute: MinutePoint, events: CacheEvent[]) {
      await pool.query(
        `WITH told AS (INSERT INTO cache_instance (id, term, schema_version, version, state) VALUES ($1, '', $6, $7, $2)
                ON CONFLICT (id) DO UPDATE SET seen_at = clock_timestamp(), state = excluded.state),
              point AS (INSERT INTO cache_minute (minute, instance_id, counters) VALUES ($3, $1, $4)
                ON CONFLICT (minute, instance_id) DO UPDATE SET counters = excluded.counters)
         INSERT INTO cache_event (at, instance_id, kind, detail)
         SELECT (e->>'at')::timestamptz, $1, e->>'kind', e FROM json_array_elements($5::json) e`,
        [
          state.instance,
          JSON.stringify(state),
          minute.minute,
          JSON.stringify(minute),
          JSON.stringify(events),
          SCHEMA_VERSION,
          version,
        ],
      );
    },
    async sweep() {
      await pool.query(
        `WITH minutes AS (DELETE FROM cache_minute WHERE minute < clock_timestamp() - interval '70 minutes'),
              gone AS (DELETE FROM cache_instance WHERE seen_at < clock_timestamp() - interval '10 minutes'
                AND (lease_until IS NULL OR lease_until < clock_timestamp() - interval '10 minutes'))
         DELETE FROM cache_event WHERE id <= (SELECT max(id) - $1 FROM cache_event)`,
        [KEPT_EVENTS],
      );
    },
    async instances() {
      const { rows } = await pool.query<{
        state: InstanceState;
        version: string;
        startedAt: Date;
        seenAt: Date;
      }>(
        `SELECT state, version, started_at AS "startedAt", seen_at AS "seenAt" FROM cache_instance
         WHERE seen_at > clock_timestamp() - $1 * interval '1 s' AND state <> '{}' ORDER BY started_at`,
        [GONE_SECONDS],
      );
      return rows.map(
        ({ state, version, startedAt, seenAt }): PublishedInstance => ({
          ...state,
          version,
          startedAt: startedAt.toISOString(),
          seenAt: seenAt.toISOString(),
        }),
      );
    },
    async minutes(since) {
      const { rows } = await pool.query<{ counters: MinutePoint }>(
        'SELECT counters FROM cache_minute WHERE minute >= $1',
        [since],
      );
      return rows.map((row) => row.counters);
    },
    async events(limit) {
      const { rows } = await pool.query<{ detail: CacheEvent }>(
        'SELECT detail FROM cache_event ORDER BY at DESC, id DESC LIMIT $1',
        [limit],
      );
      return rows.map((row) => row.detail);
    },
  };
}
