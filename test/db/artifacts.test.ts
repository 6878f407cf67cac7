import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArtifact, listArtifacts } from '../../src/db/artifacts.ts';
import { FilterError } from '../../src/db/filters.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { listRepositories } from '../../src/db/repositories.ts';
import type { ArtifactSummary, ArtifactsQuery, RepositoriesQuery, Repository } from '../../src/schemas.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import {
  type ArtifactData,
  byTime,
  compare,
  compareCounts,
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

const KINDS = ['vulnerability', 'misconfiguration', 'secret', 'license'] as const;
const inventory = makeInventory(seeded(2), 120);

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

const artifacts = (query: ArtifactsQuery) => db.snapshot((snapshot) => listArtifacts(snapshot, query));
const repositories = (query: RepositoriesQuery) =>
  db.snapshot((snapshot) => listRepositories(snapshot, query));

function scansOf(artifact: ArtifactData): ScanData[] {
  return inventory.scans.filter((scan) => scan.artifact_id === artifact.id).sort(byTime);
}

function isSelected(query: RepositoriesQuery, artifact: ArtifactData): boolean {
  return (
    selects(query, inventory, artifact, artifact, artifact.last_seen_at) &&
    (query.kind?.some((kind) => scansOf(artifact).some((scan) => scan.kinds & (1 << KINDS.indexOf(kind)))) ??
      true) &&
    (query.worst?.some((severity) => severity === worstOf(artifact)) ?? true) &&
    (query.stale ?? artifact.stale) === artifact.stale &&
    (query.eosl ?? artifact.eosl) === artifact.eosl
  );
}

const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const;
const worstOf = (artifact: ArtifactData) =>
  SEVERITIES.find((severity) => artifact[severity.toLowerCase() as Lowercase<typeof severity>] > 0);

function directionOf(query: RepositoriesQuery): 1 | -1 {
  return (query.order ?? (query.sort === 'name' ? 'asc' : 'desc')) === 'asc' ? 1 : -1;
}

const COMPARE: Record<string, (a: ArtifactData, b: ArtifactData) => number> = {
  severity: compareCounts,
  name: (a, b) => compare(a.name, b.name),
  lastSeenAt: (a, b) => compare(a.last_seen_at, b.last_seen_at),
};

function expectedArtifacts(query: ArtifactsQuery): number[] {
  const order = COMPARE[query.sort ?? 'severity'];
  return inventory.artifacts
    .filter((artifact) => isSelected(query, artifact))
    .sort((a, b) => directionOf(query) * (order?.(a, b) || a.id - b.id))
    .map((artifact) => artifact.id);
}

async function expectArtifacts(query: ArtifactsQuery): Promise<void> {
  const ids = expectedArtifacts(query);
  const { items, totals } = await walk(artifacts, query);
  expect(items.map((item) => item.id)).toEqual(ids);
  expect(new Set(totals)).toEqual(new Set([ids.length]));
}

const ANY_QUERY = queries({
  ...SHARED_FILTERS,
  worst: fc.subarray([...SEVERITIES], { minLength: 1, maxLength: 2 }),
  stale: fc.boolean(),
  eosl: fc.boolean(),
  sort: fc.constantFrom('severity' as const, 'name' as const, 'lastSeenAt' as const),
});
const SORTS = ['severity', 'name', 'lastSeenAt'] as const;

describe('the list of artifacts', () => {
  it('works', async () => {
    const page = await artifacts({});
    expect(page.items.map((item) => item.id)).toEqual(expectedArtifacts({}).slice(0, 50));
    expect(page).toMatchObject({ total: 120, totalIsExact: true });
  });

  for (const sort of SORTS) {
    for (const order of [undefined, 'asc', 'desc'] as const) {
      it(`pages in order of ${sort} ${order ?? 'by default'}`, async () => {
        await expectArtifacts({ sort, limit: 7, ...(order ? { order } : {}) });
      });
    }
  }

  it('gives each artifact with the latest scan of every kind', async () => {
    const { items } = await walk(artifacts, { limit: 30 });
    for (const item of items) expectSummary(item);
  });

  it('selects as a reader of all rows would, whatever the filters', async () => {
    await fc.assert(fc.asyncProperty(ANY_QUERY, expectArtifacts), { numRuns: 200, seed: 8 });
  });

  it.each(HOSTILE.map((text) => [text.slice(0, 20), text]))(
    'takes %j for a text like any other',
    async (_, text) => {
      await expectArtifacts({ artifact: [text], q: text });
      await expectArtifacts({ repository: [text], cluster: [text], namespace: [text] });
      await expectArtifacts({ label: [`${text}=${text}`] });
    },
  );

  it('refuses times that are none', async () => {
    await expect(artifacts({ since: 'soon' })).rejects.toThrow(FilterError);
  });

  it('reads a page with at most three statements, by an index of its sort', async () => {
    await db.query('ANALYZE artifact, scan');
    for (const sort of SORTS) {
      const statements: string[] = [];
      await listArtifacts(
        {
          query: async (sql, values) => {
            const { rows } = await db.query<{ 'QUERY PLAN': string }>(`EXPLAIN ${sql}`, values);
            statements.push(rows.map((row) => row['QUERY PLAN']).join('\n'));
            return db.query(sql, values);
          },
        },
        { sort, limit: 5 },
      );
      expect(statements).toHaveLength(3);
      expect(statements[1]).toMatch(/Index Scan (Backward )?using artifact_/);
    }
  });
});

