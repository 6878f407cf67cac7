import { existsSync, readFileSync } from 'node:fs';
import { afterAll, describe, expect, test } from 'vitest';
import { ReportError } from '../../src/trivy/problem.ts';
import { parse } from './samples.ts';

// Reports published by other projects, beside this one; they are read where they are and never copied.
const folder = new URL('../../../shared/reports/', import.meta.url);
const index = existsSync(folder) ? readFileSync(new URL('index.tsv', folder), 'utf8') : '';
const files = index
  .trim()
  .split('\n')
  .slice(1)
  .map((line) => line.split('\t'))
  .map(([file = '', layout = '', count = '']) => ({ file, layout, count: Number(count) }));

/** Files that are no report, and what they look like. */
const REFUSED: Record<string, string> = {
  'artifacthub-map-of-reports-1.json': 'map of Trivy reports',
  'asff-golang-1.12-alpine.json': 'ASFF',
  'cyclonedx-fluentd.cdx.json': 'CycloneDX',
  'fairwinds-all-reports-sample.json': 'Fairwinds Insights list of reports',
  'gitlab-alpine-310.json': 'GitLab container scanning report',
  'harbor-0-vuln.json': 'Harbor vulnerability report',
  'not-a-report-k8s-summary-ids.json': 'list of identifiers',
  'sarif-alpine-310.sarif.json': 'SARIF',
  'spdx-conda.spdx.json': 'SPDX',
};

/** Files whose own name says nothing, so that they need ?artifact=. */
const NAMELESS = new Set([
  'code2cloud-trivy.json',
  'dd-issue_9333.json',
  'dd-legacy_no_vuln.json',
  'insecure-bank-trivy.json',
  'jenkins-trivy_result.json',
  'scan2html-default-results.json',
  'scb-mediawiki-1.27.3.json',
  'trivy-v0.18.3-alpine-310.json',
  'trivy-v0.18.3-centos-7.json',
  'trivy-v0.18.3-opensuse-leap-423.json',
  'trivy-v0.19.2-debian-stretch.json',
  'trivy-v0.20.0-centos-7.json',
  'trivy-v0.20.0-opensuse-leap-423.json',
  'trivy-v0.30.0-debian-buster.json',
  'trivy-v0.48.0-ubuntu-1804.json',
  'trivy-v0.5.4-centos-6.json',
]);

const table: string[] = [];

function read(file: string): unknown {
  return JSON.parse(readFileSync(new URL(file, folder), 'utf8'));
}

function parseOrRefuse(file: string, artifact: string | null) {
  try {
    return parse(read(file), { artifact });
  } catch (error) {
    if (error instanceof ReportError) return error;
    throw error;
  }
}

function line(file: string, layout: string, outcome: ReturnType<typeof parseOrRefuse>): string {
  if (outcome instanceof ReportError) return `${file} | ${layout} | ${outcome.code}: ${outcome.looksLike}`;
  const [first] = outcome.scans;
  const more = outcome.scans.length > 1 ? ` and ${outcome.scans.length - 1} more` : '';
  const kinds = [...new Set(outcome.scans.flatMap((scan) => scan.kinds))].join('+');
  const count = outcome.scans.reduce((sum, scan) => sum + scan.vulnerabilities.length, 0);
  const artifact = first ? `${first.artifact.type} ${first.artifact.name}${more}` : 'nothing to store';
  return `${file} | ${layout} | ${artifact} | ${kinds || (outcome.ignored ?? 'skipped')} | ${count}`;
}

describe.skipIf(files.length === 0)('88 published reports (skipped where their folder is missing)', () => {
  afterAll(() => process.stdout.write(`${table.join('\n')}\n`));

  test('all are there', () => {
    expect(files).toHaveLength(88);
  });

  test.each(files)('$file: $count vulnerabilities, or refused by name', ({ file, layout, count }) => {
    const artifact = NAMELESS.has(file) ? 'example/named:1.0' : null;
    const outcome = parseOrRefuse(file, artifact);
    table.push(line(file, layout, outcome));
    const looksLike = REFUSED[file];
    if (looksLike !== undefined) {
      expect(outcome).toMatchObject({ status: 422, code: 'not_a_trivy_report', looksLike });
      expect((outcome as ReportError).detail).toMatch(/[Ss]end|scan it/);
      return;
    }
    if (outcome instanceof ReportError) throw outcome;
    expect(outcome.scans.reduce((sum, scan) => sum + scan.vulnerabilities.length, 0)).toBe(count);
    expect(outcome.scans.every((scan) => scan.kinds.length > 0)).toBe(true);
    expect(JSON.stringify(outcome.scans.map((scan) => scan.metadata))).not.toMatch(/ImageConfig|"Env"|PATH=/);
  });

  test.each([...NAMELESS])('%s is refused without ?artifact=, with the line to use', (file) => {
    const outcome = parseOrRefuse(file, null);
    expect(outcome).toMatchObject({ status: 422, code: 'artifact_name_required' });
    expect((outcome as ReportError).detail).toMatch(
      /curl --data-binary @report\.json '…\/api\/scan-results\?artifact=\S+'/,
    );
  });

  test('compliance reports of the operator are understood and hold nothing to store', () => {
    expect(parse(read('crd-compliance_severity.json'))).toMatchObject({
      ignored: 'ClusterComplianceReport',
      scans: [],
    });
    expect(parse(read('crd-clustercompliancereport.json'))).toMatchObject({
      ignored: null,
      scans: [],
      skipped: [
        { name: 'ClusterComplianceReport/cis', reason: 'a ClusterComplianceReport holds no findings' },
      ],
    });
  });
});
