import { describe, expect, test } from 'vitest';
import { parseScan, refusal, report, result, vulnerability } from './samples.ts';

function findings(entries: unknown, facts: Record<string, unknown> = {}) {
  return parseScan(report({ Results: [result({ ...facts, Vulnerabilities: entries })] })).vulnerabilities;
}

function first(facts: Record<string, unknown>) {
  const [finding] = findings([vulnerability(facts)]);
  if (finding === undefined) throw new Error('no finding');
  return finding;
}

test('every fact of an entry is read', () => {
  const finding = first({
    PkgPath: 'usr/lib/a.jar',
    PkgIdentifier: { PURL: 'pkg:deb/debian/openssl@1.1.1' },
    Status: 'affected',
    SeveritySource: 'nvd',
    PrimaryURL: 'https://avd.aquasec.com/nvd/cve-2024-0001',
    Description: 'Long.',
    CweIDs: ['CWE-79'],
    VendorSeverity: { nvd: 3, debian: 1 },
    CVSS: { nvd: { V3Vector: 'CVSS:3.1/AV:N', V3Score: 7.5 } },
    References: ['https://example.org/1', 'http://example.org/2'],
    PublishedDate: '2024-01-02T03:04:05.67Z',
    LastModifiedDate: '2024-02-03T04:05:06Z',
  });
  expect(finding).toEqual({
    vulnerabilityId: 'CVE-2024-0001',
    package: 'openssl',
    installedVersion: '1.1.1',
    fixedVersion: '1.1.2',
    status: 'affected',
    severity: 'HIGH',
    severitySource: 'nvd',
    path: 'usr/lib/a.jar',
    target: 'nginx:1.25 (debian 12.5)',
    class: 'os-pkgs',
    packageType: 'debian',
    purl: 'pkg:deb/debian/openssl@1.1.1',
    primaryUrl: 'https://avd.aquasec.com/nvd/cve-2024-0001',
    title: 'openssl: a hole',
    description: 'Long.',
    references: ['https://example.org/1', 'http://example.org/2'],
    cvss: { nvd: { V3Vector: 'CVSS:3.1/AV:N', V3Score: 7.5 } },
    vendorSeverity: { nvd: 3, debian: 1 },
    cvssScore: 7.5,
    cweIds: ['CWE-79'],
    publishedAt: '2024-01-02T03:04:05.670Z',
    modifiedAt: '2024-02-03T04:05:06.000Z',
  });
});

describe('what may be absent', () => {
  test('an entry with nothing in it is a row all the same', () => {
    expect(findings([{}])).toMatchObject([
      {
        vulnerabilityId: 'UNKNOWN',
        package: '',
        installedVersion: null,
        fixedVersion: null,
        status: 'unknown',
        severity: 'UNKNOWN',
        path: null,
        primaryUrl: null,
        references: [],
        cvss: null,
        vendorSeverity: null,
        cvssScore: null,
        cweIds: [],
        publishedAt: null,
      },
    ]);
  });

  test.each([
    [undefined, 'UNKNOWN'],
    [null, 'UNKNOWN'],
    ['', 'UNKNOWN'],
    ['NEGLIGIBLE', 'UNKNOWN'],
    ['low', 'LOW'],
    ['Medium', 'MEDIUM'],
    ['CRITICAL', 'CRITICAL'],
  ])('Severity %j is %s', (Severity, severity) => {
    expect(first({ Severity }).severity).toBe(severity);
  });

  test('an empty text is an absent one, and null like absent', () => {
    expect(
      first({ FixedVersion: '', Title: null, References: null, CVSS: null, CweIDs: null }),
    ).toMatchObject({
      fixedVersion: null,
      title: null,
      references: [],
      cvss: null,
      cweIds: [],
    });
  });

  test('Vulnerabilities: null is an empty list, and an empty Target is a target', () => {
    expect(findings(null)).toEqual([]);
    expect(findings([vulnerability()], { Target: '' })[0]?.target).toBe('');
  });
});

test('the status is the word of Trivy; without one a fixed version tells', () => {
  expect(first({ Status: 'will_not_fix' }).status).toBe('will_not_fix');
  expect(first({}).status).toBe('fixed');
  expect(first({ FixedVersion: undefined }).status).toBe('unknown');
});

test('an entry that comes twice is two findings', () => {
  expect(findings([vulnerability(), vulnerability()])).toHaveLength(2);
});

