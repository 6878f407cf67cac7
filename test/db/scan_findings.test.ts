import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { listScanOthers, listScanVulnerabilities } from '../../src/db/scan_findings.ts';
import type { ScanFinding, ScanOthersQuery, ScanVulnerabilitiesQuery } from '../../src/schemas.ts';
import { type OtherFinding, SEVERITIES, type VulnerabilityFinding } from '../../src/trivy/report.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { finding, generateDocument } from './generate.ts';
import { compare, lowerAscii, pick, seeded, walk } from './inventory.ts';
import { HOSTILE, queries } from './queries.ts';

const random = seeded(3);
const PACKAGES = ['openssl', 'OpenSSL', 'é-lib', '100%', 'a_b', 'a\\b', '@scope/x', "it's"];
const STATUSES = ['fixed', 'affected', 'will_not_fix'] as const;

/** Definitions are told apart by everything; few values make many rows alike in some of it. */
function randomFinding(): VulnerabilityFinding {
  const fixable = random() < 0.5;
  const number = Math.floor(random() * 12);
  return finding(number, {
    vulnerabilityId: `CVE-2024-${pick(random, [9, 10, 9999, 10_000])}${number}`,
    title: number % 3 === 0 ? null : `Flaw in 50% of É_things ${number}`,
    package: pick(random, PACKAGES),
    installedVersion: pick(random, ['1.0', '1.1', null]),
    fixedVersion: fixable ? '2.0' : null,
    status: pick(random, STATUSES),
    severity: pick(random, SEVERITIES),
    path: pick(random, [null, 'usr/lib/a.jar', 'usr/lib/b.jar']),
    target: pick(random, ['debian 12', 'app/package-lock.json']),
  });
}

const distinct = Array.from({ length: 90 }, randomFinding);
/** Some are entries of the report twice or three times. */
const vulnerabilities = [...distinct, ...distinct.slice(0, 20), ...distinct.slice(0, 5)];

const OTHERS: OtherFinding[] = (['misconfiguration', 'secret', 'license', 'suppressed'] as const).flatMap(
  (kind) =>
    Array.from({ length: 25 }, (_, number): OtherFinding => {
      const severity = pick(random, SEVERITIES);
      const status = kind === 'misconfiguration' ? pick(random, ['PASS', 'FAIL', 'EXCEPTION']) : null;
      const title = pick(random, [null, 'A 100% bad_idea', 'Root user']);
      const target = pick(random, ['Dockerfile', 'main.tf']);
      return {
        kind,
        severity,
        status,
        code: `${kind}-${number % 9}`,
        title,
        target,
        package: pick(random, [null, ...PACKAGES]),
        detail: { number, severity, status, title, target },
      };
    }),
);

let database: TestDatabase;
let db: Database;
let scanId: number;
let emptyId: number;
beforeAll(async () => {
  database = await createDatabase();
  db = openDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: 10_000 });
  const store = async (plan: Parameters<typeof generateDocument>[0]) => {
    const stored = await db.transaction((tx) =>
      storeDocument(tx, generateDocument(plan), { labels: {}, uploadedBy: null }),
    );
    return stored.value.items[0]?.id ?? 0;
  };
  // A neighbour with the same findings, none of which may appear.
  await store({ artifact: 'other:1', findings: vulnerabilities, others: OTHERS });
  scanId = await store({
    findings: vulnerabilities,
    others: OTHERS,
    kinds: ['vulnerability', 'misconfiguration', 'secret', 'license'],
  });
  emptyId = await store({ artifact: 'clean:1', findings: 0 });
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

function toWire(entry: VulnerabilityFinding): ScanFinding {
  const { vulnerabilityId, severity, installedVersion, fixedVersion, status, path, target, packageType } =
    entry;
  return {
    vulnerabilityId,
    severity,
    package: entry.package,
    installedVersion,
    fixedVersion,
    status,
    path,
    target,
    class: entry.class,
    packageType,
    purl: entry.purl,
    title: titles.get(vulnerabilityId) ?? null,
    cvss: scores.get(vulnerabilityId) ?? null,
    primaryUrl: entry.primaryUrl,
  };
}

