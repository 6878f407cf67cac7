/**
 * No answer of the cache outlives a change of a row that it was computed from, whoever changed it and how: the
 * triggers know every table, and the tags of every read cover what it looks at.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { openDatabase } from '../../src/db/pool.ts';
import { pick, seeded } from '../db/inventory.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';
import { openPair, type Pair } from './cached.ts';
import { change, changeAll, STATEMENTS } from './changes.ts';
import { columnsOf, fill, KEPT, restore, WATCHED } from './data.ts';
import { type Question, questionsOf } from './questions.ts';

/** Tables with data that no trigger watches, and why none has to. */
const UNWATCHED: Record<string, string> = {
  document: 'what an answer shows of it, its size, never changes: a change by hand concerns everything',
  vulnerability_change: 'the trend is answered from sums of it, total_change',
  upload: 'the log of uploads is read without the cache',
  installation: 'read once, when an instance starts',
  migration: 'read by the lease, never by an answer',
  cache_change: 'the ledger itself',
  cache_authority: "the cache's own",
  cache_instance: "the cache's own",
  cache_minute: "the cache's own",
  cache_event: "the cache's own",
};

/** Tables that these reads look at without depending on a tag of theirs, and why that is enough. */
const IDENTITY = 'only what an artifact is, which never changes: a change by hand concerns everything';
const UNTAGGED: Record<string, Record<string, string>> = {
  scan: { artifact: IDENTITY, document: UNWATCHED.document ?? '' },
  scans: { artifact: IDENTITY },
};

const SEED = Number(process.env.TEST_SEED ?? Math.floor(Math.random() * 2 ** 31));
/** Of changes, one of each table. */
const ROUNDS = 3;

let created: TestDatabase;
let redis: TestRedis;
let client: pg.Client;
let pair: Pair;
let questions: Question[];

beforeAll(async () => {
  console.log(`random changes of seed ${SEED}: TEST_SEED=${SEED} makes them again`);
  redis = await startTestRedis();
  created = await createDatabase();
  client = new pg.Client({ connectionString: created.url, application_name: 'psql' });
  await client.connect();
  const database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 20_000 });
  await fill(database, client, SEED);
  await database.close();
  pair = await openPair(created.url, redis.url);
  const idsOf = async (sql: string) => (await client.query<{ id: number }>(sql)).rows.map((row) => row.id);
  const everything = await idsOf(`SELECT id FROM scan WHERE artifact_name = 'everything:1' ORDER BY id DESC`);
  const others = await idsOf('SELECT id FROM scan WHERE kinds & 1 <> 0 ORDER BY id LIMIT 2');
  questions = await questionsOf(pair.plain, {
    artifacts: await idsOf('SELECT id FROM artifact ORDER BY id'),
    scans: [...everything.slice(0, 2), ...others],
    vulnerabilities: ['CVE-2024-9999', 'CVE-2024-10000', 'CVE-2023-5', 'CVE-2022-77'],
  });
});
afterAll(async () => {
  await pair?.close();
  await client?.end();
  await redis?.stop();
  await created?.drop();
});

/** Until the tick has put out of service what was changed. */
async function settled(): Promise<void> {
  for (const startedMs = performance.now(); ; ) {
    const { rows } = await client.query('SELECT FROM cache_change LIMIT 1');
    if (rows.length === 0) return;
    if (performance.now() - startedMs > 10_000) throw new Error('changes are not settled');
    await sleep(10);
  }
}

/** PostgreSQL's code for a deadlock that it has ended. */
const DEADLOCK = '40P01';

/** The questions that are answered wrongly after a change. */
async function wrongAfter(work: () => Promise<unknown>): Promise<string[]> {
  await settled();
  await pair.warm(questions);
  await work().catch((error: { code?: string }) => {
    // TRUNCATE locks table after table, and a read that is still under way may hold one of them: once more, then.
    if (error.code !== DEADLOCK) throw error;
    return work();
  });
  await settled();
  return pair.differences(questions);
}

