/**
 * Every type that goes over the wire, as a TypeBox schema (validation, OpenAPI) and a TypeScript type of one name.
 * The dashboard takes its types from here. Times are RFC 3339 in UTC.
 */
import Type, { type Static, type TSchema } from 'typebox';

const Nullable = <T extends TSchema>(schema: T) => Type.Union([schema, Type.Null()]);
const Time = () => Type.String({ format: 'date-time' });
const Day = () => Type.String({ format: 'date', description: 'a UTC day' });
const Count = (description?: string) => Type.Integer({ minimum: 0, ...(description ? { description } : {}) });
const JsonObject = () => Type.Record(Type.String(), Type.Unknown());

export const Severity = Type.Enum(['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN']);
export type Severity = Static<typeof Severity>;

export const Kind = Type.Enum(['vulnerability', 'misconfiguration', 'secret', 'license']);
export type Kind = Static<typeof Kind>;

export const ArtifactType = Type.Enum(['image', 'repository', 'filesystem', 'sbom', 'vm', 'kubernetes']);
export type ArtifactType = Static<typeof ArtifactType>;

export const Status = Type.Enum([
  'unknown',
  'not_affected',
  'affected',
  'fixed',
  'under_investigation',
  'will_not_fix',
  'fix_deferred',
  'end_of_life',
]);
export type Status = Static<typeof Status>;

export const SeverityCounts = Type.Object({
  critical: Count(),
  high: Count(),
  medium: Count(),
  low: Count(),
  unknown: Count(),
});
export type SeverityCounts = Static<typeof SeverityCounts>;

/** Differences, so they may be negative. */
export const SeverityDifferences = Type.Object({
  critical: Type.Integer(),
  high: Type.Integer(),
  medium: Type.Integer(),
  low: Type.Integer(),
  unknown: Type.Integer(),
});
export type SeverityDifferences = Static<typeof SeverityDifferences>;

/** Labels: at most 50, names and values of at most 256 characters. */
export const Labels = Type.Record(Type.String({ maxLength: 256 }), Type.String({ maxLength: 256 }), {
  maxProperties: 50,
});
export type Labels = Static<typeof Labels>;

// ------------------------------------------------------------------------------------------------ artifacts

export const ArtifactReference = Type.Object({
  id: Type.Integer(),
  type: ArtifactType,
  name: Type.String({ description: 'images: the reference in familiar form' }),
  repository: Type.String(),
  version: Nullable(Type.String({ description: 'tag or branch' })),
  digest: Nullable(Type.String({ description: 'of the image as scanned' })),
  cluster: Nullable(Type.String()),
  namespace: Nullable(Type.String()),
  kind: Nullable(Type.String({ description: 'kind of the Kubernetes resource' })),
});
export type ArtifactReference = Static<typeof ArtifactReference>;

export const OperatingSystem = Type.Object({
  family: Type.String(),
  name: Nullable(Type.String()),
  eosl: Type.Boolean({ description: 'end of service life' }),
});
export type OperatingSystem = Static<typeof OperatingSystem>;

/** The gate: vulnerability findings against the scan before it. */
export const Changes = Type.Object({
  against: Nullable(
    Type.Integer({ description: 'id of the scan compared with; null: there was none, all are new' }),
  ),
  new: Count(),
  gone: Count(),
  same: Count(),
  newBySeverity: SeverityCounts,
});
export type Changes = Static<typeof Changes>;

export const ScanSummary = Type.Object({
  id: Type.Integer(),
  artifact: ArtifactReference,
  kinds: Type.Array(Kind, { description: 'what the report looked for' }),
  scannedAt: Time(),
  receivedAt: Time(),
  latest: Type.Boolean({ description: 'the latest of its artifact for at least one of its kinds' }),
  severityCounts: SeverityCounts,
  fixableCount: Count('findings with a fixed version'),
  misconfigurationCount: Count('FAIL only'),
  secretCount: Count(),
  licenseCount: Count(),
  suppressedCount: Count(),
  labels: Labels,
  trivyVersion: Nullable(Type.String()),
  os: Nullable(OperatingSystem),
  uploadedBy: Nullable(Type.String()),
  warnings: Type.Array(Type.String()),
  changes: Nullable(Changes),
});
export type ScanSummary = Static<typeof ScanSummary>;

export const Scan = Type.Object({
  ...ScanSummary.properties,
  reportId: Nullable(Type.String()),
  bytes: Count('of the document as sent, decompressed'),
  metadata: JsonObject(),
});
export type Scan = Static<typeof Scan>;

