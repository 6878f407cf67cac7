import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storeDocument } from '../../src/db/ingest.ts';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { deleteArtifact, deleteScan, markStaleBatch } from '../../src/db/remove.ts';
import type { Kind, OtherFinding } from '../../src/trivy/report.ts';
import type { StoredDocument } from '../../src/upload/columns.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { generateDocuments, type ScanPlan } from './generate.ts';
import { createSeen, differences, noteSeen } from './recompute.ts';

const NOW = new Date('2026-03-15T12:00:00Z');

let created: TestDatabase;
let database: Database;

beforeAll(async () => {
  created = await createDatabase();
  database = openDatabase({ url: created.url, poolMax: 2, statementTimeoutMs: 15_000 });
  await createSeen(database);
});

afterAll(async () => {
  await database.close();
  await created.drop();
});

// Few artifacts, times and vulnerabilities, so that they meet: repeated findings, a vulnerability at two severities,
// equal times, several scans a day, days before the trend's horizon.
const plans = fc.record({
  artifact: fc.constantFrom('one:1', 'two:1', 'three:1'),
  scannedAt: fc.option(
    fc
      .tuple(fc.constantFrom(0, 0, 1, 2, 3, 9, 29, 30, 39, 40, 41, 60), fc.constantFrom('03', '11'))
      .map(([days, hour]) =>
        new Date(NOW.getTime() - days * 86_400_000).toISOString().replace(/T12/, `T${hour}`),
      ),
    { freq: 8 },
  ),
  findings: fc
    .array(
      fc.record({
        vulnerabilityId: fc.constantFrom('CVE-2024-1', 'CVE-2024-2', 'CVE-2024-10', 'GHSA-x'),
        severity: fc.constantFrom('LOW', 'HIGH', 'CRITICAL', 'UNKNOWN'),
        package: fc.constantFrom('a', 'b'),
        fixedVersion: fc.constantFrom(null, '2'),
        installedVersion: fc.constant('1'),
        status: fc.constantFrom('affected', 'fixed'),
        path: fc.constantFrom(null, 'lib/a.jar'),
        publishedAt: fc.constantFrom(null, '2024-01-01T00:00:00Z'),
        cvssScore: fc.constantFrom(null, 5, 9.8),
        modifiedAt: fc.constantFrom(null, '2024-02-01T00:00:00Z', '2024-03-01T00:00:00Z'),
      }),
      { maxLength: 6 },
    )
    .map((findings) => findings.map((entry) => ({ ...entry, purl: null, primaryUrl: null, title: null }))),
  kinds: fc.constantFrom<Kind[]>(['vulnerability'], ['vulnerability', 'secret'], ['secret'], ['license']),
  seed: fc.nat(3),
  os: fc.constantFrom(
    null,
    { family: 'debian', name: '7', eosl: true },
    { family: 'debian', name: '13', eosl: false },
  ),
});

const steps = fc.array(
  fc.oneof(
    { weight: 6, arbitrary: fc.record({ do: fc.constant('store' as const), plan: plans }) },
    {
      weight: 1,
      arbitrary: fc.record({
        do: fc.constant('store several' as const),
        plans: fc.array(plans, { minLength: 2, maxLength: 4 }),
      }),
    },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('send again' as const), which: fc.nat() }) },
    { weight: 3, arbitrary: fc.record({ do: fc.constant('delete scan' as const), which: fc.nat() }) },
    { weight: 1, arbitrary: fc.record({ do: fc.constant('delete artifact' as const), which: fc.nat() }) },
    { weight: 2, arbitrary: fc.record({ do: fc.constant('become stale' as const), which: fc.nat() }) },
  ),
  { minLength: 1, maxLength: 14 },
);
type Step = typeof steps extends fc.Arbitrary<(infer Value)[]> ? Value : never;

/** Kinds and findings must agree: a report that did not look for vulnerabilities has none. */
function consistent(plan: ScanPlan): ScanPlan {
  const kinds = plan.kinds ?? [];
  const others = (['secret', 'license'] as const)
    .filter((kind) => kinds.includes(kind))
    .map((kind): OtherFinding => {
      const place = { title: null, target: 'file', package: null };
      return { kind, severity: 'HIGH', status: null, code: 'rule', detail: {}, ...place };
    });
  return { ...plan, others, findings: kinds.includes('vulnerability') ? plan.findings : [] };
}

async function pick(table: 'scan' | 'artifact', which: number): Promise<number | undefined> {
  const { rows } = await database.query<{ id: number }>(`SELECT id FROM ${table} ORDER BY id`);
  return rows[which % Math.max(rows.length, 1)]?.id;
}

async function store(document: StoredDocument): Promise<void> {
  const { value } = await database.transaction((db) =>
    storeDocument(db, document, { labels: { sha: document.sha256.slice(0, 3) }, uploadedBy: null, now: NOW }),
  );
  await noteSeen(
    database,
    value.items.filter((item) => item.created).map((item) => item.id),
  );
}

async function take(step: Step, sent: StoredDocument[]): Promise<void> {
  if (step.do === 'store' || step.do === 'store several') {
    const document = generateDocuments((step.do === 'store' ? [step.plan] : step.plans).map(consistent));
    sent.push(document);
    return store(document);
  }
  if (step.do === 'send again') {
    const document = sent[step.which % Math.max(sent.length, 1)];
    if (document) await store(document);
    return;
  }
  const id = await pick(step.do === 'delete scan' ? 'scan' : 'artifact', step.which);
  if (id === undefined) return;
  await database.transaction(async (db) => {
    if (step.do === 'delete scan') return deleteScan(db, id, NOW);
    if (step.do === 'delete artifact') return deleteArtifact(db, id, NOW);
    await db.query(`UPDATE artifact SET last_seen_at = '2000-01-01' WHERE id = $1`, [id]);
    return markStaleBatch(db, new Date('2001-01-01'), 10, NOW);
  });
}

const EMPTY_IN_THE_END = [
  'scan',
  'scan_finding',
  'other_finding',
  'document',
  'artifact_vulnerability',
  'current_finding',
  'vulnerability_summary',
  'vulnerability_package',
  'finding_count',
  'vulnerability_change',
  'total_change',
];

test('whatever is stored, deleted, stale and sent again, what is maintained is what the scans say', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (sequence) => {
      // what a failed run left
      await database.query(
        `TRUNCATE artifact, document, vulnerability, finding_definition, package, ${EMPTY_IN_THE_END.join()} CASCADE`,
      );
      const sent: StoredDocument[] = [];
      for (const step of sequence) {
        await take(step, sent);
        expect(await differences(database, NOW)).toEqual([]);
      }
      for (let id = await pick('artifact', 0); id !== undefined; id = await pick('artifact', 0)) {
        const artifact = id;
        await database.transaction((db) => deleteArtifact(db, artifact, NOW));
      }
      for (const table of EMPTY_IN_THE_END) {
        expect([table, (await database.query(`SELECT * FROM ${table}`)).rows]).toEqual([table, []]);
      }
    }),
    { numRuns: 40, interruptAfterTimeLimit: 100_000, markInterruptAsFailure: false },
  );
}, 150_000);
