import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeChanges } from '../../src/db/gate.ts';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { fill } from '../../src/seed/fill.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { projectFile } from '../setup/process.ts';
import { generateDocument } from './generate.ts';
import { createSeen, differences, noteSeen } from './recompute.ts';

const NOW = new Date('2026-03-15T12:00:00Z');
const TRIGGERS = 'SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger ORDER BY 1, 2';
const INDEXES = 'SELECT indexdef FROM pg_indexes ORDER BY 1';

describe('seeded data', () => {
  let created: TestDatabase;
  let database: Database;
  let before: unknown[];

  const rowsOf = async (sql: string) => (await database.query(sql)).rows;

  beforeAll(async () => {
    created = await createDatabase();
    database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 60_000 });
    await createSeen(database);
    before = [await rowsOf(TRIGGERS), await rowsOf(INDEXES)];
    await seed();
    const scans = (await database.query<{ id: number }>('SELECT id FROM scan')).rows.map(({ id }) => id);
    await noteSeen(database, scans);
  }, 180_000);

  afterAll(async () => {
    await database.close();
    await created.drop();
  });

  async function seed() {
    const client = new pg.Client({ connectionString: created.url });
    await client.connect();
    await fill(client, { findings: 60_000, scans: 4, now: NOW });
    await client.end();
  }

  it('is of the size that was asked for', async () => {
    const [counts] = await rowsOf(`SELECT (SELECT count(*)::int FROM scan) AS scans,
      (SELECT count(*)::int FROM artifact WHERE stale) AS stale, (SELECT count(*)::int FROM scan_finding) AS findings`);
    expect(counts).toMatchObject({ scans: 120 });
    expect(Number(counts?.stale)).toBeGreaterThan(0);
    expect(Math.abs(Number(counts?.findings) - 60_000)).toBeLessThan(6_000);
  });

  it('has in every maintained table what the scans say', async () => {
    expect(await differences(database, NOW)).toEqual([]);
  });

  it('has the changes that would have been computed at receipt', async () => {
    const changes = 'SELECT id, changes FROM scan ORDER BY id';
    const seeded = await rowsOf(changes);
    await database.query('UPDATE scan SET changes = NULL');
    await storeChanges(
      database,
      seeded.map(({ id }) => id),
    );
    expect(await rowsOf(changes)).toEqual(seeded);
  });

  it('leaves triggers and indexes as they were, and one mark that everything changed', async () => {
    expect([await rowsOf(TRIGGERS), await rowsOf(INDEXES)]).toEqual(before);
    expect(await rowsOf(`SELECT tag FROM cache_change WHERE source <> 'trivet'`)).toEqual([{ tag: '*' }]);
  });

  it('takes another report in', async () => {
    const document = generateDocument({ artifact: 'another:1', findings: 20, scannedAt: NOW });
    const { value } = await database.transaction((db) =>
      storeDocument(db, document, { labels: {}, uploadedBy: null, now: NOW }),
    );
    await noteSeen(
      database,
      value.items.map(({ id }) => id),
    );
    expect(await differences(database, NOW)).toEqual([]);
  });

  it('is refused by the command where there are artifacts, or no database is named', () => {
    const run = (env: Record<string, string>) =>
      spawnSync(process.execPath, [projectFile('dist/seed.js')], {
        encoding: 'utf8',
        env: { PATH: process.env.PATH, ...env },
      });
    expect(run({ DATABASE_URL: created.url })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('The database has artifacts already'),
    });
    expect(run({})).toMatchObject({ status: 2, stderr: expect.stringContaining('DATABASE_URL is not set') });
    expect(run({ DATABASE_URL: 'postgres://127.0.0.1:1/nothing' })).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('not usable: connect ECONNREFUSED'),
    });
  });
});
