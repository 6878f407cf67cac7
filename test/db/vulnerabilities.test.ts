import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { listArtifacts } from '../../src/db/artifacts.ts';
import { listFindings } from '../../src/db/findings.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { getVulnerability, listVulnerabilities } from '../../src/db/vulnerabilities.ts';
import type {
  ArtifactsQuery,
  Finding,
  Severity,
  VulnerabilitiesQuery,
  Vulnerability,
} from '../../src/schemas.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { seeded, walk } from './inventory.ts';
import { queries } from './queries.ts';
import {
  type ArtifactChoice,
  chosen,
  compare,
  FILTERS,
  firstSeen,
  level,
  markStale,
  matches,
  type Row,
  readWorld,
  store,
  storeWorld,
  type World,
} from './world.ts';

const SORTS = [
  'severity',
  'priority',
  'cvss',
  'affectedArtifacts',
  'firstSeenAt',
  'publishedAt',
  'id',
] as const;

let created: TestDatabase;
let database: Database;

async function open(): Promise<void> {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 15_000 });
}
async function close(): Promise<void> {
  await database.close();
  await created.drop();
}

const list = (query: VulnerabilitiesQuery) => database.snapshot((db) => listVulnerabilities(db, query));
const get = (id: string) => database.snapshot((db) => getVulnerability(db, id));

/** How many artifacts have each severity as the worst. */
function severitiesOf(rows: { severity: Severity; artifact: { id: number } }[]): Record<string, number> {
  const severities: Record<string, number> = { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 };
  for (const id of new Set(rows.map((row) => row.artifact.id))) {
    const worst = rows
      .filter((row) => row.artifact.id === id)
      .map((row) => row.severity)
      .reduce((a, b) => (level(a) > level(b) ? a : b));
    const name = worst.toLowerCase();
    severities[name] = (severities[name] ?? 0) + 1;
  }
  return severities;
}

function groupBy<Item>(items: Item[], key: (item: Item) => string): [string, Item[]][] {
  const groups = new Map<string, Item[]>();
  for (const item of items) groups.set(key(item), [...(groups.get(key(item)) ?? []), item]);
  return [...groups];
}

/** A vulnerability's item, from its findings in the chosen artifacts. */
function itemOf(world: World, artifacts: ReturnType<typeof chosen>, id: string, rows: Row[]) {
  const [first] = rows;
  if (!first) throw new Error('a group without rows');
  const packages = [...new Set(rows.map((row) => row.package))].sort(compare);
  return {
    id,
    severity: rows.map((row) => row.severity).reduce((a, b) => (level(a) > level(b) ? a : b)),
    severities: severitiesOf(rows),
    title: first.title,
    cvss: first.cvss,
    fixable: rows.some((row) => row.fixedVersion !== null),
    packages: packages.slice(0, 5),
    packageCount: packages.length,
    affectedArtifacts: new Set(rows.map((row) => row.artifact.id)).size,
    firstSeenAt: firstSeen(world, artifacts, id).toISOString(),
    publishedAt: first.publishedAt?.toISOString() ?? null,
  };
}

function expected(world: World, query: VulnerabilitiesQuery) {
  const artifacts = chosen(world, query);
  const rows = world.findings.filter((row) => artifacts.includes(row.artifact));
  return groupBy(rows, (row) => row.vulnerability)
    .filter(
      ([, found]) =>
        found.some(
          (row) =>
            (query.status?.some((status) => status === row.status) ?? true) &&
            (query.package?.includes(row.package) ?? true) &&
            (!query.fixable || row.fixedVersion !== null),
        ) &&
        (query.q === undefined || found.some((row) => matches(row, query.q ?? ''))),
    )
    .map(([id, found]) => itemOf(world, artifacts, id, found))
    .filter(
      (item) =>
        (query.severity?.includes(item.severity) ?? true) &&
        (query.fixable === undefined || query.fixable === item.fixable) &&
        (query.since === undefined || Date.parse(item.firstSeenAt) >= Date.parse(query.since)) &&
        (query.until === undefined ||
          Date.parse(item.firstSeenAt) <=
            Date.parse(query.until) + (query.until.length === 10 ? 86_399_999 : 0)),
    );
}