test('every table is watched, or it is said why it does not have to be', async () => {
  const { rows } = await client.query<{ name: string; watched: boolean }>(
    `SELECT relname AS name, EXISTS (SELECT FROM pg_trigger WHERE tgrelid = c.oid AND tgname = 'cache_truncate') AS watched
     FROM pg_class c WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  const named = (watched: boolean) =>
    rows
      .filter((row) => row.watched === watched)
      .map((row) => row.name)
      .sort();
  expect(named(true)).toEqual([...WATCHED].sort());
  expect(named(false)).toEqual(Object.keys(UNWATCHED).sort());
});

test('every table that a read looks at writes a tag that the read depends on', async () => {
  const tagsOf = new Map<string, string[]>();
  for (const table of WATCHED) tagsOf.set(table, await tagsWrittenBy(table));
  const tables = [...WATCHED, ...Object.keys(UNWATCHED)];
  const missing = new Set<string>();
  const unused = new Set(
    Object.entries(UNTAGGED).flatMap(([read, of]) => Object.keys(of).map((table) => `${read} ${table}`)),
  );
  const looked = new Set<string>();
  for (const question of questions) {
    pair.seen.statements = [];
    const { entry } = await question.ask(pair.plain);
    expect(entry, question.title).not.toBeNull();
    const depends = new Set(pair.seen.tags.map(kindOfTag));
    for (const table of tables) {
      if (!pair.seen.statements.some((sql) => new RegExp(`\\b(FROM|JOIN|,)\\s+\\(?${table}\\b`).test(sql)))
        continue;
      looked.add(table);
      if (tagsOf.get(table)?.some((tag) => depends.has(kindOfTag(tag)))) continue;
      unused.delete(`${question.read} ${table}`);
      if (!UNTAGGED[question.read]?.[table]) missing.add(`${table}: ${question.title} (${[...depends]})`);
    }
  }
  expect([...missing]).toEqual([]);
  // Every exception is one, every read was asked, and every table looked at.
  expect([...unused]).toEqual([]);
  expect(new Set(questions.map((question) => question.read))).toEqual(new Set(Object.keys(pair.plain)));
  expect([...looked].sort()).toEqual([...KEPT].sort());
});

/** `artifact:17` and `artifact:18` are of one kind. */
function kindOfTag(tag: string): string {
  return tag.replace(/:.*/, ':');
}

/** The tags that a change of one row of the table writes. */
async function tagsWrittenBy(table: string): Promise<string[]> {
  await client.query('BEGIN');
  const column = (await columnsOf(client, table)).at(-1)?.name;
  await client.query(
    `UPDATE ${table} SET ${column} = ${column} WHERE ctid = (SELECT ctid FROM ${table} LIMIT 1)`,
  );
  const { rows } = await client.query<{ tag: string }>(
    'SELECT tag FROM cache_change WHERE txid = pg_current_xact_id()',
  );
  await client.query('ROLLBACK');
  return rows.map((row) => row.tag);
}

test('random changes by SQL leave no stale answer', { timeout: 120_000 }, async () => {
  const random = seeded(SEED);
  for (let made = 0; made < ROUNDS * KEPT.length; made += 1) {
    // All rows are put back now and then, so that there is always something to change.
    if (made % KEPT.length === 0) await restore(client);
    const table = KEPT[made % KEPT.length] ?? 'artifact';
    let sql: string | null = null;
    const wrong = await wrongAfter(async () => {
      // Some are refused; where another change has emptied the table, all are.
      for (let attempt = 0; sql === null && attempt < 50; attempt += 1) {
        const statement = made < KEPT.length ? 'UPDATE' : pick(random, STATEMENTS);
        sql = await change(client, random, table, statement);
      }
    });
    expect(wrong, `seed ${SEED}, change ${made}: ${sql}`).toEqual([]);
  }
});

test('the size of a document, changed by hand, leaves no stale answer', async () => {
  await restore(client);
  expect(await wrongAfter(() => client.query('UPDATE document SET bytes = bytes + 1'))).toEqual([]);
});

describe.each(WATCHED)('%s', (table) => {
  beforeEach(() => restore(client));

  test('emptied by TRUNCATE leaves no stale answer', async () => {
    expect(await wrongAfter(() => client.query(`TRUNCATE ${table} CASCADE`))).toEqual([]);
  });

  test('changed without its triggers is found out', async () => {
    await client.query(`ALTER TABLE ${table} DISABLE TRIGGER USER`);
    try {
      expect(await wrongAfter(() => changeAll(client, seeded(SEED), table))).not.toEqual([]);
    } finally {
      await client.query(`ALTER TABLE ${table} ENABLE TRIGGER USER`);
      await enableAlways(table);
    }
  });
});

/** As the migration has it. */
async function enableAlways(table: string): Promise<void> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT tgname AS name FROM pg_trigger WHERE tgrelid = $1::regclass AND tgname LIKE 'cache\\_%'`,
    [table],
  );
  for (const { name } of rows) await client.query(`ALTER TABLE ${table} ENABLE ALWAYS TRIGGER ${name}`);
}
