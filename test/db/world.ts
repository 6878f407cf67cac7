/** Reports of some artifacts made at random, and what a reader of plain rows would say of their findings. */
import fc from 'fast-check';
import { storeDocument } from '../../src/db/ingest.ts';
import type { Database, Db } from '../../src/db/pool.ts';
import { markStaleBatch } from '../../src/db/remove.ts';
import {
  type ArtifactIdentity,
  SEVERITIES,
  type Severity,
  type VulnerabilityFinding,
} from '../../src/trivy/report.ts';
import { generateDocument, image, type ScanPlan } from './generate.ts';
import { compare, lowerAscii, pick, type Random } from './inventory.ts';

export const NOW = new Date('2026-03-15T12:00:00Z');
const LONG_AGO = new Date('2026-01-01T00:00:00Z');

export const VULNERABILITIES = [
  'CVE-2024-9999',
  'CVE-2024-10000',
  'CVE-2023-5',
  'GHSA-abcd-1234',
  'CVE-2024-100%',
  'TEMP-0001',
  'CVE-2022-77',
];
export const PACKAGES = ['openssl', 'libssl3', 'OpenLDAP', 'a_b', 'zlib', 'axb', 'busybox', 'curl'];
export const STATUSES = ['affected', 'fixed', 'will_not_fix', 'end_of_life'] as const;
const TITLES = ['Overflow in OpenSSL', null, 'Title with 100% and _', 'curl: leak', 'ÄRGER'];

/** Stores a report as an upload does. @returns the scan's id. */
export async function store(
  database: Database,
  plan: ScanPlan,
  labels: Record<string, string> = {},
  now = NOW,
): Promise<number> {
  const { value } = await database.transaction((db) =>
    storeDocument(db, generateDocument(plan), { labels, uploadedBy: null, now }),
  );
  return value.items[0]?.id ?? 0;
}

/** Marks what was stored before a moment as stale. */
export async function markStale(database: Database, before: Date): Promise<void> {
  await database.transaction((db) => markStaleBatch(db, before, 1_000, NOW));
}

function resource(cluster: string, namespace: string, name: string): ArtifactIdentity {
  return {
    ...image(`${cluster}/${namespace}/Deployment/${name}`),
    type: 'kubernetes',
    repository: `${cluster}/${namespace}/Deployment/${name}`,
    version: null,
    cluster,
    namespace,
    resourceKind: 'Deployment',
    resourceName: name,
  };
}

const ARTIFACTS: ArtifactIdentity[] = [
  ...['1', '2', '3'].map((version) => image(`nginx:${version}`)),
  ...['1', '2'].map((version) => image(`ghcr.io/team/app:${version}`)),
  image('old:1'),
  image('old:2'),
  { ...image('https://example.org/code'), type: 'repository', repository: 'https://example.org/code' },
  resource('prod', 'shop', 'web'),
  resource('prod', 'default', 'job'),
  resource('test', 'shop', 'web'),
];

function randomFinding(random: Random): Partial<VulnerabilityFinding> {
  const vulnerability = Math.floor(random() ** 2 * VULNERABILITIES.length);
  const fixed = random() < 0.4;
  return {
    vulnerabilityId: VULNERABILITIES[vulnerability] ?? '',
    title: TITLES[vulnerability % TITLES.length] ?? null,
    cvssScore: vulnerability % 3 === 0 ? null : vulnerability + 0.5,
    publishedAt: vulnerability % 4 === 0 ? null : `2024-01-0${vulnerability}T00:00:00Z`,
    package: pick(random, PACKAGES),
    severity: random() < 0.7 ? (SEVERITIES[vulnerability % 5] ?? 'LOW') : pick(random, SEVERITIES),
    status: fixed ? 'fixed' : pick(random, STATUSES),
    fixedVersion: fixed ? `2.${Math.floor(random() * 2)}` : null,
    installedVersion: `1.${Math.floor(random() * 2)}`,
    path: random() < 0.3 ? 'usr/lib/x.jar' : null,
    target: pick(random, ['debian', 'app/package-lock.json']),
    primaryUrl: random() < 0.5 ? `https://example.org/${vulnerability}` : null,
  };
}

/** Up to four reports of each artifact; those named `old` are stale. Every artifact was scanned, some without findings. */
export async function storeWorld(database: Database, random: Random): Promise<void> {
  for (const artifact of ARTIFACTS) {
    const now = artifact.repository === 'old' ? LONG_AGO : NOW;
    const labels = { team: pick(random, ['red', 'blue']), env: pick(random, ['prod', 'test']) };
    for (let count = Math.ceil(random() * 4); count > 0; count -= 1) {
      const days = Math.floor(random() * 20);
      await store(
        database,
        {
          artifact,
          scannedAt: new Date(now.getTime() - days * 86_400_000),
          findings: Array.from({ length: Math.floor(random() * 14) }, () => randomFinding(random)),
          kinds: random() < 0.8 ? ['vulnerability'] : ['vulnerability', 'secret'],
        },
        labels,
        now,
      );
    }
  }
  await markStale(database, new Date('2026-02-01T00:00:00Z'));
}

/** A finding of the latest scan of an artifact. */
export interface Row {
  scanId: number;
  artifact: ArtifactRow;
  vulnerability: string;
  severity: Severity;
  package: string;
  installedVersion: string | null;
  fixedVersion: string | null;
  status: string;
  path: string;
  target: string;
  title: string | null;
  cvss: number | null;
  publishedAt: Date | null;
  naturalOrder: string;
}

export interface ArtifactRow {
  id: number;
  type: string;
  name: string;
  repository: string;
  cluster: string | null;
  namespace: string | null;
  stale: boolean;
  labels: Record<string, string>;
}

