import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { createWrites, TooManyLabels, type Writes } from '../../src/writes.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { generateDocument, generateDocuments, type ScanPlan } from './generate.ts';

let created: TestDatabase;
let database: Database;
let writes: Writes;
/** What was waited for, in order. */
let waited: [string | null, string][];

beforeAll(async () => {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 6, statementTimeoutMs: 15_000 });
  const settled = async (txid: string | null, operation: string) => {
    waited.push([txid, operation]);
  };
  writes = createWrites({ database, settled, staleDays: 30 });
});

afterAll(async () => {
  await database.close();
  await created.drop();
});

beforeEach(async () => {
  await database.query('TRUNCATE artifact, document, upload, cache_change CASCADE');
  await database.query(
    'TRUNCATE vulnerability_summary, vulnerability_package, finding_count, vulnerability_change, total_change, cache_change',
  );
  waited = [];
});

async function store(plan: ScanPlan, now = new Date()): Promise<number> {
  const { items } = await writes.storeReport(generateDocument(plan), { labels: {}, uploadedBy: null, now });
  return items[0]?.id ?? 0;
}

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.query<Record<string, unknown>>(sql)).rows;
}

const count = async (table: string) => (await rowsOf(`SELECT count(*)::int AS n FROM ${table}`))[0]?.n;

describe('what a write waits for', () => {
  test('its own transaction, under which the ledger has its tags', async () => {
    await store({ findings: 2, scannedAt: null });
    expect(waited).toEqual([[expect.stringMatching(/^\d+$/), 'scan-results.create']]);
    const { rows } = await database.query<{ tag: string }>(
      'SELECT tag FROM cache_change WHERE txid = $1::xid8',
      [waited[0]?.[0]],
    );
    const scan = (await rowsOf('SELECT id, artifact_id FROM scan'))[0];
    expect(rows.map((row) => row.tag).sort()).toEqual(
      [
        `artifact:${scan?.artifact_id}`,
        `scan:${scan?.id}`,
        'artifacts',
        'scans',
        'trend',
        'vulnerabilities',
      ].sort(),
    );
  });

  test('all that is committed, where it found things as they are', async () => {
    const id = await store({ findings: 2 });
    await store({ findings: 2 });
    await writes.storeReport(generateDocuments([{ findings: 2 }, { artifact: 'other:1' }]), {
      labels: {},
      uploadedBy: null,
    });
    await writes.deleteScan(0);
    await writes.deleteArtifact(0);
    await writes.patchLabels(0, { a: 'b' });
    await writes.patchLabels(id, {});
    expect(waited.slice(1)).toEqual([
      [null, 'scan-results.create'],
      [expect.any(String), 'scan-results.create'],
      [null, 'scan-results.delete'],
      [null, 'artifacts.delete'],
      [null, 'scan-results.update'],
      [null, 'scan-results.update'],
    ]);
  });
});

describe('deleteScan', () => {
  test('promotes the scan before; the first time stays', async () => {
    await store({ findings: 3, scannedAt: '2026-01-02T00:00:00Z' });
    const first = await store({ findings: 2, scannedAt: '2026-01-01T00:00:00Z' });
    const latest = await store({ findings: 5, scannedAt: '2026-01-03T00:00:00Z' });
    expect(await writes.deleteScan(latest)).toBe(true);
    expect(await rowsOf('SELECT latest_kinds FROM scan ORDER BY scanned_at')).toEqual([
      { latest_kinds: 0 },
      { latest_kinds: 1 },
    ]);
    expect(await count('current_finding')).toBe(3);
    expect(await writes.deleteScan(first)).toBe(true);
    expect(await rowsOf('SELECT DISTINCT first_seen_at FROM current_finding ORDER BY 1')).toEqual([
      { first_seen_at: new Date('2026-01-01T00:00:00Z') },
      { first_seen_at: new Date('2026-01-02T00:00:00Z') },
    ]);
  });

  test('takes the document with the last of its scans, and the artifact with the last of its', async () => {
    const { items } = await writes.storeReport(
      generateDocuments([{ artifact: 'a:1' }, { artifact: 'b:1' }]),
      {
        labels: {},
        uploadedBy: null,
      },
    );
    const [one = 0, other = 0] = items.map((item) => item.id);
    await writes.deleteScan(one);
    expect([await count('document'), await count('artifact')]).toEqual([1, 1]);
    await writes.deleteScan(other);
    for (const table of [
      'document',
      'artifact',
      'scan_finding',
      'vulnerability_summary',
      'vulnerability_change',
    ]) {
      expect([table, await count(table)]).toEqual([table, 0]);
    }
    expect(await writes.deleteScan(other)).toBe(false);
  });

  test('two at once, of one document and of one artifact, leave nothing behind', async () => {
    const { items } = await writes.storeReport(
      generateDocuments(['a:1', 'b:1', 'c:1', 'd:1'].map((artifact) => ({ artifact }))),
      { labels: {}, uploadedBy: null },
    );
    const again = await store({ artifact: 'a:1', scannedAt: '2026-01-05T00:00:00Z' });
    const ids = [...items.map((item) => item.id), again];
    expect(await Promise.all(ids.map((id) => writes.deleteScan(id)))).toEqual(ids.map(() => true));
    expect([await count('document'), await count('artifact'), await count('scan')]).toEqual([0, 0, 0]);
  });
});

