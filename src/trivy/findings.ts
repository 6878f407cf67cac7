/** Entries of a `Vulnerabilities` list, and what all findings have in common. */
import { ReportError } from './problem.ts';
import {
  asObject,
  at,
  integerAt,
  invalid,
  isObject,
  type JsonObject,
  MAX_BYTES,
  numberAt,
  objectAt,
  type Place,
  textAt,
  textsAt,
  timeAt,
  webAddressAt,
  webAddressesAt,
} from './read.ts';
import { SEVERITIES, type Severity, type VulnerabilityFinding } from './report.ts';

const MAX_FINDINGS = 200_000;

/** Where findings of one result were found. */
export interface ResultFacts {
  target: string;
  class: string | null;
  type: string | null;
}

/** Counts the findings of a document. */
export interface FindingCounter {
  add(findings: number): void;
}

export function createFindingCounter(): FindingCounter {
  let total = 0;
  return {
    add(findings) {
      total += findings;
      if (total > MAX_FINDINGS) {
        const detail = `The document has more than ${MAX_FINDINGS} findings; send it in parts.`;
        throw new ReportError(422, 'too_many_findings', detail);
      }
    },
  };
}

const SEVERITY_WORDS: ReadonlyMap<string, Severity> = new Map(SEVERITIES.map((word) => [word, word]));

/** An absent severity and a word that Trivy does not have are UNKNOWN, as in Trivy itself. */
export function severityAt(object: JsonObject, key: string, place: Place | null): Severity {
  const word = textAt(object, key, place, MAX_BYTES.word);
  return (word !== null && SEVERITY_WORDS.get(word.toUpperCase())) || 'UNKNOWN';
}

const CVSS_VECTORS = ['V2Vector', 'V3Vector', 'V40Vector'] as const;
const CVSS_SCORES = ['V3Score', 'V40Score', 'V2Score'] as const;
const MAX_SOURCES = 100;

type Score = Partial<Record<(typeof CVSS_VECTORS)[number] | (typeof CVSS_SCORES)[number], string | number>>;

function readScore(source: JsonObject, place: Place): Score {
  const score: Score = {};
  for (const key of CVSS_VECTORS) {
    const vector = textAt(source, key, place, MAX_BYTES.name);
    if (vector !== null) score[key] = vector;
  }
  for (const key of CVSS_SCORES) {
    const value = numberAt(source, key, place);
    if (value === null) continue;
    if (value < 0 || value > 10) throw invalid(at(place, key), 'has to be between 0 and 10');
    score[key] = value;
  }
  return score;
}

/** The entries of a map by source, in byte order of the sources, so that equal maps read equal. */
function sourcesAt(object: JsonObject, key: string, place: Place): [string, unknown][] {
  const sources = Object.entries(objectAt(object, key, place) ?? {}).filter(([, value]) => value !== null);
  if (sources.length > MAX_SOURCES) throw invalid(at(place, key), `has more than ${MAX_SOURCES} entries`);
  return sources.sort(([a], [b]) => (a < b ? -1 : 1));
}

function mapOrNull<T>(entries: [string, T][]): Record<string, T> | null {
  // Object.fromEntries defines keys, so that one named __proto__ stays a key.
  return entries.length === 0 ? null : Object.fromEntries(entries);
}

export function cvssAt(object: JsonObject, key: string, place: Place): Record<string, Score> | null {
  const here = at(place, key);
  return mapOrNull(
    sourcesAt(object, key, place).map(([source, value]) => {
      const there = at(here, source);
      return [source, readScore(asObject(value, there), there)];
    }),
  );
}

function vendorSeverityAt(object: JsonObject, place: Place): Record<string, number> | null {
  const here = at(place, 'VendorSeverity');
  return mapOrNull(
    sourcesAt(object, 'VendorSeverity', place).map(([source, value]) => [
      source,
      integerAt({ [source]: value }, source, here) ?? 0,
    ]),
  );
}

/** NVD's score before others'; version 3 before 4 before 2. */
export function bestScore(cvss: Record<string, Score> | null): number | null {
  if (cvss === null) return null;
  const nvd = Object.hasOwn(cvss, 'nvd') && cvss.nvd ? [cvss.nvd] : [];
  for (const sources of [nvd, Object.values(cvss)]) {
    for (const key of CVSS_SCORES) {
      for (const source of sources) {
        const score = source[key];
        if (typeof score === 'number') return score;
      }
    }
  }
  return null;
}

/** Trivy's word; older versions had none, and told by the fixed version alone. */
export function statusOf(word: string | null, fixedVersion: string | null): string {
  return word ?? (fixedVersion === null ? 'unknown' : 'fixed');
}

/**
 * One entry of a `Vulnerabilities` list. An entry without an id or without a package is kept as a row, for it is
 * one in Trivy's table.
 */
export function readVulnerability(entry: unknown, place: Place, result: ResultFacts): VulnerabilityFinding {
  const finding = asObject(entry, place);
  const identifier = objectAt(finding, 'PkgIdentifier', place);
  const fixedVersion = textAt(finding, 'FixedVersion', place);
  const cvss = cvssAt(finding, 'CVSS', place);
  return {
    vulnerabilityId: textAt(finding, 'VulnerabilityID', place, MAX_BYTES.id) ?? 'UNKNOWN',
    package: textAt(finding, 'PkgName', place, MAX_BYTES.name) ?? '',
    installedVersion: textAt(finding, 'InstalledVersion', place),
    fixedVersion,
    status: statusOf(textAt(finding, 'Status', place, MAX_BYTES.word), fixedVersion),
    severity: severityAt(finding, 'Severity', place),
    severitySource: textAt(finding, 'SeveritySource', place),
    path: textAt(finding, 'PkgPath', place),
    target: result.target,
    class: result.class,
    packageType: result.type,
    purl: identifier && textAt(identifier, 'PURL', at(place, 'PkgIdentifier')),
    primaryUrl: webAddressAt(finding, 'PrimaryURL', place),
    title: textAt(finding, 'Title', place),
    description: textAt(finding, 'Description', place, MAX_BYTES.text),
    references: webAddressesAt(finding, 'References', place),
    cvss,
    vendorSeverity: vendorSeverityAt(finding, place),
    cvssScore: bestScore(cvss),
    cweIds: textsAt(finding, 'CweIDs', place, MAX_BYTES.id),
    publishedAt: timeAt(finding, 'PublishedDate', place),
    modifiedAt: timeAt(finding, 'LastModifiedDate', place),
  };
}

/** The facts of a result that its findings carry on. */
export function readResultFacts(result: JsonObject, place: Place): ResultFacts {
  return {
    target: textAt(result, 'Target', place) ?? '',
    class: textAt(result, 'Class', place, MAX_BYTES.id),
    type: textAt(result, 'Type', place, MAX_BYTES.id),
  };
}

/** True where the value is what Trivy prints for a vulnerability. */
export function looksLikeVulnerability(value: unknown): boolean {
  return isObject(value) && (Object.hasOwn(value, 'VulnerabilityID') || Object.hasOwn(value, 'PkgName'));
}
