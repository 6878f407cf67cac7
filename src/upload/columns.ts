import { createHash } from 'node:crypto';
import {
  type OtherFinding,
  type ParsedScan,
  SEVERITIES,
  type Severity,
  type VulnerabilityFinding,
} from '../trivy/report.ts';
import { arrayLiteral, byteaText, inByteOrder, naturalOrder, wellFormed } from './literals.ts';

/**
 * A column of values as one PostgreSQL array literal (`{"a",NULL,"b"}`), to be bound as one parameter and
 * read with `unnest($1::text[])`. Made in the parser's thread, so that the main thread only passes strings on; a long
 * one becomes a string when its property is read.
 */
export type Column = string;

/**
 * Distinct vulnerabilities of a scan, sorted by id. `references`, `cvss`, `vendorSeverity` and `cweIds` hold JSON text
 * (`unnest($1::jsonb[])`).
 */
interface VulnerabilityColumns {
  id: Column;
  /** The id with every run of digits padded to 12, so that byte order is natural order. */
  naturalOrder: Column;
  title: Column;
  description: Column;
  references: Column;
  cvss: Column;
  vendorSeverity: Column;
  cvssScore: Column;
  cweIds: Column;
  primaryUrl: Column;
  publishedAt: Column;
  modifiedAt: Column;
}

/**
 * Distinct definitions (everything of a finding but where it is), sorted by hash: the first 16 bytes of SHA-256 over
 * the other columns as a JSON array, in this order. A hash is text of the form `\x0123…`: `unnest($1::bytea[])`.
 */
interface DefinitionColumns {
  hash: Column;
  vulnerability: Column;
  package: Column;
  installedVersion: Column;
  fixedVersion: Column;
  status: Column;
  severity: Column;
  severitySource: Column;
  class: Column;
  packageType: Column;
  purl: Column;
  primaryUrl: Column;
}

/** One row per entry of the report, in its order: which definition, where. */
interface OccurrenceColumns {
  hash: Column;
  target: Column;
  /** Empty text where the finding has no path. */
  path: Column;
}

interface OtherColumns {
  kind: Column;
  severity: Column;
  status: Column;
  code: Column;
  title: Column;
  target: Column;
  package: Column;
  detail: Column;
}

/** A scan as it is stored: small facts as values, findings as columns. */
export interface ScanRows extends Omit<ParsedScan, 'vulnerabilities' | 'others'> {
  /** SHA-256 (hex) over the findings in a canonical form: equal for the same findings in any layout or order. */
  findingsHash: string;
  severityCounts: { critical: number; high: number; medium: number; low: number; unknown: number };
  fixableCount: number;
  /** FAIL only. */
  misconfigurationCount: number;
  secretCount: number;
  licenseCount: number;
  suppressedCount: number;
  vulnerabilityColumns: VulnerabilityColumns;
  definitionColumns: DefinitionColumns;
  /** Distinct targets and paths, sorted, '' included. */
  texts: Column;
  occurrenceColumns: OccurrenceColumns;
  otherColumns: OtherColumns;
}

/** What a worker gives back for one upload. */
export interface StoredDocument {
  ignored: string | null;
  scans: ScanRows[];
  skipped: { name: string; reason: string }[];
  warnings: string[];
  multiple: boolean;
  /** SHA-256 (hex) of the document as sent, Content-Encoding undone. */
  sha256: string;
  /** Bytes of the document, Content-Encoding undone. */
  bytes: number;
  /** The document, gzip. */
  gzip: Uint8Array;
}

const SEVERITY_INDEX: ReadonlyMap<Severity, number> = new Map(SEVERITIES.map((word, index) => [word, index]));

function severityIndex(severity: Severity): number {
  return SEVERITY_INDEX.get(severity) ?? 0;
}

function jsonOrNull(value: unknown): string | null {
  return value === null ? null : JSON.stringify(value);
}

/** Of several entries about one vulnerability the newest tells most; entries of one age are taken as they come. */
function distinctVulnerabilities(findings: readonly VulnerabilityFinding[]): VulnerabilityFinding[] {
  const byId = new Map<string, VulnerabilityFinding>();
  for (const finding of findings) {
    const known = byId.get(finding.vulnerabilityId);
    const newer = known && (finding.modifiedAt ?? '') > (known.modifiedAt ?? '');
    if (!known || newer || (known.title === null && finding.title !== null)) {
      byId.set(finding.vulnerabilityId, finding);
    }
  }
  return inByteOrder(byId.keys()).flatMap((id) => byId.get(id) ?? []);
}

