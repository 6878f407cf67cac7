/**
 * What is cached: every read that the cache may answer, with its name, how long an answer may live, what it depends
 * on and how it is computed. Tags are those that the triggers of the migrations write.
 */
import { LRUCache } from 'lru-cache';
import type { Answer, Cache } from './cache/types.ts';
import { getArtifact, listArtifacts } from './db/artifacts.ts';
import { diffScans } from './db/diff.ts';
import { listFindings } from './db/findings.ts';
import { countFindings } from './db/gauges.ts';
import type { Db } from './db/pool.ts';
import { listRepositories } from './db/repositories.ts';
import { listScanOthers, listScanVulnerabilities } from './db/scan_findings.ts';
import { getScan, listScans } from './db/scans.ts';
import { getSummary } from './db/summary.ts';
import { getVulnerability, listVulnerabilities } from './db/vulnerabilities.ts';
import type {
  ArtifactsQuery,
  DiffQuery,
  FindingsQuery,
  RepositoriesQuery,
  ScanOthersQuery,
  ScansQuery,
  ScanVulnerabilitiesQuery,
  VulnerabilitiesQuery,
} from './schemas.ts';

export interface ReadsOptions {
  cache: Cache<Db>;
  scanResultsTtlSeconds: number;
  vulnerabilitiesTtlSeconds: number;
  /** Told how long each read took: of a hit that is what Redis took. */
  onAnswer?(read: string, outcome: Answer['outcome'], ms: number): void;
  /** Told how long each computation of an answer took. */
  onLoad?(read: string, ms: number): void;
}

type OfScan<Query> = Query & { id: number };
/** The UTC day of the request, for answers that show days. */
type OnDay = { day: string };

const LIST = { limit: 50 };
/** Of each read so many addresses are remembered, */
const PREPARED = 500;
/** up to this length. */
const PREPARED_URL = 500;

/** Declares all cached reads. @returns a function for each, of its parameters. */
export function createReads(options: ReadsOptions) {
  const define = definer(options);
  const short = options.scanResultsTtlSeconds;
  const long = options.vulnerabilitiesTtlSeconds;
  return {
    ...scanReads(define, short, long),
    ...artifactReads(define, short),
    ...vulnerabilityReads(define, long),
    ...overviewReads(define, short),
  };
}

function scanReads(define: Define, short: number, long: number) {
  const others = (name: string, kind: 'misconfiguration' | 'secret' | 'license' | 'suppressed') =>
    define<OfScan<ScanOthersQuery>>({
      name,
      ttlSeconds: long,
      defaults: LIST,
      tags: ({ id }) => [`scan:${id}`],
      load: (db, { id, ...query }) => listScanOthers(db, id, kind, query),
    });

  return {
    scans: define<ScansQuery>({
      name: 'scan-results',
      ttlSeconds: short,
      defaults: { ...LIST, sort: 'scannedAt' },
      tags: (query) => artifactTags(query) ?? ['scans', ...(choosesPlace(query) ? ['artifacts'] : [])],
      load: listScans,
    }),
    scan: define<{ id: number }>({
      name: 'scan',
      ttlSeconds: short,
      tags: ({ id }) => [`scan:${id}`],
      load: (db, { id }) => getScan(db, id),
    }),
    scanVulnerabilities: define<OfScan<ScanVulnerabilitiesQuery>>({
      name: 'scan-vulnerabilities',
      ttlSeconds: long,
      defaults: { ...LIST, sort: 'severity' },
      tags: ({ id }) => [`scan:${id}`, 'dictionary'],
      load: (db, { id, ...query }) => listScanVulnerabilities(db, id, query),
    }),
    scanMisconfigurations: others('scan-misconfigurations', 'misconfiguration'),
    scanSecrets: others('scan-secrets', 'secret'),
    scanLicenses: others('scan-licenses', 'license'),
    scanSuppressed: others('scan-suppressed', 'suppressed'),
    diff: define<OfScan<DiffQuery>>({
      name: 'diff',
      ttlSeconds: long,
      defaults: LIST,
      // Without `against`, which scan it is compared with depends on the others of its artifact.
      tags: ({ id, against }) => [
        `scan:${id}`,
        against === undefined ? 'scans' : `scan:${against}`,
        'dictionary',
      ],
      load: (db, { id, against, ...query }) => diffScans(db, id, against ?? null, query),
    }),
  };
}

function artifactReads(define: Define, short: number) {
  // Their latest scans are shown as they are.
  const tags = ({ vulnerability, package: packages }: ArtifactsQuery) => [
    'artifacts',
    'scans',
    ...(vulnerability || packages ? ['vulnerabilities', 'dictionary'] : []),
  ];
  return {
    artifacts: define<ArtifactsQuery>({
      name: 'artifacts',
      ttlSeconds: short,
      defaults: { ...LIST, sort: 'severity' },
      tags,
      load: listArtifacts,
    }),
    repositories: define<RepositoriesQuery>({
      name: 'repositories',
      ttlSeconds: short,
      defaults: { ...LIST, sort: 'severity' },
      tags,
      load: listRepositories,
    }),
    artifact: define<{ id: number } & OnDay>({
      name: 'artifact',
      ttlSeconds: short,
      tags: ({ id }) => [`artifact:${id}`],
      load: (db, { id, day }) => getArtifact(db, id, day),
    }),
  };
}