export const Workload = Type.Object({
  cluster: Type.String(),
  namespace: Type.String(),
  kind: Type.String(),
  name: Type.String(),
  container: Type.String(),
  lastSeenAt: Time(),
});
export type Workload = Static<typeof Workload>;

export const LatestScans = Type.Object({
  vulnerability: Type.Optional(ScanSummary),
  misconfiguration: Type.Optional(ScanSummary),
  secret: Type.Optional(ScanSummary),
  license: Type.Optional(ScanSummary),
});

export const ArtifactSummary = Type.Object({
  ...ArtifactReference.properties,
  stale: Type.Boolean(),
  lastSeenAt: Time(),
  labels: Labels,
  os: Nullable(OperatingSystem),
  severityCounts: SeverityCounts,
  fixableCount: Count(),
  misconfigurationCount: Count(),
  secretCount: Count(),
  licenseCount: Count(),
  scanCount: Count(),
  workloadCount: Count(),
  latestScans: LatestScans,
});
export type ArtifactSummary = Static<typeof ArtifactSummary>;

export const HistoryPoint = Type.Object({
  day: Day(),
  scanId: Type.Integer({ description: 'the last scan for vulnerabilities of that day' }),
  severityCounts: SeverityCounts,
  fixableCount: Count(),
});

export const Artifact = Type.Object({
  ...ArtifactSummary.properties,
  workloads: Type.Array(Workload),
  history: Type.Array(HistoryPoint, { description: 'a point for each of the last 90 UTC days with a scan' }),
});
export type Artifact = Static<typeof Artifact>;

export const Repository = Type.Object({
  repository: Type.String(),
  type: ArtifactType,
  artifactCount: Count(),
  staleCount: Count(),
  lastSeenAt: Time(),
  worst: Nullable(
    Type.Object({
      id: Type.Integer(),
      name: Type.String(),
      version: Nullable(Type.String()),
      severityCounts: SeverityCounts,
    }),
  ),
  newest: Type.Object({
    id: Type.Integer(),
    name: Type.String(),
    version: Nullable(Type.String()),
    severityCounts: SeverityCounts,
    fixableCount: Count(),
  }),
});
export type Repository = Static<typeof Repository>;

// ------------------------------------------------------------------------------------------------ findings

/** A vulnerability finding of one scan: a row of Trivy's table. */
export const ScanFinding = Type.Object({
  vulnerabilityId: Type.String(),
  severity: Severity,
  package: Type.String(),
  installedVersion: Nullable(Type.String()),
  fixedVersion: Nullable(Type.String()),
  status: Type.String({ description: "Trivy's word" }),
  path: Nullable(Type.String()),
  target: Type.String(),
  class: Nullable(Type.String()),
  packageType: Nullable(Type.String()),
  purl: Nullable(Type.String()),
  title: Nullable(Type.String()),
  cvss: Nullable(Type.Number({ description: 'a score from 0 to 10' })),
  primaryUrl: Nullable(Type.String()),
});
export type ScanFinding = Static<typeof ScanFinding>;

/** A vulnerability finding that is current: in the latest scan of an artifact that is not stale. */
export const Finding = Type.Object({
  ...ScanFinding.properties,
  artifact: Type.Object({
    id: Type.Integer(),
    type: ArtifactType,
    name: Type.String(),
    workloadCount: Count(),
  }),
  scanId: Type.Integer(),
  scannedAt: Time(),
  firstSeenAt: Time(),
});
export type Finding = Static<typeof Finding>;

const Code = Type.Array(
  Type.Object({ number: Type.Integer(), content: Type.String(), isCause: Type.Boolean() }),
);

export const Misconfiguration = Type.Object({
  type: Nullable(Type.String()),
  id: Type.String(),
  avdId: Nullable(Type.String()),
  title: Nullable(Type.String()),
  description: Nullable(Type.String()),
  message: Nullable(Type.String()),
  namespace: Nullable(Type.String()),
  query: Nullable(Type.String()),
  resolution: Nullable(Type.String()),
  severity: Severity,
  primaryUrl: Nullable(Type.String()),
  references: Type.Array(Type.String()),
  status: Type.String({ description: 'PASS, FAIL or EXCEPTION' }),
  target: Type.String(),
  class: Nullable(Type.String()),
  resource: Nullable(Type.String()),
  provider: Nullable(Type.String()),
  service: Nullable(Type.String()),
  startLine: Nullable(Type.Integer()),
  endLine: Nullable(Type.Integer()),
  code: Code,
});
export type Misconfiguration = Static<typeof Misconfiguration>;

