/** What `trivy image|fs|repo|rootfs|vm|sbom -f json` prints, in its versions, and the compact form. */
import { type ArtifactFacts, artifactFacts, artifactOf, cleanRepositoryUrl } from './artifact.ts';
import { createFindingCounter, looksLikeVulnerability, readVulnerability } from './findings.ts';
import { shorten } from './others.ts';
import {
  at,
  booleanAt,
  invalid,
  isObject,
  type JsonObject,
  listAt,
  MAX_BYTES,
  numberAt,
  objectAt,
  type Place,
  textAt,
  textsAt,
  timeAt,
} from './read.ts';
import { parseReference } from './reference.ts';
import type { ParsedScan, ParseOptions } from './report.ts';
import { addResults, type Findings, kindsOf, noFindings } from './results.ts';

const MAX_METADATA_LIST = 50;

/** The facts without empty ones. */
export function compactObject(facts: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(facts).filter(
      ([, value]) =>
        value !== null &&
        value !== undefined &&
        !(Array.isArray(value) && value.length === 0) &&
        !(isObject(value) && Object.keys(value).length === 0),
    ),
  );
}

export function osOf(metadata: JsonObject, place: Place | null): ParsedScan['os'] {
  const os = objectAt(metadata, 'OS', place);
  const here = at(place, 'OS');
  const family = os && textAt(os, 'Family', here, MAX_BYTES.id);
  if (!os || family === null || family === 'none') return null;
  return { family, name: textAt(os, 'Name', here, MAX_BYTES.id), eosl: booleanAt(os, 'EOSL', here) };
}

/** `sha256:…` out of `name@sha256:…`. */
function digestIn(reference: string | null | undefined): string | null {
  return (reference && parseReference(reference)?.digest) || null;
}

/** How old the data was that the server of a client/server scan compared with. */
function databasesOf(trivy: JsonObject, place: Place): Record<string, unknown> {
  const server = objectAt(trivy, 'Server', place);
  if (server === null) return {};
  const here = at(place, 'Server');
  const database = objectAt(server, 'VulnerabilityDB', here) ?? {};
  const there = at(here, 'VulnerabilityDB');
  return compactObject({
    version: textAt(server, 'Version', here),
    vulnerabilityDatabase: compactObject({
      updatedAt: timeAt(database, 'UpdatedAt', there),
      nextUpdate: timeAt(database, 'NextUpdate', there),
      downloadedAt: timeAt(database, 'DownloadedAt', there),
    }),
  });
}

/** What identifies the thing scanned. Of `ImageConfig` nothing is taken: its environment can hold secrets. */
export function metadataOf(metadata: JsonObject, place: Place | null): Record<string, unknown> {
  const url = textAt(metadata, 'RepoURL', place);
  return compactObject({
    size: numberAt(metadata, 'Size', place),
    imageId: textAt(metadata, 'ImageID', place),
    reference: textAt(metadata, 'Reference', place),
    repoTags: textsAt(metadata, 'RepoTags', place).slice(0, MAX_METADATA_LIST),
    repoDigests: textsAt(metadata, 'RepoDigests', place).slice(0, MAX_METADATA_LIST),
    repoUrl: url && cleanRepositoryUrl(url),
    branch: textAt(metadata, 'Branch', place),
    tags: textsAt(metadata, 'Tags', place).slice(0, MAX_METADATA_LIST),
    commit: textAt(metadata, 'Commit', place),
    commitMessage: shorten(textAt(metadata, 'CommitMsg', place, MAX_BYTES.text)),
  });
}

/** A name that is an address may carry a password. */
function withoutCredentials(name: string | null): string | null {
  return name !== null && /^[a-z][a-z0-9+.-]*:\/\//i.test(name) ? cleanRepositoryUrl(name) : name;
}

