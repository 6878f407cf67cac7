import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { ReportError } from '../../src/trivy/problem.ts';
import { parse, refusal, report, resource, result, vulnerability } from './samples.ts';

const compliance = { ID: 'k8s-cis', Title: 'CIS', Description: '', Version: '1', RelatedResources: [] };

describe('documents that are no Trivy report are refused by name, with what to send', () => {
  test.each<[string, unknown, RegExp]>([
    [
      'SARIF',
      { version: '2.1.0', $schema: 'https://json.schemastore.org/sarif-2.1.0.json', runs: [] },
      /--format json/,
    ],
    ['CycloneDX', { bomFormat: 'CycloneDX', specVersion: '1.7', components: [] }, /trivy sbom --format json/],
    ['SPDX', { spdxVersion: 'SPDX-2.3', packages: [] }, /trivy sbom --format json/],
    [
      'SPDX',
      { '@context': 'https://spdx.org/rdf/3.0.1/spdx-context.jsonld', '@graph': [] },
      /trivy sbom --format json/,
    ],
    [
      'ASFF',
      { Findings: [{ SchemaVersion: '2018-10-08', AwsAccountId: '1', ProductArn: 'arn' }] },
      /--format json/,
    ],
    ['ASFF', [{ SchemaVersion: '2018-10-08', ProductArn: 'arn' }], /--format json/],
    [
      'GitLab container scanning report',
      { version: '15', scan: {}, vulnerabilities: [], remediations: [] },
      /--format json/,
    ],
    [
      'Harbor vulnerability report',
      { 'application/vnd.security.vulnerability.report; version=1.1': {} },
      /--format json/,
    ],
    [
      'Harbor vulnerability report',
      { generated_at: '', scanner: {}, severity: 'High', vulnerabilities: [] },
      /--format json/,
    ],
    ['Trivy compliance report', { ...compliance, SummaryControls: [] }, /without --compliance/],
    ['Trivy compliance report', { ...compliance, Results: [] }, /without --compliance/],
    ['Fairwinds Insights list of reports', [{ ID: 'a', Name: 'b', Report: [] }], /each report by itself/],
    ['map of Trivy reports', { 'nginx:1': report(), 'redis:1': report() }, /each report by itself/],
    ['list of Trivy reports', [report(), report()], /each report by itself/],
    ['in-toto attestation', { _type: 'https://in-toto.io/Statement/v1', predicateType: 'x' }, /cosign-vuln/],
    ['GitHub dependency snapshot', { version: 0, detector: {}, manifests: {} }, /github/],
    ['Grype report', { matches: [], source: {}, descriptor: {} }, /trivy image/],
    ['npm audit report', { auditReportVersion: 2, vulnerabilities: {} }, /trivy image/],
    ['list of identifiers', { vulnerabilities: ['CVE-2024-1'], misconfigurations: [] }, /trivy image/],
    ['single result of a Trivy report', result({ Vulnerabilities: [] }), /whole report/],
    ['single vulnerability of a Trivy report', vulnerability(), /whole report/],
    ['list of vulnerabilities', [vulnerability()], /image_name/],
    ['empty JSON object', {}, /trivy image/],
    ['JSON object with the keys "hello"', { hello: 'world' }, /trivy image/],
    ['JSON object with the keys "Results"', { Results: 'x' }, /trivy image/],
    ['JSON list of numbers', [1, 2], /trivy image/],
    ['JSON list of objects with the keys a', [{ a: 1 }], /trivy image/],
    ['JSON string', 'hello', /trivy image/],
    ['JSON number', 5, /trivy image/],
    ['JSON boolean', true, /trivy image/],
  ])('%s', (looksLike, value, send) => {
    const refused = refusal(() => parse(value, { artifact: 'nginx:1' }));
    expect(refused).toMatchObject({ status: 422, code: 'not_a_trivy_report', looksLike });
    expect(refused.detail).toContain(looksLike);
    expect(refused.detail).toMatch(send);
  });
});