export const Secret = Type.Object({
  ruleId: Type.String(),
  category: Nullable(Type.String()),
  severity: Severity,
  title: Nullable(Type.String()),
  target: Type.String(),
  startLine: Nullable(Type.Integer()),
  endLine: Nullable(Type.Integer()),
  match: Nullable(Type.String({ description: 'masked by Trivy' })),
  code: Code,
});
export type Secret = Static<typeof Secret>;

export const License = Type.Object({
  name: Type.String(),
  category: Nullable(Type.String()),
  severity: Severity,
  package: Nullable(Type.String()),
  path: Nullable(Type.String()),
  target: Type.String(),
  confidence: Nullable(Type.Number()),
  link: Nullable(Type.String()),
});
export type License = Static<typeof License>;

export const Suppressed = Type.Object({
  type: Type.String({ description: 'vulnerability, misconfiguration, secret or license' }),
  status: Type.String(),
  statement: Nullable(Type.String()),
  source: Nullable(Type.String()),
  severity: Severity,
  finding: JsonObject(),
});
export type Suppressed = Static<typeof Suppressed>;

export const DiffItem = Type.Object({
  change: Type.Enum(['new', 'gone', 'same']),
  kind: Kind,
  versionBefore: Nullable(Type.String()),
  versionAfter: Nullable(Type.String()),
  finding: JsonObject(),
});
export type DiffItem = Static<typeof DiffItem>;

// ------------------------------------------------------------------------------------------------ vulnerabilities

export const Vulnerability = Type.Object({
  id: Type.String(),
  severity: Severity,
  severities: SeverityCounts,
  title: Nullable(Type.String()),
  cvss: Nullable(Type.Number()),
  fixable: Type.Boolean({ description: 'at least one current finding has a fixed version' }),
  packages: Type.Array(Type.String(), { description: 'at most 5, in alphabetical order' }),
  packageCount: Count(),
  affectedArtifacts: Count(),
  firstSeenAt: Time(),
  publishedAt: Nullable(Time()),
  primaryUrl: Nullable(Type.String()),
});
export type Vulnerability = Static<typeof Vulnerability>;

export const VulnerabilityDetail = Type.Object({
  id: Type.String(),
  severity: Severity,
  severities: SeverityCounts,
  title: Nullable(Type.String()),
  description: Nullable(Type.String()),
  references: Type.Array(Type.String()),
  cvss: Nullable(Type.Number()),
  cvssBySource: JsonObject(),
  severityBySource: Type.Record(Type.String(), Severity),
  cweIds: Type.Array(Type.String()),
  fixable: Type.Boolean(),
  affectedArtifacts: Count(),
  findingCount: Count(),
  staleArtifacts: Count(),
  firstSeenAt: Nullable(Time()),
  publishedAt: Nullable(Time()),
  modifiedAt: Nullable(Time()),
  primaryUrl: Nullable(Type.String()),
  packages: Type.Array(
    Type.Object({
      package: Type.String(),
      artifacts: Count(),
      fixes: Type.Array(
        Type.Object({
          installedVersion: Nullable(Type.String()),
          fixedVersion: Nullable(Type.String()),
          artifacts: Count(),
        }),
      ),
    }),
  ),
});
export type VulnerabilityDetail = Static<typeof VulnerabilityDetail>;

// ------------------------------------------------------------------------------------------------ summary, uploads

const Totals = Type.Object({
  vulnerabilities: SeverityCounts,
  findings: SeverityCounts,
  artifacts: SeverityCounts,
});

export const Summary = Type.Object({
  day: Day(),
  vulnerabilities: SeverityCounts,
  findings: SeverityCounts,
  artifacts: Type.Object({
    ...SeverityCounts.properties,
    none: Count('without vulnerabilities'),
    live: Count(),
    stale: Count(),
  }),
  fixable: Type.Object({
    vulnerabilities: SeverityCounts,
    findings: Count(),
  }),
  scans: Type.Object({
    total: Count(),
    today: Count('received on this UTC day'),
    lastReceivedAt: Nullable(Time()),
  }),
  since7Days: Type.Object({
    vulnerabilities: SeverityDifferences,
    findings: SeverityDifferences,
    artifacts: SeverityDifferences,
  }),
  trend: Type.Array(Type.Object({ day: Day(), ...Totals.properties }), {
    description: 'how it stood at the end of each of the last 30 UTC days, today last',
  }),
});
export type Summary = Static<typeof Summary>;

