/** Misconfigurations, secrets, licenses, and findings that were suppressed when Trivy ran. */
import { type ResultFacts, readVulnerability, severityAt } from './findings.ts';
import {
  asObject,
  at,
  booleanAt,
  integerAt,
  isObject,
  type JsonObject,
  listAt,
  MAX_BYTES,
  numberAt,
  objectAt,
  type Place,
  textAt,
  textsAt,
  webAddressAt,
  webAddressesAt,
} from './read.ts';
import type { OtherFinding } from './report.ts';

export const MAX_CODE_LINES = 20;
const MAX_REFERENCES = 30;
/** Bytes; a text is longer only in a report made to be. The document keeps all of it. */
const MAX_DETAIL_TEXT = 8192;
const MAX_CODE_LINE = 512;

/** Shortens a text for a row of the database, at a whole character. */
export function shorten(text: string | null, maxBytes: number = MAX_DETAIL_TEXT): string | null {
  if (text === null || Buffer.byteLength(text) <= maxBytes) return text;
  const bytes = Buffer.from(text);
  let end = maxBytes;
  // Bytes that go on with a character begin with the bits 10.
  while (((bytes[end] ?? 0) & 0xc0) === 0x80) end--;
  return `${bytes.toString('utf8', 0, end)}…`;
}

/** A long text that is shortened, not refused. */
function longTextAt(object: JsonObject, key: string, place: Place | null): string | null {
  return shorten(textAt(object, key, place, Number.MAX_SAFE_INTEGER));
}

interface CodeLine {
  number: number | null;
  content: string;
  isCause: boolean;
}

function codeAt(object: JsonObject, key: string, place: Place): CodeLine[] {
  const code = objectAt(object, key, place);
  if (code === null) return [];
  const here = at(at(place, key), 'Lines');
  return listAt(code, 'Lines', at(place, key))
    .slice(0, MAX_CODE_LINES)
    .map((entry, index) => {
      const there = at(here, index);
      const line = asObject(entry, there);
      const content = textAt(line, 'Content', there, Number.MAX_SAFE_INTEGER) ?? '';
      return {
        number: integerAt(line, 'Number', there),
        content: shorten(content, MAX_CODE_LINE) ?? '',
        isCause: booleanAt(line, 'IsCause', there),
      };
    });
}

export function readMisconfiguration(entry: unknown, place: Place, result: ResultFacts): OtherFinding {
  const finding = asObject(entry, place);
  const cause = objectAt(finding, 'CauseMetadata', place) ?? {};
  const causePlace = at(place, 'CauseMetadata');
  const severity = severityAt(finding, 'Severity', place);
  const id = textAt(finding, 'ID', place) ?? 'UNKNOWN';
  const title = shorten(textAt(finding, 'Title', place));
  const status = textAt(finding, 'Status', place, MAX_BYTES.word)?.toUpperCase() ?? 'FAIL';
  const resource = shorten(textAt(cause, 'Resource', causePlace));
  return {
    kind: 'misconfiguration',
    severity,
    status,
    code: id,
    title,
    target: result.target,
    package: resource,
    detail: {
      type: textAt(finding, 'Type', place),
      id,
      avdId: textAt(finding, 'AVDID', place),
      title,
      description: longTextAt(finding, 'Description', place),
      message: longTextAt(finding, 'Message', place),
      namespace: textAt(finding, 'Namespace', place),
      query: longTextAt(finding, 'Query', place),
      resolution: longTextAt(finding, 'Resolution', place),
      severity,
      primaryUrl: webAddressAt(finding, 'PrimaryURL', place),
      references: webAddressesAt(finding, 'References', place)
        .filter((address) => address.length <= 512)
        .slice(0, MAX_REFERENCES),
      status,
      target: result.target,
      class: result.class,
      resource,
      provider: textAt(cause, 'Provider', causePlace),
      service: textAt(cause, 'Service', causePlace),
      startLine: integerAt(cause, 'StartLine', causePlace),
      endLine: integerAt(cause, 'EndLine', causePlace),
      code: codeAt(cause, 'Code', causePlace),
    },
  };
}

export function readSecret(entry: unknown, place: Place, result: ResultFacts): OtherFinding {
  const finding = asObject(entry, place);
  const severity = severityAt(finding, 'Severity', place);
  const ruleId = textAt(finding, 'RuleID', place) ?? 'UNKNOWN';
  const title = shorten(textAt(finding, 'Title', place));
  return {
    kind: 'secret',
    severity,
    status: null,
    code: ruleId,
    title,
    target: result.target,
    package: result.target || null,
    detail: {
      ruleId,
      category: textAt(finding, 'Category', place),
      severity,
      title,
      target: result.target,
      startLine: integerAt(finding, 'StartLine', place),
      endLine: integerAt(finding, 'EndLine', place),
      match: longTextAt(finding, 'Match', place),
      code: codeAt(finding, 'Code', place),
    },
  };
}