/** Schema 2, and any object with a `Results` list. */
export function parseReport(report: JsonObject, options: ParseOptions): ParsedScan {
  const version = numberAt(report, 'SchemaVersion', null);
  if (version !== null && version !== 0 && version !== 2) {
    throw invalid(at(null, 'SchemaVersion'), `is ${version}; reports of schema 2, 1 and before are read`);
  }
  const metadataPlace = at(null, 'Metadata');
  const metadata = objectAt(report, 'Metadata', null) ?? {};
  const facts = artifactFacts(report, metadata, metadataPlace);
  const results = listAt(report, 'Results', null);
  const findings = noFindings();
  addResults(findings, results, at(null, 'Results'), createFindingCounter());
  facts.hint = imageNameIn(results);
  const artifact = artifactOf(facts, options.artifact);
  const trivy = objectAt(report, 'Trivy', null) ?? {};
  const trivyPlace = at(null, 'Trivy');
  const warnings: string[] = [];
  return {
    ...emptyScan(),
    artifact,
    digest:
      artifact.type === 'image'
        ? (digestIn(textsAt(metadata, 'RepoDigests', metadataPlace)[0]) ??
          digestIn(facts.reference) ??
          digestIn(facts.name))
        : null,
    kinds: kindsOf(findings, options, warnings),
    scannedAt: timeAt(report, 'CreatedAt', null),
    reportId: textAt(report, 'ReportID', null, MAX_BYTES.id),
    trivyVersion: textAt(trivy, 'Version', trivyPlace, MAX_BYTES.id),
    os: osOf(metadata, metadataPlace),
    metadata: compactObject({
      artifactName: withoutCredentials(facts.name),
      artifactType: facts.type,
      artifactId: textAt(report, 'ArtifactID', null),
      ...metadataOf(metadata, metadataPlace),
      server: databasesOf(trivy, trivyPlace),
    }),
    warnings,
    vulnerabilities: findings.vulnerabilities,
    others: findings.others,
  };
}

/** A list of results, as Trivy printed before 0.20, or `null`, its word for an empty one. */
export function parseResultList(results: unknown[], options: ParseOptions): ParsedScan {
  const findings = noFindings();
  addResults(findings, results, null, createFindingCounter());
  return scanOf({ ...NO_FACTS, hint: imageNameIn(results) }, findings, options);
}

/** `{image_name, scan_time, vulnerabilities}`, the vulnerabilities as Trivy prints them. */
export function parseCompact(report: JsonObject, options: ParseOptions): ParsedScan {
  const findings = noFindings();
  findings.kinds.add('vulnerability');
  const entries = listAt(report, 'vulnerabilities', null);
  createFindingCounter().add(entries.length);
  const place = at(null, 'vulnerabilities');
  const nowhere = { target: '', class: null, type: null };
  for (const [index, entry] of entries.entries()) {
    const here = at(place, index);
    if (isObject(entry) && !looksLikeVulnerability(entry)) {
      throw invalid(
        here,
        'is no vulnerability as Trivy prints it: it has neither VulnerabilityID nor PkgName',
      );
    }
    findings.vulnerabilities.push(readVulnerability(entry, here, nowhere));
  }
  const facts = { ...NO_FACTS, type: 'container_image', name: textAt(report, 'image_name', null) };
  return { ...scanOf(facts, findings, options), scannedAt: timeAt(report, 'scan_time', null) };
}

const NO_FACTS: ArtifactFacts = {
  type: null,
  name: null,
  reference: null,
  repoTags: [],
  imageId: null,
  repoUrl: null,
  branch: null,
  hint: null,
};

function scanOf(facts: ArtifactFacts, findings: Findings, options: ParseOptions): ParsedScan {
  const warnings: string[] = [];
  const artifact = artifactOf(facts, options.artifact);
  return {
    ...emptyScan(),
    artifact,
    digest: artifact.type === 'image' ? digestIn(facts.name) : null,
    kinds: kindsOf(findings, options, warnings),
    warnings,
    vulnerabilities: findings.vulnerabilities,
    others: findings.others,
  };
}

type NoFacts = Omit<ParsedScan, 'artifact' | 'kinds' | 'warnings' | 'vulnerabilities' | 'others'>;

/** What a scan says when its report says nothing. */
export function emptyScan(): NoFacts {
  return {
    digest: null,
    scannedAt: null,
    reportId: null,
    reportHash: null,
    trivyVersion: null,
    os: null,
    metadata: {},
    workload: null,
  };
}

/** Trivy writes `NAME (OS VERSION)` as the target of system packages. */
function imageNameIn(results: unknown[]): string | null {
  for (const result of results) {
    const target = isObject(result) && typeof result.Target === 'string' ? result.Target : '';
    const name = /^(\S+) \(\S+ [^)]*\)+$/.exec(target)?.[1];
    if (name !== undefined) return name;
  }
  return null;
}