function vulnerabilityColumns(findings: readonly VulnerabilityFinding[]): VulnerabilityColumns {
  const rows = distinctVulnerabilities(findings);
  const column = (read: (row: VulnerabilityFinding) => string | number | null) =>
    arrayLiteral(rows.map(read));
  return {
    id: column((row) => row.vulnerabilityId),
    naturalOrder: column((row) => naturalOrder(row.vulnerabilityId)),
    title: column((row) => row.title),
    description: column((row) => row.description),
    references: column((row) => JSON.stringify(row.references)),
    cvss: column((row) => jsonOrNull(row.cvss)),
    vendorSeverity: column((row) => jsonOrNull(row.vendorSeverity)),
    cvssScore: column((row) => row.cvssScore),
    cweIds: column((row) => JSON.stringify(row.cweIds)),
    primaryUrl: column((row) => row.primaryUrl),
    publishedAt: column((row) => row.publishedAt),
    modifiedAt: column((row) => row.modifiedAt),
  };
}

type Definition = readonly (string | number | null)[];

function definitionOf(finding: VulnerabilityFinding): Definition {
  return [
    finding.vulnerabilityId,
    finding.package,
    finding.installedVersion,
    finding.fixedVersion,
    finding.status,
    severityIndex(finding.severity),
    finding.severitySource,
    finding.class,
    finding.packageType,
    finding.purl,
    finding.primaryUrl,
  ];
}

function definitionHash(definition: Definition): string {
  return byteaText(createHash('sha256').update(JSON.stringify(definition)).digest().subarray(0, 16));
}

function definitionColumns(definitions: ReadonlyMap<string, Definition>): DefinitionColumns {
  const hashes = [...definitions.keys()].sort();
  const column = (index: number) =>
    arrayLiteral(hashes.map((hash) => definitions.get(hash)?.[index] ?? null));
  return {
    hash: arrayLiteral(hashes),
    vulnerability: column(0),
    package: column(1),
    installedVersion: column(2),
    fixedVersion: column(3),
    status: column(4),
    severity: column(5),
    severitySource: column(6),
    class: column(7),
    packageType: column(8),
    purl: column(9),
    primaryUrl: column(10),
  };
}

function otherColumns(others: readonly OtherFinding[], details: readonly string[]): OtherColumns {
  const column = (read: (row: OtherFinding) => string | number | null) => arrayLiteral(others.map(read));
  return {
    kind: column((row) => row.kind),
    severity: column((row) => severityIndex(row.severity)),
    status: column((row) => row.status),
    code: column((row) => row.code),
    title: column((row) => row.title),
    target: column((row) => row.target),
    package: column((row) => row.package),
    detail: arrayLiteral(details),
  };
}

function countSeverities(findings: readonly VulnerabilityFinding[]): ScanRows['severityCounts'] {
  const count = (severity: Severity) => findings.filter((finding) => finding.severity === severity).length;
  return {
    critical: count('CRITICAL'),
    high: count('HIGH'),
    medium: count('MEDIUM'),
    low: count('LOW'),
    unknown: count('UNKNOWN'),
  };
}

/**
 * The scan as the database takes it: small facts as values, findings as columns. Texts that PostgreSQL cannot hold
 * are replaced first, so that what is distinct here is distinct there.
 */
export function toScanRows(scan: ParsedScan): ScanRows {
  const { vulnerabilities, others, ...facts } = wellFormed(scan);
  const definitions = new Map<string, Definition>();
  const hashes = vulnerabilities.map((finding) => {
    const definition = definitionOf(finding);
    const hash = definitionHash(definition);
    definitions.set(hash, definition);
    return hash;
  });
  const details = others.map((other) => JSON.stringify(other.detail));
  const canonical = [
    ...vulnerabilities.map((finding, index) => JSON.stringify([hashes[index], finding.target, finding.path])),
    ...others.map((other, index) => JSON.stringify([other.kind, other.code, other.target, details[index]])),
  ].sort();
  const findingsHash = createHash('sha256');
  for (const line of canonical) findingsHash.update(line).update('\n');
  const countOthers = (kind: OtherFinding['kind']) => others.filter((other) => other.kind === kind).length;
  return {
    ...facts,
    findingsHash: findingsHash.digest('hex'),
    severityCounts: countSeverities(vulnerabilities),
    fixableCount: vulnerabilities.filter((finding) => finding.fixedVersion !== null).length,
    misconfigurationCount: others.filter(
      (other) => other.kind === 'misconfiguration' && other.status === 'FAIL',
    ).length,
    secretCount: countOthers('secret'),
    licenseCount: countOthers('license'),
    suppressedCount: countOthers('suppressed'),
    vulnerabilityColumns: vulnerabilityColumns(vulnerabilities),
    definitionColumns: definitionColumns(definitions),
    texts: arrayLiteral(
      inByteOrder(vulnerabilities.flatMap((finding) => [finding.target, finding.path ?? ''])),
    ),
    occurrenceColumns: {
      hash: arrayLiteral(hashes),
      target: arrayLiteral(vulnerabilities.map((finding) => finding.target)),
      path: arrayLiteral(vulnerabilities.map((finding) => finding.path ?? '')),
    },
    otherColumns: otherColumns(others, details),
  };
}
