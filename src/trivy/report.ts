/**
 * What a document that Trivy printed says, once its layout no longer matters.
 * `parse.ts` makes it, `src/upload/columns.ts` turns it into database columns.
 */

/** Trivy's severities, worst last: the index is the value stored in the database. */
export const SEVERITIES = ['UNKNOWN', 'LOW', 'MEDIUM', 'HIGH', 'CRITICAL'] as const;
export type Severity = (typeof SEVERITIES)[number];

/** The kinds of finding; a scan's `kinds` are what its report looked for. */
export const KINDS = ['vulnerability', 'misconfiguration', 'secret', 'license'] as const;
export type Kind = (typeof KINDS)[number];

const ARTIFACT_TYPES = ['image', 'repository', 'filesystem', 'sbom', 'vm', 'kubernetes'] as const;
export type ArtifactType = (typeof ARTIFACT_TYPES)[number];

/** What is scanned again and again. `type` and `name` identify it; nothing here ever changes. */
export interface ArtifactIdentity {
  type: ArtifactType;
  /** Image: reference in familiar form. Kubernetes: `cluster/namespace/kind/name`. */
  name: string;
  /** Image: the reference without tag and digest. Types without halves: the name. */
  repository: string;
  /** Image: the tag (null for a reference by digest alone). Repository: the branch. Else null. */
  version: string | null;
  /** Kubernetes only. */
  cluster: string | null;
  namespace: string | null;
  resourceKind: string | null;
  resourceName: string | null;
}

/** A pod or controller that runs an image, told by the operator. */
export interface Workload {
  cluster: string;
  namespace: string;
  kind: string;
  name: string;
  container: string;
}

/** One entry of a `Vulnerabilities` list. Absent strings are null, never ''. */
export interface VulnerabilityFinding {
  vulnerabilityId: string;
  package: string;
  installedVersion: string | null;
  fixedVersion: string | null;
  /** Trivy's word; where absent: `fixed` when there is a fixed version, else `unknown`. */
  status: string;
  severity: Severity;
  severitySource: string | null;
  /** `PkgPath`. */
  path: string | null;
  target: string;
  class: string | null;
  packageType: string | null;
  purl: string | null;
  /** http or https only. */
  primaryUrl: string | null;
  title: string | null;
  description: string | null;
  /** http or https only. */
  references: string[];
  /** By source, as Trivy prints it: `{nvd: {V3Score, V3Vector, …}}`. */
  cvss: Record<string, unknown> | null;
  /** By source, Trivy's numbers 0 to 4. */
  vendorSeverity: Record<string, unknown> | null;
  /** One score of `cvss`, 0 to 10: NVD's before others', v3 before v4 before v2. */
  cvssScore: number | null;
  cweIds: string[];
  publishedAt: string | null;
  modifiedAt: string | null;
}

/** A misconfiguration, secret, license or suppressed finding. */
export interface OtherFinding {
  kind: 'misconfiguration' | 'secret' | 'license' | 'suppressed';
  severity: Severity;
  /** Misconfiguration: PASS, FAIL, EXCEPTION. Suppressed: Trivy's reason (`ignored`, …). Else null. */
  status: string | null;
  /** Misconfiguration: ID. Secret: RuleID. License: Name. Suppressed: id of the finding. */
  code: string;
  title: string | null;
  target: string;
  /** What `q` and `package` search: package, file path or resource, where there is one. */
  package: string | null;
  /** The wire object's remaining fields, camelCase, as `schemas.ts` shapes them for the kind. */
  detail: Record<string, unknown>;
}

export interface ParsedScan {
  artifact: ArtifactIdentity;
  /** `sha256:…` of the image as scanned (first RepoDigest, or the operator's artifact.digest). */
  digest: string | null;
  kinds: Kind[];
  /** RFC 3339, null where the report has none (the caller then takes the time of receipt). */
  scannedAt: string | null;
  /** ReportID; for an operator resource its uid. */
  reportId: string | null;
  /**
   * Operator resources: SHA-256 (hex) of the resource's `report`. Same `reportId` and same `reportHash` is the same
   * report sent again. Null for the command line's reports, whose ReportID counts together with their findings.
   */
  reportHash: string | null;
  trivyVersion: string | null;
  os: { family: string; name: string | null; eosl: boolean } | null;
  /** For `GET /api/scan-results/:id`: imageId, repoTags, repoDigests, commit, branch, … never ImageConfig. */
  metadata: Record<string, unknown>;
  workload: Workload | null;
  /** Codes with a sentence each: `kinds_assumed: …`. */
  warnings: string[];
  vulnerabilities: VulnerabilityFinding[];
  others: OtherFinding[];
}

export interface ParsedDocument {
  /** Set when the document is understood and holds nothing to store: `delete`, or the resource's kind. */
  ignored: string | null;
  scans: ParsedScan[];
  /** Resources of a multi-scan document that hold no scan, with the reason. */
  skipped: { name: string; reason: string }[];
  warnings: string[];
  /** True for layouts that hold several scans by nature (k8s, lists of resources): the answer is a list. */
  multiple: boolean;
}

/** What the request says beside the document. */
export interface ParseOptions {
  /** `?artifact=`: wins over the report. */
  artifact: string | null;
  cluster: string | null;
  /** `?scanners=`, as kinds. */
  kinds: Kind[] | null;
}