// Of one vulnerability, a report may have several texts; whichever is kept is every finding's.
const titles = new Map<string, string | null>();
const scores = new Map<string, number | null>();
beforeAll(async () => {
  const { rows } = await db.query<{
    vulnerability_id: string;
    title: string | null;
    cvss_score: number | null;
  }>('SELECT vulnerability_id, title, cvss_score FROM vulnerability');
  for (const row of rows) {
    titles.set(row.vulnerability_id, row.title);
    scores.set(row.vulnerability_id, row.cvss_score);
  }
});

function contains(text: string | null, q: string): boolean {
  return text !== null && lowerAscii(text).includes(lowerAscii(q));
}

function expected(query: ScanVulnerabilitiesQuery): ScanFinding[] {
  return vulnerabilities
    .map(toWire)
    .filter(
      (item) =>
        (query.severity?.includes(item.severity) ?? true) &&
        (query.fixable ?? item.fixedVersion !== null) === (item.fixedVersion !== null) &&
        (query.status?.some((status) => status === item.status) ?? true) &&
        (query.package?.includes(item.package) ?? true) &&
        (query.q === undefined ||
          [item.vulnerabilityId, item.title, item.package].some((text) => contains(text, query.q ?? ''))),
    );
}

const naturalOrder = (id: string) => id.replace(/\d+/g, (digits) => digits.padStart(12, '0'));
const severityOf = (item: { severity: unknown }) => SEVERITIES.indexOf(item.severity as 'LOW');
const COMPARE: Record<string, (a: ScanFinding, b: ScanFinding) => number> = {
  severity: (a, b) => severityOf(a) - severityOf(b),
  package: (a, b) => compare(a.package, b.package),
  id: (a, b) => compare(naturalOrder(a.vulnerabilityId), naturalOrder(b.vulnerabilityId)),
};

const sorted = (items: unknown[]) => items.map((item) => JSON.stringify(item)).sort();

async function expectAsExpected(query: ScanVulnerabilitiesQuery): Promise<void> {
  const found = await walk(
    (page: ScanVulnerabilitiesQuery) => listScanVulnerabilities(db, scanId, page),
    query,
  );
  const items = expected(query);
  expect(sorted(found.items)).toEqual(sorted(items));
  expect(new Set(found.totals)).toEqual(new Set([items.length]));
  const { sort = 'severity' } = query;
  const direction = (query.order ?? (sort === 'severity' ? 'desc' : 'asc')) === 'asc' ? 1 : -1;
  for (const [index, item] of found.items.slice(1).entries()) {
    const before = found.items[index];
    if (before) expect(direction * (COMPARE[sort]?.(before, item) ?? 0)).toBeLessThanOrEqual(0);
  }
}