describe('vulnerabilities of random reports', () => {
  let world: World;
  let natural: Map<string, string>;
  beforeAll(async () => {
    await open();
    await storeWorld(database, seeded(11));
    world = await readWorld(database);
    natural = new Map(world.findings.map((row) => [row.vulnerability, row.naturalOrder]));
  });
  afterAll(close);

  const COMPARE: Record<string, (a: Vulnerability, b: Vulnerability) => number> = {
    severity: (a, b) => level(a.severity) - level(b.severity),
    priority: (a, b) =>
      level(a.severity) - level(b.severity) ||
      Number(a.fixable) - Number(b.fixable) ||
      a.affectedArtifacts - b.affectedArtifacts,
    cvss: (a, b) => (a.cvss ?? -1) - (b.cvss ?? -1),
    affectedArtifacts: (a, b) => a.affectedArtifacts - b.affectedArtifacts,
    firstSeenAt: (a, b) => compare(a.firstSeenAt, b.firstSeenAt),
    publishedAt: (a, b) => compare(a.publishedAt ?? '', b.publishedAt ?? ''),
    id: (a, b) => compare(natural.get(a.id) ?? '', natural.get(b.id) ?? ''),
  };

  it('are what the filters select of all findings, grouped, in order, once', async () => {
    const query = queries({ ...FILTERS, sort: fc.constantFrom(...SORTS) });
    await fc.assert(
      fc.asyncProperty(query, fc.integer({ min: 1, max: 4 }), async (anyQuery, limit) => {
        const query = { ...anyQuery, limit };
        const { items, totals } = await walk(list, query);
        const wanted = expected(world, query);
        const byId = (a: { id: string }, b: { id: string }) => compare(a.id, b.id);
        expect([...items].map(({ primaryUrl, ...item }) => item).sort(byId)).toEqual(wanted.sort(byId));
        expect(new Set(totals)).toEqual(new Set([wanted.length]));
        const sort = query.sort ?? 'severity';
        const sign = (query.order ?? (sort === 'id' ? 'asc' : 'desc')) === 'asc' ? 1 : -1;
        for (const [index, item] of items.slice(1).entries()) {
          const before = items[index] ?? item;
          expect(sign * (COMPARE[sort]?.(before, item) ?? 0)).toBeLessThanOrEqual(0);
        }
      }),
      { numRuns: 200 },
    );
  });

  it('are the list of findings, grouped', async () => {
    const choices: ArtifactChoice[] = [
      {},
      { label: ['team=red'] },
      { repository: ['nginx'] },
      { cluster: ['prod'] },
    ];
    for (const choice of choices) {
      const findings = (
        await walk(
          (query: ArtifactChoice & { cursor?: string }) =>
            database.snapshot((db) => listFindings(db, query as object)),
          choice,
        )
      ).items;
      const { items } = await walk(list, choice as VulnerabilitiesQuery);
      expect(items.length).toBeGreaterThan(0);
      const groups = new Map(groupBy(findings, (finding: Finding) => finding.vulnerabilityId));
      expect(new Set(items.map((item) => item.id))).toEqual(new Set(groups.keys()));
      for (const item of items) expect(item.severities).toEqual(severitiesOf(groups.get(item.id) ?? []));
    }
  });

  it('are each described as they are listed', async () => {
    for (const item of (await list({})).items) {
      const detail = await get(item.id);
      const { packages, packageCount, ...same } = item;
      expect(detail).toMatchObject(same);
      expect(detail?.packages.map((one) => one.package).slice(0, 5)).toEqual(packages);
      expect(detail?.packages).toHaveLength(packageCount);
      const rows = world.findings.filter((row) => row.vulnerability === item.id);
      expect(detail?.findingCount).toBe(rows.filter((row) => !row.artifact.stale).length);
      expect(detail?.staleArtifacts).toBe(
        new Set(rows.filter((row) => row.artifact.stale).map((row) => row.artifact.id)).size,
      );
    }
  });
});

