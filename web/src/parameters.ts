import type {
  ArtifactsQuery,
  ArtifactType,
  FindingsQuery,
  Kind,
  RepositoriesQuery,
  ScansQuery,
  ScanVulnerabilitiesQuery,
  Severity,
  Status,
  Upload,
  UploadsQuery,
  VulnerabilitiesQuery,
} from '../../src/schemas.ts';

/** What a parameter may hold: `search` is text of two characters or more, a list is a choice. */
type Check = 'text' | 'search' | 'flag' | 'number' | readonly string[];
export type Parameters = Readonly<Record<string, Check>>;
/** Values by name, as they stand in the address. */
export type Query = Readonly<Record<string, readonly string[]>>;

/** Names every parameter of an API query, so that the compiler tells when one is missing or too much. */
type ParametersOf<Q> = { readonly [Name in Exclude<keyof Q, 'format'>]-?: Check };

export const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'] as const satisfies Severity[];
export const KINDS = ['vulnerability', 'misconfiguration', 'secret', 'license'] as const satisfies Kind[];
export const ARTIFACT_TYPES = [
  'image',
  'repository',
  'filesystem',
  'sbom',
  'vm',
  'kubernetes',
] as const satisfies ArtifactType[];
export const STATUSES = [
  'fixed',
  'affected',
  'will_not_fix',
  'fix_deferred',
  'end_of_life',
  'under_investigation',
  'not_affected',
  'unknown',
] as const satisfies Status[];

export const OUTCOMES = ['stored', 'same', 'refused'] as const satisfies Upload['outcome'][];

const paging = { limit: 'number', cursor: 'text', order: ['asc', 'desc'] } as const;

/** Some filters of an API query, its sort and pages: the other filters are settled by where its list stands. */
export function only<P extends Parameters & typeof paging & { sort: Check }, Name extends keyof P>(
  { sort, ...parameters }: P,
  ...names: Name[]
): Pick<P, Name | 'sort' | keyof typeof paging> {
  const filters = names.map((name) => [name, parameters[name as string]]);
  return { ...paging, sort, ...Object.fromEntries(filters) };
}
const artifactFilters = {
  artifact: 'text',
  repository: 'text',
  type: ARTIFACT_TYPES,
  cluster: 'text',
  namespace: 'text',
  label: 'text',
  q: 'search',
  severity: SEVERITIES,
  since: 'text',
  until: 'text',
} as const;

export const scansParameters = {
  ...artifactFilters,
  kind: KINDS,
  latest: 'flag',
  receivedSince: 'text',
  sort: ['scannedAt', 'receivedAt', 'severity', 'artifact'],
  ...paging,
} satisfies ParametersOf<ScansQuery>;

export const artifactsParameters = {
  ...artifactFilters,
  kind: KINDS,
  worst: SEVERITIES,
  vulnerability: 'text',
  package: 'text',
  stale: 'flag',
  eosl: 'flag',
  sort: ['severity', 'name', 'lastSeenAt'],
  ...paging,
} satisfies ParametersOf<ArtifactsQuery> & ParametersOf<RepositoriesQuery>;

const vulnerabilityFilters = {
  ...artifactFilters,
  fixable: 'flag',
  status: STATUSES,
  package: 'text',
} as const;

export const vulnerabilitiesParameters = {
  ...vulnerabilityFilters,
  sort: ['severity', 'priority', 'cvss', 'affectedArtifacts', 'firstSeenAt', 'publishedAt', 'id'],
  ...paging,
} satisfies ParametersOf<VulnerabilitiesQuery>;

export const findingsParameters = {
  ...vulnerabilityFilters,
  vulnerability: 'text',
  sort: ['severity', 'artifact', 'package', 'firstSeenAt'],
  ...paging,
} satisfies ParametersOf<FindingsQuery>;

export const scanVulnerabilitiesParameters = {
  severity: SEVERITIES,
  fixable: 'flag',
  status: STATUSES,
  package: 'text',
  q: 'search',
  sort: ['severity', 'package', 'id'],
  ...paging,
} satisfies ParametersOf<ScanVulnerabilitiesQuery>;

export const diffParameters = { kind: KINDS, severity: SEVERITIES, limit: 'number', cursor: 'text' } as const;

/** Misconfigurations, secrets, licences and what was suppressed. */
export const otherFindingsParameters = { severity: SEVERITIES, q: 'search', ...paging } satisfies Parameters;
export const misconfigurationsParameters = {
  ...otherFindingsParameters,
  status: ['FAIL', 'PASS', 'EXCEPTION'],
} satisfies Parameters;
export const licensesParameters = { ...otherFindingsParameters, package: 'text' } satisfies Parameters;

export const uploadsParameters = {
  outcome: OUTCOMES,
  receivedSince: 'text',
  ...paging,
} satisfies ParametersOf<UploadsQuery>;
