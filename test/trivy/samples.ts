import { parseDocument } from '../../src/trivy/parse.ts';
import { ReportError } from '../../src/trivy/problem.ts';
import type { ParsedDocument, ParsedScan, ParseOptions } from '../../src/trivy/report.ts';

export function parse(value: unknown, options: Partial<ParseOptions> = {}): ParsedDocument {
  return parseDocument(value, { artifact: null, cluster: null, kinds: null, ...options });
}

/** The one scan of the document. */
export function parseScan(value: unknown, options: Partial<ParseOptions> = {}): ParsedScan {
  const { scans } = parse(value, options);
  const [scan] = scans;
  if (scan === undefined || scans.length !== 1)
    throw new Error(`the document holds ${scans.length} scans, not 1`);
  return scan;
}

/** What the call is refused with. */
export function refusal(call: () => unknown): ReportError {
  try {
    call();
  } catch (error) {
    if (error instanceof ReportError) return error;
    throw error;
  }
  throw new Error('nothing was refused');
}

export function vulnerability(facts: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    VulnerabilityID: 'CVE-2024-0001',
    PkgName: 'openssl',
    InstalledVersion: '1.1.1',
    FixedVersion: '1.1.2',
    Severity: 'HIGH',
    Title: 'openssl: a hole',
    ...facts,
  };
}

export function result(facts: Record<string, unknown> = {}): Record<string, unknown> {
  return { Target: 'nginx:1.25 (debian 12.5)', Class: 'os-pkgs', Type: 'debian', ...facts };
}

/** A report of schema 2 about nginx:1.25. */
export function report(facts: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    SchemaVersion: 2,
    CreatedAt: '2026-01-02T03:04:05.678901234+02:00',
    ArtifactName: 'nginx:1.25',
    ArtifactType: 'container_image',
    Results: [result({ Vulnerabilities: [vulnerability()] })],
    ...facts,
  };
}

/** A resource of the operator about the image library/nginx:1.25 in the pod web/front. */
export function resource(
  kind: string,
  report: Record<string, unknown>,
  metadata: Record<string, unknown> = {},
): Record<string, unknown> {
  return {
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind,
    metadata: {
      name: 'pod-front-nginx',
      namespace: 'web',
      uid: '11111111-2222-3333-4444-555555555555',
      labels: {
        'trivy-operator.container.name': 'nginx',
        'trivy-operator.resource.kind': 'Pod',
        'trivy-operator.resource.name': 'front',
        'trivy-operator.resource.namespace': 'web',
      },
      ...metadata,
    },
    report: {
      updateTimestamp: '2026-01-02T03:04:05Z',
      scanner: { name: 'Trivy', vendor: 'Aqua Security', version: '0.70.0' },
      registry: { server: 'index.docker.io' },
      artifact: { repository: 'library/nginx', tag: '1.25', digest: `sha256:${'a'.repeat(64)}` },
      ...report,
    },
  };
}