describe('vulnerabilities', () => {
  const day = (date: number) => new Date(Date.UTC(2026, 2, date));
  const base = {
    installedVersion: '1',
    fixedVersion: null,
    status: 'affected',
    title: null,
    path: null,
  } as const;
  const ids = async (query: VulnerabilitiesQuery) => (await list(query)).items.map((item) => item.id);
  beforeAll(async () => {
    await open();
    await store(database, {
      artifact: 'gone:1',
      scannedAt: day(1),
      findings: [{ ...base, vulnerabilityId: 'CVE-2024-9999', severity: 'LOW' }],
    });
    await store(database, { artifact: 'gone:1', scannedAt: day(2), findings: 0 });
    const fixed = { fixedVersion: '2', status: 'fixed' };
    await store(
      database,
      {
        artifact: 'app:1',
        scannedAt: day(3),
        findings: [
          { ...base, vulnerabilityId: 'CVE-2024-9999', severity: 'LOW', package: 'b' },
          { ...base, vulnerabilityId: 'CVE-2024-9999', severity: 'HIGH', package: 'a', ...fixed },
          {
            ...base,
            vulnerabilityId: 'CVE-2024-9999',
            severity: 'HIGH',
            package: 'a',
            installedVersion: '1.1',
            ...fixed,
          },
          { ...base, vulnerabilityId: 'CVE-2024-10000', severity: 'LOW', package: 'b', cvssScore: null },
        ],
      },
      { team: 'red' },
    );
    await store(database, {
      artifact: 'app:2',
      scannedAt: day(4),
      findings: [
        { ...base, vulnerabilityId: 'CVE-2024-9999', severity: 'LOW', package: 'a', ...fixed },
        ...['f', 'e', 'd', 'c', 'b', 'a'].map((name) => ({
          ...base,
          vulnerabilityId: 'CVE-2024-6',
          package: name,
          severity: 'LOW' as const,
        })),
      ],
    });
    await store(
      database,
      {
        artifact: 'stale:1',
        scannedAt: new Date('2025-01-01'),
        findings: [
          { ...base, vulnerabilityId: 'CVE-2024-9999', severity: 'CRITICAL' },
          { ...base, vulnerabilityId: 'CVE-2020-1', severity: 'CRITICAL' },
        ],
      },
      {},
      new Date('2025-01-01'),
    );
    await markStale(database, day(1));
  });
  afterAll(close);

  it('work', async () => {
    expect(await list({ q: '9999' })).toMatchObject({
      items: [
        {
          id: 'CVE-2024-9999',
          severity: 'HIGH',
          severities: { critical: 0, high: 1, medium: 0, low: 1, unknown: 0 },
          fixable: true,
          packages: ['a', 'b'],
          packageCount: 2,
          affectedArtifacts: 2,
        },
      ],
      nextCursor: null,
      total: 1,
      totalIsExact: true,
    });
  });

  it('have numbers about the chosen artifacts', async () => {
    const about = async (artifact: string) => (await list({ artifact: [artifact], q: '9999' })).items[0];
    expect(await about('app:2')).toMatchObject({
      severity: 'LOW',
      severities: { high: 0, low: 1 },
      packages: ['a'],
      affectedArtifacts: 1,
      firstSeenAt: day(4).toISOString(),
    });
    expect(await about('app:1')).toMatchObject({ severity: 'HIGH', firstSeenAt: day(3).toISOString() });
  });

  it('were first seen also where they are gone now', async () => {
    const [item] = (await list({ q: '9999' })).items;
    expect(item?.firstSeenAt).toBe(day(1).toISOString());
    const [chosenItem] = (await list({ artifact: ['gone:1', 'app:2'], q: '9999' })).items;
    expect(chosenItem).toMatchObject({ firstSeenAt: day(1).toISOString(), affectedArtifacts: 1 });
    expect(await ids({ artifact: ['gone:1'] })).toEqual([]);
  });

  it('are listed by the highest severity that they have in the chosen artifacts', async () => {
    expect(await ids({ severity: ['HIGH'] })).toEqual(['CVE-2024-9999']);
    expect(await ids({ severity: ['LOW'], sort: 'id' })).toEqual(['CVE-2024-6', 'CVE-2024-10000']);
    expect(await ids({ severity: ['HIGH'], artifact: ['app:2'] })).toEqual([]);
  });

  it('are ordered as people count', async () => {
    expect(await ids({ sort: 'id' })).toEqual(['CVE-2024-6', 'CVE-2024-9999', 'CVE-2024-10000']);
    expect(await ids({ sort: 'id', label: ['team=red'] })).toEqual(['CVE-2024-9999', 'CVE-2024-10000']);
  });

  it('without a score come last by score', async () => {
    expect((await ids({ sort: 'cvss' })).at(-1)).toBe('CVE-2024-10000');
    expect((await ids({ sort: 'cvss', artifact: ['app:1'] })).at(-1)).toBe('CVE-2024-10000');
  });

  it('name five packages at most, and say how many there are', async () => {
    const item = { packages: ['a', 'b', 'c', 'd', 'e'], packageCount: 6 };
    expect((await list({ q: '2024-6' })).items).toMatchObject([item]);
    expect((await list({ q: '2024-6', artifact: ['app:2'] })).items).toMatchObject([item]);
  });

  it('match filters on findings by one finding that has all of it', async () => {
    expect(await ids({ package: ['a'], status: ['fixed'], fixable: true })).toEqual(['CVE-2024-9999']);
    expect(await ids({ package: ['b'], fixable: true })).toEqual([]);
    expect(await ids({ package: ['b'], fixable: true, artifact: ['app:1'] })).toEqual([]);
  });

  it('choose the artifacts that have them, by package those that are not stale', async () => {
    const names = async (query: ArtifactsQuery) =>
      (await database.snapshot((db) => listArtifacts(db, query))).items.map(({ name }) => name).sort();
    expect(await names({ vulnerability: ['CVE-2024-9999'] })).toEqual(['app:1', 'app:2', 'stale:1']);
    expect(await names({ vulnerability: ['CVE-2024-9999'], stale: false })).toEqual(['app:1', 'app:2']);
    expect(await names({ vulnerability: ['CVE-2020-1', 'CVE-2024-6'] })).toEqual(['app:2', 'stale:1']);
    expect(await names({ vulnerability: ['CVE-2024-6'], package: ['f', 'zlib'] })).toEqual(['app:2']);
    expect(await names({ vulnerability: ['CVE-2024-10000'], package: ['f'] })).toEqual([]);
    expect(await names({ package: ['b'] })).toEqual(['app:1', 'app:2']);
    expect(await names({ vulnerability: ['CVE-1999-1', '\0'] })).toEqual([]);
  });

  it('without a fix are those of which no finding has one', async () => {
    expect(await ids({ fixable: false, sort: 'id' })).toEqual(['CVE-2024-6', 'CVE-2024-10000']);
  });

  it('are not in the list where only stale artifacts have them, but described', async () => {
    expect(await ids({ q: 'CVE-2020-1' })).toEqual([]);
    expect(await get('CVE-2020-1')).toMatchObject({
      id: 'CVE-2020-1',
      severity: 'CRITICAL',
      severities: { critical: 0, high: 0, medium: 0, low: 0, unknown: 0 },
      affectedArtifacts: 0,
      findingCount: 0,
      fixable: false,
      staleArtifacts: 1,
      packages: [],
      firstSeenAt: '2025-01-01T00:00:00.000Z',
    });
  });

  it('are described with what fixes them and in how many artifacts', async () => {
    const detail = await get('CVE-2024-9999');
    expect(detail?.packages).toEqual([
      {
        package: 'a',
        artifacts: 2,
        fixes: [
          { installedVersion: '1', fixedVersion: '2', artifacts: 2 },
          { installedVersion: '1.1', fixedVersion: '2', artifacts: 1 },
        ],
      },
      { package: 'b', artifacts: 1, fixes: [{ installedVersion: '1', fixedVersion: null, artifacts: 1 }] },
    ]);
    expect(detail).toMatchObject({ findingCount: 4, affectedArtifacts: 2, staleArtifacts: 1, fixable: true });
    expect(detail?.severityBySource).toMatchObject({ nvd: expect.stringMatching(/^[A-Z]+$/) });
    expect(detail?.cvssBySource).toHaveProperty('nvd.V3Score');
    expect(detail?.references.length).toBeGreaterThan(0);
  });

  it.each(['CVE-1-1', '', 'cve-2024-9999', "'", 'a\0', '\ud800'])('are null for %j', async (id) => {
    expect(await get(id)).toBeNull();
  });

  it('are null where no latest scan has them any more', async () => {
    await store(database, {
      artifact: 'app:3',
      scannedAt: day(5),
      findings: [{ ...base, vulnerabilityId: 'CVE-2021-1' }],
    });
    expect(await get('CVE-2021-1')).not.toBeNull();
    await store(database, { artifact: 'app:3', scannedAt: day(6), findings: 0 });
    expect(await get('CVE-2021-1')).toBeNull();
  });

  it('move back when a late report is older', async () => {
    const late = { vulnerabilityId: 'CVE-2019-1', package: 'late', severity: 'LOW' } as const;
    await store(database, { artifact: 'late:1', scannedAt: day(9), findings: [{ ...base, ...late }] });
    await store(database, {
      artifact: 'late:1',
      scannedAt: day(7),
      findings: [
        { ...base, ...late },
        { ...base, ...late, package: 'x' },
      ],
    });
    for (const query of [{ q: 'CVE-2019-1' }, { q: 'CVE-2019-1', artifact: ['late:1'] }])
      expect((await list(query)).items).toMatchObject([
        { firstSeenAt: day(7).toISOString(), packages: ['late'] },
      ]);
  });
});
