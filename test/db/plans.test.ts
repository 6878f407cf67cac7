import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { getArtifact, listArtifacts } from '../../src/db/artifacts.ts';
import { diffScans } from '../../src/db/diff.ts';
import { listFindings } from '../../src/db/findings.ts';
import { countFindings } from '../../src/db/gauges.ts';
// Numbers of 64 bits are read as the pool reads them.
import '../../src/db/pool.ts';
import type { Db } from '../../src/db/pool.ts';
import { listRepositories } from '../../src/db/repositories.ts';
import { listScanOthers, listScanVulnerabilities } from '../../src/db/scan_findings.ts';
import { getDocument, getScan, getScanSummaries, listScans } from '../../src/db/scans.ts';
import { getSummary } from '../../src/db/summary.ts';
import { listUploads } from '../../src/db/uploads.ts';
import { getVulnerability, listVulnerabilities } from '../../src/db/vulnerabilities.ts';
import type {
  ArtifactsQuery,
  FindingsQuery,
  List,
  ScansQuery,
  ScanVulnerabilitiesQuery,
  VulnerabilitiesQuery,
} from '../../src/schemas.ts';
import { fill } from '../../src/seed/fill.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { type Node, nodesOf } from './plan.ts';

const NOW = new Date('2026-03-15T12:00:00Z');
const TODAY = '2026-03-15';
const FINDINGS = 500_000;
/** Of a table with fewer rows all may be read. */
const LARGE = 20_000;

/** What is asked of the database, by a name. */
type Ask = (db: Db) => Promise<unknown>;

