/** Which layout a document has, and what it looks like where it is no Trivy report. */
import { looksLikeVulnerability } from './findings.ts';
import { isOperatorResource } from './operator.ts';
import { ReportError } from './problem.ts';
import { isObject, type JsonObject } from './read.ts';

export type Layout =
  | 'report'
  | 'result list'
  | 'compact'
  | 'kubernetes'
  | 'operator resource'
  | 'operator envelope'
  | 'operator list'
  | 'operator map';

const SEND_JSON = 'Send what `trivy image --format json NAME` prints (or fs, repo, rootfs, vm, sbom, k8s).';
const SEND_EACH = 'Send each report by itself, with ?artifact=NAME where it does not say its name.';

interface OtherFormat {
  looksLike: string;
  matches(document: JsonObject): boolean;
  send: string;
}

function everyValue(object: JsonObject, test: (value: unknown) => boolean): boolean {
  const values = Object.values(object);
  return values.length > 0 && values.every(test);
}

function has(object: JsonObject, ...keys: string[]): boolean {
  return keys.every((key) => Object.hasOwn(object, key));
}

function firstOf(value: unknown): unknown {
  return Array.isArray(value) ? value[0] : undefined;
}

function isReportLike(value: unknown): boolean {
  return isObject(value) && (Array.isArray(value.Results) || has(value, 'SchemaVersion', 'ArtifactName'));
}

function isAsffFinding(value: unknown): boolean {
  return isObject(value) && (has(value, 'AwsAccountId') || has(value, 'ProductArn'));
}

function isResourceEntry(value: unknown): boolean {
  return isObject(value) && (has(value, 'Kind') || has(value, 'Results'));
}

/** Formats that people send for a Trivy report, most of them made by Trivy itself; the first that matches counts. */
const OTHER_FORMATS: readonly OtherFormat[] = [
  {
    looksLike: 'SARIF',
    matches: (document) => Array.isArray(document.runs),
    send: `${SEND_JSON} (--format json instead of sarif.)`,
  },
  {
    looksLike: 'CycloneDX',
    matches: (document) => document.bomFormat === 'CycloneDX',
    send: 'It is a list of components: scan it with `trivy sbom --format json FILE` and send what that prints.',
  },
  {
    looksLike: 'SPDX',
    matches: (document) =>
      has(document, 'spdxVersion') ||
      (typeof document['@context'] === 'string' && document['@context'].includes('spdx')),
    send: 'It is a list of components: scan it with `trivy sbom --format json FILE` and send what that prints.',
  },
  {
    looksLike: 'ASFF',
    matches: (document) => isAsffFinding(firstOf(document.Findings)),
    send: `${SEND_JSON} (Without the asff template.)`,
  },
  {
    looksLike: 'Trivy compliance report',
    matches: (document) =>
      has(document, 'ID', 'Title') && (has(document, 'SummaryControls') || has(document, 'Results')),
    send: 'Send the report without --compliance: `trivy k8s --report all --format json` or `trivy image --format json NAME`.',
  },
  {
    looksLike: 'GitLab container scanning report',
    matches: (document) =>
      has(document, 'scan', 'vulnerabilities') || has(document, 'remediations', 'vulnerabilities'),
    send: `${SEND_JSON} (Without the GitLab template.)`,
  },
  {
    looksLike: 'Harbor vulnerability report',
    matches: (document) =>
      Object.keys(document).some((key) => key.startsWith('application/vnd.')) ||
      has(document, 'generated_at', 'scanner', 'vulnerabilities'),
    send: SEND_JSON,
  },
  {
    looksLike: 'in-toto attestation',
    matches: (document) =>
      has(document, 'predicateType') || (has(document, 'invocation') && has(document, 'scanner')),
    send: `${SEND_JSON} (--format json instead of cosign-vuln; of an attestation, its scanner.result.)`,
  },
  {
    looksLike: 'GitHub dependency snapshot',
    matches: (document) => has(document, 'detector', 'manifests'),
    send: `${SEND_JSON} (--format json instead of github.)`,
  },
  {
    looksLike: 'Grype report',
    matches: (document) => Array.isArray(document.matches) && has(document, 'source'),
    send: SEND_JSON,
  },
  {
    looksLike: 'npm audit report',
    matches: (document) => has(document, 'auditReportVersion'),
    send: SEND_JSON,
  },
  {
    looksLike: 'list of identifiers',
    matches: (document) =>
      [document.vulnerabilities, document.misconfigurations].some(
        (list) => typeof firstOf(list) === 'string',
      ),
    send: SEND_JSON,
  },
  {
    looksLike: 'single result of a Trivy report',
    matches: (document) =>
      has(document, 'Target') &&
      (has(document, 'Class') || has(document, 'Type') || has(document, 'Vulnerabilities')),
    send: 'Send the whole report, or the result in a list.',
  },
  {
    looksLike: 'single vulnerability of a Trivy report',
    matches: (document) => looksLikeVulnerability(document),
    send: 'Send the whole report.',
  },
  {
    looksLike: 'Kubernetes resource that is not of the Trivy Operator',
    matches: (document) => has(document, 'apiVersion', 'kind'),
    send: 'Send resources of the Trivy Operator: `kubectl get vulnerabilityreports -A -o json`.',
  },
  {
    looksLike: 'map of Trivy reports',
    matches: (document) => everyValue(document, isReportLike),
    send: SEND_EACH,
  },
];

