/** Artifacts and scans made at random, and what a reader of plain rows would say of them. */
import type { Db } from '../../src/db/pool.ts';
import type { List } from '../../src/schemas.ts';

export interface ArtifactData {
  id: number;
  type: string;
  name: string;
  repository: string;
  version: string | null;
  cluster: string | null;
  namespace: string | null;
  resource_kind: string | null;
  last_seen_at: string;
  stale: boolean;
  eosl: boolean;
  labels: Record<string, string>;
  newest_scan_id: number | null;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
}

export interface WorkloadData {
  artifact_id: number;
  cluster: string;
  namespace: string;
  kind: string;
  name: string;
  container: string;
}

export interface ScanData {
  id: number;
  artifact_id: number;
  artifact_name: string;
  kinds: number;
  latest_kinds: number;
  scanned_at: string;
  received_at: string;
  digest: string | null;
  os_family: string | null;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
  labels: Record<string, string>;
}

export interface Inventory {
  artifacts: ArtifactData[];
  workloads: WorkloadData[];
  scans: ScanData[];
}

export type Random = () => number;

/** The same numbers for the same seed (mulberry32). */
export function seeded(seed: number): Random {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

export function pick<T>(random: Random, values: readonly T[]): T {
  return values[Math.floor(random() * values.length)] as T;
}

export const TYPES = ['image', 'repository', 'filesystem', 'sbom', 'vm', 'kubernetes'] as const;
export const REPOSITORIES = [
  'nginx',
  'Team/App',
  'team/app',
  "o'brien",
  '100%_sure',
  'a\\b',
  'été',
  'ghcr.io/x/y',
];
const VERSIONS = ['1.25', 'latest', 'V2', null];
export const CLUSTERS = ['prod', 'test', 'PROD'];
export const NAMESPACES = ['default', 'kube-system', 'shop'];
export const LABELS = ['team=red', 'team=blue', 'env=prod', 'note=a=b', "quote='", 'empty='];

/** Few moments, so that many are equal; one differs from another by a microsecond only. */
export const MOMENTS = [
  '2026-01-30T23:59:59.999999Z',
  '2026-01-31T00:00:00.000000Z',
  '2026-01-31T12:00:00.123456Z',
  '2026-01-31T12:00:00.123457Z',
  '2026-01-31T23:59:59.999999Z',
  '2026-02-01T00:00:00.000000Z',
];

function counts(random: Random) {
  const count = () => (random() < 0.5 ? 0 : Math.floor(random() * 3) * (random() < 0.2 ? 200 : 1));
  return {
    critical: count(),
    high: count(),
    medium: count(),
    low: count(),
    unknown: count(),
    fixable: count(),
  };
}

function labels(random: Random): Record<string, string> {
  const chosen = LABELS.filter(() => random() < 0.3);
  return Object.fromEntries(
    chosen.map((label) => [label.split('=')[0] ?? '', label.slice(label.indexOf('=') + 1)]),
  );
}

/** Names of SBOMs look like those of images and are none: they are not to be found by a shorter form. */
function baseName(type: string, repository: string, version: string, id: number): string {
  if (type === 'image') return `${repository}:${version}`;
  return type === 'sbom' ? `${repository}:latest` : `${repository}/${id % 7}`;
}

/** @param firstId of the artifacts, and of the scans times 100. */
export function makeInventory(random: Random, size: number, firstId = 1): Inventory {
  const inventory: Inventory = { artifacts: [], workloads: [], scans: [] };
  const taken = new Set<string>();
  for (let index = 0; index < size; index += 1) {
    const id = firstId + index;
    const type = pick(random, TYPES);
    const repository = pick(random, REPOSITORIES);
    const version = type === 'image' ? pick(random, VERSIONS) : null;
    const base = baseName(type, repository, version ?? `v${id}`, id);
    const name = taken.has(`${type} ${base}`) ? `${base}-${id}` : base;
    taken.add(`${type} ${base}`);
    const resource = type === 'kubernetes';
    inventory.artifacts.push({
      id,
      type,
      name,
      repository,
      version,
      cluster: resource ? pick(random, CLUSTERS) : null,
      namespace: resource && random() < 0.8 ? pick(random, NAMESPACES) : null,
      resource_kind: resource ? 'Deployment' : null,
      last_seen_at: pick(random, MOMENTS),
      stale: random() < 0.3,
      eosl: random() < 0.3,
      labels: labels(random),
      newest_scan_id: null,
      ...counts(random),
    });
    if (type === 'image') addWorkloads(random, inventory, id);
    addScans(random, inventory, id, name);
  }
  return inventory;
}

function addWorkloads(random: Random, inventory: Inventory, artifactId: number): void {
  const places = CLUSTERS.flatMap((cluster) => NAMESPACES.map((namespace) => ({ cluster, namespace })));
  for (const place of places.filter(() => random() < 0.15)) {
    inventory.workloads.push({
      artifact_id: artifactId,
      ...place,
      kind: 'Pod',
      name: 'web',
      container: 'main',
    });
  }
}

/** In the order in which the newest scan is chosen. */
export function byTime(a: ScanData, b: ScanData): number {
  return compare(a.scanned_at, b.scanned_at) || compare(a.received_at, b.received_at) || a.id - b.id;
}

function addScans(random: Random, inventory: Inventory, artifactId: number, name: string): void {
  const scans: ScanData[] = [];
  for (let index = 0; index <= random() * 5; index += 1) {
    scans.push({
      id: artifactId * 100 + index,
      artifact_id: artifactId,
      artifact_name: name,
      kinds: 1 + Math.floor(random() * 15),
      latest_kinds: 0,
      scanned_at: pick(random, MOMENTS),
      received_at: pick(random, MOMENTS),
      digest: random() < 0.4 ? `sha256:${artifactId}-${index}` : null,
      os_family: random() < 0.5 ? 'debian' : null,
      ...counts(random),
      labels: labels(random),
    });
  }
  scans.sort(byTime);
  for (const kind of [1, 2, 4, 8]) {
    const latest = scans.findLast((scan) => scan.kinds & kind);
    if (latest) latest.latest_kinds |= kind;
  }
  const artifact = inventory.artifacts.at(-1);
  if (artifact) artifact.newest_scan_id = scans.at(-1)?.id ?? null;
  inventory.scans.push(...scans);
}

/** Writes rows as they are; all have the columns of the first. */
export async function insertRows(db: Db, table: string, rows: readonly object[]): Promise<void> {
  if (rows.length === 0) return;
  const columns = Object.keys(rows[0] ?? {}).map((column) => `"${column}"`);
  await db.query(
    `INSERT INTO ${table} (${columns}) OVERRIDING SYSTEM VALUE
     SELECT ${columns} FROM jsonb_populate_recordset(NULL::${table}, $1)`,
    [JSON.stringify(rows)],
  );
}

/** What every row of `scan` has to have. */
export const SCAN_DEFAULTS = {
  document_id: 1,
  document_sha256: '\\x00',
  findings_sha256: '\\x00',
  misconfigurations: 0,
  secrets: 0,
  licenses: 0,
  suppressed: 0,
  metadata: {},
  warnings: [],
};

export async function storeDocumentRow(db: Db): Promise<void> {
  await insertRows(db, 'document', [{ id: 1, sha256: '\\x00', bytes: 1234, gzip: '\\x1f8b' }]);
}

export async function storeInventory(db: Db, { artifacts, workloads, scans }: Inventory): Promise<void> {
  await insertRows(db, 'artifact', artifacts);
  await insertRows(
    db,
    'artifact_workload',
    workloads.map((workload) => ({ ...workload, last_seen_at: '2026-02-01T00:00:00Z' })),
  );
  await insertRows(
    db,
    'scan',
    scans.map((scan) => ({ ...scan, ...SCAN_DEFAULTS })),
  );
}

/** All pages of a list, and every page's total. */
export async function walk<Item, Query extends { cursor?: string }>(
  list: (query: Query) => Promise<List<Item> | null>,
  query: Query,
  between: (page: number) => Promise<void> = async () => {},
): Promise<{ items: Item[]; totals: number[] }> {
  const items: Item[] = [];
  const totals: number[] = [];
  let cursor: string | undefined;
  do {
    const page = await list(cursor === undefined ? query : { ...query, cursor });
    if (!page) throw new Error('there is no such list');
    items.push(...page.items);
    totals.push(page.total);
    cursor = page.nextCursor ?? undefined;
    await between(totals.length);
  } while (cursor !== undefined);
  return { items, totals };
}

/** As collation "C" compares. */
export function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

/** As `lower` under collation "C" does. */
export function lowerAscii(text: string): string {
  return text.replace(/[A-Z]/g, (letter) => letter.toLowerCase());
}

const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const;
type Counts = Pick<ArtifactData, 'critical' | 'high' | 'medium' | 'low' | 'unknown'>;

export function countsOf(row: Counts): number[] {
  return [row.critical, row.high, row.medium, row.low, row.unknown];
}

export function compareCounts(a: Counts, b: Counts): number {
  const others = countsOf(b);
  for (const [index, count] of countsOf(a).entries()) {
    if (count !== others[index]) return count - (others[index] ?? 0);
  }
  return 0;
}

export interface ModelFilters {
  artifact?: string[];
  repository?: string[];
  type?: string[];
  cluster?: string[];
  namespace?: string[];
  label?: string[];
  q?: string;
  severity?: string[];
  since?: string;
  until?: string;
}

/** What the filters that artifacts and scans have in common select. */
export function selects(
  filters: ModelFilters,
  inventory: Inventory,
  artifact: ArtifactData,
  row: Counts & { labels: Record<string, string> },
  time: string,
): boolean {
  const { repository, type, q, severity, since, until, label } = filters;
  const at = Date.parse(time);
  return (
    (filters.artifact?.some((text) => isNamed(artifact, text)) ?? true) &&
    (repository?.includes(artifact.repository) ?? true) &&
    (type?.includes(artifact.type) ?? true) &&
    isPlaced(filters, inventory, artifact) &&
    (label?.every((text) => row.labels[text.replace(/=.*/s, '')] === text.replace(/^[^=]*=/, '')) ?? true) &&
    (q === undefined || lowerAscii(artifact.name).includes(lowerAscii(q))) &&
    (severity?.some((word) => (countsOf(row)[SEVERITIES.indexOf(word as 'LOW')] ?? 0) > 0) ?? true) &&
    (since === undefined || at >= Date.parse(since)) &&
    (until === undefined || at <= Date.parse(until) + (until.length === 10 ? 86_399_999 : 0))
  );
}

/** Only Docker Hub's prefixes and the tag "latest" are tried here; `reference.ts` has tests of its own. */
function isNamed(artifact: ArtifactData, text: string): boolean {
  if (/^\d+$/.test(text)) return artifact.id === Number(text);
  if (artifact.type !== 'image') return artifact.name === text;
  const familiar = text.replace(/^docker\.io\/(library\/)?/, '');
  return (
    artifact.name === text || artifact.name === (/:[^/]*$/.test(familiar) ? familiar : `${familiar}:latest`)
  );
}

function isPlaced(filters: ModelFilters, inventory: Inventory, artifact: ArtifactData): boolean {
  const isIn = (wanted: string[] | undefined, place: string | null) =>
    wanted === undefined || (place !== null && wanted.includes(place));
  const places = [
    artifact,
    ...inventory.workloads.filter((workload) => workload.artifact_id === artifact.id),
  ];
  return places.some(
    (place) => isIn(filters.cluster, place.cluster) && isIn(filters.namespace, place.namespace),
  );
}
