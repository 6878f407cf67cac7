import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { FilterError } from '../../src/db/filters.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { getDocument, getScan, getScanSummaries, listScans } from '../../src/db/scans.ts';
import type { ScanSummary, ScansQuery } from '../../src/schemas.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import {
  type ArtifactData,
  compare,
  compareCounts,
  type Inventory,
  insertRows,
  makeInventory,
  SCAN_DEFAULTS,
  type ScanData,
  seeded,
  selects,
  storeDocumentRow,
  storeInventory,
  walk,
} from './inventory.ts';
import { HOSTILE, queries, SHARED_FILTERS } from './queries.ts';

const KINDS = ['vulnerability', 'misconfiguration', 'secret', 'license'];
const inventory: Inventory = makeInventory(seeded(1), 60);
const artifacts = new Map(inventory.artifacts.map((artifact) => [artifact.id, artifact]));

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  db = openDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: 10_000 });
  await storeDocumentRow(db);
  await storeInventory(db, inventory);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

function list(query: ScansQuery) {
  return db.snapshot((snapshot) => listScans(snapshot, query));
}

function bitsOf(kinds: readonly string[] = KINDS): number {
  return kinds.reduce((bits, kind) => bits | (1 << KINDS.indexOf(kind)), 0);
}

function artifactOf(scan: ScanData): ArtifactData {
  const artifact = artifacts.get(scan.artifact_id);
  if (!artifact) throw new Error(`no artifact ${scan.artifact_id}`);
  return artifact;
}

const COMPARE: Record<string, (a: ScanData, b: ScanData) => number> = {
  scannedAt: (a, b) => compare(a.scanned_at, b.scanned_at),
  receivedAt: (a, b) => compare(a.received_at, b.received_at),
  severity: compareCounts,
  artifact: (a, b) => compare(a.artifact_name, b.artifact_name),
};

/** The ids of the scans that a query asks for, by looking at every row. */
function expected(query: ScansQuery): number[] {
  const { sort = 'scannedAt', kind, latest } = query;
  const direction = (query.order ?? (sort === 'artifact' ? 'asc' : 'desc')) === 'asc' ? 1 : -1;
  return inventory.scans
    .filter(
      (scan) =>
        selects(query, inventory, artifactOf(scan), scan, scan.scanned_at) &&
        (kind === undefined || (scan.kinds & bitsOf(kind)) !== 0) &&
        (query.receivedSince === undefined ||
          Date.parse(scan.received_at) >= Date.parse(query.receivedSince)) &&
        (latest === undefined || ((scan.latest_kinds & bitsOf(kind)) !== 0) === latest),
    )
    .sort((a, b) => direction * (COMPARE[sort]?.(a, b) || a.id - b.id))
    .map((scan) => scan.id);
}

async function expectAsExpected(query: ScansQuery): Promise<void> {
  const ids = expected(query);
  const { items, totals } = await walk(list, query);
  expect(items.map((item) => item.id)).toEqual(ids);
  expect(new Set(totals)).toEqual(new Set([ids.length]));
}

