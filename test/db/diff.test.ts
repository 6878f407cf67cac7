import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { diffScans } from '../../src/db/diff.ts';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { getScan } from '../../src/db/scans.ts';
import type { DiffItem, DiffList, DiffQuery } from '../../src/schemas.ts';
import {
  type Kind,
  type OtherFinding,
  SEVERITIES,
  type VulnerabilityFinding,
} from '../../src/trivy/report.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { finding, generateDocument } from './generate.ts';
import { compare } from './inventory.ts';

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  db = openDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: 10_000 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

interface Plan {
  artifact?: string;
  findings?: Partial<VulnerabilityFinding>[];
  others?: OtherFinding[];
  kinds?: Kind[];
  day?: number;
}

let stored = 0;
/** Stores a scan; without a day on the day after the one stored before. @returns its id */
async function store(plan: Plan): Promise<number> {
  stored += 1;
  const scannedAt = new Date(Date.UTC(2024, 0, plan.day ?? stored));
  const { artifact = `diff:${stored}`, findings = [], others = [], kinds = ['vulnerability'] } = plan;
  const document = generateDocument({
    artifact,
    findings,
    others,
    kinds,
    scannedAt,
    reportId: String(stored),
  });
  const { value } = await db.transaction((tx) =>
    storeDocument(tx, document, { labels: {}, uploadedBy: null }),
  );
  return value.items[0]?.id ?? 0;
}

async function diff(scan: number, against: number | null, query: DiffQuery = {}): Promise<DiffList> {
  const list = await db.snapshot((snapshot) => diffScans(snapshot, scan, against, query));
  if (!list) throw new Error(`there is no scan ${scan}`);
  return list;
}

