import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { allPages, EXPORT_PAGE } from '../../src/csv.ts';
import { FilterError } from '../../src/db/filters.ts';
import { listFindings } from '../../src/db/findings.ts';
import { CursorError } from '../../src/db/list.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import type { Finding, FindingsQuery } from '../../src/schemas.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { seeded, walk } from './inventory.ts';
import { queries } from './queries.ts';
import {
  chosen,
  compare,
  FILTERS,
  firstSeen,
  level,
  matches,
  NOW,
  type Row,
  readWorld,
  store,
  storeWorld,
  VULNERABILITIES,
  type World,
} from './world.ts';

let created: TestDatabase;
let database: Database;
let world: World;

beforeAll(async () => {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 15_000 });
  await storeWorld(database, seeded(7));
  world = await readWorld(database);
});

afterAll(async () => {
  await database.close();
  await created.drop();
});

const list = (query: FindingsQuery) => database.snapshot((db) => listFindings(db, query));

/** The rows that a query asks for, by looking at every finding of every latest scan. */
function expected(query: FindingsQuery): { row: Row; firstSeenAt: Date }[] {
  const artifacts = chosen(world, query);
  return world.findings
    .filter((row) => artifacts.includes(row.artifact))
    .map((row) => ({ row, firstSeenAt: firstSeen(world, [row.artifact], row.vulnerability) }))
    .filter(
      ({ row, firstSeenAt }) =>
        (query.severity?.includes(row.severity) ?? true) &&
        (query.fixable ?? row.fixedVersion !== null) === (row.fixedVersion !== null) &&
        (query.status?.some((status) => status === row.status) ?? true) &&
        (query.package?.includes(row.package) ?? true) &&
        (query.vulnerability?.includes(row.vulnerability) ?? true) &&
        (query.q === undefined || matches(row, query.q)) &&
        (query.since === undefined || firstSeenAt >= new Date(query.since)) &&
        (query.until === undefined ||
          firstSeenAt.toISOString() <=
            query.until.replace(/^(.{10})$/, '$1T23:59:59.999Z').replace(/:00Z$/, ':00.000Z')),
    );
}

const COMPARE: Record<string, (a: Finding, b: Finding) => number> = {
  severity: (a, b) => level(a.severity) - level(b.severity),
  artifact: (a, b) => compare(a.artifact.name, b.artifact.name),
  package: (a, b) => compare(a.package, b.package),
  firstSeenAt: (a, b) => compare(a.firstSeenAt, b.firstSeenAt),
};

/** What tells one finding from another; exact repeats are told apart by nothing. */
const keyOf = (row: Row, firstSeenAt: Date) =>
  JSON.stringify([
    row.artifact.id,
    row.scanId,
    row.vulnerability,
    row.severity,
    row.package,
    row.installedVersion,
    row.fixedVersion,
    row.status,
    row.path || null,
    row.target,
    row.title,
    row.cvss,
    firstSeenAt.toISOString(),
  ]);
const keyOfItem = (item: Finding) =>
  JSON.stringify([
    item.artifact.id,
    item.scanId,
    item.vulnerabilityId,
    item.severity,
    item.package,
    item.installedVersion,
    item.fixedVersion,
    item.status,
    item.path,
    item.target,
    item.title,
    item.cvss,
    item.firstSeenAt,
  ]);

