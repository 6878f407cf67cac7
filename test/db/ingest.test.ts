import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { diffScans } from '../../src/db/diff.ts';
import { type StoredItem, type StoreOptions, storeDocument } from '../../src/db/ingest.ts';
import { TooManyLabels } from '../../src/db/labels.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import type { StoredDocument } from '../../src/upload/columns.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { finding, generateDocument, generateDocuments } from './generate.ts';
import { createSeen, differences, noteSeen } from './recompute.ts';

const NOW = new Date('2026-03-15T12:00:00Z');
const later = (hours: number) => new Date(NOW.getTime() + hours * 3_600_000);

let created: TestDatabase;
let database: Database;

beforeAll(async () => {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 8, statementTimeoutMs: 15_000 });
  await createSeen(database);
});

afterAll(async () => {
  await database.close();
  await created.drop();
});

beforeEach(async () => {
  await database.query('TRUNCATE artifact, document, vulnerability, finding_definition, package CASCADE');
  await database.query(
    'TRUNCATE vulnerability_summary, vulnerability_package, finding_count, vulnerability_change, total_change, cache_change',
  );
});

async function store(document: StoredDocument, options: Partial<StoreOptions> = {}): Promise<StoredItem[]> {
  const { value } = await database.transaction((db) =>
    storeDocument(db, document, { labels: {}, uploadedBy: null, now: NOW, ...options }),
  );
  return value.items;
}

async function storeOne(document: StoredDocument, options: Partial<StoreOptions> = {}): Promise<StoredItem> {
  const [item] = await store(document, options);
  if (!item) throw new Error('nothing was stored');
  return item;
}

async function rowsOf(sql: string): Promise<Record<string, unknown>[]> {
  return (await database.query<Record<string, unknown>>(sql)).rows;
}

