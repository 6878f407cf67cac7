import { spawnSync } from 'node:child_process';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listFindings } from '../../src/db/findings.ts';
import { storeChanges } from '../../src/db/gate.ts';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { listVulnerabilities } from '../../src/db/vulnerabilities.ts';
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

  it('is found by a text that more than a thousand vulnerabilities have in common, and others have not', async () => {
    const [expected] = await rowsOf(`SELECT count(DISTINCT v.id)::int AS vulnerabilities,
        count(*) FILTER (WHERE f.severity = 3)::int AS high,
        (SELECT count(*)::int FROM vulnerability_summary) AS all
      FROM current_finding f JOIN vulnerability v ON v.id = f.vulnerability_id
      WHERE search LIKE '%cve-201%' OR lower(package) LIKE '%cve-201%'`);
    expect(expected?.vulnerabilities).toBeGreaterThan(1_000);
    expect(expected?.vulnerabilities).toBeLessThan(Number(expected?.all));
    const q = 'CVE-201';
    const [vulnerabilities, findings] = await database.snapshot(async (db) => [
      await listVulnerabilities(db, { q }),
      await listFindings(db, { q, severity: ['HIGH'] }),
    ]);
    expect([vulnerabilities.total, findings.total]).toEqual([expected?.vulnerabilities, expected?.high]);
    for (const { id } of vulnerabilities.items) expect(id).toContain(q);
    for (const { vulnerabilityId } of findings.items) expect(vulnerabilityId).toContain(q);
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
