/** A list of Trivy's results: its findings, and which kinds of finding it looked for. */
import { type FindingCounter, readResultFacts, readVulnerability } from './findings.ts';
import { readLicense, readMisconfiguration, readSecret, readSuppressed } from './others.ts';
import { asObject, at, type JsonObject, listAt, type Place } from './read.ts';
import {
  KINDS,
  type Kind,
  type OtherFinding,
  type ParseOptions,
  type VulnerabilityFinding,
} from './report.ts';

export interface Findings {
  vulnerabilities: VulnerabilityFinding[];
  others: OtherFinding[];
  /** The kinds that the results tell of. */
  kinds: Set<Kind>;
}

export function noFindings(): Findings {
  return { vulnerabilities: [], others: [], kinds: new Set() };
}

const KIND_OF_CLASS: ReadonlyMap<string, Kind> = new Map([
  ['os-pkgs', 'vulnerability'],
  ['lang-pkgs', 'vulnerability'],
  ['config', 'misconfiguration'],
  ['secret', 'secret'],
  ['license', 'license'],
  ['license-file', 'license'],
]);

const OTHER_LISTS = [
  ['Misconfigurations', 'misconfiguration', readMisconfiguration],
  ['Secrets', 'secret', readSecret],
  ['Licenses', 'license', readLicense],
] as const;

/** Adds the findings of one entry of `Results`. */
function addResult(findings: Findings, result: JsonObject, place: Place, counter: FindingCounter): void {
  const facts = readResultFacts(result, place);
  const kindOfClass = facts.class === null ? undefined : KIND_OF_CLASS.get(facts.class);
  if (kindOfClass !== undefined) findings.kinds.add(kindOfClass);
  if (listAt(result, 'Packages', place).length > 0) findings.kinds.add('vulnerability');

  const vulnerabilities = listAt(result, 'Vulnerabilities', place);
  counter.add(vulnerabilities.length);
  // Reports before 0.19 have no Class: their key alone tells what was looked for, even when its list is null.
  if (vulnerabilities.length > 0 || (facts.class === null && Object.hasOwn(result, 'Vulnerabilities'))) {
    findings.kinds.add('vulnerability');
  }
  const listPlace = at(place, 'Vulnerabilities');
  for (const [index, entry] of vulnerabilities.entries()) {
    findings.vulnerabilities.push(readVulnerability(entry, at(listPlace, index), facts));
  }
  for (const [key, kind, read] of OTHER_LISTS) {
    const entries = listAt(result, key, place);
    counter.add(entries.length);
    if (entries.length > 0) findings.kinds.add(kind);
    const there = at(place, key);
    for (const [index, entry] of entries.entries())
      findings.others.push(read(entry, at(there, index), facts));
  }
  const suppressed = listAt(result, 'ExperimentalModifiedFindings', place);
  counter.add(suppressed.length);
  const there = at(place, 'ExperimentalModifiedFindings');
  for (const [index, entry] of suppressed.entries()) {
    const finding = readSuppressed(entry, at(there, index), facts);
    if (finding !== null) findings.others.push(finding);
  }
}

export function addResults(
  findings: Findings,
  results: unknown[],
  place: Place | null,
  counter: FindingCounter,
): void {
  for (const [index, result] of results.entries()) {
    const here = at(place, index);
    addResult(findings, asObject(result, here), here, counter);
  }
}

/**
 * What the report looked for: as the request says, else as the results tell, else vulnerabilities, which is what
 * Trivy looks for when it is not told otherwise.
 * @param warnings gets a sentence where the kinds are not certain
 */
export function kindsOf(findings: Findings, options: ParseOptions, warnings: string[]): Kind[] {
  const found = KINDS.filter((kind) => findings.kinds.has(kind));
  if (options.kinds !== null) {
    const wanted = new Set(options.kinds);
    const unnamed = found.filter((kind) => !wanted.has(kind));
    if (unnamed.length > 0) {
      warnings.push(
        `kinds_incomplete: the report also looked for ${unnamed.join(', ')}, which ?scanners= does not name`,
      );
    }
    return KINDS.filter((kind) => wanted.has(kind));
  }
  if (found.length > 0) return found;
  warnings.push(
    'kinds_assumed: the report does not tell what it looked for, vulnerabilities are assumed; ?scanners= says it',
  );
  return ['vulnerability'];
}