function expectSummary(item: ArtifactSummary): void {
  const artifact = inventory.artifacts.find(({ id }) => id === item.id);
  if (!artifact) throw new Error(`artifact ${item.id} is not in the data`);
  const scans = scansOf(artifact);
  expect(item).toMatchObject({
    name: artifact.name,
    stale: artifact.stale,
    lastSeenAt: new Date(artifact.last_seen_at).toISOString(),
    labels: artifact.labels,
    fixableCount: artifact.fixable,
    scanCount: scans.length,
    workloadCount: inventory.workloads.filter((workload) => workload.artifact_id === item.id).length,
    digest: scans.findLast((scan) => scan.digest !== null)?.digest ?? null,
  });
  const latest = KINDS.map(
    (kind, index) => [kind, scans.findLast((scan) => scan.kinds & (1 << index))?.id] as const,
  );
  expect(Object.entries(item.latestScans).map(([kind, scan]) => [kind, scan.id])).toEqual(
    latest.filter(([, id]) => id !== undefined),
  );
  const withSystem = scans.filter((scan) => scan.latest_kinds !== 0 && scan.os_family !== null);
  expect(item.os === null).toBe(withSystem.length === 0);
}

describe('one artifact', () => {
  it('works', async () => {
    const artifact = inventory.artifacts.find(({ id }) =>
      inventory.workloads.some((row) => row.artifact_id === id),
    );
    const found = await getArtifact(db, artifact?.id ?? 0, '2026-02-01');
    if (!found) throw new Error('not found');
    expectSummary(found);
    const places = inventory.workloads.filter((row) => row.artifact_id === artifact?.id);
    expect(found.workloads).toHaveLength(places.length);
    expect(found.workloads[0]).toEqual({
      cluster: expect.any(String),
      namespace: expect.any(String),
      kind: 'Pod',
      name: 'web',
      container: 'main',
      lastSeenAt: '2026-02-01T00:00:00.000Z',
    });
  });

  it('is null where there is none', async () => {
    expect(await getArtifact(db, 987_654, '2026-02-01')).toBeNull();
  });

  it('has a point for the last scan for vulnerabilities of each of 90 UTC days', async () => {
    const id = 5_000;
    const [template] = inventory.scans;
    if (!template) throw new Error('no data');
    const scan = (number: number, scanned_at: string, kinds = 1) => {
      const critical = number;
      return {
        ...template,
        ...SCAN_DEFAULTS,
        id: 900_000 + number,
        artifact_id: id,
        scanned_at,
        kinds,
        critical,
        latest_kinds: 0,
      };
    };
    await insertRows(db, 'artifact', [
      {
        id,
        type: 'vm',
        name: 'history',
        repository: 'history',
        labels: {},
        last_seen_at: '2026-01-01T00:00:00Z',
        stale: false,
        eosl: false,
        critical: 0,
        high: 0,
        medium: 0,
        low: 0,
        unknown: 0,
        fixable: 0,
        misconfigurations: 0,
        secrets: 0,
        licenses: 0,
        created_at: '2026-01-01T00:00:00Z',
      },
    ]);
    await insertRows(db, 'scan', [
      scan(1, '2025-12-31T23:59:59Z'),
      scan(2, '2026-01-01T00:00:00Z'),
      scan(3, '2026-02-10T10:00:00Z'),
      scan(4, '2026-02-10T23:59:59.999999Z'),
      scan(5, '2026-02-10T23:59:59.999999Z', 6),
      scan(6, '2026-02-10T01:00:00Z'),
      scan(7, '2026-03-31T23:59:59.999999Z'),
      scan(8, '2026-04-01T00:00:00Z'),
    ]);
    for (const zone of ['UTC', 'Pacific/Kiritimati', 'America/Los_Angeles']) {
      const history = await db.snapshot(async (snapshot) => {
        await snapshot.query(`SET LOCAL TimeZone = '${zone}'`);
        return (await getArtifact(snapshot, id, '2026-03-31'))?.history;
      });
      expect(
        history?.map(({ day, scanId, severityCounts }) => [day, scanId, severityCounts.critical]),
      ).toEqual([
        ['2026-01-01', 900_002, 2],
        ['2026-02-10', 900_004, 4],
        ['2026-03-31', 900_007, 7],
      ]);
    }
    await db.query('DELETE FROM artifact WHERE id = $1', [id]);
  });
});