export function readLicense(entry: unknown, place: Place, result: ResultFacts): OtherFinding {
  const finding = asObject(entry, place);
  const severity = severityAt(finding, 'Severity', place);
  // The name of an unknown license is its whole text.
  const name = longTextAt(finding, 'Name', place) ?? 'UNKNOWN';
  const path = textAt(finding, 'FilePath', place);
  const packageName = textAt(finding, 'PkgName', place, MAX_BYTES.name);
  return {
    kind: 'license',
    severity,
    status: null,
    code: shorten(name, MAX_BYTES.name) ?? name,
    title: null,
    target: result.target,
    package: packageName ?? path,
    detail: {
      name,
      category: textAt(finding, 'Category', place),
      severity,
      package: packageName,
      path,
      target: result.target,
      confidence: numberAt(finding, 'Confidence', place),
      link: webAddressAt(finding, 'Link', place),
    },
  };
}

/** A suppressed vulnerability in the shape that lists of findings have. */
function suppressedVulnerability(entry: unknown, place: Place, result: ResultFacts): OtherFinding {
  const { vulnerabilityId, severity, title, target, cvssScore, ...finding } = readVulnerability(
    entry,
    place,
    result,
  );
  const { installedVersion, fixedVersion, status, path, packageType, primaryUrl } = finding;
  return {
    kind: 'suppressed',
    severity,
    status: null,
    code: vulnerabilityId,
    title,
    target,
    package: finding.package || null,
    detail: {
      vulnerabilityId,
      severity,
      package: finding.package,
      installedVersion,
      fixedVersion,
      status,
      path,
      target,
      class: finding.class,
      packageType,
      title,
      cvss: cvssScore,
      primaryUrl,
    },
  };
}

const READERS: Record<string, (entry: unknown, place: Place, result: ResultFacts) => OtherFinding> = {
  vulnerability: suppressedVulnerability,
  misconfiguration: readMisconfiguration,
  secret: readSecret,
  license: readLicense,
};

/** An entry of `ExperimentalModifiedFindings`; null for a type that a newer Trivy added. */
export function readSuppressed(entry: unknown, place: Place, result: ResultFacts): OtherFinding | null {
  const modified = asObject(entry, place);
  const type = textAt(modified, 'Type', place, MAX_BYTES.word)?.toLowerCase() ?? 'vulnerability';
  const read = Object.hasOwn(READERS, type) ? READERS[type] : undefined;
  if (read === undefined) return null;
  const status = textAt(modified, 'Status', place, MAX_BYTES.word) ?? 'unknown';
  const finding = read(modified.Finding, at(place, 'Finding'), result);
  return {
    ...finding,
    kind: 'suppressed',
    status,
    detail: {
      type,
      status,
      statement: longTextAt(modified, 'Statement', place),
      source: textAt(modified, 'Source', place),
      severity: finding.severity,
      finding: finding.detail,
    },
  };
}

/** One entry of an operator report's `checks`: of a ConfigAuditReport, RbacAssessmentReport or InfraAssessmentReport. */
export function readOperatorCheck(entry: unknown, place: Place, target: string): OtherFinding {
  const check = asObject(entry, place);
  const severity = severityAt(check, 'severity', place);
  const id = textAt(check, 'checkID', place) ?? 'UNKNOWN';
  const title = shorten(textAt(check, 'title', place));
  const status = booleanAt(check, 'success', place) ? 'PASS' : 'FAIL';
  const resource = isObject(check.scope) ? textAt(check.scope, 'value', at(place, 'scope')) : null;
  const messages = textsAt(check, 'messages', place, Number.MAX_SAFE_INTEGER).join('\n');
  return {
    kind: 'misconfiguration',
    severity,
    status,
    code: id,
    title,
    target,
    package: resource,
    detail: {
      type: textAt(check, 'category', place),
      id,
      avdId: null,
      title,
      description: longTextAt(check, 'description', place),
      message: shorten(messages || null),
      namespace: null,
      query: null,
      resolution: longTextAt(check, 'remediation', place),
      severity,
      primaryUrl: null,
      references: [],
      status,
      target,
      class: 'config',
      resource,
      provider: null,
      service: null,
      startLine: null,
      endLine: null,
      code: [],
    },
  };
}

/** One entry of an ExposedSecretReport's `secrets`. */
export function readOperatorSecret(entry: unknown, place: Place): OtherFinding {
  const secret = asObject(entry, place);
  const severity = severityAt(secret, 'severity', place);
  const ruleId = textAt(secret, 'ruleID', place) ?? 'UNKNOWN';
  const title = shorten(textAt(secret, 'title', place));
  const target = textAt(secret, 'target', place) ?? '';
  return {
    kind: 'secret',
    severity,
    status: null,
    code: ruleId,
    title,
    target,
    package: target || null,
    detail: {
      ruleId,
      category: textAt(secret, 'category', place),
      severity,
      title,
      target,
      startLine: null,
      endLine: null,
      match: longTextAt(secret, 'match', place),
      code: [],
    },
  };
}
