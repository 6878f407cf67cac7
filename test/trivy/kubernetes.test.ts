import { describe, expect, test } from 'vitest';
import { parse, refusal, result, vulnerability } from './samples.ts';

const image = [result({ Vulnerabilities: [vulnerability()] })];
const config = [
  { Target: 'Deployment/front', Class: 'config', Type: 'kubernetes', Misconfigurations: [{ ID: 'KSV001' }] },
];
const front = { Namespace: 'web', Kind: 'Deployment', Name: 'front' };

describe('three layouts', () => {
  test.each(['Resources', 'Findings'])('%s: one scan per resource', (key) => {
    const entries = [
      { ...front, Results: image },
      { ...front, Name: 'back', Results: config },
    ];
    const document = parse({ ClusterName: 'prod', [key]: entries });
    expect(document).toMatchObject({ multiple: true, skipped: [], ignored: null });
    expect(document.scans.map((scan) => [scan.artifact.name, scan.kinds])).toEqual([
      ['prod/web/Deployment/front', ['vulnerability']],
      ['prod/web/Deployment/back', ['misconfiguration']],
    ]);
  });

  test('Vulnerabilities beside Misconfigurations, before 0.42: being in a list tells the kind', () => {
    const document = parse({
      ClusterName: 'prod',
      Vulnerabilities: [
        { ...front, Results: image },
        { ...front, Name: 'clean' },
      ],
      Misconfigurations: [{ ...front, Results: config }],
    });
    expect(document.scans).toMatchObject([
      { kinds: ['vulnerability', 'misconfiguration'], vulnerabilities: [{}], others: [{}], warnings: [] },
      { kinds: ['vulnerability'], vulnerabilities: [], warnings: [] },
    ]);
  });

  test('without a ClusterName the entries tell', () => {
    expect(parse({ Resources: [{ ...front, Results: image }] }).scans[0]?.artifact.cluster).toBe('default');
  });

  test('a cluster in which nothing was found', () => {
    expect(parse({ ClusterName: 'prod' })).toMatchObject({ scans: [], multiple: true });
    expect(parse({ ClusterName: 'prod', Resources: null })).toMatchObject({ scans: [], multiple: true });
  });
});

test('entries of one namespace, kind and name are one scan', () => {
  const entries = [
    { ...front, Results: image },
    { ...front, Results: config },
    { ...front, Namespace: 'other', Results: image },
    { ...front, Results: image },
  ];
  const { scans } = parse({ ClusterName: 'prod', Resources: entries });
  expect(scans).toHaveLength(2);
  expect(scans[0]).toMatchObject({
    kinds: ['vulnerability', 'misconfiguration'],
    vulnerabilities: [{}, {}],
    others: [{}],
  });
});

test('Metadata is an object before 0.57 and a list since', () => {
  const metadata = {
    OS: { Family: 'debian', Name: '12' },
    ImageID: 'sha256:1',
    ImageConfig: { config: { Env: ['A=s3cret'] } },
  };
  for (const Metadata of [metadata, [metadata]]) {
    const [scan] = parse({ ClusterName: 'prod', Resources: [{ ...front, Metadata, Results: image }] }).scans;
    expect(scan).toMatchObject({
      os: { family: 'debian', name: '12', eosl: false },
      metadata: { images: [{ imageId: 'sha256:1' }] },
    });
    expect(JSON.stringify(scan)).not.toContain('s3cret');
  }
  const wrong = { ClusterName: 'prod', Resources: [{ ...front, Metadata: [1] }] };
  expect(refusal(() => parse(wrong)).pointer).toBe('/Resources/0/Metadata/0');
});

describe('resources with Error', () => {
  test('and no results are skipped, and said', () => {
    const document = parse({ ClusterName: 'prod', Resources: [{ ...front, Error: 'image not found' }] });
    expect(document.scans).toEqual([]);
    expect(document.skipped).toEqual([
      { name: 'web/Deployment/front', reason: 'Trivy could not scan it: image not found' },
    ]);
  });

  test('and results are scans with a warning', () => {
    const document = parse({
      ClusterName: 'prod',
      Resources: [
        { ...front, Results: image },
        { ...front, Error: 'one image failed' },
      ],
    });
    expect(document.skipped).toEqual([]);
    expect(document.scans[0]?.warnings).toEqual(['scan_incomplete: one image failed']);
  });

  test('of one do not keep the others out', () => {
    const Resources = [
      { ...front, Error: 'x' },
      { ...front, Name: 'back', Results: image },
    ];
    expect(parse({ ClusterName: 'prod', Resources })).toMatchObject({ scans: [{}], skipped: [{}] });
  });
});

test('an entry without Kind or Name is skipped, and said', () => {
  const document = parse({
    ClusterName: 'prod',
    Resources: [{ Namespace: 'web', Kind: '', Name: '', Results: [{}] }],
  });
  expect(document).toMatchObject({
    scans: [],
    skipped: [{ name: 'web', reason: 'the entry has no Kind or no Name' }],
  });
});

test('rubbish in one entry refuses all', () => {
  const Resources = [
    { ...front, Results: image },
    { ...front, Results: 'x' },
  ];
  expect(refusal(() => parse({ ClusterName: 'prod', Resources })).pointer).toBe('/Resources/1/Results');
  expect(refusal(() => parse({ ClusterName: 'prod', Resources: ['x'] })).pointer).toBe('/Resources/0');
  expect(refusal(() => parse({ ClusterName: 5, Resources: [] })).pointer).toBe('/ClusterName');
});

test('more than 5,000 resources are refused', () => {
  const Resources = Array.from({ length: 5001 }, (_, index) => ({ ...front, Name: `pod-${index}` }));
  expect(refusal(() => parse({ ClusterName: 'prod', Resources }))).toMatchObject({
    status: 422,
    code: 'too_many_scans',
  });
});
