/**
 * Resources of the Trivy Operator, as `kubectl get -o json` prints them or its webhook sends them: one, a list
 * (`{kind: List, items}`, an array, a map of arrays), or `{verb, operatorObject}`.
 */
import { createHash } from 'node:crypto';
import { DEFAULT_CLUSTER, imageIdentity, nameRequired, resourceIdentity } from './artifact.ts';
import { compactObject, emptyScan } from './cli.ts';
import {
  bestScore,
  createFindingCounter,
  cvssAt,
  type FindingCounter,
  severityAt,
  statusOf,
} from './findings.ts';
import { MAX_SCANS, tooManyScans } from './kubernetes.ts';
import { readOperatorCheck, readOperatorSecret } from './others.ts';
import {
  asObject,
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
  timeAt,
  webAddressAt,
  webAddressesAt,
} from './read.ts';
import type {
  ArtifactIdentity,
  Kind,
  ParsedDocument,
  ParsedScan,
  ParseOptions,
  VulnerabilityFinding,
  Workload,
} from './report.ts';

/** What a resource's findings are, by the end of its kind: `ClusterRbacAssessmentReport` holds what others hold. */
const KIND_OF_RESOURCE: ReadonlyMap<string, Kind> = new Map([
  ['VulnerabilityReport', 'vulnerability'],
  ['ExposedSecretReport', 'secret'],
  ['ConfigAuditReport', 'misconfiguration'],
  ['RbacAssessmentReport', 'misconfiguration'],
  ['InfraAssessmentReport', 'misconfiguration'],
]);

const IMAGE_KINDS: ReadonlySet<Kind> = new Set<Kind>(['vulnerability', 'secret']);

export function isOperatorResource(value: unknown): value is JsonObject {
  return (
    isObject(value) &&
    typeof value.apiVersion === 'string' &&
    value.apiVersion.startsWith('aquasecurity.github.io/')
  );
}

/** The facts that a resource tells of itself. */
interface Resource {
  kind: string;
  findingKind: Kind | null;
  metadata: JsonObject;
  report: JsonObject;
  place: Place | null;
  workload: Workload;
  /** Null for a resource of the cluster. */
  namespace: string | null;
}

function readResource(value: JsonObject, place: Place | null, options: ParseOptions): Resource {
  const kind = textAt(value, 'kind', place, MAX_BYTES.label) ?? '';
  const metadata = objectAt(value, 'metadata', place) ?? {};
  const metadataPlace = at(place, 'metadata');
  const labels = objectAt(metadata, 'labels', metadataPlace) ?? {};
  const annotations = objectAt(metadata, 'annotations', metadataPlace) ?? {};
  // A name that no label can hold is in an annotation instead.
  const said = (key: string) =>
    textAt(labels, `trivy-operator.${key}`, at(metadataPlace, 'labels'), MAX_BYTES.label) ??
    textAt(annotations, `trivy-operator.${key}`, at(metadataPlace, 'annotations'), MAX_BYTES.label);
  const namespace =
    said('resource.namespace') ?? textAt(metadata, 'namespace', metadataPlace, MAX_BYTES.label);
  return {
    kind,
    findingKind: KIND_OF_RESOURCE.get(kind.replace(/^Cluster/, '')) ?? null,
    metadata,
    report: objectAt(value, 'report', place) ?? {},
    place: at(place, 'report'),
    namespace,
    workload: {
      cluster: options.cluster ?? DEFAULT_CLUSTER,
      namespace: namespace ?? '',
      kind: said('resource.kind') ?? kind,
      name: said('resource.name') ?? textAt(metadata, 'name', metadataPlace, MAX_BYTES.label) ?? '',
      container: said('container.name') ?? '',
    },
  };
}