describe('hostile documents', () => {
  test('__proto__ as a key changes nothing', () => {
    const value: unknown = JSON.parse(
      `{"SchemaVersion":2,"ArtifactName":"nginx:1","ArtifactType":"container_image","__proto__":{"Results":"x","ReportID":"no"},
        "Metadata":{"__proto__":{"ImageID":"no"}},
        "Results":[{"Target":"a","Class":"os-pkgs","__proto__":{"Secrets":"x"},"Vulnerabilities":[
          {"__proto__":{"Severity":7},"VulnerabilityID":"CVE-1","CVSS":{"__proto__":{"V3Score":5}},"VendorSeverity":{"__proto__":2}}]}]}`,
    );
    const [scan] = parse(value).scans;
    expect(scan).toMatchObject({ reportId: null, vulnerabilities: [{ severity: 'UNKNOWN', cvssScore: 5 }] });
    expect(scan?.metadata).not.toHaveProperty('imageId');
    expect(Object.keys(scan?.vulnerabilities[0]?.cvss ?? {})).toEqual(['__proto__']);
    expect(({} as Record<string, unknown>).V3Score).toBeUndefined();
  });

  test('the names of what every object inherits are names like others', () => {
    const value = report({
      Results: [
        result({
          Class: 'constructor',
          Type: 'toString',
          Vulnerabilities: [vulnerability({ Severity: 'constructor' })],
        }),
      ],
    });
    expect(parse(value).scans[0]?.vulnerabilities).toMatchObject([
      { class: 'constructor', severity: 'UNKNOWN' },
    ]);
    const suppressed = report({
      Results: [result({ ExperimentalModifiedFindings: [{ Type: 'constructor', Finding: {} }] })],
    });
    expect(parse(suppressed).scans[0]?.others).toEqual([]);
  });

  test('more than 200,000 findings are refused', () => {
    const many = report({ Results: [result({ Vulnerabilities: new Array(200_001).fill({}) })] });
    expect(refusal(() => parse(many))).toMatchObject({ status: 422, code: 'too_many_findings' });
  });

  test('texts with NUL and lone surrogates are read', () => {
    const [scan] = parse(
      report({ Results: [result({ Vulnerabilities: [vulnerability({ Title: 'a\0b\ud800' })] })] }),
    ).scans;
    expect(scan?.vulnerabilities[0]?.title).toBe('a\0b\ud800');
  });

  test('whatever is put in place of a part, the report is read or refused, and never breaks the parser', () => {
    const samples: unknown[] = [
      report({ Metadata: { OS: {}, RepoTags: [''] } }),
      [result({ Vulnerabilities: [vulnerability({ CVSS: { nvd: {} } })] })],
      { ClusterName: 'a', Resources: [{ Kind: 'Pod', Name: 'b', Metadata: [{}], Results: [result()] }] },
      resource('VulnerabilityReport', { vulnerabilities: [{ vulnerabilityID: 'a' }] }),
      { kind: 'List', items: [resource('ConfigAuditReport', { checks: [{}] })] },
      { verb: 'update', operatorObject: resource('ExposedSecretReport', { secrets: [{}] }) },
      { image_name: 'a', vulnerabilities: [vulnerability()] },
    ];
    fc.assert(
      fc.property(
        fc.constantFrom(...samples),
        fc.array(fc.nat(9), { maxLength: 6 }),
        fc.jsonValue(),
        (sample, path, value) => {
          try {
            parse(replaced(sample, path, value), { artifact: 'x' });
          } catch (error) {
            if (!(error instanceof ReportError)) throw error;
            expect(error.status).toBe(422);
          }
        },
      ),
      { numRuns: 3000 },
    );
  });
});

/** The value with another one at the end of a path of positions. */
function replaced(value: unknown, path: number[], replacement: unknown): unknown {
  const [position, ...rest] = path;
  if (position === undefined || typeof value !== 'object' || value === null) return replacement;
  const entries = Object.entries(value);
  const changed = entries.map(([key, inner], index) => [
    key,
    index === position % entries.length ? replaced(inner, rest, replacement) : inner,
  ]);
  return Array.isArray(value) ? changed.map(([, inner]) => inner) : Object.fromEntries(changed);
}