function vulnerabilityReads(define: Define, long: number) {
  return {
    vulnerabilities: define<VulnerabilitiesQuery>({
      name: 'vulnerabilities',
      ttlSeconds: long,
      defaults: { ...LIST, sort: 'severity' },
      tags: vulnerabilityTags,
      load: listVulnerabilities,
    }),
    vulnerability: define<{ id: string }>({
      name: 'vulnerability',
      ttlSeconds: long,
      tags: () => vulnerabilityTags({}),
      load: (db, { id }) => getVulnerability(db, id),
    }),
    findings: define<FindingsQuery>({
      name: 'findings',
      ttlSeconds: long,
      defaults: { ...LIST, sort: 'severity' },
      // Each with the time of its scan.
      tags: (query) => [...vulnerabilityTags(query), ...(artifactTags(query) ? [] : ['scans'])],
      load: listFindings,
    }),
  };
}

function overviewReads(define: Define, short: number) {
  return {
    summary: define<OnDay>({
      name: 'summary',
      ttlSeconds: short,
      tags: () => ['scans', 'artifacts', 'vulnerabilities', 'trend'],
      load: (db, { day }) => getSummary(db, day),
    }),
    /** For the metrics alone. */
    findingCounts: define<Record<string, never>>({
      name: 'finding-counts',
      ttlSeconds: short,
      tags: () => ['vulnerabilities'],
      load: countFindings,
    }),
  };
}

export type Reads = ReturnType<typeof createReads>;

interface CachedRead<Params> {
  name: string;
  ttlSeconds: number;
  /** What a request means that does not say, so that equal questions meet. */
  defaults?: Partial<Params>;
  /** What an answer depends on, whatever is in the database. */
  tags: (params: Params) => string[];
  load: (db: Db, params: Params) => Promise<unknown>;
}

type Define = ReturnType<typeof definer>;

/** How a read is declared: once, with its parameters in one form, and its time taken. */
function definer({ cache, onAnswer = () => {}, onLoad = () => {} }: ReadsOptions) {
  return <Params extends object>({ name, ttlSeconds, defaults, tags, load }: CachedRead<Params>) => {
    const { prepare } = cache.define<Params>({
      name,
      ttlSeconds,
      key: (params) => JSON.stringify(params),
      tags,
      load: async (db, params) => {
        const startedMs = performance.now();
        const value = await load(db, params);
        onLoad(name, performance.now() - startedMs);
        return value;
      },
    });
    const prepared = new LRUCache<string, () => Promise<Answer>>({ max: PREPARED });
    /** @param url says the same as `params`, where nothing else does: what is worked out for it is kept */
    return async (params: Params, url?: string): Promise<Answer> => {
      const startedMs = performance.now();
      let ask = url === undefined ? undefined : prepared.get(url);
      if (ask === undefined) {
        ask = prepare(canonical({ ...defaults, ...params }));
        if (url !== undefined && url.length <= PREPARED_URL) prepared.set(url, ask);
      }
      const answer = await ask();
      onAnswer(name, answer.outcome, performance.now() - startedMs);
      return answer;
    };
  };
}

/** The UTC day of now: part of the key of every read that shows days. */
export function today(): string {
  return new Date().toISOString().slice(0, 10);
}

interface ArtifactChoice {
  artifact?: string[];
  cluster?: string[];
  namespace?: string[];
}

/** Where all artifacts are named by id, an answer depends on those alone, their workloads included; else null. */
function artifactTags({ artifact }: ArtifactChoice): string[] | null {
  if (!artifact?.every((text) => /^\d{1,15}$/.test(text))) return null;
  return artifact.map((id) => `artifact:${Number(id)}`);
}

/** Workloads choose: that an image runs in a cluster is kept with its artifact. */
function choosesPlace({ cluster, namespace }: ArtifactChoice): boolean {
  return cluster !== undefined || namespace !== undefined;
}

function vulnerabilityTags(query: ArtifactChoice): string[] {
  return [...(artifactTags(query) ?? ['vulnerabilities', 'artifacts']), 'dictionary'];
}

/**
 * The one form of equal questions: parameters in the order of their names, values of a filter sorted and each once,
 * and nothing that only says how the answer is presented.
 */
function canonical<Params extends object>(params: Params): Params {
  const form: Record<string, unknown> = {};
  for (const name of Object.keys(params).sort()) {
    const value = params[name as keyof Params] as unknown;
    if (value === undefined || name === 'format') continue;
    form[name] = Array.isArray(value) && value.length > 1 ? [...new Set(value)].sort() : value;
  }
  return form as Params;
}
