import { describe, expect, test } from 'vitest';
import { parse, parseScan, refusal, resource } from './samples.ts';

const entry = {
  vulnerabilityID: 'CVE-2024-0001',
  resource: 'openssl',
  installedVersion: '1.1.1',
  fixedVersion: '',
  severity: 'HIGH',
  title: 'a hole',
  primaryLink: 'https://avd.aquasec.com/nvd/cve-2024-0001',
  links: [],
  score: 7.5,
  target: 'nginx:1.25 (debian 12)',
  class: 'os-pkgs',
  packageType: 'debian',
  packagePath: '',
  packagePURL: 'pkg:deb/debian/openssl@1.1.1',
  publishedDate: '',
};
const vulnerabilityReport = resource('VulnerabilityReport', {
  os: { family: 'debian', name: '12' },
  vulnerabilities: [entry],
});
const check = {
  checkID: 'KSV014',
  category: 'Kubernetes Security Check',
  severity: 'LOW',
  title: 'Root file system',
  description: 'Not read-only.',
  messages: ['one', 'two'],
  remediation: 'Make it so.',
  success: false,
  scope: { type: 'Container', value: 'nginx' },
};

describe('VulnerabilityReport', () => {
  test('belongs to the artifact of its image and tells a workload', () => {
    const scan = parseScan(vulnerabilityReport, { cluster: 'prod' });
    expect(scan).toMatchObject({
      artifact: { type: 'image', name: 'nginx:1.25', repository: 'nginx', version: '1.25' },
      digest: `sha256:${'a'.repeat(64)}`,
      kinds: ['vulnerability'],
      scannedAt: '2026-01-02T03:04:05.000Z',
      reportId: '11111111-2222-3333-4444-555555555555',
      trivyVersion: '0.70.0',
      os: { family: 'debian', name: '12', eosl: false },
      workload: { cluster: 'prod', namespace: 'web', kind: 'Pod', name: 'front', container: 'nginx' },
    });
    expect(parse(vulnerabilityReport)).toMatchObject({
      multiple: false,
      scans: [{ workload: { cluster: 'default' } }],
    });
  });

  test('its findings are those of the command line; an empty text is an absent one', () => {
    expect(parseScan(vulnerabilityReport).vulnerabilities).toMatchObject([
      {
        vulnerabilityId: 'CVE-2024-0001',
        package: 'openssl',
        installedVersion: '1.1.1',
        fixedVersion: null,
        status: 'unknown',
        severity: 'HIGH',
        cvssScore: 7.5,
        purl: 'pkg:deb/debian/openssl@1.1.1',
        path: null,
        publishedAt: null,
        class: 'os-pkgs',
      },
    ]);
  });

  test('a digest alone is an artifact of its own', () => {
    const digest = `sha256:${'d'.repeat(64)}`;
    const scan = parseScan(
      resource('VulnerabilityReport', {
        artifact: { repository: 'acme/app', digest },
        registry: { server: 'ghcr.io' },
      }),
    );
    expect(scan).toMatchObject({ artifact: { name: `ghcr.io/acme/app@${digest}`, version: null }, digest });
  });

  test('without an image it needs a name', () => {
    const nameless = resource('VulnerabilityReport', { artifact: undefined });
    expect(refusal(() => parse(nameless)).code).toBe('artifact_name_required');
    expect(parseScan(nameless, { artifact: 'nginx:1' }).artifact.name).toBe('nginx:1');
  });

  test('ClusterVulnerabilityReport holds the same', () => {
    expect(parseScan(resource('ClusterVulnerabilityReport', { vulnerabilities: [entry] })).kinds).toEqual([
      'vulnerability',
    ]);
  });

  test('kinds are those of the resource, whatever ?scanners= says', () => {
    expect(parseScan(vulnerabilityReport, { kinds: ['license'] }).kinds).toEqual(['vulnerability']);
  });
});

test('the hash of a report tells whether it is the same, whatever the resource says beside it', () => {
  const hash = (value: unknown) => parseScan(value).reportHash;
  const shuffled = {
    ...vulnerabilityReport,
    report: Object.fromEntries(Object.entries(vulnerabilityReport.report as object).reverse()),
  };
  const relabelled = {
    ...vulnerabilityReport,
    metadata: { ...(vulnerabilityReport.metadata as object), resourceVersion: '7' },
  };
  const later = resource('VulnerabilityReport', {
    updateTimestamp: '2026-01-03T03:04:05Z',
    vulnerabilities: [entry],
  });
  expect(hash(shuffled)).toBe(hash(vulnerabilityReport));
  expect(hash(relabelled)).toBe(hash(vulnerabilityReport));
  expect(hash(later)).not.toBe(hash(vulnerabilityReport));
  expect(hash(vulnerabilityReport)).toMatch(/^[0-9a-f]{64}$/);
});

test('ExposedSecretReport belongs to the same image', () => {
  const secrets = [
    { ruleID: 'key', category: 'AWS', severity: 'CRITICAL', title: 'Key', match: '***', target: 'root/key' },
  ];
  const scan = parseScan(resource('ExposedSecretReport', { secrets }));
  expect(scan).toMatchObject({
    artifact: { type: 'image', name: 'nginx:1.25' },
    kinds: ['secret'],
    workload: { name: 'front' },
    others: [
      { kind: 'secret', code: 'key', severity: 'CRITICAL', target: 'root/key', detail: { match: '***' } },
    ],
  });
});

