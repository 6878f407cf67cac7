import { createCache } from '../../src/cache/index.ts';
import type { Answer, Cache, CachedRead } from '../../src/cache/types.ts';
import { openLedger, pendingTags } from '../../src/db/ledger.ts';
import { APPLICATION_NAME, type Database, type Db, openDatabase } from '../../src/db/pool.ts';

/** One instance of the cache on a real database and Redis, with a read and a write of its own. */
export interface TestInstance {
  cache: Cache<Db>;
  database: Database;
  /** Reads the repository of the artifact called `name`. */
  read: CachedRead<{ name: string }>;
  /** Changes it in a transaction of its own, and awaits that it is settled. */
  write(name: string, value: string): Promise<void>;
  /** Log lines so far. */
  logs: { message: string; [field: string]: unknown }[];
  /** How often the database was asked for the read. */
  loads(): number;
  /** Called inside each load, after its snapshot was read. */
  pauseLoad: { wait: (() => Promise<void>) | null };
  close(): Promise<void>;
}

export interface InstanceOptions {
  databaseUrl: string;
  redisUrl: string | null;
  ttlSeconds?: number;
  localBytes?: number;
  deadlineMs?: number;
  installation?: string;
}

/** Starts one; `ready` is awaited, for five seconds at most. */
export async function startInstance(options: InstanceOptions): Promise<TestInstance> {
  const database = openDatabase({ url: options.databaseUrl, poolMax: 10, statementTimeoutMs: 10_000 });
  const connection = openLedger(options.databaseUrl, 'test', database.pulse);
  const logs: TestInstance['logs'] = [];
  const record = (fields: object, message: string) => void logs.push({ ...fields, message });
  const pauseLoad: TestInstance['pauseLoad'] = { wait: null };
  let loads = 0;
  const cache = createCache<Db>({
    redisUrl: options.redisUrl,
    namespace: 'trivet',
    installation: options.installation ?? 'test',
    ownSource: APPLICATION_NAME,
    version: 'test',
    // Patient, for the machine may be busy: whoever misses the deadline loads by itself.
    deadlineMs: options.deadlineMs ?? 2_000,
    localBytes: options.localBytes ?? 1_000_000,
    hitRateFloor: 0.5,
    ledger: connection.ledger,
    board: connection.board,
    log: { debug: () => {}, info: record, warn: record, error: record },
    snapshot: database.snapshot,
    pendingTags,
  });
  const read = cache.define<{ name: string }>({
    name: 'repository',
    ttlSeconds: options.ttlSeconds ?? 60,
    key: ({ name }) => name,
    tags: () => ['artifacts'],
    async load(db, { name }) {
      loads += 1;
      const { rows } = await db.query<{ repository: string }>(
        'SELECT repository FROM artifact WHERE name = $1',
        [name],
      );
      await pauseLoad.wait?.();
      return rows[0] ?? null;
    },
  });
  await cache.ready(5_000);
  return {
    cache,
    database,
    read,
    logs,
    pauseLoad,
    loads: () => loads,
    async write(name, value) {
      const { txid } = await database.transaction((db) =>
        db.query(
          `INSERT INTO artifact (type, name, repository) VALUES ('image', $1, $2)
           ON CONFLICT (type, name) DO UPDATE SET repository = excluded.repository`,
          [name, value],
        ),
      );
      await cache.settled(txid, 'test.write');
    },
    async close() {
      await cache.close();
      await connection.close();
      await database.close();
    },
  };
}

/** What an answer says. */
export function repositoryIn(answer: Answer): string | null {
  return answer.entry === null
    ? null
    : (JSON.parse(answer.entry.json().toString()) as { repository: string }).repository;
}