function imageOf({ report, place }: Resource): { identity: ArtifactIdentity | null; digest: string | null } {
  const artifact = objectAt(report, 'artifact', place) ?? {};
  const here = at(place, 'artifact');
  const registry = objectAt(report, 'registry', place) ?? {};
  const server = textAt(registry, 'server', at(place, 'registry'), MAX_BYTES.name);
  const repository = textAt(artifact, 'repository', here, MAX_BYTES.name);
  const tag = textAt(artifact, 'tag', here, MAX_BYTES.id);
  const digest = textAt(artifact, 'digest', here, MAX_BYTES.id);
  if (repository === null) return { identity: null, digest };
  const name = server === null ? repository : `${server}/${repository}`;
  const version = tag !== null ? `:${tag}` : digest !== null ? `@${digest}` : '';
  return { identity: imageIdentity(name + version), digest };
}

function readOperatorVulnerability(entry: unknown, place: Place): VulnerabilityFinding {
  const finding = asObject(entry, place);
  const fixedVersion = textAt(finding, 'fixedVersion', place);
  const cvss = cvssAt(finding, 'cvss', place);
  const score = numberAt(finding, 'score', place);
  if (score !== null && (score < 0 || score > 10))
    throw invalid(at(place, 'score'), 'has to be between 0 and 10');
  return {
    vulnerabilityId: textAt(finding, 'vulnerabilityID', place, MAX_BYTES.id) ?? 'UNKNOWN',
    package: textAt(finding, 'resource', place, MAX_BYTES.name) ?? '',
    installedVersion: textAt(finding, 'installedVersion', place),
    fixedVersion,
    status: statusOf(null, fixedVersion),
    severity: severityAt(finding, 'severity', place),
    severitySource: null,
    path: textAt(finding, 'packagePath', place),
    target: textAt(finding, 'target', place) ?? '',
    class: textAt(finding, 'class', place, MAX_BYTES.id),
    packageType: textAt(finding, 'packageType', place, MAX_BYTES.id),
    purl: textAt(finding, 'packagePURL', place),
    primaryUrl: webAddressAt(finding, 'primaryLink', place),
    title: textAt(finding, 'title', place),
    description: textAt(finding, 'description', place, MAX_BYTES.text),
    references: webAddressesAt(finding, 'links', place),
    cvss,
    vendorSeverity: null,
    cvssScore: bestScore(cvss) ?? score,
    cweIds: [],
    publishedAt: timeAt(finding, 'publishedDate', place),
    modifiedAt: timeAt(finding, 'lastModifiedDate', place),
  };
}

function operatingSystem({ report, place }: Resource): ParsedScan['os'] {
  const os = objectAt(report, 'os', place);
  const here = at(place, 'os');
  const family = os && textAt(os, 'family', here, MAX_BYTES.id);
  if (!os || family === null || family === 'none') return null;
  return { family, name: textAt(os, 'name', here, MAX_BYTES.id), eosl: booleanAt(os, 'eosl', here) };
}

function findingsOf(
  resource: Resource,
  kind: Kind,
  counter: FindingCounter,
): Pick<ParsedScan, 'vulnerabilities' | 'others'> {
  const { report, place, workload } = resource;
  const key = kind === 'vulnerability' ? 'vulnerabilities' : kind === 'secret' ? 'secrets' : 'checks';
  const entries = listAt(report, key, place);
  counter.add(entries.length);
  const list = at(place, key);
  if (kind === 'vulnerability') {
    const vulnerabilities = entries.map((entry, index) => readOperatorVulnerability(entry, at(list, index)));
    return { vulnerabilities, others: [] };
  }
  const target = `${workload.kind}/${workload.name}`;
  const others = entries.map((entry, index) =>
    kind === 'secret'
      ? readOperatorSecret(entry, at(list, index))
      : readOperatorCheck(entry, at(list, index), target),
  );
  return { vulnerabilities: [], others };
}

/** JSON with the keys of every object in order, so that equal values are equal texts. */
function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) =>
    isObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}

