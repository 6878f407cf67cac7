import { describe, expect, test } from 'vitest';
import { parseScan, refusal, report, result, vulnerability } from './samples.ts';

function others(
  facts: Record<string, unknown>,
  name: Record<string, unknown> = { Class: 'config', Type: 'dockerfile' },
) {
  return parseScan(report({ Results: [result({ Target: 'Dockerfile', ...name, ...facts })] })).others;
}

const misconfiguration = {
  Type: 'Dockerfile Security Check',
  ID: 'DS002',
  AVDID: 'AVD-DS-0002',
  Title: 'root user',
  Description: 'Runs as root.',
  Message: 'Specify a user',
  Namespace: 'builtin.dockerfile.DS002',
  Query: 'data.builtin.dockerfile.DS002.deny',
  Resolution: 'Add USER',
  Severity: 'HIGH',
  PrimaryURL: 'https://avd.aquasec.com/misconfig/ds002',
  References: ['https://docs.docker.com/', 'javascript:x'],
  Status: 'FAIL',
  CauseMetadata: {
    Resource: 'FROM',
    Provider: 'Dockerfile',
    Service: 'general',
    StartLine: 1,
    EndLine: 2,
    Code: { Lines: [{ Number: 1, Content: 'FROM x', IsCause: true, Highlighted: '\u001b[0m' }] },
  },
};

describe('misconfigurations', () => {
  test('every fact is read', () => {
    const [finding] = others({ Misconfigurations: [misconfiguration] });
    expect(finding).toEqual({
      kind: 'misconfiguration',
      severity: 'HIGH',
      status: 'FAIL',
      code: 'DS002',
      title: 'root user',
      target: 'Dockerfile',
      package: 'FROM',
      detail: {
        type: 'Dockerfile Security Check',
        id: 'DS002',
        avdId: 'AVD-DS-0002',
        title: 'root user',
        description: 'Runs as root.',
        message: 'Specify a user',
        namespace: 'builtin.dockerfile.DS002',
        query: 'data.builtin.dockerfile.DS002.deny',
        resolution: 'Add USER',
        severity: 'HIGH',
        primaryUrl: 'https://avd.aquasec.com/misconfig/ds002',
        references: ['https://docs.docker.com/'],
        status: 'FAIL',
        target: 'Dockerfile',
        class: 'config',
        resource: 'FROM',
        provider: 'Dockerfile',
        service: 'general',
        startLine: 1,
        endLine: 2,
        code: [{ number: 1, content: 'FROM x', isCause: true }],
      },
    });
  });

  test('PASS and EXCEPTION stay what they are; nothing at all is a failure', () => {
    const entries = [{ Status: 'PASS' }, { Status: 'EXCEPTION' }, {}];
    expect(others({ Misconfigurations: entries }).map((finding) => finding.status)).toEqual([
      'PASS',
      'EXCEPTION',
      'FAIL',
    ]);
  });

  test('one row stays small: code and long texts are cut at whole characters', () => {
    const long = '😀'.repeat(20_000);
    const Lines = Array.from({ length: 500 }, (_, index) => ({ Number: index, Content: long }));
    const References = Array.from(
      { length: 4000 },
      (_, index) => `https://example.org/${index}/${'x'.repeat(480)}`,
    );
    const [finding] = others({
      Misconfigurations: [
        {
          ...misconfiguration,
          Description: long,
          Message: long,
          Resolution: long,
          Query: long,
          References,
          CauseMetadata: { Code: { Lines } },
        },
      ],
    });
    const json = JSON.stringify(finding?.detail);
    expect(Buffer.byteLength(json)).toBeLessThan(64 * 1024);
    expect(json).not.toMatch(/\\ud|\uFFFD/);
    expect(finding?.detail.code).toHaveLength(20);
    expect(finding?.detail.message).toMatch(/^(😀)+…$/u);
  });

  test.each([
    [{ CauseMetadata: 'x' }, '/CauseMetadata'],
    [{ CauseMetadata: { StartLine: '1' } }, '/CauseMetadata/StartLine'],
    [{ CauseMetadata: { StartLine: 1e15 } }, '/CauseMetadata/StartLine'],
    [{ CauseMetadata: { Code: { Lines: {} } } }, '/CauseMetadata/Code/Lines'],
    [{ CauseMetadata: { Code: { Lines: [5] } } }, '/CauseMetadata/Code/Lines/0'],
    [{ ID: 5 }, '/ID'],
  ])('%j is refused', (facts, pointer) => {
    const refused = refusal(() => others({ Misconfigurations: [facts] }));
    expect(refused.pointer).toBe(`/Results/0/Misconfigurations/0${pointer}`);
  });
});