export const Upload = Type.Object({
  id: Type.Integer(),
  receivedAt: Time(),
  outcome: Type.Enum(['stored', 'same', 'refused']),
  code: Nullable(Type.String()),
  detail: Nullable(Type.String()),
  looksLike: Nullable(Type.String()),
  artifact: Nullable(Type.String()),
  scanIds: Type.Array(Type.Integer()),
  token: Nullable(Type.String()),
  bytes: Nullable(Type.Integer()),
  requestId: Nullable(Type.String()),
});
export type Upload = Static<typeof Upload>;

/** The answer to a document of several scans. */
export const StoredScans = Type.Object({
  items: Type.Array(Type.Object({ ...ScanSummary.properties, created: Type.Boolean() })),
  skipped: Type.Array(Type.Object({ name: Type.String(), reason: Type.String() })),
  warnings: Type.Array(Type.String()),
});
export type StoredScans = Static<typeof StoredScans>;

// ------------------------------------------------------------------------------------------------ lists and filters

/** The envelope of every list. */
export const List = <T extends TSchema>(item: T) =>
  Type.Object({
    items: Type.Array(item),
    nextCursor: Nullable(Type.String()),
    total: Count('exact up to 10,000'),
    totalIsExact: Type.Boolean(),
  });
export interface List<T> {
  items: T[];
  nextCursor: string | null;
  total: number;
  totalIsExact: boolean;
}

const Paging = {
  limit: Type.Optional(Type.Integer({ minimum: 1, maximum: 200, default: 50 })),
  cursor: Type.Optional(Type.String({ maxLength: 4096 })),
  order: Type.Optional(Type.Enum(['asc', 'desc'])),
};
const Format = { format: Type.Optional(Type.Enum(['json', 'csv'])) };
const several = <T extends TSchema>(schema: T) => Type.Optional(Type.Array(schema, { maxItems: 100 }));
const Words = () => Type.String({ minLength: 1, maxLength: 1024 });
const Search = Type.Optional(Type.String({ minLength: 2, maxLength: 256 }));
const Moment = Type.Optional(Type.String({ description: 'RFC 3339, or a day', maxLength: 64 }));

/** Filters that choose artifacts. */
const ArtifactFilters = {
  artifact: several(Words()),
  repository: several(Words()),
  type: several(ArtifactType),
  cluster: several(Words()),
  namespace: several(Words()),
  label: several(Type.String({ pattern: '^[^=]+=.*$', maxLength: 513, description: 'name=value' })),
};

const query = <T extends Parameters<typeof Type.Object>[0]>(properties: T) =>
  Type.Object(properties, { additionalProperties: false });

export const ScansQuery = query({
  ...ArtifactFilters,
  q: Search,
  severity: several(Severity),
  kind: several(Kind),
  latest: Type.Optional(Type.Boolean()),
  since: Moment,
  until: Moment,
  receivedSince: Moment,
  sort: Type.Optional(Type.Enum(['scannedAt', 'receivedAt', 'severity', 'artifact'])),
  ...Paging,
  ...Format,
});
export type ScansQuery = Static<typeof ScansQuery>;

/** What the lists of artifacts and of repositories take alike. */
const ArtifactListQuery = {
  ...ArtifactFilters,
  q: Search,
  severity: several(Severity),
  worst: several(Severity),
  kind: several(Kind),
  vulnerability: several(Words()),
  package: several(Words()),
  since: Moment,
  until: Moment,
  stale: Type.Optional(Type.Boolean()),
  eosl: Type.Optional(Type.Boolean()),
  sort: Type.Optional(Type.Enum(['severity', 'name', 'lastSeenAt'])),
  ...Paging,
};

export const ArtifactsQuery = query({ ...ArtifactListQuery, ...Format });
export type ArtifactsQuery = Static<typeof ArtifactsQuery>;

export const RepositoriesQuery = query(ArtifactListQuery);
export type RepositoriesQuery = Static<typeof RepositoriesQuery>;

const VulnerabilityFilters = {
  ...ArtifactFilters,
  severity: several(Severity),
  fixable: Type.Optional(Type.Boolean()),
  status: several(Status),
  package: several(Words()),
  since: Moment,
  until: Moment,
  q: Search,
};

