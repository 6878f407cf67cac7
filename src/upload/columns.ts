import type { ParsedScan } from '../trivy/report.ts';

/**
 * A column of values as one PostgreSQL array literal (`{"a",NULL,"b"}`), to be bound as one parameter and
 * read with `unnest($1::text[])`. Made in the parser's thread, so that the main thread only passes strings on.
 */
export type Column = string;

/** Distinct vulnerabilities of a scan, sorted by id. JSON columns hold JSON text. */
export interface VulnerabilityColumns {
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

/** Distinct definitions (everything of a finding but where it is), sorted by hash (hex, 16 bytes). */
export interface DefinitionColumns {
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
export interface OccurrenceColumns {
  hash: Column;
  target: Column;
  /** Empty text where the finding has no path. */
  path: Column;
}

export interface OtherColumns {
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
