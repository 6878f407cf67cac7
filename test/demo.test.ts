import { spawn } from 'node:child_process';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type {
  ArtifactSummary,
  DiffItem,
  ScanSummary,
  SeverityCounts,
  Summary,
  Vulnerability,
} from '../src/schemas.ts';
import { createDatabase, type TestDatabase } from './setup/database.ts';
import { projectFile, startTrivet, type TestTrivet } from './setup/process.ts';
import { freePort } from './setup/redis.ts';

interface Page<T> {
  items: T[];
  total: number;
}

/** Runs the built command. */
async function runDemo(...args: string[]) {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [projectFile('dist/demo.js'), ...args], {
    env: { PATH, HOME },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

const sum = (counts: SeverityCounts) => Object.values(counts).reduce((a, b) => a + b, 0);

describe('sample reports', () => {
  let database: TestDatabase;
  let trivet: TestTrivet;
  let first: Awaited<ReturnType<typeof runDemo>>;
  let artifacts: ArtifactSummary[];

  const get = async <T>(path: string): Promise<T> => {
    const response = await fetch(`${trivet.url}${path}`);
    expect(response.status, path).toBe(200);
    return (await response.json()) as T;
  };
  const named = (name: string) => {
    const artifact = artifacts.find((it) => it.name === name);
    if (!artifact) throw new Error(`no artifact ${name}`);
    return artifact;
  };

  beforeAll(async () => {
    database = await createDatabase();
    trivet = await startTrivet({ databaseUrl: database.url });
    first = await runDemo('--url', trivet.url);
    artifacts = (await get<Page<ArtifactSummary>>('/api/artifacts?limit=200')).items;
  });
  afterAll(async () => {
    await trivet?.stop();
    await database?.drop();
  });

  it('are all accepted, and nothing about them is uncertain', async () => {
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toMatch(/^39 sample reports loaded, with \d+ scans\n$/);
    const { items, total } = await get<Page<ScanSummary>>('/api/scan-results?limit=200');
    expect(first.stdout).toContain(` ${total} scans`);
    // `trivy k8s` does not date its reports.
    const warnings = items
      .filter(({ artifact }) => artifact.type !== 'kubernetes')
      .flatMap((it) => it.warnings);
    expect(warnings).toEqual([]);
  });

  it('are of a dozen artifacts and more, of all types, each with its history', async () => {
    expect(artifacts.length).toBeGreaterThanOrEqual(12);
    expect(new Set(artifacts.map(({ type }) => type))).toEqual(
      new Set(['image', 'repository', 'filesystem', 'sbom', 'vm', 'kubernetes']),
    );
    expect(artifacts.filter(({ scanCount }) => scanCount < 3)).toEqual([]);
    expect(artifacts.filter(({ stale }) => stale)).toEqual([]);
    for (const { id, type, name } of artifacts) {
      const { history } = await get<{ history: unknown[] }>(`/api/artifacts/${id}`);
      if (type !== 'kubernetes') expect(history.length, name).toBe(3);
    }
  });

  it('show all kinds, labels, workloads, repositories with several tags and a system past its end', async () => {
    const scans = (await get<Page<ScanSummary>>('/api/scan-results?limit=200')).items;
    expect(new Set(scans.flatMap(({ kinds }) => kinds))).toEqual(
      new Set(['vulnerability', 'misconfiguration', 'secret', 'license']),
    );
    for (const count of [
      'misconfigurationCount',
      'secretCount',
      'licenseCount',
      'suppressedCount',
    ] as const) {
      expect(
        scans.some((scan) => scan[count] > 0),
        count,
      ).toBe(true);
    }
    for (const severity of ['critical', 'high', 'medium', 'low', 'unknown'] as const) {
      expect(
        scans.some((scan) => scan.severityCounts[severity] > 0),
        severity,
      ).toBe(true);
    }
    expect(scans.some(({ os }) => os?.eosl)).toBe(true);
    expect(scans.filter(({ labels }) => Object.keys(labels).length === 0)).toEqual([]);
    expect(named('registry.example.com/shop/search:3.1').workloadCount).toBe(2);
    const images = artifacts.filter(({ type }) => type === 'image');
    expect(new Set(images.map(({ repository }) => repository)).size).toBeLessThan(images.length);
  });

  it('fill pages of vulnerabilities', async () => {
    const counts = artifacts
      .filter(({ type }) => type === 'image')
      .map(({ severityCounts }) => sum(severityCounts))
      .sort((a, b) => a - b);
    expect(counts[0]).toBeGreaterThanOrEqual(20);
    expect(counts.at(-2)).toBeLessThanOrEqual(100);
    expect(counts.at(-1)).toBeGreaterThanOrEqual(150);
    const { items, total } = await get<Page<Vulnerability>>('/api/vulnerabilities?limit=200');
    expect(total).toBeGreaterThan(100);
    expect(new Set(items.map(({ fixable }) => fixable))).toEqual(new Set([true, false]));
    expect(items.some(({ affectedArtifacts }) => affectedArtifacts > 3)).toBe(true);
  });

  it('move the trend, and today differs from a week ago', async () => {
    const summary = await get<Summary>('/api/summary');
    expect(new Set(summary.trend.map((day) => sum(day.vulnerabilities))).size).toBeGreaterThan(5);
    expect(new Set(summary.trend.map((day) => sum(day.findings))).size).toBeGreaterThan(5);
    for (const measure of ['vulnerabilities', 'findings'] as const) {
      expect(
        Object.values(summary.since7Days[measure]).some((difference) => difference !== 0),
        measure,
      ).toBe(true);
    }
  });

  it('differ from build to build: something is new, something gone, most is the same', async () => {
    for (const { type, name } of artifacts) {
      if (type !== 'image' || name.includes('ledger')) continue;
      const path = `/api/scan-results?kind=vulnerability&artifact=${encodeURIComponent(name)}`;
      const [newest] = (await get<Page<ScanSummary>>(path)).items;
      const oldest = (await get<Page<ScanSummary>>(`${path}&order=asc`)).items[0];
      const query = `against=${oldest?.id}&limit=200`;
      const { items } = await get<Page<DiffItem>>(`/api/scan-results/${newest?.id}/diff?${query}`);
      const vulnerabilities = items.filter(({ kind }) => kind === 'vulnerability');
      const changes = new Set(vulnerabilities.map(({ change }) => change));
      expect(changes, name).toEqual(new Set(['new', 'gone', 'same']));
    }
  });

  it('keep secrets masked', async () => {
    const name = encodeURIComponent('registry.example.com/billing/ledger:2021.3');
    const [scan] = (await get<Page<ScanSummary>>(`/api/scan-results?artifact=${name}`)).items;
    const { items } = await get<Page<{ match: string }>>(`/api/scan-results/${scan?.id}/secrets`);
    expect(items.length).toBeGreaterThan(0);
    for (const { match } of items) expect(match).toMatch(/^\w+=\*+$/);
  });

  it('are loaded once, unless they are forced', async () => {
    const before = await get<Page<ScanSummary>>('/api/scan-results?limit=200');
    const second = await runDemo('--url', trivet.url);
    expect(second).toMatchObject({ status: 0, stderr: '' });
    expect(second.stdout).toContain('no sample reports were loaded');
    expect(await get('/api/scan-results?limit=200')).toEqual(before);
    const forced = await runDemo('--url', trivet.url, '--force');
    expect(forced.stdout).toContain('39 sample reports loaded');
  });
});

describe('the command', () => {
  it('says that nothing answers', async () => {
    const { status, stderr } = await runDemo('--url', `http://127.0.0.1:${await freePort()}`);
    expect(status).toBe(2);
    expect(stderr).toContain('cannot be reached: connect ECONNREFUSED');
  });

  it('says what it does not understand', async () => {
    expect(await runDemo('--help')).toMatchObject({ status: 0, stderr: '' });
    const unknown = await runDemo('--froce');
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain("Unknown option '--froce'");
    const address = await runDemo('--url', 'localhost:3000');
    expect(address).toMatchObject({ status: 2, stderr: '--url is no http address: localhost:3000\n' });
  });
});