/** All pages. */
async function walkDiff(scan: number, against: number | null, query: DiffQuery): Promise<DiffItem[]> {
  const items: DiffItem[] = [];
  let cursor: string | undefined;
  do {
    const page = await diff(scan, against, { ...query, ...(cursor === undefined ? {} : { cursor }) });
    items.push(...page.items);
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return items;
}

const brief = (item: DiffItem) => [
  item.change,
  item.finding.vulnerabilityId,
  item.versionBefore,
  item.versionAfter,
];

function other(kind: OtherFinding['kind'], code: string, changes: Partial<OtherFinding> = {}): OtherFinding {
  const status = kind === 'misconfiguration' ? 'FAIL' : null;
  const plain = {
    kind,
    severity: 'LOW' as const,
    status,
    code,
    title: null,
    target: 'a.tf',
    package: null,
    ...changes,
  };
  return { ...plain, detail: { code, severity: plain.severity, status: plain.status } };
}

describe('what changed between two scans', () => {
  it('works', async () => {
    const artifact = 'works:1';
    const before = await store({
      artifact,
      findings: [
        { vulnerabilityId: 'CVE-1', installedVersion: '1.0' },
        { vulnerabilityId: 'CVE-2', installedVersion: '1.0' },
      ],
    });
    const after = await store({
      artifact,
      findings: [
        { vulnerabilityId: 'CVE-1', installedVersion: '1.1' },
        { vulnerabilityId: 'CVE-3', installedVersion: null, package: 'new', severity: 'CRITICAL' },
      ],
    });
    const list = await diff(after, null);
    expect(list).toMatchObject({
      against: before,
      counts: { new: 1, gone: 1, same: 1 },
      total: 3,
      totalIsExact: true,
    });
    expect(list.items.map(brief)).toEqual([
      ['new', 'CVE-3', null, null],
      ['gone', 'CVE-2', '1.0', null],
      ['same', 'CVE-1', '1.0', '1.1'],
    ]);
    expect(list.items[0]).toMatchObject({
      kind: 'vulnerability',
      finding: { package: 'new', severity: 'CRITICAL', target: 'debian 12.1' },
    });
  });

  it('is everything new where there is no scan before', async () => {
    const only = await store({ findings: [{}, {}] });
    expect(await diff(only, null)).toMatchObject({ against: null, counts: { new: 2, gone: 0, same: 0 } });
  });

  it('is nothing between a scan and itself', async () => {
    const scan = await store({
      findings: [{}, {}, {}],
      others: [other('secret', 'key')],
      kinds: ['vulnerability', 'secret'],
    });
    expect(await diff(scan, scan)).toMatchObject({ against: scan, counts: { new: 0, gone: 0, same: 4 } });
  });

  it('may be against any scan, later ones and those of other artifacts', async () => {
    const [one, two] = [await store({ findings: [{}, {}] }), await store({ findings: [{}] })];
    expect((await diff(one, two)).counts).toEqual({ new: 1, gone: 0, same: 1 });
    expect((await diff(two, one)).counts).toEqual({ new: 0, gone: 1, same: 1 });
  });

  it('says that there is no such scan', async () => {
    const scan = await store({});
    expect(await diffScans(db, 987_654, null, {})).toBeNull();
    await expect(diff(scan, 987_654)).rejects.toMatchObject({ parameter: 'against' });
  });

  it('compares the kinds that both looked for, and misconfigurations that failed', async () => {
    const config = (code: string, status: string) => other('misconfiguration', code, { status });
    const before = await store({
      findings: [{}],
      others: [config('A', 'FAIL'), config('B', 'PASS'), other('license', 'MIT')],
      kinds: ['vulnerability', 'misconfiguration', 'license'],
    });
    const after = await store({
      others: [config('A', 'PASS'), config('B', 'FAIL'), other('secret', 'key')],
      kinds: ['misconfiguration', 'secret'],
    });
    const list = await diff(after, before);
    expect(list.items.map(({ change, kind, finding: found }) => [change, kind, found.code])).toEqual([
      ['new', 'misconfiguration', 'B'],
      ['gone', 'misconfiguration', 'A'],
    ]);
    expect(await diff(after, before, { kind: ['misconfiguration', 'secret'] })).toMatchObject({
      counts: list.counts,
    });
    expect(await diff(after, before, { kind: ['secret'] })).toMatchObject({ items: [], total: 0 });
  });

  it('knows other findings by code, target and resource, not by line', async () => {
    const before = await store({
      others: [
        other('secret', 'key', { target: 'a', package: 'a' }),
        other('secret', 'key', { target: 'b', package: 'b' }),
      ],
      kinds: ['secret'],
    });
    const moved = { ...other('secret', 'key', { target: 'a', package: 'a' }), detail: { startLine: 7 } };
    const after = await store({
      others: [moved, other('secret', 'key', { target: 'c', package: 'c' })],
      kinds: ['secret'],
    });
    expect((await diff(after, before)).counts).toEqual({ new: 1, gone: 1, same: 1 });
  });

  it('knows a vulnerability by its path, or by class and type where it has none', async () => {
    const at = (path: string | null, type = 'debian') => ({
      vulnerabilityId: 'CVE-1',
      package: 'p',
      path,
      packageType: type,
    });
    const before = await store({ findings: [at('x.jar', 'jar'), at(null), at(null, 'npm')] });
    const after = await store({ findings: [at('x.jar', 'war'), at('y.jar', 'jar'), at(null, 'npm')] });
    expect((await diff(after, before)).counts).toEqual({ new: 1, gone: 1, same: 2 });
  });

  it('pairs findings of one key one to one, those of equal version first', async () => {
    const versions = (...found: string[]) =>
      found.map((installedVersion) => ({
        vulnerabilityId: 'CVE-1',
        package: 'kernel',
        installedVersion,
        path: null,
      }));
    const before = await store({ findings: versions('1', '2', '2', '4') });
    const after = await store({ findings: versions('2', '4', '5', '2', '4', '6') });
    const items = (await diff(after, before)).items.map((item) => [
      item.change,
      item.versionBefore,
      item.versionAfter,
    ]);
    expect(items).toHaveLength(6);
    expect(items.slice(0, 2).every(([change]) => change === 'new')).toBe(true);
    expect(items.filter(([change, old, now]) => change === 'same' && old === now)).toHaveLength(3);
    expect(items.filter(([change, old, now]) => change === 'same' && old !== now)).toEqual([
      ['same', '1', '4'],
    ]);
  });
});

describe('the scan to compare with', () => {
  it('is the one next before of the same kinds, else the next before for vulnerabilities', async () => {
    const artifact = 'before:1';
    const config = await store({ artifact, kinds: ['misconfiguration'], day: 100 });
    const plain = await store({ artifact, day: 101 });
    const both = await store({ artifact, kinds: ['vulnerability', 'secret'], day: 102 });
    const later = await store({ artifact, day: 103 });
    const late = await store({ artifact, kinds: ['misconfiguration'], day: 104 });
    const secret = await store({ artifact, kinds: ['secret'], day: 105 });
    const first = await store({ artifact, day: 99 });
    const against = async (scan: number) => (await diff(scan, null)).against;
    expect(await against(first)).toBeNull();
    expect(await against(config)).toBeNull();
    expect(await against(plain)).toBe(first);
    expect(await against(both)).toBe(plain);
    expect(await against(later)).toBe(plain);
    expect(await against(late)).toBe(config);
    expect(await against(secret)).toBeNull();
  });
});

/** Few values, so that keys repeat within and between the scans. */
const RANDOM_FINDING = fc
  .record({
    number: fc.nat(3),
    version: fc.constantFrom('1', '2', '10', null),
    path: fc.constantFrom(null, 'a.jar', 'b.jar'),
    severity: fc.constantFrom(...SEVERITIES),
  })
  .map(({ number, version, path, severity }) =>
    finding(number, { installedVersion: version, path, severity, package: `p${number % 2}` }),
  );

const keyOf = (entry: { vulnerabilityId?: unknown; package?: unknown; path?: unknown }) =>
  JSON.stringify([entry.vulnerabilityId, entry.package, entry.path ?? null]);

function tally(texts: string[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const text of texts) counts.set(text, (counts.get(text) ?? 0) + 1);
  return counts;
}

function common(a: string[], b: string[]): number {
  const others = tally(b);
  return [...tally(a)].reduce((sum, [text, count]) => sum + Math.min(count, others.get(text) ?? 0), 0);
}

describe('any two scans', () => {
  it('differ as their findings do, on whatever pages', async () => {
    const findings = fc.array(RANDOM_FINDING, { maxLength: 14 });
    await fc.assert(
      fc.asyncProperty(findings, findings, fc.integer({ min: 1, max: 9 }), async (old, now, limit) => {
        const artifact = `random:${stored}`;
        const before = await store({ artifact, findings: old });
        const after = await store({ artifact, findings: now });
        const items = await walkDiff(after, before, { limit });
        expectAccounted(items, old, now);
        expectOrdered(items);

        const { counts } = await diff(after, before, { limit: 1, change: ['gone'] });
        const same = common(old.map(keyOf), now.map(keyOf));
        expect(counts).toEqual({ new: now.length - same, gone: old.length - same, same });
        expect((await getScan(db, after))?.changes).toMatchObject({ against: before, ...counts });
        for (const change of ['new', 'gone', 'same'] as const) {
          const chosen = await walkDiff(after, before, { limit, change: [change] });
          expect(chosen).toEqual(items.filter((item) => item.change === change));
        }
        for (const severity of SEVERITIES) {
          const chosen = await walkDiff(after, before, { limit, severity: [severity] });
          expect(chosen).toEqual(items.filter((item) => item.finding.severity === severity));
          const filtered = await diff(after, before, { limit: 1, severity: [severity] });
          const key = severity.toLowerCase() as keyof DiffList['newBySeverity'];
          expect(filtered.counts.new).toBe(filtered.newBySeverity[key]);
        }
        const reversed = await walkDiff(after, before, { limit, order: 'desc' });
        expect(reversed).toEqual([...items].reverse());
      }),
      { numRuns: 40, seed: 12 },
    );
  });

  /** Every finding of either scan is in one item, and no version is said to have changed that need not be. */
  function expectAccounted(
    items: DiffItem[],
    old: VulnerabilityFinding[],
    now: VulnerabilityFinding[],
  ): void {
    const versioned = (entry: VulnerabilityFinding) => `${keyOf(entry)} ${entry.installedVersion}`;
    const wasThere = items.filter((item) => item.change !== 'new');
    const isThere = items.filter((item) => item.change !== 'gone');
    expect(wasThere.map((item) => `${keyOf(item.finding)} ${item.versionBefore}`).sort()).toEqual(
      old.map(versioned).sort(),
    );
    expect(isThere.map((item) => `${keyOf(item.finding)} ${item.versionAfter}`).sort()).toEqual(
      now.map(versioned).sort(),
    );
    const unchanged = items.filter(
      (item) => item.change === 'same' && item.versionBefore === item.versionAfter,
    );
    expect(unchanged).toHaveLength(common(old.map(versioned), now.map(versioned)));
  }

  function expectOrdered(items: DiffItem[]): void {
    const changes = ['new', 'gone', 'same'];
    const rank = (item: DiffItem) => changes.indexOf(item.change);
    const severity = (item: DiffItem) => SEVERITIES.indexOf(item.finding.severity as 'LOW');
    const inOrder = [...items].sort(
      (a, b) =>
        rank(a) - rank(b) ||
        severity(b) - severity(a) ||
        compare(String(a.finding.package), String(b.finding.package)),
    );
    expect(items).toEqual(inOrder);
  }
});

describe('the cursor', () => {
  it('belongs to its two scans and changes', async () => {
    const artifact = 'cursor:1';
    const before = await store({ artifact, findings: [{}, {}], day: 200 });
    const after = await store({ artifact, findings: [{}, {}, {}], day: 210 });
    const cursor = (await diff(after, null, { limit: 1 })).nextCursor ?? '';
    await expect(diff(after, before, { cursor })).resolves.toBeTruthy();
    await expect(diff(after, after, { cursor })).rejects.toMatchObject({ code: 'cursor_mismatch' });
    await expect(diff(after, null, { cursor, change: ['new'] })).rejects.toMatchObject({
      code: 'cursor_mismatch',
    });
    await store({ artifact, day: 205 });
    await expect(diff(after, null, { cursor })).rejects.toMatchObject({ code: 'cursor_mismatch' });
  });
});