describe('the list of scans', () => {
  it('works', async () => {
    const page = await list({});
    expect(page.items.map((item) => item.id)).toEqual(expected({}).slice(0, 50));
    expect(page).toMatchObject({ total: inventory.scans.length, totalIsExact: true });
    expect(page.nextCursor).not.toBeNull();
  });

  it('gives a scan as it is', async () => {
    const scan = inventory.scans.find((candidate) => candidate.os_family && candidate.digest);
    if (!scan) throw new Error('the data have no scan with an operating system');
    const artifact = artifactOf(scan);
    const { items } = await walk(list, { artifact: [String(artifact.id)] });
    const summary: ScanSummary = {
      id: scan.id,
      artifact: {
        id: artifact.id,
        type: artifact.type as ScanSummary['artifact']['type'],
        name: artifact.name,
        repository: artifact.repository,
        version: artifact.version,
        digest: scan.digest,
        cluster: artifact.cluster,
        namespace: artifact.namespace,
        kind: artifact.resource_kind,
      },
      kinds: KINDS.filter((kind) => scan.kinds & bitsOf([kind])) as ScanSummary['kinds'],
      scannedAt: new Date(scan.scanned_at).toISOString(),
      receivedAt: new Date(scan.received_at).toISOString(),
      latest: scan.latest_kinds !== 0,
      severityCounts: {
        critical: scan.critical,
        high: scan.high,
        medium: scan.medium,
        low: scan.low,
        unknown: scan.unknown,
      },
      fixableCount: scan.fixable,
      misconfigurationCount: 0,
      secretCount: 0,
      licenseCount: 0,
      suppressedCount: 0,
      labels: scan.labels,
      trivyVersion: null,
      os: { family: 'debian', name: null, eosl: false },
      uploadedBy: null,
      warnings: [],
      changes: null,
    };
    expect(items.find((item) => item.id === scan.id)).toEqual(summary);
    expect(await getScan(db, scan.id)).toEqual({ ...summary, reportId: null, bytes: 1234, metadata: {} });
  });

  for (const sort of ['scannedAt', 'receivedAt', 'severity', 'artifact'] as const) {
    for (const order of [undefined, 'asc', 'desc'] as const) {
      it(`pages in order of ${sort} ${order ?? 'by default'}`, async () => {
        await expectAsExpected({ sort, limit: 7, ...(order ? { order } : {}) });
      });
    }
  }

  it('calls a scan the latest for the kind that is asked for', async () => {
    for (const kind of KINDS as ScanSummary['kinds']) {
      const { items } = await walk(list, { kind: [kind], limit: 200 });
      for (const item of items) {
        const scan = inventory.scans.find(({ id }) => id === item.id);
        expect(item.latest).toBe(((scan?.latest_kinds ?? 0) & bitsOf([kind])) !== 0);
      }
    }
  });

  it('selects as a reader of all rows would, whatever the filters', async () => {
    const query = queries({
      ...SHARED_FILTERS,
      latest: fc.boolean(),
      receivedSince: fc.constantFrom('2026-01-31', '2026-02-01', '2026-02-03T12:00:00Z'),
      sort: fc.constantFrom(
        'scannedAt' as const,
        'receivedAt' as const,
        'severity' as const,
        'artifact' as const,
      ),
    });
    await fc.assert(fc.asyncProperty(query, expectAsExpected), { numRuns: 300, seed: 7 });
  });

  it.each(HOSTILE.map((text) => [text.slice(0, 20), text]))(
    'takes %j for a text like any other',
    async (_, text) => {
      await expectAsExpected({ artifact: [text] });
      await expectAsExpected({ repository: [text], cluster: [text], namespace: [text] });
      await expectAsExpected({ label: [`${text}=${text}`] });
      await expectAsExpected({ q: text });
    },
  );

  it('refuses times that are none', async () => {
    for (const text of [
      'yesterday',
      '2026-13-01',
      '2026-02-30',
      '2026-01-31T25:00:00Z',
      '2026-01-31T12:00:00',
      '',
    ]) {
      expect(() => listScans(db, { since: text })).toThrow(FilterError);
      expect(() => listScans(db, { until: text })).toThrow(expect.objectContaining({ parameter: 'until' }));
    }
  });

  it('takes the first and the last day of the calendar', async () => {
    await expectAsExpected({ since: '0001-01-01', until: '9999-12-31' });
    await expect(list({ since: '0000-01-01T00:00:00+23:59' })).resolves.toMatchObject({
      total: inventory.scans.length,
    });
  });
});

describe('the cursor', () => {
  it('belongs to its filters, sort and order', async () => {
    const { nextCursor: cursor } = await list({ limit: 1 });
    if (!cursor) throw new Error('one page only');
    for (const query of [
      { q: 'app' },
      { sort: 'severity' },
      { order: 'asc' },
      { latest: true },
    ] as ScansQuery[]) {
      await expect(list({ ...query, cursor })).rejects.toMatchObject({ code: 'cursor_mismatch' });
    }
    await expect(list({ cursor, limit: 2, format: 'json' })).resolves.toBeTruthy();
    await expect(list({ cursor, sort: 'scannedAt', order: 'desc' })).resolves.toBeTruthy();
  });

  it('is refused when it cannot be read', async () => {
    const { nextCursor } = await list({ limit: 1, sort: 'severity' });
    const [fingerprint] = JSON.parse(Buffer.from(nextCursor ?? '', 'base64url').toString());
    const forged = (...content: unknown[]) => Buffer.from(JSON.stringify(content)).toString('base64url');
    for (const cursor of [
      '',
      'x',
      '{}',
      forged(),
      forged(fingerprint, '\\xzz', 1),
      forged(fingerprint, '\0', 1),
      forged(fingerprint, '\\x00', 1.5),
      forged(fingerprint, '\\x00', '1; DROP TABLE scan'),
    ]) {
      await expect(list({ cursor, sort: 'severity' })).rejects.toMatchObject({ code: 'cursor_invalid' });
    }
  });
});

