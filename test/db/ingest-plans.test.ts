import pg from 'pg';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeDocument } from '../../src/db/ingest.ts';
import { BEGIN_WRITE, prepared } from '../../src/db/pool.ts';
import { deleteScan } from '../../src/db/remove.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { generateDocument } from './generate.ts';
import { type Node, nodesOf } from './plan.ts';

const NOW = new Date('2026-03-15T12:00:00Z');
const FINDINGS = 300;

let created: TestDatabase;

beforeAll(async () => {
  created = await createDatabase();
});
afterAll(() => created.drop());

/** Runs a write on a connection that has planned nothing yet. @returns the most rows that a node of its plans yields */
async function mostRows(work: (client: pg.Client) => Promise<unknown>): Promise<number> {
  const client = new pg.Client({ connectionString: created.url });
  let most = 0;
  client.on('notice', ({ message = '' }) => {
    const plan = /^duration: .* plan:\n([\s\S]*)$/.exec(message)?.[1];
    if (plan === undefined) return;
    const nodes = nodesOf((JSON.parse(plan) as { Plan: Node }).Plan);
    most = Math.max(most, ...nodes.map((node) => node['Actual Rows'] * node['Actual Loops']));
  });
  await client.connect();
  await client.query(`LOAD 'auto_explain'; SET auto_explain.log_min_duration = 0; SET auto_explain.log_analyze = on;
    SET auto_explain.log_format = json; SET auto_explain.log_level = notice; SET client_min_messages = notice;
    SET jit = off`);
  await client.query(BEGIN_WRITE);
  await work(client);
  await client.query('COMMIT');
  await client.end();
  return most;
}

const analyze = async () => {
  const client = new pg.Client({ connectionString: created.url });
  await client.connect();
  await client.query('ANALYZE');
  await client.end();
};

test('no statement of a write joins every finding with every other, whatever the planner knows of the tables', async () => {
  for (let image = 0; image < 12; image++) {
    const artifact = `team/${image}:1`;
    let scan = 0;
    for (const [scannedAt, findings] of [
      ['2026-03-13T10:00:00Z', FINDINGS],
      ['2026-03-14T10:00:00Z', FINDINGS - 20],
    ] as const) {
      const document = generateDocument({ artifact, findings, scannedAt });
      const rows = await mostRows(async (client) => {
        const options = { labels: {}, uploadedBy: null, now: NOW };
        const { items } = await storeDocument(prepared(client), document, options);
        scan = items[0]?.id ?? 0;
      });
      expect(rows).toBeGreaterThanOrEqual(findings);
      expect(rows).toBeLessThan(FINDINGS * 20);
    }
    const rows = await mostRows((client) => deleteScan(prepared(client), scan, NOW));
    expect(rows).toBeLessThan(FINDINGS * 20);
    await analyze();
  }
});