describe("a scan's vulnerabilities", () => {
  it('come with the most severe first, then by package and id', async () => {
    const list = await listScanVulnerabilities(db, scanId, { limit: 200 });
    const order = [...vulnerabilities.map(toWire)].sort(
      (a, b) => severityOf(b) - severityOf(a) || compare(a.package, b.package) || (COMPARE.id?.(a, b) ?? 0),
    );
    const visible = ({ severity, package: name, vulnerabilityId }: ScanFinding) => [
      severity,
      name,
      vulnerabilityId,
    ];
    expect(list?.items.map(visible)).toEqual(order.map(visible));
    expect(list).toMatchObject({ total: 115, totalIsExact: true, nextCursor: null });
  });

  for (const sort of ['severity', 'package', 'id'] as const) {
    for (const order of ['asc', 'desc'] as const) {
      it(`page in order of ${sort} ${order}, repeated ones as often as the report has them`, async () => {
        await expectAsExpected({ sort, order, limit: 3 });
      });
    }
  }

  it('are those that the filters select, whatever they are', async () => {
    const query = queries({
      severity: fc.uniqueArray(fc.constantFrom(...SEVERITIES), { minLength: 1, maxLength: 3 }),
      fixable: fc.boolean(),
      status: fc.uniqueArray(fc.constantFrom(...STATUSES, 'unknown' as const), {
        minLength: 1,
        maxLength: 2,
      }),
      package: fc.uniqueArray(fc.constantFrom(...PACKAGES, ...HOSTILE), { minLength: 1, maxLength: 3 }),
      q: fc.constantFrom('open', 'SSL', '99', '50%', 'É_', 'cve-2024-1', 'é-', 'a\\b', "t's", ...HOSTILE),
      sort: fc.constantFrom('severity' as const, 'package' as const, 'id' as const),
      order: fc.constantFrom('asc' as const, 'desc' as const),
    });
    await fc.assert(fc.asyncProperty(query, expectAsExpected), { numRuns: 200, seed: 10 });
  });

  it('are empty for a clean scan, and null for one that does not exist', async () => {
    expect(await listScanVulnerabilities(db, emptyId, {})).toMatchObject({
      items: [],
      total: 0,
      nextCursor: null,
    });
    expect(await listScanVulnerabilities(db, 987_654, {})).toBeNull();
  });

  it('have a cursor of their scan', async () => {
    const list = await listScanVulnerabilities(db, scanId, { limit: 1 });
    const cursor = list?.nextCursor ?? '';
    await expect(listScanVulnerabilities(db, emptyId, { cursor })).rejects.toMatchObject({
      code: 'cursor_mismatch',
    });
    await expect(listScanVulnerabilities(db, scanId, { cursor: 'e30' })).rejects.toMatchObject({
      code: 'cursor_invalid',
    });
  });
});

describe.each(['misconfiguration', 'secret', 'license', 'suppressed'] as const)(
  "a scan's findings: %s",
  (kind) => {
    const own = OTHERS.filter((other) => other.kind === kind);

    function expectedOthers(query: ScanOthersQuery): unknown[] {
      const direction = query.order === 'asc' ? 1 : -1;
      return own
        .map((other, position) => ({ other, position }))
        .filter(
          ({ other }) =>
            (query.severity?.includes(other.severity) ?? true) &&
            (query.status?.some((status) => status === other.status) ?? true) &&
            (query.package?.some((name) => name === other.package) ?? true) &&
            (query.q === undefined ||
              [other.code, other.title, other.package].some((text) => contains(text, query.q ?? ''))),
        )
        .sort((a, b) => direction * (severityOf(a.other) - severityOf(b.other) || b.position - a.position))
        .map(({ other }) => other.detail);
    }

    async function expectOthers(query: ScanOthersQuery): Promise<void> {
      const found = await walk((page: ScanOthersQuery) => listScanOthers(db, scanId, kind, page), query);
      expect(found.items).toEqual(expectedOthers(query));
      expect(new Set(found.totals)).toEqual(new Set([found.items.length]));
    }

    it('come with the most severe first, then as in the report', async () => {
      await expectOthers({});
      await expectOthers({ limit: 3 });
      await expectOthers({ limit: 3, order: 'asc' });
    });

    it('are those that the filters select, whatever they are', async () => {
      const query = queries({
        severity: fc.uniqueArray(fc.constantFrom(...SEVERITIES), { minLength: 1, maxLength: 3 }),
        status: fc.uniqueArray(fc.constantFrom('PASS', 'FAIL', ...HOSTILE), { minLength: 1, maxLength: 2 }),
        package: fc.uniqueArray(fc.constantFrom(...PACKAGES, ...HOSTILE), { minLength: 1, maxLength: 3 }),
        q: fc.constantFrom('ROOT', '100%', 'd_i', 'secret-', 'open', ...HOSTILE),
        order: fc.constantFrom('asc' as const, 'desc' as const),
      });
      await fc.assert(fc.asyncProperty(query, expectOthers), { numRuns: 60, seed: 11 });
    });

    it('are empty for a scan without, and null for one that does not exist', async () => {
      expect(await listScanOthers(db, emptyId, kind, {})).toMatchObject({ items: [], total: 0 });
      expect(await listScanOthers(db, 987_654, kind, {})).toBeNull();
    });
  },
);