describe('the score', () => {
  test.each([
    ['of NVD before that of others', { redhat: { V3Score: 9 }, nvd: { V3Score: 5 } }, 5],
    ['of NVD in version 2 before others in version 3', { redhat: { V3Score: 9 }, nvd: { V2Score: 4 } }, 4],
    ['version 3 before 4 before 2', { nvd: { V2Score: 1, V40Score: 2, V3Score: 3 } }, 3],
    ['version 4 before 2', { ghsa: { V2Score: 1, V40Score: 2 } }, 2],
    ['of others, version 3 before 4', { bitnami: { V40Score: 8 }, ghsa: { V3Score: 6 } }, 6],
    ['of the first source by name', { redhat: { V3Score: 9 }, ghsa: { V3Score: 6 } }, 6],
    ['none where NVD has only a vector and others nothing', { nvd: { V3Vector: 'CVSS:3.1/AV:N' } }, null],
  ])('%s', (_name, CVSS, score) => {
    expect(first({ CVSS }).cvssScore).toBe(score);
  });

  test.each([-1, 10.1, 1e308])('%d is no score', (V3Score) => {
    const refused = refusal(() => first({ CVSS: { nvd: { V3Score } } }));
    expect(refused).toMatchObject({
      code: 'invalid_report',
      pointer: '/Results/0/Vulnerabilities/0/CVSS/nvd/V3Score',
    });
  });
});

test('only http and https become links', () => {
  const PrimaryURL = 'javascript:alert(1)';
  const References = [
    'javascript:x',
    'data:text/html,x',
    'file:///etc',
    'https://ok.example/',
    'https://ok.example/',
    '//x',
  ];
  expect(first({ PrimaryURL, References })).toMatchObject({
    primaryUrl: null,
    references: ['https://ok.example/'],
  });
});

describe('wrong types are refused with a pointer', () => {
  const at = '/Results/0/Vulnerabilities/0';
  test.each([
    [{ Severity: 7 }, `${at}/Severity`],
    [{ VulnerabilityID: ['CVE'] }, `${at}/VulnerabilityID`],
    [{ PkgName: {} }, `${at}/PkgName`],
    [{ References: 'https://example.org' }, `${at}/References`],
    [{ References: ['https://example.org', 1] }, `${at}/References/1`],
    [{ CVSS: [] }, `${at}/CVSS`],
    [{ CVSS: { 'a/b~c': 5 } }, `${at}/CVSS/a~1b~0c`],
    [{ PkgIdentifier: 'pkg:deb' }, `${at}/PkgIdentifier`],
    [{ VendorSeverity: { nvd: '3' } }, `${at}/VendorSeverity/nvd`],
    [{ PublishedDate: 5 }, `${at}/PublishedDate`],
  ])('%j', (facts, pointer) => {
    expect(refusal(() => first(facts))).toMatchObject({ status: 422, code: 'invalid_report', pointer });
  });

  test.each([
    [{ Results: 'x' }, '/Results'],
    [{ Results: {} }, '/Results'],
    [{ Results: [1] }, '/Results/0'],
    [{ Results: [null] }, '/Results/0'],
    [{ Results: [{ Target: 1 }] }, '/Results/0/Target'],
    [{ Results: [{ Vulnerabilities: {} }] }, '/Results/0/Vulnerabilities'],
    [{ Results: [{ Vulnerabilities: ['CVE'] }] }, '/Results/0/Vulnerabilities/0'],
    [{ Results: [{ Secrets: 'x' }] }, '/Results/0/Secrets'],
    [{ Metadata: [] }, '/Metadata'],
    [{ Metadata: { RepoTags: 'x' } }, '/Metadata/RepoTags'],
    [{ Metadata: { OS: 'debian' } }, '/Metadata/OS'],
    [{ SchemaVersion: '2' }, '/SchemaVersion'],
    [{ ArtifactName: 5 }, '/ArtifactName'],
    [{ CreatedAt: 5 }, '/CreatedAt'],
    [{ ReportID: {} }, '/ReportID'],
    [{ Trivy: 'v1' }, '/Trivy'],
  ])('%j', (facts, pointer) => {
    expect(refusal(() => parseScan(report(facts)))).toMatchObject({
      status: 422,
      code: 'invalid_report',
      pointer,
    });
  });

  test('texts longer than any real one', () => {
    for (const [key, length] of [
      ['VulnerabilityID', 300],
      ['PkgName', 2000],
      ['Description', 300_000],
    ] as const) {
      expect(refusal(() => first({ [key]: 'x'.repeat(length) }))).toMatchObject({ pointer: `${at}/${key}` });
    }
  });
});