export interface World {
  artifacts: ArtifactRow[];
  /** Of artifacts that are stale too. */
  findings: Row[];
  /** When an artifact was reported with a vulnerability, in any scan. */
  reported: { artifactId: number; vulnerability: string; at: Date }[];
}

/** Reads scans and their findings, and none of the tables that are maintained from them. */
export async function readWorld(db: Db): Promise<World> {
  const artifacts = (await db.query<ArtifactRow>('SELECT * FROM artifact')).rows;
  const scans = (
    await db.query<{ id: number; artifact_id: number; scanned_at: Date; received_at: Date }>(
      'SELECT * FROM scan WHERE kinds & 1 <> 0 ORDER BY scanned_at, received_at, id',
    )
  ).rows;
  const latest = new Map(scans.map((scan) => [scan.artifact_id, scan.id]));
  const rows = (
    await db.query<Omit<Row, 'artifact' | 'severity'> & { artifactId: number; level: number; at: Date }>(
      `SELECT s.id AS "scanId", s.artifact_id AS "artifactId", s.scanned_at AS at, v.vulnerability_id AS vulnerability,
         v.natural_order AS "naturalOrder", v.title, v.cvss_score AS cvss, v.published_at AS "publishedAt",
         d.severity AS level, d.package, d.installed_version AS "installedVersion",
         d.fixed_version AS "fixedVersion", d.status, p.text AS path, t.text AS target
       FROM scan_finding f JOIN scan s ON s.id = f.scan_id JOIN finding_definition d ON d.id = f.definition_id
       JOIN vulnerability v ON v.id = d.vulnerability_id JOIN place p ON p.id = f.path_id
       JOIN place t ON t.id = f.target_id`,
    )
  ).rows;
  return {
    artifacts,
    findings: rows
      .filter((row) => latest.get(row.artifactId) === row.scanId)
      .map(({ level, artifactId, at, ...row }) => {
        const artifact = artifacts.find((one) => one.id === artifactId);
        if (!artifact) throw new Error(`no artifact ${artifactId}`);
        return { ...row, artifact, severity: SEVERITIES[level] ?? 'UNKNOWN' };
      }),
    reported: rows.map(({ artifactId, vulnerability, at }) => ({ artifactId, vulnerability, at })),
  };
}

export interface ArtifactChoice {
  artifact?: string[];
  repository?: string[];
  type?: string[];
  cluster?: string[];
  namespace?: string[];
  label?: string[];
}

/** The artifacts that count and that the filters choose. */
export function chosen(world: World, query: ArtifactChoice): ArtifactRow[] {
  const any = (values: string[] | undefined, value: string | null) =>
    values === undefined || (value !== null && values.includes(value));
  return world.artifacts.filter(
    (artifact) =>
      !artifact.stale &&
      (any(query.artifact, artifact.name) || any(query.artifact, String(artifact.id))) &&
      any(query.repository, artifact.repository) &&
      any(query.type, artifact.type) &&
      any(query.cluster, artifact.cluster) &&
      any(query.namespace, artifact.namespace) &&
      (query.label ?? []).every(
        (label) => artifact.labels[label.split('=')[0] ?? ''] === label.split('=')[1],
      ),
  );
}

/** The earliest report of a vulnerability in any of the artifacts. */
export function firstSeen(world: World, artifacts: ArtifactRow[], vulnerability: string): Date {
  const ids = new Set(artifacts.map((artifact) => artifact.id));
  const times = world.reported
    .filter((report) => report.vulnerability === vulnerability && ids.has(report.artifactId))
    .map((report) => report.at.getTime());
  return new Date(Math.min(...times));
}

/** Whether `q` is in the id, the title or the package. */
export function matches(row: Row, q: string): boolean {
  const inText = (text: string) => text.toLowerCase().includes(q.toLowerCase());
  return inText(`${row.vulnerability} ${row.title ?? ''}`) || lowerAscii(row.package).includes(lowerAscii(q));
}

export function level(severity: string): number {
  return SEVERITIES.indexOf(severity as Severity);
}

export { compare };

const several = <T>(values: readonly T[], maxLength = 3) =>
  fc.uniqueArray(fc.constantFrom(...values), { minLength: 1, maxLength });

/** The filters that vulnerabilities and findings share. */
export const FILTERS = {
  artifact: several([
    'nginx:1',
    'nginx:2',
    'ghcr.io/team/app:1',
    'old:1',
    'prod/shop/Deployment/web',
    '1',
    '5',
    'none',
  ]),
  repository: several(['nginx', 'ghcr.io/team/app', 'old', 'none']),
  type: several(['image', 'repository', 'kubernetes', 'vm'] as const),
  cluster: several(['prod', 'test', 'none']),
  namespace: several(['shop', 'default', 'none']),
  label: several(['team=red', 'team=blue', 'env=prod', 'env=test'], 2),
  severity: several(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const),
  fixable: fc.boolean(),
  status: several(STATUSES),
  package: several([...PACKAGES, 'OPENSSL', 'nul\0']),
  since: fc.constantFrom('2026-02-25', '2026-03-01T12:00:00Z', '2026-03-10'),
  until: fc.constantFrom('2026-02-28', '2026-03-05T12:00:00Z', '2026-03-14'),
  q: fc.constantFrom(
    'cve',
    'openssl',
    'SSL',
    '100%',
    '_b',
    'a_',
    '24-9',
    'ldap',
    'ärger',
    'zz',
    'ow in',
    '\0\0',
    '\\%',
  ),
  order: fc.constantFrom('asc' as const, 'desc' as const),
};
