import pg from 'pg';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Db, openDatabase } from '../../src/db/pool.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { copyIn } from './copy.ts';
import { generateDocument, image } from './generate.ts';

/** The tags of one row of each table that an answer is computed from: artifact 1, scan 1. */
const TAGS: Record<string, string[]> = {
  artifact: ['artifact:1', 'artifacts'],
  artifact_workload: ['artifact:1', 'artifacts'],
  scan: ['artifact:1', 'scan:1', 'scans'],
  scan_finding: ['scan:1', 'scans'],
  other_finding: ['scan:1', 'scans'],
  artifact_vulnerability: ['artifact:1', 'vulnerabilities'],
  current_finding: ['artifact:1', 'vulnerabilities'],
  vulnerability_summary: ['vulnerabilities'],
  vulnerability_package: ['vulnerabilities'],
  finding_count: ['vulnerabilities'],
  total_change: ['trend'],
  vulnerability: ['dictionary'],
  finding_definition: ['dictionary'],
  package: ['dictionary'],
  place: ['dictionary'],
};
const TABLES = Object.keys(TAGS);
/** New rows of these change no answer yet. */
const DICTIONARIES = ['vulnerability', 'finding_definition', 'package', 'place'];
/** No cached answer is computed from these: of a document its size is shown, which never changes; of the trend, sums. */
const UNWATCHED = [
  'installation',
  'document',
  'vulnerability_change',
  'upload',
  'cache_change',
  'cache_authority',
  'cache_instance',
  'cache_minute',
  'cache_event',
  'migration',
];

let created: TestDatabase;
let client: pg.Client;

beforeAll(async () => {
  created = await createDatabase();
  const database = openDatabase({ url: created.url, poolMax: 1, statementTimeoutMs: 15_000 });
  const place = { title: null, target: 'app/.env', package: null };
  const document = generateDocument({
    artifact: image('nginx:1.25'),
    findings: 3,
    kinds: ['vulnerability', 'secret'],
    others: [
      { kind: 'secret', severity: 'HIGH', status: null, code: 'aws-access-key-id', detail: {}, ...place },
    ],
    scannedAt: null,
    workload: { cluster: 'c', namespace: 'n', kind: 'Deployment', name: 'web', container: 'nginx' },
  });
  await database.transaction((db) => storeDocument(db, document, { labels: {}, uploadedBy: null }));
  await database.close();
  client = new pg.Client({ connectionString: created.url, application_name: 'psql' });
  await client.connect();
});

afterAll(async () => {
  await client.end();
  await created.drop();
});

beforeEach(() => client.query('BEGIN'));
afterEach(() => client.query('ROLLBACK'));

/** The tags that a statement of the open transaction records. */
async function tagsOf(run: string | (() => Promise<unknown>)): Promise<string[]> {
  await client.query('DELETE FROM cache_change WHERE txid = pg_current_xact_id()');
  await (typeof run === 'string' ? client.query(run) : run());
  const { rows } = await client.query<{ tag: string }>(
    'SELECT tag FROM cache_change WHERE txid = pg_current_xact_id() ORDER BY tag COLLATE "C"',
  );
  return rows.map((row) => row.tag);
}