function notAReport(looksLike: string, send: string): ReportError {
  const detail = `This is no Trivy report; what it looks like: ${looksLike}. ${send}`;
  return new ReportError(422, 'not_a_trivy_report', detail, { looksLike });
}

function describe(document: JsonObject): string {
  const keys = Object.keys(document)
    .slice(0, 6)
    .map((key) => JSON.stringify(key.slice(0, 40)));
  return keys.length === 0 ? 'empty JSON object' : `JSON object with the keys ${keys.join(', ')}`;
}

function refuseObject(document: JsonObject): ReportError {
  const format = OTHER_FORMATS.find((candidate) => candidate.matches(document));
  return format ? notAReport(format.looksLike, format.send) : notAReport(describe(document), SEND_JSON);
}

function isOperatorMap(document: JsonObject): boolean {
  return (
    everyValue(document, (value) => Array.isArray(value) || value === null) &&
    (Object.keys(document).every((key) => key.endsWith('.aquasecurity.github.io')) ||
      Object.values(document).some((list) => isOperatorResource(firstOf(list))))
  );
}

function isKubernetes(document: JsonObject): boolean {
  if (has(document, 'ClusterName')) return true;
  return ['Resources', 'Findings', 'Vulnerabilities', 'Misconfigurations'].some((key) =>
    isResourceEntry(firstOf(document[key])),
  );
}

function layoutOfObject(document: JsonObject): Layout | null {
  if (has(document, 'verb', 'operatorObject')) return 'operator envelope';
  if (isOperatorResource(document) && !Array.isArray(document.items)) return 'operator resource';
  if (typeof document.kind === 'string' && document.kind.endsWith('List') && Array.isArray(document.items)) {
    return document.items.length === 0 || document.items.some(isOperatorResource) ? 'operator list' : null;
  }
  if (isOperatorMap(document)) return 'operator map';
  if (has(document, 'image_name', 'vulnerabilities')) return 'compact';
  if (OTHER_FORMATS.some(({ matches }) => matches(document)) && !has(document, 'ArtifactName')) return null;
  if (isKubernetes(document)) return 'kubernetes';
  if (
    has(document, 'SchemaVersion') ||
    Array.isArray(document.Results) ||
    has(document, 'ArtifactName', 'ArtifactType')
  ) {
    return 'report';
  }
  if (
    has(document, 'scan_time', 'vulnerabilities') ||
    looksLikeVulnerability(firstOf(document.vulnerabilities))
  ) {
    return 'compact';
  }
  return null;
}

function layoutOfList(document: unknown[]): Layout {
  const first = document.find((entry) => entry !== null);
  if (first === undefined) return 'result list';
  if (document.some(isOperatorResource)) return 'operator list';
  if (!isObject(first)) throw notAReport(`JSON list of ${typeof first}s`, SEND_JSON);
  if (has(first, 'Target')) return 'result list';
  if (has(first, 'ID', 'Report')) throw notAReport('Fairwinds Insights list of reports', SEND_EACH);
  if (isReportLike(first)) throw notAReport('list of Trivy reports', SEND_EACH);
  if (isAsffFinding(first)) throw notAReport('ASFF', SEND_JSON);
  if (looksLikeVulnerability(first)) {
    const send = 'Send the whole report, or {"image_name": NAME, "vulnerabilities": [what is in the list]}.';
    throw notAReport('list of vulnerabilities', send);
  }
  if (['Class', 'Type', 'Vulnerabilities', 'Misconfigurations', 'Secrets'].some((key) => has(first, key)))
    return 'result list';
  throw notAReport(
    `JSON list of objects with the keys ${Object.keys(first).slice(0, 6).join(', ')}`,
    SEND_JSON,
  );
}

/** @throws ReportError 422 `not_a_trivy_report` with what it looks like and what to send instead */
export function detectLayout(document: unknown): Layout {
  if (document === null) return 'result list';
  if (Array.isArray(document)) return layoutOfList(document);
  if (!isObject(document)) throw notAReport(`JSON ${typeof document}`, SEND_JSON);
  const layout = layoutOfObject(document);
  if (layout === null) throw refuseObject(document);
  return layout;
}