test('secrets', () => {
  const Secrets = [
    {
      RuleID: 'aws-access-key-id',
      Category: 'AWS',
      Severity: 'CRITICAL',
      Title: 'AWS Access Key ID',
      StartLine: 3,
      EndLine: 3,
      Code: { Lines: null },
      Match: 'key=****',
    },
  ];
  expect(others({ Secrets }, { Class: 'secret', Type: undefined, Target: 'deploy.sh' })).toEqual([
    {
      kind: 'secret',
      severity: 'CRITICAL',
      status: null,
      code: 'aws-access-key-id',
      title: 'AWS Access Key ID',
      target: 'deploy.sh',
      package: 'deploy.sh',
      detail: {
        ruleId: 'aws-access-key-id',
        category: 'AWS',
        severity: 'CRITICAL',
        title: 'AWS Access Key ID',
        target: 'deploy.sh',
        startLine: 3,
        endLine: 3,
        match: 'key=****',
        code: [],
      },
    },
  ]);
});

test('licenses', () => {
  const license = {
    Severity: 'HIGH',
    Category: 'restricted',
    PkgName: 'bash',
    FilePath: '',
    Name: 'GPL-3.0',
    Text: '',
    Confidence: 1,
    Link: '',
  };
  const file = {
    Severity: 'LOW',
    PkgName: '',
    FilePath: 'LICENSE',
    Name: 'MIT',
    Confidence: 0.98,
    Link: 'https://spdx.org/licenses/MIT',
  };
  const name = { Class: 'license', Type: undefined, Target: 'OS Packages' };
  expect(others({ Licenses: [license, file] }, name)).toMatchObject([
    {
      kind: 'license',
      code: 'GPL-3.0',
      package: 'bash',
      detail: {
        name: 'GPL-3.0',
        category: 'restricted',
        severity: 'HIGH',
        package: 'bash',
        path: null,
        target: 'OS Packages',
        confidence: 1,
        link: null,
      },
    },
    { package: 'LICENSE', detail: { path: 'LICENSE', package: null, link: 'https://spdx.org/licenses/MIT' } },
  ]);
  const [unknown] = others({ Licenses: [{ Name: 'text://'.padEnd(100_000, 'x') }] }, name);
  expect(Buffer.byteLength(unknown?.code ?? '')).toBeLessThan(1100);
});

test('suppressed findings of all types, each in the shape of its own; of a newer type they are left out', () => {
  const ExperimentalModifiedFindings = [
    {
      Type: 'vulnerability',
      Status: 'not_affected',
      Statement: 'not reached',
      Source: 'vex.json',
      Finding: vulnerability(),
    },
    { Type: 'misconfiguration', Status: 'ignored', Source: '.trivyignore', Finding: misconfiguration },
    { Type: 'secret', Status: 'ignored', Finding: { RuleID: 'key' } },
    { Type: 'license', Status: 'ignored', Finding: { Name: 'MIT' } },
    { Type: 'dream', Status: 'ignored', Finding: {} },
  ];
  const found = others({ ExperimentalModifiedFindings });
  expect(found.map((finding) => [finding.kind, finding.status, finding.code])).toEqual([
    ['suppressed', 'not_affected', 'CVE-2024-0001'],
    ['suppressed', 'ignored', 'DS002'],
    ['suppressed', 'ignored', 'key'],
    ['suppressed', 'ignored', 'MIT'],
  ]);
  expect(found[0]).toMatchObject({
    severity: 'HIGH',
    package: 'openssl',
    detail: {
      type: 'vulnerability',
      status: 'not_affected',
      statement: 'not reached',
      source: 'vex.json',
      severity: 'HIGH',
      finding: {
        vulnerabilityId: 'CVE-2024-0001',
        package: 'openssl',
        installedVersion: '1.1.1',
        status: 'fixed',
      },
    },
  });
  expect(found[1]?.detail.finding).toMatchObject({ id: 'DS002', resource: 'FROM' });
  const broken = { ExperimentalModifiedFindings: [{ Type: 'secret', Finding: 'x' }] };
  expect(refusal(() => others(broken)).pointer).toBe('/Results/0/ExperimentalModifiedFindings/0/Finding');
});