describe('findings', () => {
  it('work', async () => {
    const { items, total, totalIsExact, nextCursor } = await list({ limit: 5 });
    expect(items).toHaveLength(5);
    expect(total).toBe(world.findings.filter((row) => !row.artifact.stale).length);
    expect(totalIsExact).toBe(true);
    expect(nextCursor).not.toBeNull();
  });

  it('are all and only the rows of the latest scans that the filters select, in order, once', async () => {
    const query = queries({
      ...FILTERS,
      vulnerability: fc.uniqueArray(fc.constantFrom(...VULNERABILITIES, 'cve-2024-9999', '\0'), {
        minLength: 1,
        maxLength: 3,
      }),
      sort: fc.constantFrom(
        'severity' as const,
        'artifact' as const,
        'package' as const,
        'firstSeenAt' as const,
      ),
    });
    await fc.assert(
      fc.asyncProperty(query, async (query) => {
        const { items, totals } = await walk(list, query);
        const rows = expected(query);
        expect(items.map(keyOfItem).sort()).toEqual(
          rows.map(({ row, firstSeenAt }) => keyOf(row, firstSeenAt)).sort(),
        );
        expect(new Set(totals)).toEqual(new Set([rows.length]));
        const sort = query.sort ?? 'severity';
        const ascending =
          (query.order ?? (sort === 'artifact' || sort === 'package' ? 'asc' : 'desc')) === 'asc';
        const sorted = [...items].sort((a, b) => (ascending ? 1 : -1) * (COMPARE[sort]?.(a, b) ?? 0));
        expect(items.map((item) => COMPARE[sort]?.(item, sorted[items.indexOf(item)] ?? item))).toEqual(
          items.map(() => 0),
        );
      }),
      { numRuns: 150 },
    );
  });

  it('have the report’s link, or else the vulnerability’s', async () => {
    const { items } = await list({ limit: 200 });
    expect(items.some((item) => item.primaryUrl?.startsWith('https://example.org/'))).toBe(true);
    for (const { primaryUrl } of items)
      expect(primaryUrl === null || primaryUrl.startsWith('https://')).toBe(true);
  });

  it('that stand twice in a report are two', async () => {
    const twice = { vulnerabilityId: 'CVE-1999-2', package: 'twice', path: null, target: 'here' };
    await store(database, {
      artifact: 'twice:1',
      scannedAt: NOW,
      findings: [twice, twice].map((f) => ({
        ...f,
        installedVersion: '1',
        purl: null,
        fixedVersion: null,
        status: 'affected',
        severity: 'LOW',
        title: null,
        primaryUrl: null,
        packageType: null,
        class: null,
      })),
    });
    const { items } = await list({ vulnerability: ['CVE-1999-2'] });
    expect(items).toHaveLength(2);
    expect(items[0]).toEqual(items[1]);
    world = await readWorld(database);
  });

  it('of stale artifacts are in no list', async () => {
    expect(world.findings.some((row) => row.artifact.stale)).toBe(true);
    expect((await list({ repository: ['old'] })).total).toBe(0);
  });

  it('refuse a time that is none, and the cursor of other filters', async () => {
    await expect(list({ since: 'yesterday' })).rejects.toThrow(FilterError);
    const { nextCursor } = await list({ limit: 1 });
    await expect(list({ cursor: nextCursor ?? '', severity: ['LOW'] })).rejects.toThrow(CursorError);
    await expect(list({ cursor: nextCursor ?? '', sort: 'package' })).rejects.toThrow(CursorError);
  });

  it('are exported as listed, without totals', async () => {
    const query: FindingsQuery = { sort: 'package', severity: ['HIGH', 'LOW'] };
    const exported: Finding[] = [];
    await database.snapshot(async (db) => {
      const pages = allPages((cursor) =>
        listFindings(db, { ...query, ...(cursor ? { cursor } : {}) }, { ...EXPORT_PAGE, limit: 4 }),
      );
      for await (const items of pages) exported.push(...items);
    });
    expect(exported).toEqual((await walk(list, query)).items);
  });
});

describe('many findings', () => {
  // More than a total counts to, so that pages are walked; the few critical ones come first and none is of `many:1`.
  const MANY = 12_000;
  beforeAll(async () => {
    const plan = (artifact: string, severity: 'LOW' | 'CRITICAL', count: number, from: number) =>
      store(database, {
        artifact,
        scannedAt: NOW,
        findings: Array.from({ length: count }, (_, index) => ({
          vulnerabilityId: `CVE-1998-${from}`,
          package: `many-${from + index}`,
          severity,
        })),
      });
    await plan('many:1', 'LOW', MANY, 0);
    await plan('many:2', 'CRITICAL', MANY, MANY);
    await database.query('ANALYZE current_finding');
  }, 60_000);

  it('have a total that says it is not exact', async () => {
    expect(await list({ repository: ['many'], limit: 1 })).toMatchObject({
      total: 10_000,
      totalIsExact: false,
    });
  });

  it('are found also where the order begins with thousands that the filters do not select', async () => {
    const { items, nextCursor } = await list({ artifact: ['many:1'], limit: 200 });
    expect(items).toHaveLength(200);
    expect(new Set(items.map((item) => item.artifact.name))).toEqual(new Set(['many:1']));
    const next = await list({ artifact: ['many:1'], limit: 200, cursor: nextCursor ?? '' });
    expect(new Set([...items, ...next.items].map((item) => item.package)).size).toBe(400);
  });

  it.each([
    { artifact: ['many:1'] },
    { artifact: ['many:1'], sort: 'package' as const, order: 'desc' as const },
    { repository: ['many'], severity: ['LOW' as const], sort: 'firstSeenAt' as const },
    { q: 'many-', severity: ['LOW' as const] },
    { vulnerability: ['CVE-1998-0'] },
    { vulnerability: ['CVE-1998-0'], severity: ['LOW' as const, 'HIGH' as const], order: 'asc' as const },
    { vulnerability: ['CVE-1998-0', 'CVE-2024-9999'], artifact: ['many:1'] },
  ])('come exactly once: %j', async (query) => {
    const items: Finding[] = [];
    await database.snapshot(async (db) => {
      for await (const page of allPages((cursor) =>
        listFindings(db, { ...query, ...(cursor ? { cursor } : {}) }, EXPORT_PAGE),
      ))
        items.push(...page);
    });
    expect(items).toHaveLength(MANY);
    expect(new Set(items.map((item) => item.package)).size).toBe(MANY);
  });
});