describe('configuration, roles and infrastructure', () => {
  test.each([
    'ConfigAuditReport',
    'ClusterConfigAuditReport',
    'RbacAssessmentReport',
    'ClusterRbacAssessmentReport',
    'InfraAssessmentReport',
    'ClusterInfraAssessmentReport',
  ])('%s is about a resource of the cluster', (kind) => {
    const scan = parseScan(resource(kind, { checks: [check, { success: true }] }), { cluster: 'prod' });
    expect(scan).toMatchObject({
      artifact: { type: 'kubernetes', name: 'prod/web/Pod/front' },
      kinds: ['misconfiguration'],
      workload: null,
      digest: null,
    });
    expect(scan.others).toMatchObject([
      {
        status: 'FAIL',
        code: 'KSV014',
        target: 'Pod/front',
        package: 'nginx',
        detail: {
          id: 'KSV014',
          message: 'one\ntwo',
          resolution: 'Make it so.',
          resource: 'nginx',
          class: 'config',
        },
      },
      { status: 'PASS', code: 'UNKNOWN' },
    ]);
  });

  test('a name that no label can hold is in an annotation', () => {
    const annotations = { 'trivy-operator.resource.name': 'system:node' };
    const labels = {
      'trivy-operator.resource.kind': 'ClusterRole',
      'trivy-operator.resource.name-hash': '7f6c',
    };
    const scan = parseScan(
      resource('ClusterRbacAssessmentReport', { checks: [] }, { namespace: undefined, labels, annotations }),
    );
    expect(scan.artifact).toMatchObject({ name: 'default//ClusterRole/system:node', namespace: null });
  });
});

describe('what holds nothing to store', () => {
  test.each(['SbomReport', 'ClusterSbomReport', 'ClusterComplianceReport'])(
    '%s is ignored, by its kind',
    (kind) => {
      expect(parse(resource(kind, {}))).toMatchObject({ ignored: kind, scans: [], multiple: false });
      expect(parse(resource(kind, {}), { artifact: 'x' }).ignored).toBe(kind);
    },
  );

  test('within a list it is skipped', () => {
    const document = parse([vulnerabilityReport, resource('SbomReport', {})]);
    expect(document).toMatchObject({ ignored: null, scans: [{}], multiple: true });
    expect(document.skipped).toEqual([
      { name: 'web/SbomReport/pod-front-nginx', reason: 'a SbomReport holds no findings' },
    ]);
  });

  test('verb delete is ignored, whatever it is about', () => {
    expect(parse({ verb: 'delete', operatorObject: vulnerabilityReport })).toMatchObject({
      ignored: 'delete',
      scans: [],
    });
    expect(parse({ verb: 'delete', operatorObject: null }).ignored).toBe('delete');
  });
});

describe('layouts', () => {
  const configAudit = resource('ConfigAuditReport', { checks: [check] });
  const names = ['nginx:1.25', 'default/web/Pod/front'];

  test.each([
    ['kind List', { apiVersion: 'v1', kind: 'List', items: [vulnerabilityReport, configAudit] }],
    [
      'kind VulnerabilityReportList',
      {
        apiVersion: 'aquasecurity.github.io/v1alpha1',
        kind: 'VulnerabilityReportList',
        items: [vulnerabilityReport, configAudit],
      },
    ],
    ['an array', [vulnerabilityReport, configAudit]],
    [
      'a map of arrays',
      {
        'vulnerabilityreports.aquasecurity.github.io': [vulnerabilityReport],
        'sbomreports.aquasecurity.github.io': [],
        'configauditreports.aquasecurity.github.io': [configAudit],
      },
    ],
  ])('%s', (_name, value) => {
    const document = parse(value);
    expect(document.multiple).toBe(true);
    expect(document.scans.map((scan) => scan.artifact.name)).toEqual(names);
  });

  test('an empty list is a list without scans', () => {
    expect(parse({ apiVersion: 'v1', kind: 'List', items: [] })).toMatchObject({ scans: [], multiple: true });
    expect(parse({ 'vulnerabilityreports.aquasecurity.github.io': [] })).toMatchObject({
      scans: [],
      multiple: true,
    });
  });

  test('verb update is the resource itself', () => {
    expect(parse({ verb: 'update', operatorObject: vulnerabilityReport })).toEqual(
      parse(vulnerabilityReport),
    );
    expect(refusal(() => parse({ verb: 'update', operatorObject: { kind: 'Pod' } })).pointer).toBe(
      '/operatorObject',
    );
  });

  test('what is of another program is skipped in a list, and refused alone', () => {
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'front' } };
    expect(parse([vulnerabilityReport, pod]).skipped).toEqual([
      { name: 'Pod/front', reason: 'no resource of the Trivy Operator' },
    ]);
    expect(refusal(() => parse(pod)).looksLike).toBe('Kubernetes resource that is not of the Trivy Operator');
    expect(refusal(() => parse({ apiVersion: 'v1', kind: 'List', items: [pod] })).code).toBe(
      'not_a_trivy_report',
    );
  });
});

test('wrong types are refused with a pointer', () => {
  const wrong = (report: Record<string, unknown>) =>
    refusal(() => parse(resource('VulnerabilityReport', report))).pointer;
  expect(wrong({ vulnerabilities: {} })).toBe('/report/vulnerabilities');
  expect(wrong({ vulnerabilities: [{ severity: 7 }] })).toBe('/report/vulnerabilities/0/severity');
  expect(wrong({ vulnerabilities: [{ score: 70 }] })).toBe('/report/vulnerabilities/0/score');
  expect(wrong({ artifact: 'nginx' })).toBe('/report/artifact');
  const listed = { kind: 'List', items: [resource('VulnerabilityReport', { os: 5 })] };
  expect(refusal(() => parse(listed)).pointer).toBe('/items/0/report/os');
  const inEnvelope = { verb: 'update', operatorObject: resource('VulnerabilityReport', { os: 5 }) };
  expect(refusal(() => parse(inEnvelope)).pointer).toBe('/operatorObject/report/os');
});