describe('while scans come and go', () => {
  it('gives what stays exactly once', async () => {
    const added = inventory.scans.map((scan) => ({ ...scan, ...SCAN_DEFAULTS, id: scan.id + 50 }));
    const seen: number[] = [];
    await walk(
      async (query: ScansQuery) => {
        const page = await list(query);
        seen.push(...page.items.map((item) => item.id));
        return page;
      },
      { limit: 10 },
      async () => insertRows(db, 'scan', added.splice(0, 10)),
    );
    const stayed = seen.filter((id) => id % 100 < 50);
    expect(stayed).toEqual(expected({}));
    expect(new Set(seen).size).toBe(seen.length);
    await db.query('DELETE FROM scan WHERE id % 100 >= 50');
  });
});

describe('scans by id', () => {
  it('come in the order asked for, without those that do not exist', async () => {
    const ids = [inventory.scans[3], inventory.scans[0], inventory.scans[7]].map((scan) => scan?.id ?? 0);
    const found = await getScanSummaries(db, [ids[0] ?? 0, 987_654, ...ids.slice(1)]);
    expect(found.map((scan) => scan.id)).toEqual(ids);
    expect(await getScanSummaries(db, [])).toEqual([]);
  });

  it('are null where there is none', async () => {
    expect(await getScan(db, 987_654)).toBeNull();
    expect(await getDocument(db, 987_654)).toBeNull();
  });

  it('have their document', async () => {
    const document = await getDocument(db, inventory.scans[0]?.id ?? 0);
    expect(document).toEqual({ gzip: Buffer.from([0x1f, 0x8b]), bytes: 1234 });
  });
});

describe('with more than ten thousand scans', () => {
  it('stops counting, and reads a page by an index', async () => {
    const [first] = inventory.artifacts;
    await db.query(`SELECT setval('scan_id_seq', 1000000)`);
    await db.query(
      `INSERT INTO scan (artifact_id, artifact_name, document_id, kinds, scanned_at, document_sha256, findings_sha256,
         critical, high, medium, low, unknown, fixable, misconfigurations, secrets, licenses, suppressed)
       SELECT $1, $2, 1, 1, now() - number * interval '1 minute', '', '', number % 5, 0, 0, 0, 0, 0, 0, 0, 0, 0
       FROM generate_series(1, 10001 - $3::int) number`,
      [first?.id, first?.name, inventory.scans.length],
    );
    expect(await list({ limit: 1 })).toMatchObject({ total: 10_000, totalIsExact: false });
    await db.query('DELETE FROM scan WHERE id = (SELECT max(id) FROM scan)');
    expect(await list({ limit: 1 })).toMatchObject({ total: 10_000, totalIsExact: true });
    await db.query('ANALYZE scan');

    const indexes = {
      scannedAt: 'scan_scanned',
      receivedAt: 'scan_received',
      severity: 'scan_severity',
      artifact: 'scan_artifact_name',
    } as const;
    for (const [sort, index] of Object.entries(indexes) as [keyof typeof indexes, string][]) {
      const plan = await explainPage({ sort });
      expect(plan).toMatch(new RegExp(`Index Scan (Backward )?using ${index} on scan`));
      // The rows of the page may be sorted once more, after the artifacts are joined to them.
      expect(plan).not.toMatch(/Seq Scan on scan/);
      expect(plan.match(/Sort {2}/g) ?? []).toHaveLength(plan.startsWith('Sort') ? 1 : 0);
    }
  });

  /** The plan of the statement that reads a page. */
  async function explainPage(query: ScansQuery): Promise<string> {
    let plan = '';
    await listScans(
      {
        query: async (sql, values) => {
          const explained = await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
          plan = explained.rows.map((row) => row['QUERY PLAN']).join('\n');
          return db.query(sql, values);
        },
      },
      query,
    );
    return plan;
  }
});
