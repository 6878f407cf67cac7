import { createHash } from 'node:crypto';
import type { OtherFinding, ParsedScan, Severity, VulnerabilityFinding } from '../trivy/report.ts';
import { createDictionary, type Dictionary, severityIndex } from './dictionary.ts';
import { arrayLiteral, storable } from './literals.ts';

/**
 * A column of values as one PostgreSQL array literal (`{"a",NULL,"b"}`), to be bound as one parameter and
 * read with `unnest($1::text[])`. Made in the parser's thread, so that the main thread only passes strings on; a long
 * one becomes a string when its property is read.
 */
export type Column = string;

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
  occurrenceColumns: OccurrenceColumns;
  otherColumns: OtherColumns;
}

/** What a worker gives back for one upload. */
export interface StoredDocument {
  ignored: string | null;
  scans: ScanRows[];
  dictionary: Dictionary;
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
 * The scans as the database takes them: small facts as values, findings as columns, and once what they refer to. Texts
 * that PostgreSQL cannot hold are replaced first, so that what is distinct here is distinct there.
 */
export function toRows(parsed: readonly ParsedScan[]): Pick<StoredDocument, 'scans' | 'dictionary'> {
  const dictionary = createDictionary();
  const scans = parsed.map((scan) => {
    const stored = storable(scan);
    return scanRows(stored, stored.vulnerabilities.map(dictionary.add));
  });
  return { scans, dictionary: dictionary.columns() };
}

/** @param hashes of the definitions of the scan's vulnerability findings */
function scanRows({ vulnerabilities, others, ...facts }: ParsedScan, hashes: readonly string[]): ScanRows {
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
    occurrenceColumns: {
      hash: arrayLiteral(hashes),
      target: arrayLiteral(vulnerabilities.map((finding) => finding.target)),
      path: arrayLiteral(vulnerabilities.map((finding) => finding.path ?? '')),
    },
    otherColumns: otherColumns(others, details),
  };
}
