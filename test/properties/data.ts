/** A database with rows in every table, of every kind, and the way back to it. */
import type pg from 'pg';
import type { Database } from '../../src/db/pool.ts';
import type { OtherFinding } from '../../src/trivy/report.ts';
import { image, type ScanPlan } from '../db/generate.ts';
import { seeded } from '../db/inventory.ts';
import { store, storeWorld } from '../db/world.ts';

/** Tables that triggers watch, in an order in which foreign keys let them be filled. */
export const WATCHED = [
  'artifact',
  'artifact_workload',
  'scan',
  'vulnerability',
  'finding_definition',
  'package',
  'place',
  'scan_finding',
  'other_finding',
  'artifact_vulnerability',
  'current_finding',
  'vulnerability_summary',
  'vulnerability_package',
  'finding_count',
  'total_change',
] as const;

/** All that an answer shows is in these. */
export const KEPT = ['document', ...WATCHED] as const;
export type Kept = (typeof KEPT)[number];

const OTHERS: OtherFinding[] = [
  {
    kind: 'misconfiguration',
    severity: 'HIGH',
    status: 'FAIL',
    code: 'DS002',
    title: 'Image user should not be root',
    target: 'Dockerfile',
    package: 'USER',
    detail: { id: 'DS002', status: 'FAIL', target: 'Dockerfile' },
  },
  {
    kind: 'misconfiguration',
    severity: 'LOW',
    status: 'PASS',
    code: 'DS026',
    title: 'No HEALTHCHECK defined',
    target: 'Dockerfile',
    package: null,
    detail: { id: 'DS026', status: 'PASS', target: 'Dockerfile' },
  },
  {
    kind: 'secret',
    severity: 'CRITICAL',
    status: null,
    code: 'aws-access-key-id',
    title: 'AWS Access Key ID',
    target: 'app/.env',
    package: null,
    detail: { ruleId: 'aws-access-key-id', target: 'app/.env' },
  },
  {
    kind: 'license',
    severity: 'MEDIUM',
    status: null,
    code: 'GPL-3.0',
    title: null,
    target: 'OS Packages',
    package: 'bash',
    detail: { name: 'GPL-3.0', package: 'bash' },
  },
  {
    kind: 'suppressed',
    severity: 'HIGH',
    status: 'ignored',
    code: 'CVE-2024-9999',
    title: null,
    target: 'debian',
    package: 'openssl',
    detail: { type: 'vulnerability', status: 'ignored', finding: {} },
  },
];

/** Of each kind of artifact that the other world lacks, with everything that a report can hold. */
const MORE: ScanPlan[] = [
  ...['2026-03-01', '2026-03-11', '2026-03-14'].map((day, index) => ({
    artifact: { ...image('everything:1'), type: 'image' as const },
    findings: [
      {},
      { path: 'usr/lib/x.jar' },
      { package: 'openssl', severity: 'CRITICAL' as const },
      ...[{ package: 'curl' }, { package: 'zlib' }].slice(index % 2),
    ],
    others: OTHERS.slice(index),
    kinds: ['vulnerability', 'misconfiguration', 'secret', 'license'] as ScanPlan['kinds'],
    scannedAt: `${day}T10:00:00Z`,
    seed: index,
    workload: {
      cluster: ['prod', 'test', 'prod'][index] ?? '',
      namespace: ['shop', 'shop', 'default'][index] ?? '',
      kind: 'Deployment',
      name: 'everything',
      container: 'main',
    },
    os: { family: 'debian', name: '10', eosl: true },
  })),
  {
    artifact: 'other:1',
    findings: 2,
    workload: { cluster: 'prod', namespace: 'shop', kind: 'Pod', name: 'other', container: 'main' },
  },
  ...(['sbom', 'filesystem', 'vm'] as const).map((type) => ({
    artifact: { ...image(`some-${type}`), type },
    findings: 4,
    scannedAt: '2026-03-10T10:00:00Z',
  })),
];

/** Stores reports as uploads do, and keeps a copy of the rows. */
export async function fill(database: Database, client: pg.Client, seed: number): Promise<void> {
  await storeWorld(database, seeded(seed));
  for (const plan of MORE) await store(database, plan, { team: 'red' });
  await client.query('CREATE SCHEMA kept');
  for (const table of KEPT) await client.query(`CREATE TABLE kept.${table} AS TABLE public.${table}`);
}

/** Puts all rows back. Their dictionaries' rows are none that are new, so everything is put out of service. */
export async function restore(client: pg.Client): Promise<void> {
  await client.query('BEGIN');
  await client.query(`TRUNCATE ${KEPT.join()}`);
  for (const table of KEPT) {
    const columns = (await columnsOf(client, table)).map((column) => column.name);
    await client.query(
      `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE SELECT ${columns} FROM kept.${table}`,
    );
  }
  await client.query('COMMIT');
}

export interface Column {
  /** Quoted where it has to be. */
  name: string;
  type: string;
  nullable: boolean;
  /** Numbered by PostgreSQL. */
  identity: boolean;
}

/** Columns that are not computed from others. */
export async function columnsOf(client: pg.Client, table: string): Promise<Column[]> {
  const { rows } = await client.query<Column>(
    `SELECT quote_ident(attname) AS name, format_type(atttypid, NULL) AS type, NOT attnotnull AS nullable,
       attidentity <> '' AS identity
     FROM pg_attribute
     WHERE attrelid = $1::regclass AND attnum > 0 AND attgenerated = '' AND NOT attisdropped ORDER BY attnum`,
    [table],
  );
  return rows;
}