describe('a report', () => {
  test('is stored with its findings and all that is derived of them', async () => {
    const document = generateDocument({
      artifact: 'nginx:1.25',
      findings: 10,
      scannedAt: '2026-03-14T10:00:00Z',
    });
    expect(await storeOne(document, { labels: { team: 'a' }, uploadedBy: 'ci' })).toMatchObject({
      created: true,
    });
    expect(
      await rowsOf(`SELECT artifact_name, kinds, latest_kinds, scanned_at, received_at, critical, high, medium, low,
        unknown, fixable, labels, warnings, uploaded_by, encode(document_sha256, 'hex') AS sha256 FROM scan`),
    ).toEqual([
      {
        artifact_name: 'nginx:1.25',
        kinds: 1,
        latest_kinds: 1,
        scanned_at: new Date('2026-03-14T10:00:00Z'),
        received_at: NOW,
        critical: 1,
        high: 2,
        medium: 4,
        low: 2,
        unknown: 1,
        fixable: 5,
        labels: { team: 'a' },
        warnings: [],
        uploaded_by: 'ci',
        sha256: document.sha256,
      },
    ]);
    expect(await rowsOf('SELECT name, repository, version, critical, labels FROM artifact')).toEqual([
      { name: 'nginx:1.25', repository: 'nginx', version: '1.25', critical: 1, labels: { team: 'a' } },
    ]);
    const [{ gzip } = {}] = await rowsOf('SELECT gzip FROM document');
    expect(gzip).toEqual(document.gzip);
    expect(await rowsOf('SELECT count(*)::int AS n FROM current_finding')).toEqual([{ n: 10 }]);
  });

  test('without vulnerabilities is a scan too', async () => {
    await store(generateDocument({ findings: 0 }));
    expect(await rowsOf('SELECT latest_kinds, changes FROM scan')).toEqual([
      {
        latest_kinds: 1,
        changes: {
          against: null,
          new: 0,
          gone: 0,
          same: 0,
          newBySeverity: { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
        },
      },
    ]);
  });

  test('keeps entries that repeat', async () => {
    await store(generateDocument({ findings: [{}, {}, {}].map(() => finding(1)) }));
    expect(await rowsOf('SELECT copy FROM current_finding ORDER BY copy')).toEqual([
      { copy: 1 },
      { copy: 2 },
      { copy: 3 },
    ]);
    expect(await rowsOf('SELECT affected_artifacts, findings FROM vulnerability_summary')).toEqual([
      { affected_artifacts: 1, findings: 3 },
    ]);
  });

  test.each([
    ['does not say when it was made', null, 'scanned_at_missing'],
    ['says a time to come', later(0.1).toISOString(), 'scanned_at_future'],
  ])('that %s gets the time of receipt, and a warning', async (_, scannedAt, code) => {
    await store(generateDocument({ scannedAt }));
    expect(await rowsOf('SELECT scanned_at, warnings FROM scan')).toEqual([
      { scanned_at: NOW, warnings: [expect.stringMatching(`^${code}: `)] },
    ]);
  });

  test('may be a few minutes ahead', async () => {
    await store(generateDocument({ scannedAt: later(0.05) }));
    expect(await rowsOf('SELECT scanned_at, warnings FROM scan')).toEqual([
      { scanned_at: later(0.05), warnings: [] },
    ]);
  });

  test('that arrives late is not the latest, and moves the first time back', async () => {
    await store(generateDocument({ findings: 3, scannedAt: '2026-03-10T00:00:00Z' }));
    await store(generateDocument({ findings: 4, scannedAt: '2026-03-01T00:00:00Z' }));
    expect(await rowsOf('SELECT latest_kinds FROM scan ORDER BY id')).toEqual([
      { latest_kinds: 1 },
      { latest_kinds: 0 },
    ]);
    const first = new Date('2026-03-01T00:00:00Z');
    expect(await rowsOf('SELECT DISTINCT first_seen_at FROM current_finding')).toEqual([
      { first_seen_at: first },
    ]);
    expect(
      await rowsOf('SELECT count(*)::int AS n, min(first_seen_at) AS first FROM vulnerability_summary'),
    ).toEqual([{ n: 3, first }]);
  });
});

describe('the same report again', () => {
  const plan = { artifact: 'nginx:1.25', reportId: 'r-1', scannedAt: '2026-03-10T00:00:00Z', findings: 5 };

  test('is found by its bytes, and nothing is written', async () => {
    const first = await storeOne(generateDocument({ ...plan, reportId: null }));
    await database.query('DELETE FROM cache_change');
    expect(await storeOne(generateDocument({ ...plan, reportId: null }), { now: later(23) })).toEqual({
      id: first.id,
      created: false,
    });
    expect(await rowsOf('SELECT tag FROM cache_change')).toEqual([]);
    expect(await rowsOf('SELECT last_seen_at FROM artifact')).toEqual([{ last_seen_at: NOW }]);
  });

  test('is found by ReportID and findings', async () => {
    const first = await storeOne(generateDocument(plan));
    const again = generateDocument({ ...plan, seed: 1 });
    expect(await storeOne(again)).toEqual({ id: first.id, created: false });
  });

  test('is another where the artifact, the kinds or the findings are others', async () => {
    await store(generateDocument(plan));
    expect(await storeOne(generateDocument({ ...plan, artifact: 'nginx:1.26' }))).toMatchObject({
      created: true,
    });
    expect(await storeOne(generateDocument({ ...plan, kinds: ['vulnerability', 'secret'] }))).toMatchObject({
      created: true,
    });
    expect(await rowsOf('SELECT DISTINCT warnings FROM scan')).toEqual([{ warnings: [] }]);
    expect(await storeOne(generateDocument({ ...plan, findings: 6 }))).toMatchObject({ created: true });
    expect(await rowsOf('SELECT warnings FROM scan ORDER BY id DESC LIMIT 1')).toEqual([
      { warnings: [expect.stringMatching(/^report_id_reused: /)] },
    ]);
  });

  test('notes the time of receipt once a day, and ends being stale at once', async () => {
    await store(generateDocument(plan));
    await store(generateDocument(plan), { now: later(25) });
    expect(await rowsOf('SELECT last_seen_at FROM artifact')).toEqual([{ last_seen_at: later(25) }]);
    await database.query('UPDATE artifact SET stale = true');
    await database.query('DELETE FROM current_finding');
    await store(generateDocument(plan), { now: later(26) });
    expect(await rowsOf('SELECT stale, last_seen_at FROM artifact')).toEqual([
      { stale: false, last_seen_at: later(26) },
    ]);
    expect(await rowsOf('SELECT count(*)::int AS n FROM current_finding')).toEqual([{ n: 5 }]);
  });

  test('adds labels, to the artifact too where it is the newest', async () => {
    await store(generateDocument(plan), { labels: { team: 'a' } });
    await store(generateDocument(plan), { labels: { branch: 'main' } });
    const labels = { team: 'a', branch: 'main' };
    expect(await rowsOf('SELECT labels FROM scan UNION ALL SELECT labels FROM artifact')).toEqual([
      { labels },
      { labels },
    ]);
    const many = Object.fromEntries(Array.from({ length: 49 }, (_, n) => [`l${n}`, 'x']));
    await expect(store(generateDocument(plan), { labels: many })).rejects.toThrow(TooManyLabels);
    expect(await rowsOf('SELECT labels FROM scan')).toEqual([{ labels }]);
  });
});

describe('a document of several scans', () => {
  const workload = (name: string) => ({ cluster: 'c', namespace: 'n', kind: 'Pod', name, container: 'web' });

  test('is kept once', async () => {
    const items = await store(generateDocuments([{ artifact: 'a:1' }, { artifact: 'b:1', findings: 0 }]));
    expect(items.map((item) => item.created)).toEqual([true, true]);
    expect(await rowsOf('SELECT count(*)::int AS n FROM document')).toEqual([{ n: 1 }]);
    expect(await rowsOf('SELECT artifact_name AS name, high FROM scan ORDER BY id')).toEqual([
      { name: 'a:1', high: 2 },
      { name: 'b:1', high: 0 },
    ]);
  });

  test('may tell of two pods of one image, and of one report twice', async () => {
    const [one, other, again] = await store(
      generateDocuments([
        { artifact: 'a:1', reportId: 'uid-1', workload: workload('one'), findings: 2 },
        { artifact: 'a:1', reportId: 'uid-2', workload: workload('other'), findings: 2 },
        { artifact: 'a:1', reportId: 'uid-1', workload: workload('one'), findings: 2 },
      ]),
    );
    expect(one?.id).not.toBe(other?.id);
    expect([one?.created, other?.created, again]).toEqual([true, true, { id: one?.id, created: false }]);
    expect(await rowsOf('SELECT name FROM artifact_workload ORDER BY name')).toEqual([
      { name: 'one' },
      { name: 'other' },
    ]);
    expect(await rowsOf('SELECT count(*)::int AS n FROM artifact')).toEqual([{ n: 1 }]);
  });

  test('of an operator keeps its uid while its report changes, without a warning', async () => {
    const resource = (findings: number) => {
      const document = generateDocument({
        artifact: 'a:1',
        reportId: 'uid',
        workload: workload('one'),
        findings,
      });
      return {
        ...document,
        scans: document.scans.map((scan) => ({ ...scan, reportHash: `${findings}`.repeat(64) })),
      };
    };
    await store(resource(1));
    expect(await storeOne(resource(2))).toMatchObject({ created: true });
    expect(await storeOne(resource(2))).toMatchObject({ created: false });
    expect(await rowsOf('SELECT DISTINCT warnings FROM scan')).toEqual([{ warnings: [] }]);
  });
});

describe('changes', () => {
  async function changesOf(id: number): Promise<Record<string, unknown>> {
    const [row] = await rowsOf(`SELECT changes FROM scan WHERE id = ${id}`);
    return row?.changes as Record<string, unknown>;
  }

  test('another version is the same; what comes, goes and repeats is counted as the diff counts it', async () => {
    const before = [finding(1), finding(2), finding(3), finding(3), finding(5, { path: 'a.jar' })];
    const after = [
      finding(1, { installedVersion: '2.0' }),
      finding(3),
      finding(5, { path: 'b.jar' }),
      finding(8, { severity: 'CRITICAL' }),
      finding(8, { severity: 'CRITICAL', installedVersion: '2.0' }),
    ];
    const first = await storeOne(generateDocument({ findings: before, scannedAt: '2026-03-01T00:00:00Z' }));
    const second = await storeOne(generateDocument({ findings: after, scannedAt: '2026-03-02T00:00:00Z' }));
    expect(await changesOf(first.id)).toMatchObject({ against: null, new: 5, gone: 0, same: 0 });
    expect(await changesOf(second.id)).toEqual({
      against: first.id,
      new: 3,
      gone: 3,
      same: 2,
      newBySeverity: { critical: 2, high: 0, medium: 0, low: 1, unknown: 0 },
    });
    const diff = await diffScans(database, second.id, null, {});
    expect(diff?.counts).toEqual({ new: 3, gone: 3, same: 2 });
  });

  test('are against the scan next before it that looked for vulnerabilities', async () => {
    const at = (day: number) => `2026-03-0${day}T00:00:00Z`;
    const first = await storeOne(generateDocument({ findings: 2, scannedAt: at(1) }));
    await store(generateDocument({ findings: 4, scannedAt: at(4) }));
    await store(generateDocument({ findings: 0, kinds: ['secret'], scannedAt: at(2) }));
    const late = await storeOne(generateDocument({ findings: 3, scannedAt: at(3) }));
    expect(await changesOf(late.id)).toMatchObject({ against: first.id, new: 1, gone: 0, same: 2 });
    expect(await rowsOf('SELECT changes FROM scan WHERE kinds = 4')).toEqual([{ changes: null }]);
  });
});

test('the newest texts of a vulnerability win, and older ones fill gaps', async () => {
  const text = (title: string | null, modifiedAt: string | null, cvssScore: number | null) =>
    generateDocument({
      findings: [{ title, modifiedAt, cvssScore, description: null }],
      seed: Math.random(),
    });
  await store(text('new', '2026-02-01T00:00:00Z', 5));
  await store(text('old', '2026-01-01T00:00:00Z', 9));
  expect(await rowsOf('SELECT title, cvss_score FROM vulnerability')).toEqual([
    { title: 'new', cvss_score: 5 },
  ]);
  await store(text(null, '2026-03-01T00:00:00Z', 7));
  expect(await rowsOf('SELECT title, cvss_score FROM vulnerability')).toEqual([
    { title: 'new', cvss_score: 7 },
  ]);
  expect(await rowsOf('SELECT cvss_score FROM vulnerability_summary')).toEqual([{ cvss_score: 7 }]);
  await store(generateDocument({ findings: [{ title: 'late', modifiedAt: null, description: 'at last' }] }));
  expect(await rowsOf('SELECT title, description FROM vulnerability')).toEqual([
    { title: 'new', description: 'at last' },
  ]);
});

test('uploads at the same time neither wait in a circle nor lose anything', async () => {
  const documents = Array.from({ length: 40 }, (_, n) =>
    generateDocuments(
      [n % 5, (n + 2) % 5, (n * 3) % 5].map((name, part) => ({
        artifact: `image-${name}:1`,
        reportId: `uid-${n}-${part}`,
        workload: { cluster: 'c', namespace: 'n', kind: 'Pod', name: `pod-${n}`, container: 'c' },
        findings: Array.from({ length: 30 }, (_, i) =>
          finding((n * 7 + part * 11 + i * 3) % 60, {
            modifiedAt: `2026-01-${10 + (n % 20)}T00:00:00Z`,
            cvssScore: n % 10,
          }),
        ).sort(() => Math.random() - 0.5),
        scannedAt: new Date(NOW.getTime() - (n % 9) * 43_200_000),
      })),
    ),
  );
  const ids: number[] = [];
  const lanes = Array.from({ length: 8 }, async () => {
    for (let document = documents.pop(); document; document = documents.pop()) {
      ids.push(...(await store(document)).map((item) => item.id));
    }
  });
  await Promise.all(lanes);
  expect(new Set(ids).size).toBe(120);
  await noteSeen(database, ids);
  expect(await differences(database, NOW)).toEqual([]);
});