function artifactOfResource(resource: Resource, kind: Kind, options: ParseOptions) {
  if (!IMAGE_KINDS.has(kind)) {
    const { cluster, kind: resourceKind, name } = resource.workload;
    if (name === '') throw invalid(at(resource.place?.parent ?? null, 'metadata'), 'has no name');
    const artifact = resourceIdentity({ cluster, namespace: resource.namespace, kind: resourceKind, name });
    return { artifact, digest: null, workload: null };
  }
  const { identity, digest } = imageOf(resource);
  const artifact = identity ?? (options.artifact === null ? null : imageIdentity(options.artifact));
  if (artifact === null) throw nameRequired({ name: null, hint: null });
  return { artifact, digest, workload: resource.workload.name === '' ? null : resource.workload };
}

function scanOf(resource: Resource, kind: Kind, options: ParseOptions, counter: FindingCounter): ParsedScan {
  const { metadata, report, place, workload } = resource;
  const metadataPlace = at(place?.parent ?? null, 'metadata');
  const scanner = objectAt(report, 'scanner', place) ?? {};
  return {
    ...emptyScan(),
    ...artifactOfResource(resource, kind, options),
    kinds: [kind],
    scannedAt: timeAt(report, 'updateTimestamp', place),
    reportId: textAt(metadata, 'uid', metadataPlace, MAX_BYTES.id),
    reportHash: createHash('sha256').update(canonicalJson(report)).digest('hex'),
    trivyVersion: textAt(scanner, 'version', at(place, 'scanner'), MAX_BYTES.id),
    os: operatingSystem(resource),
    metadata: compactObject({
      resource: compactObject({ apiKind: resource.kind, name: textAt(metadata, 'name', metadataPlace) }),
      workload: compactObject({ ...workload }),
    }),
    warnings: [],
    ...findingsOf(resource, kind, counter),
  };
}

/** One resource, as it is or in the webhook's envelope. */
export function parseResource(value: JsonObject, place: Place | null, options: ParseOptions): ParsedDocument {
  const resource = readResource(value, place, options);
  const document: ParsedDocument = { ignored: null, scans: [], skipped: [], warnings: [], multiple: false };
  if (resource.findingKind === null) return { ...document, ignored: resource.kind };
  return { ...document, scans: [scanOf(resource, resource.findingKind, options, createFindingCounter())] };
}

/** `{verb, operatorObject}`: a deletion changes nothing, what was found stays found. */
export function parseEnvelope(envelope: JsonObject, options: ParseOptions): ParsedDocument {
  const verb = textAt(envelope, 'verb', null, MAX_BYTES.word)?.toLowerCase();
  if (verb === 'delete') return { ignored: 'delete', scans: [], skipped: [], warnings: [], multiple: false };
  const place = at(null, 'operatorObject');
  const resource = asObject(envelope.operatorObject, place);
  if (!isOperatorResource(resource)) throw invalid(place, 'is no resource of the Trivy Operator');
  return parseResource(resource, place, options);
}

/** Resources of one document, each with its place. */
export function parseResources(values: [unknown, Place][], options: ParseOptions): ParsedDocument {
  const counter = createFindingCounter();
  const document: ParsedDocument = { ignored: null, scans: [], skipped: [], warnings: [], multiple: true };
  for (const [value, place] of values) {
    const resource = readResource(asObject(value, place), place, options);
    const name = [resource.workload.namespace, resource.kind, textAt(resource.metadata, 'name', place)]
      .filter(Boolean)
      .join('/');
    if (!isOperatorResource(value)) {
      document.skipped.push({ name, reason: 'no resource of the Trivy Operator' });
    } else if (resource.findingKind === null) {
      document.skipped.push({ name, reason: `a ${resource.kind} holds no findings` });
    } else {
      if (document.scans.length >= MAX_SCANS) throw tooManyScans();
      document.scans.push(scanOf(resource, resource.findingKind, options, counter));
    }
  }
  return document;
}
