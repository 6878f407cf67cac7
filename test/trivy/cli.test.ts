import { describe, expect, test } from 'vitest';
import { parse, parseScan, refusal, report, result, vulnerability } from './samples.ts';

const named = { artifact: 'nginx:1.25' };

test('a report of schema 2: what it says of itself', () => {
  const scan = parseScan(
    report({
      Trivy: {
        Version: '0.70.0',
        Server: { Version: '0.70.1', VulnerabilityDB: { UpdatedAt: '2026-01-01T00:00:00Z' } },
      },
      ReportID: '017b7d41-e09f-7000-80ea-000000000001',
      ArtifactID: 'sha256:1',
      Metadata: {
        Size: 7,
        OS: { Family: 'debian', Name: '12.5', EOSL: true },
        ImageID: 'sha256:2',
        RepoTags: ['nginx:1.25'],
        ImageConfig: { created: '0001-01-01T00:00:00Z', config: { Env: ['PASSWORD=s3cret'] } },
        Layers: [{ Size: 1 }],
      },
    }),
  );
  expect(scan).toMatchObject({
    kinds: ['vulnerability'],
    scannedAt: '2026-01-02T01:04:05.678Z',
    reportId: '017b7d41-e09f-7000-80ea-000000000001',
    reportHash: null,
    trivyVersion: '0.70.0',
    os: { family: 'debian', name: '12.5', eosl: true },
    workload: null,
    warnings: [],
  });
  expect(scan.metadata).toEqual({
    artifactName: 'nginx:1.25',
    artifactType: 'container_image',
    artifactId: 'sha256:1',
    size: 7,
    imageId: 'sha256:2',
    repoTags: ['nginx:1.25'],
    server: { version: '0.70.1', vulnerabilityDatabase: { updatedAt: '2026-01-01T00:00:00.000Z' } },
  });
  expect(JSON.stringify(scan)).not.toContain('s3cret');
});

test('one report is one scan, and not a list', () => {
  expect(parse(report())).toMatchObject({ ignored: null, skipped: [], warnings: [], multiple: false });
});

describe('layouts', () => {
  test('an object with a Results list is a report, with or without SchemaVersion', () => {
    expect(parseScan({ ...report(), SchemaVersion: undefined }).vulnerabilities).toHaveLength(1);
    expect(
      parseScan({ Results: [result({ Vulnerabilities: [vulnerability()] })] }, named).vulnerabilities,
    ).toHaveLength(1);
  });

  test('a bare list of results, as before 0.20, also without Class and Type', () => {
    const old = [
      { Target: 'nginx:1.25 (debian 12.5)', Vulnerabilities: [vulnerability({ LayerID: 'sha256:1' })] },
    ];
    const scan = parseScan(old, named);
    expect(scan).toMatchObject({ kinds: ['vulnerability'], scannedAt: null, warnings: [] });
    expect(scan.vulnerabilities).toMatchObject([{ class: null, packageType: null }]);
  });

  test('null and an empty list are reports in which nothing was found', () => {
    for (const document of [null, []]) {
      const scan = parseScan(document, named);
      expect(scan).toMatchObject({
        artifact: { type: 'image', name: 'nginx:1.25' },
        vulnerabilities: [],
        others: [],
      });
    }
  });

  test('the compact form', () => {
    const scan = parseScan({
      image_name: 'docker.io/library/nginx:1.25',
      scan_time: '2026-01-02T03:04:05Z',
      vulnerabilities: [
        vulnerability(),
        vulnerability({ VulnerabilityID: 'CVE-2024-0002', Severity: 'critical' }),
      ],
    });
    expect(scan).toMatchObject({
      artifact: { type: 'image', name: 'nginx:1.25' },
      kinds: ['vulnerability'],
      scannedAt: '2026-01-02T03:04:05.000Z',
      warnings: [],
    });
    expect(scan.vulnerabilities.map((finding) => finding.severity)).toEqual(['HIGH', 'CRITICAL']);
  });

  test('the compact form without findings, without a time, or without a name', () => {
    expect(parseScan({ image_name: 'a', vulnerabilities: null })).toMatchObject({
      scannedAt: null,
      vulnerabilities: [],
    });
    const nameless = { scan_time: '2026-01-02T03:04:05Z', vulnerabilities: [] };
    expect(refusal(() => parse(nameless)).code).toBe('artifact_name_required');
    expect(parseScan(nameless, named).artifact.name).toBe('nginx:1.25');
    expect(parseScan({ vulnerabilities: [vulnerability()] }, named).vulnerabilities).toHaveLength(1);
  });

  test('the compact form with what is no vulnerability of Trivy', () => {
    const ids = { image_name: 'a', vulnerabilities: [vulnerability(), 'CVE-2024-1'] };
    expect(refusal(() => parse(ids))).toMatchObject({
      code: 'invalid_report',
      pointer: '/vulnerabilities/1',
    });
    const others = { image_name: 'a', vulnerabilities: [{ id: 'CVE-2024-1' }] };
    expect(refusal(() => parse(others))).toMatchObject({
      code: 'invalid_report',
      pointer: '/vulnerabilities/0',
    });
  });
});

