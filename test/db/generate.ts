import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import {
  type ArtifactIdentity,
  type Kind,
  type OtherFinding,
  type ParsedScan,
  SEVERITIES,
  type VulnerabilityFinding,
  type Workload,
} from '../../src/trivy/report.ts';
import { type StoredDocument, toRows } from '../../src/upload/columns.ts';

/** What a generated scan is like; everything has a default. */
export interface ScanPlan {
  /** A name makes an image. */
  artifact?: string | ArtifactIdentity;
  /** How many vulnerability findings, or which. */
  findings?: number | Partial<VulnerabilityFinding>[];
  others?: OtherFinding[];
  /** Null: the report does not say. */
  scannedAt?: string | Date | null;
  /** Equal seeds generate equal findings. */
  seed?: number;
  /** How many of `findings` differ from those of the same seed without churn: 0 to 1. */
  churn?: number;
  kinds?: Kind[];
  reportId?: string | null;
  workload?: Workload | null;
  os?: ParsedScan['os'];
}

/** The image of a reference like `nginx:1.25`. */
export function image(name: string): ArtifactIdentity {
  const colon = name.lastIndexOf(':');
  return {
    type: 'image',
    name,
    repository: colon < 0 ? name : name.slice(0, colon),
    version: colon < 0 ? null : name.slice(colon + 1),
    cluster: null,
    namespace: null,
    resourceKind: null,
    resourceName: null,
  };
}

/** One entry of a report: number `index` of the endless list that all generated reports take from. */
export function finding(index: number, changes: Partial<VulnerabilityFinding> = {}): VulnerabilityFinding {
  const fixed = index % 2 === 0;
  const id = `CVE-${2015 + (index % 11)}-${1000 + index}`;
  return {
    vulnerabilityId: id,
    package: `package-${index % 97}`,
    installedVersion: `1.${index % 13}.0`,
    fixedVersion: fixed ? `1.${(index % 13) + 1}.0` : null,
    status: fixed ? 'fixed' : 'affected',
    // mostly medium and low, as in real reports
    severity: SEVERITIES[[2, 1, 2, 3, 2, 1, 3, 2, 4, 0][index % 10] ?? 0] ?? 'UNKNOWN',
    severitySource: 'nvd',
    path: index % 7 === 0 ? `usr/lib/package-${index % 97}.jar` : null,
    target: 'debian 12.1',
    class: 'os-pkgs',
    packageType: 'debian',
    purl: `pkg:deb/debian/package-${index % 97}@1.${index % 13}.0`,
    primaryUrl: `https://avd.aquasec.com/nvd/${id.toLowerCase()}`,
    title: `package-${index % 97}: flaw number ${index}`,
    description: `Flaw number ${index} is described here. `.repeat(9),
    references: [1, 2, 3, 4, 5, 6, 7, 8].map((number) => `https://example.org/advisories/${id}/${number}`),
    cvss: { nvd: { V3Score: (index % 100) / 10, V3Vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H' } },
    vendorSeverity: { nvd: index % 5 },
    cvssScore: (index % 100) / 10,
    cweIds: ['CWE-79'],
    publishedAt: '2023-01-01T00:00:00Z',
    modifiedAt: '2023-06-01T00:00:00Z',
    ...changes,
  };
}

/** A scan as the parser would hand it on. */
export function generateScan(plan: ScanPlan = {}): ParsedScan {
  const { artifact = 'example:1.0', findings = 10, seed = 0, churn = 0 } = plan;
  const scannedAt = plan.scannedAt === undefined ? '2026-01-01T00:00:00Z' : plan.scannedAt;
  const vulnerabilities =
    typeof findings === 'number'
      ? Array.from({ length: findings }, (_, index) =>
          finding(index < churn * findings ? 1_000_000 + seed * 10_000 + index : index),
        )
      : findings.map((changes, index) => finding(index, changes));
  return {
    artifact: typeof artifact === 'string' ? image(artifact) : artifact,
    digest: null,
    kinds: plan.kinds ?? ['vulnerability'],
    scannedAt: scannedAt instanceof Date ? scannedAt.toISOString() : scannedAt,
    reportId: plan.reportId ?? null,
    trivyVersion: '0.70.0',
    os: plan.os === undefined ? { family: 'debian', name: '12.1', eosl: false } : plan.os,
    metadata: { imageId: `sha256:${seed}` },
    workload: plan.workload ?? null,
    warnings: [],
    reportHash: null,
    vulnerabilities,
    others: plan.others ?? [],
  };
}

/** A document of several scans, as the upload worker hands it on. Equal plans give equal bytes. */
export function generateDocuments(plans: ScanPlan[]): StoredDocument {
  const scans = plans.map(generateScan);
  const bytes = Buffer.from(JSON.stringify(plans.length === 1 ? plans : { plans }));
  return {
    ignored: null,
    ...toRows(scans),
    skipped: [],
    warnings: [],
    multiple: plans.length !== 1,
    sha256: createHash('sha256').update(bytes).digest('hex'),
    bytes: bytes.length,
    gzip: gzipSync(bytes),
  };
}

/** A document of one scan. */
export function generateDocument(plan: ScanPlan = {}): StoredDocument {
  return generateDocuments([plan]);
}