interface Group {
  id: number;
  artifacts: ArtifactData[];
  worst: ArtifactData | null;
  lastSeenAt: string;
}

/** Repositories of the artifacts that a query selects, in its order, by looking at every row. */
function expectedRepositories(query: RepositoriesQuery): Group[] {
  const groups = new Map<string, ArtifactData[]>();
  for (const artifact of inventory.artifacts.filter((candidate) => isSelected(query, candidate))) {
    const key = `${artifact.type} ${artifact.repository}`;
    groups.set(key, [...(groups.get(key) ?? []), artifact]);
  }
  const order: Record<string, (a: Group, b: Group) => number> = {
    severity: (a, b) =>
      a.worst && b.worst
        ? compareCounts(a.worst, b.worst)
        : Number(a.worst !== null) - Number(b.worst !== null),
    name: (a, b) => compare(a.artifacts[0]?.repository ?? '', b.artifacts[0]?.repository ?? ''),
    lastSeenAt: (a, b) => compare(a.lastSeenAt, b.lastSeenAt),
  };
  return [...groups.values()]
    .map((members) => ({
      id: Math.min(...members.map((artifact) => artifact.id)),
      artifacts: members,
      worst:
        members.filter((artifact) => !artifact.stale).sort((a, b) => compareCounts(b, a) || b.id - a.id)[0] ??
        null,
      lastSeenAt:
        members
          .map((artifact) => artifact.last_seen_at)
          .sort()
          .at(-1) ?? '',
    }))
    .sort((a, b) => directionOf(query) * (order[query.sort ?? 'severity']?.(a, b) || a.id - b.id));
}

function newestOf(group: Group): number | undefined {
  const scans = group.artifacts.flatMap((artifact) => scansOf(artifact).slice(-1));
  return scans.sort(byTime).at(-1)?.artifact_id;
}

async function expectRepositories(query: RepositoriesQuery): Promise<void> {
  const groups = expectedRepositories(query);
  const { items, totals } = await walk(repositories, query);
  expect(items.map(summarize)).toEqual(
    groups.map((group) => ({
      repository: group.artifacts[0]?.repository,
      type: group.artifacts[0]?.type,
      artifactCount: group.artifacts.length,
      staleCount: group.artifacts.filter((artifact) => artifact.stale).length,
      lastSeenAt: new Date(group.lastSeenAt).toISOString(),
      worst: group.worst?.id ?? null,
      newest: newestOf(group),
    })),
  );
  expect(new Set(totals)).toEqual(new Set([groups.length]));
}

function summarize({ worst, newest, ...row }: Repository) {
  for (const version of worst ? [worst, newest] : [newest]) {
    const artifact = inventory.artifacts.find(({ id }) => id === version.id);
    const { critical, high, medium, low, unknown } = artifact ?? ({} as ArtifactData);
    expect(version).toMatchObject({
      name: artifact?.name,
      version: artifact?.version,
      severityCounts: { critical, high, medium, low, unknown },
    });
  }
  return { ...row, worst: worst?.id ?? null, newest: newest.id };
}

describe('the list of repositories', () => {
  it('works', async () => {
    await expectRepositories({});
  });

  for (const sort of SORTS) {
    for (const order of [undefined, 'asc', 'desc'] as const) {
      it(`pages in order of ${sort} ${order ?? 'by default'}`, async () => {
        await expectRepositories({ sort, limit: 4, ...(order ? { order } : {}) });
      });
    }
  }

  it('groups what the filters select, whatever they are', async () => {
    await fc.assert(fc.asyncProperty(ANY_QUERY, expectRepositories), { numRuns: 200, seed: 9 });
  });

  it('has no worst version where all are stale', async () => {
    const { items } = await walk(repositories, { stale: true, limit: 200 });
    expect(items.length).toBeGreaterThan(0);
    expect(items.every((item) => item.worst === null)).toBe(true);
  });

  it('has a cursor of its own', async () => {
    const { nextCursor: cursor } = await artifacts({ limit: 1 });
    await expect(repositories({ ...(cursor ? { cursor } : {}) })).rejects.toMatchObject({
      code: 'cursor_mismatch',
    });
  });
});