describe('a clean scan is a scan', () => {
  test.each([
    ['no Results', { Results: undefined }],
    ['Results: null', { Results: null }],
    ['Results: []', { Results: [] }],
  ])('%s: vulnerability is assumed, and said', (_name, facts) => {
    const scan = parseScan(report(facts));
    expect(scan).toMatchObject({ kinds: ['vulnerability'], vulnerabilities: [] });
    expect(scan.warnings).toEqual([expect.stringMatching(/^kinds_assumed: /)]);
  });

  test('a result without findings tells what was looked for', () => {
    expect(parseScan(report({ Results: [result()] }))).toMatchObject({
      kinds: ['vulnerability'],
      warnings: [],
    });
    expect(parseScan(report({ Results: [result({ Vulnerabilities: null })] })).warnings).toEqual([]);
  });
});

describe('kinds', () => {
  const kindsOf = (results: unknown[], kinds: ('vulnerability' | 'secret' | 'license')[] | null = null) =>
    parseScan(report({ Results: results }), { kinds }).kinds;

  test.each([
    ['os-pkgs', 'vulnerability'],
    ['lang-pkgs', 'vulnerability'],
    ['config', 'misconfiguration'],
    ['secret', 'secret'],
    ['license', 'license'],
    ['license-file', 'license'],
  ])('class %s: %s', (Class, kind) => {
    expect(kindsOf([{ Target: 'a', Class }])).toEqual([kind]);
  });

  test('Packages: vulnerability', () => {
    expect(kindsOf([{ Target: 'a', Class: 'custom', Packages: [{ Name: 'a' }] }])).toEqual(['vulnerability']);
    expect(kindsOf([{ Target: 'a', Class: 'config', Packages: null }])).toEqual(['misconfiguration']);
  });

  test('several classes are several kinds, in one order', () => {
    const results = ['secret', 'os-pkgs', 'config', 'license'].map((Class) => ({ Target: 'a', Class }));
    expect(kindsOf(results)).toEqual(['vulnerability', 'misconfiguration', 'secret', 'license']);
  });

  test('?scanners= wins over the classes, and what it leaves out is said', () => {
    expect(kindsOf([{ Target: 'a', Class: 'os-pkgs' }], ['secret', 'vulnerability'])).toEqual([
      'vulnerability',
      'secret',
    ]);
    expect(kindsOf([], ['license'])).toEqual(['license']);
    const scan = parseScan(report(), { kinds: ['secret'] });
    expect(scan.kinds).toEqual(['secret']);
    expect(scan.warnings).toEqual([expect.stringMatching(/^kinds_incomplete: .*vulnerability/)]);
  });

  test('a class that tells nothing leaves vulnerability assumed', () => {
    const scan = parseScan(report({ Results: [{ Target: '', Class: 'custom', CustomResources: [{}] }] }));
    expect(scan).toMatchObject({
      kinds: ['vulnerability'],
      warnings: [expect.stringContaining('kinds_assumed')],
    });
  });
});

describe('times', () => {
  test.each([
    '0001-01-01T00:00:00Z',
    '1970-01-01T00:00:00Z',
    'yesterday',
    '2026-13-45T00:00:00Z',
    '2026-01-02',
    '',
  ])('CreatedAt %j is none', (CreatedAt) => {
    expect(parseScan(report({ CreatedAt })).scannedAt).toBeNull();
  });

  test('a time of another zone is given in UTC; one in the future is left to the caller', () => {
    expect(parseScan(report({ CreatedAt: '2026-01-01T00:30:00+01:00' })).scannedAt).toBe(
      '2025-12-31T23:30:00.000Z',
    );
    expect(parseScan(report({ CreatedAt: '2999-01-01T00:00:00Z' })).scannedAt).toBe(
      '2999-01-01T00:00:00.000Z',
    );
  });
});

test('keys that a newer Trivy adds are ignored, wherever they are', () => {
  const future = { Future: { deep: [1, 2] } };
  const plain = parseScan(report());
  const extended = parseScan(
    report({
      ...future,
      Metadata: future,
      Results: [result({ ...future, Vulnerabilities: [vulnerability(future)] })],
    }),
  );
  expect(extended).toEqual(plain);
});

test('a schema that is not known is refused', () => {
  const refused = refusal(() => parse(report({ SchemaVersion: 3 })));
  expect(refused).toMatchObject({ status: 422, code: 'invalid_report', pointer: '/SchemaVersion' });
});
