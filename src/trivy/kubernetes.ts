/**
 * What `trivy k8s -f json` prints: `Resources` (`--report all`), `Findings` (`--report summary`), and before 0.42
 * `Vulnerabilities` beside `Misconfigurations`. One scan per resource; entries of one namespace, kind and name
 * (its images, its configuration) are one scan.
 */
import { DEFAULT_CLUSTER, resourceIdentity } from './artifact.ts';
import { compactObject, emptyScan, metadataOf, osOf } from './cli.ts';
import { createFindingCounter, type FindingCounter } from './findings.ts';
import { ReportError } from './problem.ts';
import { asObject, at, type JsonObject, listAt, MAX_BYTES, type Place, textAt } from './read.ts';
import type { Kind, ParsedDocument, ParsedScan, ParseOptions } from './report.ts';
import { addResults, type Findings, kindsOf, noFindings } from './results.ts';

export const MAX_SCANS = 5_000;

/** The lists of resources in all layouts, and the kind that being in one means, where one does. */
const LISTS: readonly (readonly [key: string, kind: Kind | null])[] = [
  ['Resources', null],
  ['Findings', null],
  ['Vulnerabilities', 'vulnerability'],
  ['Misconfigurations', 'misconfiguration'],
];

interface Resource {
  namespace: string | null;
  kind: string;
  name: string;
  findings: Findings;
  images: Record<string, unknown>[];
  os: ParsedScan['os'];
  hasResults: boolean;
  error: string | null;
}

export function tooManyScans(): ReportError {
  return new ReportError(
    422,
    'too_many_scans',
    `The document holds more than ${MAX_SCANS} scans; send it in parts.`,
  );
}

function addMetadata(resource: Resource, entry: JsonObject, place: Place): void {
  // An object before 0.57, a list since, as a pod has several images.
  const list = Array.isArray(entry.Metadata)
    ? entry.Metadata
    : entry.Metadata == null
      ? []
      : [entry.Metadata];
  const here = at(place, 'Metadata');
  for (const [index, value] of list.entries()) {
    const there = Array.isArray(entry.Metadata) ? at(here, index) : here;
    const metadata = asObject(value, there);
    const facts = metadataOf(metadata, there);
    if (Object.keys(facts).length > 0 && resource.images.length < 50) resource.images.push(facts);
    resource.os ??= osOf(metadata, there);
  }
}

function addEntry(
  resources: Map<string, Resource>,
  value: unknown,
  place: Place,
  kindOfList: Kind | null,
  counter: FindingCounter,
): void {
  const entry = asObject(value, place);
  const namespace = textAt(entry, 'Namespace', place, MAX_BYTES.label);
  const kind = textAt(entry, 'Kind', place, MAX_BYTES.label) ?? '';
  const name = textAt(entry, 'Name', place, MAX_BYTES.label) ?? '';
  const key = JSON.stringify([namespace, kind, name]);
  let resource = resources.get(key);
  if (resource === undefined) {
    if (resources.size >= MAX_SCANS) throw tooManyScans();
    resource = {
      namespace,
      kind,
      name,
      findings: noFindings(),
      images: [],
      os: null,
      hasResults: false,
      error: null,
    };
    resources.set(key, resource);
  }
  const results = listAt(entry, 'Results', place);
  if (results.length > 0) resource.hasResults = true;
  if (kindOfList !== null) resource.findings.kinds.add(kindOfList);
  resource.error ??= textAt(entry, 'Error', place, MAX_BYTES.text);
  addMetadata(resource, entry, place);
  addResults(resource.findings, results, at(place, 'Results'), counter);
}

function scanOf(resource: Resource, cluster: string, options: ParseOptions): ParsedScan {
  const warnings: string[] = [];
  if (resource.error !== null) warnings.push(`scan_incomplete: ${resource.error.slice(0, 500)}`);
  return {
    ...emptyScan(),
    artifact: resourceIdentity({ ...resource, cluster }),
    kinds: kindsOf(resource.findings, options, warnings),
    os: resource.os,
    metadata: compactObject({ images: resource.images }),
    warnings,
    vulnerabilities: resource.findings.vulnerabilities,
    others: resource.findings.others,
  };
}

export function parseKubernetes(report: JsonObject, options: ParseOptions): ParsedDocument {
  const cluster =
    options.cluster ?? textAt(report, 'ClusterName', null, MAX_BYTES.label * 2) ?? DEFAULT_CLUSTER;
  const counter = createFindingCounter();
  const resources = new Map<string, Resource>();
  const skipped: ParsedDocument['skipped'] = [];
  for (const [key, kind] of LISTS) {
    const here = at(null, key);
    for (const [index, entry] of listAt(report, key, null).entries()) {
      addEntry(resources, entry, at(here, index), kind, counter);
    }
  }
  const scans: ParsedScan[] = [];
  for (const resource of resources.values()) {
    const label = [resource.namespace, resource.kind, resource.name].filter(Boolean).join('/');
    if (!resource.hasResults && resource.error !== null) {
      skipped.push({ name: label, reason: `Trivy could not scan it: ${resource.error.slice(0, 500)}` });
    } else if (resource.kind === '' || resource.name === '') {
      skipped.push({ name: label, reason: 'the entry has no Kind or no Name' });
    } else {
      scans.push(scanOf(resource, cluster, options));
    }
  }
  return { ignored: null, scans, skipped, warnings: [], multiple: true };
}
