/** What the findings of a document refer to, each once: vulnerabilities, definitions and places, as database columns. */
import { hash as digest } from 'node:crypto';
import { SEVERITIES, type Severity, type VulnerabilityFinding } from '../trivy/report.ts';
import type { Column } from './columns.ts';
import { arrayLiteral, inByteOrder, naturalOrder } from './literals.ts';

/** Vulnerabilities by id. Their texts are nearly always known, so they are no columns: those take longer to make. */
export interface VulnerabilityPage {
  id: Column;
  modifiedAt: Column;
  /** JSON of a list of objects, in the order of the ids, as `json_to_recordset` takes them. */
  texts: string;
}

/**
 * Definitions (everything of a finding but where it is) by hash: the first 16 bytes of SHA-256 over the other columns
 * as a JSON array, in this order. A hash is text of the form `\x0123…`: `unnest($1::bytea[])`.
 */
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

/** In pages, so that of much that is known little has to be sent; over all pages distinct and sorted by bytes. */
export interface Dictionary {
  /** All but the last of `VULNERABILITIES_A_PAGE`. */
  vulnerabilities: VulnerabilityPage[];
  definitions: DefinitionColumns[];
  /** Targets and paths, '' included. */
  places: Column;
}

export const VULNERABILITIES_A_PAGE = 25;
const DEFINITIONS_A_PAGE = 5_000;

const SEVERITY_INDEX: ReadonlyMap<Severity, number> = new Map(SEVERITIES.map((word, index) => [word, index]));

export function severityIndex(severity: Severity): number {
  return SEVERITY_INDEX.get(severity) ?? 0;
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
  return `\\x${digest('sha256', JSON.stringify(definition), 'hex').slice(0, 32)}`;
}

/** Of several entries about one vulnerability the newest tells most; entries of one age are taken as they come. */
function tellsMore(finding: VulnerabilityFinding, known: VulnerabilityFinding | undefined): boolean {
  if (!known || (finding.modifiedAt ?? '') > (known.modifiedAt ?? '')) return true;
  return known.title === null && finding.title !== null;
}

/** Collects what findings refer to. */
export function createDictionary() {
  const vulnerabilities = new Map<string, VulnerabilityFinding>();
  const definitions = new Map<string, Definition>();
  const places = new Set<string>();
  return {
    /** @returns the hash of the finding's definition */
    add(finding: VulnerabilityFinding): string {
      const { vulnerabilityId, target, path } = finding;
      if (tellsMore(finding, vulnerabilities.get(vulnerabilityId))) {
        vulnerabilities.set(vulnerabilityId, finding);
      }
      const definition = definitionOf(finding);
      const hash = definitionHash(definition);
      definitions.set(hash, definition);
      places.add(target).add(path ?? '');
      return hash;
    },
    columns(): Dictionary {
      const findings = inByteOrder(vulnerabilities.keys()).flatMap((id) => vulnerabilities.get(id) ?? []);
      return {
        vulnerabilities: pagesOf(findings, VULNERABILITIES_A_PAGE).map(vulnerabilityPage),
        definitions: pagesOf([...definitions].sort(byHash), DEFINITIONS_A_PAGE).map(definitionColumns),
        places: arrayLiteral(inByteOrder(places)),
      };
    },
  };
}

function byHash([a]: [string, Definition], [b]: [string, Definition]): number {
  return a < b ? -1 : 1;
}

function pagesOf<T>(rows: readonly T[], length: number): T[][] {
  const pages: T[][] = [];
  for (let at = 0; at < rows.length; at += length) pages.push(rows.slice(at, at + length));
  return pages;
}

function vulnerabilityPage(rows: readonly VulnerabilityFinding[]): VulnerabilityPage {
  return {
    id: arrayLiteral(rows.map((row) => row.vulnerabilityId)),
    modifiedAt: arrayLiteral(rows.map((row) => row.modifiedAt)),
    texts: JSON.stringify(rows.map(textsOf)),
  };
}

function textsOf(finding: VulnerabilityFinding): object {
  return {
    vulnerability_id: finding.vulnerabilityId,
    // Every run of digits padded to 12, so that byte order is natural order.
    natural_order: naturalOrder(finding.vulnerabilityId),
    title: finding.title,
    description: finding.description,
    references: finding.references,
    cvss: finding.cvss,
    vendor_severity: finding.vendorSeverity,
    cvss_score: finding.cvssScore,
    cwe_ids: finding.cweIds,
    primary_url: finding.primaryUrl,
    published_at: finding.publishedAt,
    modified_at: finding.modifiedAt,
  };
}

function definitionColumns(definitions: readonly [string, Definition][]): DefinitionColumns {
  const column = (index: number) =>
    arrayLiteral(definitions.map(([, definition]) => definition[index] ?? null));
  return {
    hash: arrayLiteral(definitions.map(([hash]) => hash)),
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