describe('deleteArtifact', () => {
  test('takes all that is its own, and leaves the others', async () => {
    await store({ artifact: 'a:1', findings: 4, scannedAt: '2026-01-01T00:00:00Z' });
    await store({ artifact: 'a:1', findings: 2, scannedAt: '2026-01-02T00:00:00Z' });
    await store({ artifact: 'b:1', findings: 1, scannedAt: '2026-01-03T00:00:00Z' });
    const [artifact] = await rowsOf(`SELECT id FROM artifact WHERE name = 'a:1'`);
    expect(await writes.deleteArtifact(Number(artifact?.id))).toBe(true);
    expect([await count('scan'), await count('document'), await count('artifact')]).toEqual([1, 1, 1]);
    expect(await rowsOf('SELECT affected_artifacts, first_seen_at FROM vulnerability_summary')).toEqual([
      { affected_artifacts: 1, first_seen_at: new Date('2026-01-03T00:00:00Z') },
    ]);
    expect(await writes.deleteArtifact(Number(artifact?.id))).toBe(false);
  });
});

describe('patchLabels', () => {
  test('merges, removes with null, and shows at the artifact while the scan is its newest', async () => {
    const old = await store({ scannedAt: '2026-01-01T00:00:00Z' });
    const newest = await store({ scannedAt: '2026-01-02T00:00:00Z' });
    expect(await writes.patchLabels(newest, { team: 'a', branch: 'main' })).toEqual({
      team: 'a',
      branch: 'main',
    });
    expect(await writes.patchLabels(newest, { team: null, stage: 'x' })).toEqual({
      branch: 'main',
      stage: 'x',
    });
    expect(await writes.patchLabels(old, { team: 'old' })).toEqual({ team: 'old' });
    expect(await rowsOf('SELECT labels FROM artifact')).toEqual([{ labels: { branch: 'main', stage: 'x' } }]);
    expect(await writes.patchLabels(newest + 1000, { a: 'b' })).toBeNull();
  });

  test('keeps to 50 labels', async () => {
    const id = await store({});
    const labels = (n: number) => Object.fromEntries(Array.from({ length: n }, (_, i) => [`l${i}`, 'x']));
    expect(Object.keys((await writes.patchLabels(id, labels(50))) ?? {})).toHaveLength(50);
    await expect(writes.patchLabels(id, { more: 'x' })).rejects.toThrow(TooManyLabels);
    expect(await writes.patchLabels(id, { l0: null, more: 'x' })).toHaveProperty('more');
  });
});

describe('markStale', () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);

  test('takes out what nothing came of, however many there are', async () => {
    const plans = Array.from({ length: 101 }, (_, n) => ({ artifact: `old-${n}:1`, findings: 2 }));
    await writes.storeReport(generateDocuments(plans), { labels: {}, uploadedBy: null, now: daysAgo(31) });
    await store({ artifact: 'new:1', findings: 1, scannedAt: null }, daysAgo(29));
    expect(await writes.markStale()).toBe(101);
    expect(await rowsOf('SELECT name FROM artifact WHERE NOT stale')).toEqual([{ name: 'new:1' }]);
    expect(await rowsOf('SELECT affected_artifacts FROM vulnerability_summary')).toEqual([
      { affected_artifacts: 1 },
    ]);
    expect(await count('scan')).toBe(102);
    expect(await writes.markStale()).toBe(0);
  });

  test('never does at 0 days', async () => {
    await store({}, daysAgo(3000));
    const never = createWrites({ database, settled: async () => {}, staleDays: 0 });
    expect(await never.markStale()).toBe(0);
    expect(await rowsOf('SELECT stale FROM artifact')).toEqual([{ stale: false }]);
  });

  test('removes days and uploads that no answer shows', async () => {
    await database.query(`INSERT INTO total_change (day, measure, delta)
      VALUES (current_date - 41, 'artifacts', 1), (current_date - 39, 'artifacts', 1)`);
    await database.query(`INSERT INTO upload (outcome, received_at)
      VALUES ('stored', now() - interval '8 days'), ('stored', now() - interval '6 days')`);
    await writes.markStale();
    expect([await count('total_change'), await count('upload')]).toEqual([1, 1]);
  });
});

test('recordUpload keeps what became of an upload, and never fails', async () => {
  const row = {
    outcome: 'refused' as const,
    code: 'invalid_json',
    detail: 'at 17',
    looksLike: 'sarif',
    artifact: null,
    scanIds: [],
    token: 'ci',
    bytes: 99,
    requestId: 'r-1',
  };
  await writes.recordUpload(row);
  await writes.recordUpload({ ...row, detail: 'no text of PostgreSQL: \0' });
  expect(await rowsOf('SELECT outcome, code, detail, looks_like, bytes, request_id FROM upload')).toEqual([
    {
      outcome: 'refused',
      code: 'invalid_json',
      detail: 'at 17',
      looks_like: 'sarif',
      bytes: 99,
      request_id: 'r-1',
    },
  ]);
});