describe('half a million findings', () => {
  let created: TestDatabase;
  let client: pg.Client;
  /** Rows of each large table, by its name and those of its indexes. */
  let large: Map<string, { table: string; rows: number }>;
  let names: {
    artifact: number;
    repository: string;
    scan: number;
    resource: number;
    frequent: string;
    package: string;
  };

  beforeAll(async () => {
    created = await createDatabase();
    client = new pg.Client({ connectionString: created.url });
    await client.connect();
    await fill(client, { findings: FINDINGS, scans: 5, now: NOW });
    // As the pool's connections are; workers would each tell a part.
    await client.query('SET jit = off; SET max_parallel_workers_per_gather = 0');
    large = await readLarge();
    const { rows } = await client.query(
      `SELECT artifact.id AS artifact, repository, vulnerability_scan_id AS scan,
         (SELECT vulnerability_scan_id FROM artifact WHERE misconfigurations > 0 AND NOT stale LIMIT 1) AS resource,
         v.vulnerability_id AS frequent,
         (SELECT package FROM vulnerability_package p WHERE p.vulnerability_id = v.id LIMIT 1) AS package
       FROM artifact, vulnerability_summary s JOIN vulnerability v ON v.id = s.vulnerability_id
       WHERE type = 'image' AND NOT stale ORDER BY s.findings DESC, severity_order DESC LIMIT 1`,
    );
    names = rows[0];
  }, 300_000);

  afterAll(async () => {
    await client.end();
    await created.drop();
  });

  async function readLarge(): Promise<typeof large> {
    const { rows } = await client.query<{ name: string; table: string; rows: number }>(
      `SELECT unnest(ARRAY[c.relname] || ARRAY(SELECT indexrelid::regclass::text FROM pg_index WHERE indrelid = c.oid))
         AS name, c.relname AS table, c.reltuples::int AS rows
       FROM pg_class c WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND reltuples >= $1`,
      [LARGE],
    );
    return new Map(rows.map(({ name, ...facts }) => [name, facts]));
  }

  /** @returns the large tables of which more than half is read to answer, each with the node that reads it */
  async function readWhole(ask: Ask): Promise<string[]> {
    const found = new Set<string>();
    await ask({
      query: async (sql, values) => {
        const explained = await client.query(
          `EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) ${sql}`,
          values as unknown[],
        );
        for (const node of nodesOf(explained.rows[0]['QUERY PLAN'][0].Plan)) {
          const facts = large.get(node['Relation Name'] ?? node['Index Name'] ?? '');
          if (facts && rowsRead(node) > facts.rows / 2) found.add(`${facts.table}: ${node['Node Type']}`);
        }
        return client.query(sql, values as unknown[]);
      },
    });
    return [...found];
  }

  const findings = (query: FindingsQuery): [string, Ask] => [
    `findings ${JSON.stringify(query)}`,
    (db) => pages((cursor) => listFindings(db, { ...query, ...cursor })),
  ];
  const vulnerabilities = (query: VulnerabilitiesQuery): [string, Ask] => [
    `vulnerabilities ${JSON.stringify(query)}`,
    (db) => pages((cursor) => listVulnerabilities(db, { ...query, ...cursor })),
  ];
  const scans = (query: ScansQuery): [string, Ask] => [
    `scans ${JSON.stringify(query)}`,
    (db) => pages((cursor) => listScans(db, { ...query, ...cursor })),
  ];
  const artifacts = (query: ArtifactsQuery): [string, Ask] => [
    `artifacts and repositories ${JSON.stringify(query)}`,
    async (db) => {
      await pages((cursor) => listArtifacts(db, { ...query, ...cursor }));
      await pages((cursor) => listRepositories(db, { ...query, ...cursor }));
    },
  ];
  const ofScan = (query: ScanVulnerabilitiesQuery): [string, Ask] => [
    `vulnerabilities of a scan ${JSON.stringify(query)}`,
    (db) =>
      pages(async (cursor) =>
        unlessNull(await listScanVulnerabilities(db, names.scan, { ...query, ...cursor })),
      ),
  ];

  it('has large tables to speak of', () => {
    expect([...new Set([...large.values()].map(({ table }) => table))].sort()).toEqual(
      expect.arrayContaining([
        'artifact_vulnerability',
        'current_finding',
        'finding_definition',
        'scan_finding',
      ]),
    );
  });

  it('are answered without reading a large table from end to end', async () => {
    const chosen = [
      { repository: [names.repository] },
      { artifact: [String(names.artifact)] },
      { cluster: ['prod-eu'], namespace: ['shop'] },
      { label: ['team=shop', 'env=prod'] },
    ];
    const properties = [
      {},
      { severity: ['CRITICAL' as const] },
      { severity: ['UNKNOWN' as const], fixable: true },
      { fixable: false, since: '2026-03-10' },
      { status: ['will_not_fix' as const], until: '2026-01-10' },
      { package: [names.package] },
      { q: 'lib' },
      { q: names.frequent.toLowerCase() },
      { q: 'nothing-has-this-name' },
    ];
    const questions: [string, Ask][] = [
      ...[...properties, ...chosen].flatMap((query) => [findings(query), vulnerabilities(query)]),
      ...(['severity', 'artifact', 'package', 'firstSeenAt'] as const).flatMap((sort) =>
        (['asc', 'desc'] as const).map((order) => findings({ sort, order })),
      ),
      ...(['cvss', 'affectedArtifacts', 'firstSeenAt', 'publishedAt', 'id'] as const).map((sort) =>
        vulnerabilities({ sort }),
      ),
      findings({ vulnerability: [names.frequent] }),
      findings({ type: ['image'] }),
      ...[
        {},
        ...chosen,
        { q: 'shop' },
        { severity: ['HIGH' as const] },
        { kind: ['secret' as const] },
      ].flatMap((query) => [scans(query), artifacts(query)]),
      ...(['receivedAt', 'severity', 'artifact'] as const).map((sort) => scans({ sort })),
      scans({ latest: true }),
      artifacts({ sort: 'name' }),
      artifacts({ sort: 'lastSeenAt', stale: true }),
      artifacts({ vulnerability: [names.frequent] }),
      artifacts({ vulnerability: [names.frequent], package: [names.package] }),
      scans({ receivedSince: '2026-03-14' }),
      ofScan({}),
      ofScan({ sort: 'package', severity: ['HIGH'] }),
      ofScan({ sort: 'id', q: 'ssl' }),
      [
        'others of a scan',
        (db) => listScanOthers(db, names.resource, 'misconfiguration', { status: ['FAIL'] }),
      ],
      ['a scan', (db) => getScan(db, names.scan)],
      ['summaries of scans', (db) => getScanSummaries(db, [names.scan])],
      ['a document', (db) => getDocument(db, names.scan)],
      ['a diff', (db) => diffScans(db, names.scan, null, {})],
      ['an artifact', (db) => getArtifact(db, names.artifact, TODAY)],
      ['a vulnerability', (db) => getVulnerability(db, names.frequent)],
      ['uploads', (db) => listUploads(db, { outcome: ['refused'] }, NOW)],
    ];
    const whole: Record<string, string[]> = {};
    for (const [name, ask] of questions) {
      const tables = await readWhole(ask);
      if (tables.length > 0) whole[name] = tables;
    }
    expect(whole).toEqual({});
  }, 120_000);

  it('are summed up without reading findings', async () => {
    const sums = ['vulnerability_summary'];
    for (const ask of [(db: Db) => getSummary(db, TODAY), countFindings]) {
      const tables = (await readWhole(ask)).map((found) => found.replace(/:.*/, ''));
      expect(tables.filter((table) => !sums.includes(table))).toEqual([]);
    }
  });

  it.each([
    ['scan_finding_scan', (db: Db) => listScanVulnerabilities(db, names.scan, {})],
    ['current_finding_severity', (db: Db) => listFindings(db, {})],
    ['current_finding_package', (db: Db) => listFindings(db, { sort: 'package', order: 'desc' })],
    ['current_finding_vulnerability', (db: Db) => listFindings(db, { vulnerability: [names.frequent] })],
  ])('are read from end to end without %s, which is told', async (index, ask) => {
    await client.query('BEGIN');
    try {
      expect(await readWhole(ask)).toEqual([]);
      await client.query(`DROP INDEX ${index}`);
      expect(await readWhole(ask)).not.toEqual([]);
    } finally {
      await client.query('ROLLBACK');
    }
  });
});

/** The first page and the second. */
async function pages<Item>(list: (cursor: { cursor?: string }) => Promise<List<Item>>): Promise<void> {
  const { nextCursor } = await list({});
  if (nextCursor) await list({ cursor: nextCursor });
}

function unlessNull<T>(value: T | null): T {
  if (value === null) throw new Error('there is no such scan');
  return value;
}

function rowsRead(node: Node): number {
  const removed = (node['Rows Removed by Filter'] ?? 0) + (node['Rows Removed by Index Recheck'] ?? 0);
  return (node['Actual Rows'] + removed) * node['Actual Loops'];
}