export const VulnerabilitiesQuery = query({
  ...VulnerabilityFilters,
  sort: Type.Optional(
    Type.Enum(['severity', 'priority', 'cvss', 'affectedArtifacts', 'firstSeenAt', 'publishedAt', 'id']),
  ),
  ...Paging,
  ...Format,
});
export type VulnerabilitiesQuery = Static<typeof VulnerabilitiesQuery>;

export const FindingsQuery = query({
  ...VulnerabilityFilters,
  vulnerability: several(Words()),
  sort: Type.Optional(Type.Enum(['severity', 'artifact', 'package', 'firstSeenAt'])),
  ...Paging,
  ...Format,
});
export type FindingsQuery = Static<typeof FindingsQuery>;

/** Filters of one scan's findings; each list takes those that apply to it. */
export const ScanVulnerabilitiesQuery = query({
  severity: several(Severity),
  fixable: Type.Optional(Type.Boolean()),
  status: several(Status),
  package: several(Words()),
  q: Search,
  sort: Type.Optional(Type.Enum(['severity', 'package', 'id'])),
  ...Paging,
});
export type ScanVulnerabilitiesQuery = Static<typeof ScanVulnerabilitiesQuery>;

export const ScanMisconfigurationsQuery = query({
  severity: several(Severity),
  status: several(Type.Enum(['PASS', 'FAIL', 'EXCEPTION'])),
  q: Search,
  ...Paging,
});
export const ScanSecretsQuery = query({ severity: several(Severity), q: Search, ...Paging });
export const ScanLicensesQuery = query({
  severity: several(Severity),
  package: several(Words()),
  q: Search,
  ...Paging,
});
export const ScanSuppressedQuery = query({ severity: several(Severity), q: Search, ...Paging });
/** What the four lists of other findings take together. */
export interface ScanOthersQuery {
  severity?: Severity[];
  status?: string[];
  package?: string[];
  q?: string;
  limit?: number;
  cursor?: string;
  order?: 'asc' | 'desc';
}

export const DiffQuery = query({
  against: Type.Optional(Type.Integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER })),
  change: several(Type.Enum(['new', 'gone', 'same'])),
  kind: several(Kind),
  severity: several(Severity),
  ...Paging,
});
export type DiffQuery = Static<typeof DiffQuery>;

export const DiffList = Type.Object({
  ...List(DiffItem).properties,
  against: Nullable(Type.Integer()),
  counts: Type.Object({ new: Count(), gone: Count(), same: Count() }),
  newBySeverity: SeverityCounts,
});
export type DiffList = Static<typeof DiffList>;

export const UploadsQuery = query({
  outcome: several(Type.Enum(['stored', 'same', 'refused'])),
  receivedSince: Moment,
  ...Paging,
});
export type UploadsQuery = Static<typeof UploadsQuery>;

/** Query of `POST /api/scan-results`. */
export const UploadQuery = query({
  artifact: Type.Optional(Type.String({ maxLength: 1024, pattern: '^[^\\u0000]*$' })),
  cluster: Type.Optional(Type.String({ minLength: 1, maxLength: 253 })),
  scanners: Type.Optional(
    Type.String({ description: 'vuln, misconfig, secret, license; separated by commas' }),
  ),
  label: several(Type.String({ pattern: '^[^=]+=.*$', maxLength: 513, description: 'name=value' })),
});
export type UploadQuery = Static<typeof UploadQuery>;

/** RFC 7396: null removes a label. */
export const LabelsPatch = Type.Object(
  {
    labels: Type.Record(
      Type.String({ minLength: 1, maxLength: 256 }),
      Nullable(Type.String({ maxLength: 256 })),
    ),
  },
  { additionalProperties: false },
);
export type LabelsPatch = Static<typeof LabelsPatch>;

// ------------------------------------------------------------------------------------------------ errors

export const Problem = Type.Object({
  type: Type.String(),
  title: Type.String(),
  status: Type.Integer(),
  detail: Type.Optional(Type.String()),
  code: Type.String(),
  requestId: Type.Optional(Type.String()),
  errors: Type.Optional(
    Type.Array(
      Type.Object({
        pointer: Type.Optional(Type.String()),
        parameter: Type.Optional(Type.String()),
        detail: Type.String(),
      }),
    ),
  ),
  looksLike: Type.Optional(Type.String()),
  maxBytes: Type.Optional(Type.Integer()),
});
export type Problem = Static<typeof Problem>;

// ------------------------------------------------------------------------------------------------ cache

export type {
  CacheEvent,
  CacheHealth,
  CacheStatistics,
  InstanceStatistics,
  ReadStatistics,
} from './cache/types.ts';