/** Columns that can be written. */
async function columnsOf(table: string): Promise<string[]> {
  const { rows } = await client.query<{ name: string }>(
    `SELECT quote_ident(attname) AS name FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows.map((row) => row.name);
}

/** Takes the rows away into a table of the transaction's own. Foreign keys do not stop it under the role replica. */
async function takeAway(table: string): Promise<string> {
  await client.query(`CREATE TEMP TABLE kept ON COMMIT DROP AS SELECT * FROM ${table}`);
  await client.query('SET LOCAL session_replication_role = replica');
  await client.query(`DELETE FROM ${table}`);
  return (await columnsOf(table)).join();
}

test('every table is either watched or not read by a cached answer', async () => {
  const { rows } = await client.query<{ name: string }>(
    `SELECT relname AS name FROM pg_class WHERE relkind IN ('r', 'p') AND relnamespace = 'public'::regnamespace`,
  );
  expect(rows.map((row) => row.name).sort()).toEqual([...TABLES, ...UNWATCHED].sort());
});

describe.each(TABLES)('%s', (table) => {
  const tags = TAGS[table] ?? [];
  const inserted = DICTIONARIES.includes(table) ? [] : tags;

  test.each(['origin', 'replica'])('UPDATE and DELETE record its tags (role %s)', async (role) => {
    await client.query(`SET LOCAL session_replication_role = ${role}`);
    const [column] = (await columnsOf(table)).slice(-1);
    expect(await tagsOf(`UPDATE ${table} SET ${column} = ${column}`)).toEqual(tags);
    // Without the triggers of foreign keys: what a cascade adds is another test's.
    await client.query('SET LOCAL session_replication_role = replica');
    expect(await tagsOf(`DELETE FROM ${table}`)).toEqual(tags);
  });

  test('INSERT records its tags', async () => {
    const columns = await takeAway(table);
    expect(
      await tagsOf(`INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM kept`),
    ).toEqual(inserted);
  });

  test('COPY records its tags', async () => {
    const { rows } = await client.query<{ line: string }>(
      `SELECT string_agg(coalesce(replace(c.value, E'\\\\', E'\\\\\\\\'), E'\\\\N'), E'\\t' ORDER BY c.ordinality) AS line
       FROM ${table} t CROSS JOIN LATERAL (
         SELECT to_jsonb(t) ->> name AS value, ordinality FROM unnest($1::text[]) WITH ORDINALITY AS n(name, ordinality)
       ) c GROUP BY t.ctid`,
      [(await columnsOf(table)).map((name) => name.replaceAll('"', ''))],
    );
    const columns = await takeAway(table);
    const data = rows.map((row) => `${row.line}\n`).join('');
    expect(await tagsOf(() => copyIn(client, `COPY ${table} (${columns}) FROM STDIN`, data))).toEqual(
      inserted,
    );
    const { rows: back } = await client.query(`SELECT count(*)::int AS rows FROM ${table}`);
    expect(back).toEqual([{ rows: rows.length }]);
  });

  test('MERGE records its tags', async () => {
    const [column] = (await columnsOf(table)).slice(-1);
    const merge = (action: string) =>
      `MERGE INTO ${table} t USING (SELECT 1) s ON true WHEN MATCHED THEN ${action}`;
    expect(await tagsOf(merge(`UPDATE SET ${column} = t.${column}`))).toEqual(tags);
    await client.query('SET LOCAL session_replication_role = replica');
    expect(await tagsOf(merge('DELETE'))).toEqual(tags);
  });

  test('TRUNCATE records *', async () => {
    expect(await tagsOf(`TRUNCATE ${table} CASCADE`)).toContain('*');
  });

  test('a statement that touches no row records nothing', async () => {
    const columns = await columnsOf(table);
    const [column] = columns.slice(-1);
    expect(await tagsOf(`UPDATE ${table} SET ${column} = ${column} WHERE false`)).toEqual([]);
    expect(await tagsOf(`DELETE FROM ${table} WHERE false`)).toEqual([]);
    expect(
      await tagsOf(
        `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM ${table} WHERE false`,
      ),
    ).toEqual([]);
    expect(
      await tagsOf(
        `MERGE INTO ${table} t USING (SELECT 1) s ON false WHEN MATCHED THEN UPDATE SET ${column} = t.${column}`,
      ),
    ).toEqual([]);
  });
});

test('deleting a scan tells of its findings, deleting an artifact of all that goes with it', async () => {
  expect(await tagsOf('DELETE FROM scan')).toEqual(['artifact:1', 'scan:1', 'scans']);
  await client.query('ROLLBACK');
  await client.query('BEGIN');
  expect(await tagsOf('DELETE FROM artifact')).toEqual([
    'artifact:1',
    'artifacts',
    'scan:1',
    'scans',
    'vulnerabilities',
  ]);
  for (const table of [
    'scan',
    'scan_finding',
    'other_finding',
    'artifact_vulnerability',
    'current_finding',
  ]) {
    expect([table, (await client.query(`SELECT FROM ${table}`)).rowCount]).toEqual([table, 0]);
  }
});

test('findings go with TRUNCATE of their scans or artifacts too', async () => {
  await client.query('TRUNCATE artifact CASCADE');
  for (const table of ['scan_finding', 'artifact_vulnerability', 'current_finding']) {
    expect([table, (await client.query(`SELECT FROM ${table}`)).rowCount]).toEqual([table, 0]);
  }
});

test('a row that moves tells of the place it left and of the place it came to', async () => {
  await client.query('SET LOCAL session_replication_role = replica');
  expect(await tagsOf('UPDATE scan_finding SET scan_id = 7')).toEqual(['scan:1', 'scan:7', 'scans']);
});

test('what an artifact is never changes: a change of it by hand concerns everything', async () => {
  expect(await tagsOf(`UPDATE artifact SET name = 'other:1'`)).toEqual(['*', 'artifact:1', 'artifacts']);
});

test('so does a change of the size of a document, which is all that answers show of it', async () => {
  expect(await tagsOf('UPDATE document SET bytes = bytes + 1')).toEqual(['*']);
  expect(await tagsOf(`UPDATE document SET gzip = ''`)).toEqual([]);
});

test('a hundred tags are named, more are *', async () => {
  const workloads = (count: number) =>
    `INSERT INTO artifact_workload (artifact_id, cluster, namespace, kind, name, container)
     SELECT n, 'c', 'n', 'Pod', 'p', 'x' FROM generate_series(1001, 1000 + ${count}) n`;
  await client.query('SET LOCAL session_replication_role = replica');
  const named = await tagsOf(workloads(99));
  expect(named).toHaveLength(100);
  expect(named).toContain('artifact:1099');
  await client.query('DELETE FROM artifact_workload');
  expect(await tagsOf(workloads(100))).toEqual(['*']);
});

test('the ledger tells whose change it was; what is rolled back or fails leaves nothing', async () => {
  const count = async (db: Pick<Db, 'query'>) =>
    (await db.query<{ rows: number }>('SELECT count(*)::int AS rows FROM cache_change')).rows[0]?.rows;
  const before = await count(client);
  await client.query('UPDATE artifact SET labels = labels');
  const { rows } = await client.query(
    'SELECT DISTINCT source FROM cache_change WHERE txid = pg_current_xact_id()',
  );
  expect(rows).toEqual([{ source: 'psql' }]);
  await client.query('ROLLBACK');
  expect(await count(client)).toBe(before);

  await client.query('BEGIN');
  await client.query('UPDATE artifact SET labels = labels');
  await expect(client.query('UPDATE artifact SET type = NULL')).rejects.toThrow(/null value/);
  await client.query('COMMIT');
  expect(await count(client)).toBe(before);
});
