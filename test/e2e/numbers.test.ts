import pg from 'pg';
import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { sampleUploads } from '../../src/demo/reports.ts';
import { startTrivet } from '../setup/process.ts';
import { type Dashboard, describeInBrowser, EXPECT_TIMEOUT_MS, settled, startDashboard } from './browser.ts';
import { numbersOf, totalsOf } from './numbers.ts';
import { imageReport, leakedSecret, misconfiguredDockerfile, vulnerabilities } from './reports.ts';

const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();

/** The samples: artifacts of every type and several scans of each, with findings of every kind, some suppressed. */
async function sendSamples(dashboard: Dashboard): Promise<void> {
  for (const round of sampleUploads(new Date())) {
    for (const { query, document } of round) await dashboard.send(document, `?${query}`);
  }
}

/** An artifact of which nothing came for long. An instance marks those when it starts. */
async function goStale(dashboard: Dashboard, artifact: number): Promise<void> {
  const client = new pg.Client({ connectionString: dashboard.databaseUrl });
  await client.connect();
  await client.query("UPDATE artifact SET last_seen_at = now() - interval '40 days' WHERE id = $1", [
    artifact,
  ]);
  await client.end();
  const { databaseUrl, redis } = dashboard;
  const other = await startTrivet({ databaseUrl, redisUrl: redis.url });
  await other.waitForLog(({ msg }) => msg === 'artifacts became stale', 30_000);
  await other.stop();
}

describeInBrowser('every number', () => {
  let dashboard: Dashboard;
  let stale: { id: number; artifact: { id: number } };
  let newest: { id: number; artifact: { id: number } };

  beforeAll(async () => {
    dashboard = await startDashboard();
    await sendSamples(dashboard);
    await dashboard.send(imageReport('shop:1', daysAgo(3), vulnerabilities(1, 80)));
    newest = await dashboard.send(
      imageReport('shop:1', daysAgo(1), vulnerabilities(11, 95), [misconfiguredDockerfile, leakedSecret]),
    );
    await dashboard.send(imageReport('shop:2', daysAgo(1), vulnerabilities(1, 9)));
    stale = await dashboard.send(
      imageReport('shop:0', daysAgo(9), vulnerabilities(90, 99), [misconfiguredDockerfile, leakedSecret]),
    );
    await goStale(dashboard, stale.artifact.id);
  }, 240_000);
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const followed = new Set<string>();

  /** As a click on a link does. In between nothing is shown, so that no number is still that of the list before. */
  async function show(page: Page, href: string): Promise<void> {
    await page.evaluate("history.pushState(null, '', '/nowhere')");
    await page.getByRole('heading', { name: 'There is no such page' }).waitFor();
    await page.evaluate(`history.pushState(null, '', ${JSON.stringify(href)})`);
  }

  /** Follows every number of a view to its list. */
  async function walk(path: string, prepare?: string): Promise<void> {
    const page = await dashboard.open(path);
    await settled(page);
    if (prepare) await page.getByRole('button', { name: prepare }).first().click();
    await settled(page);
    const list = await dashboard.open('/compare');
    const wrong: string[] = [];
    const numbers = await numbersOf(page);
    expect(numbers.length).toBeGreaterThan(0);
    for (const { text, counts, href } of numbers) {
      const question = `${href} ${counts}`;
      if (followed.has(question)) continue;
      if (href === null) wrong.push(`“${text}” is no link`);
      else {
        followed.add(question);
        await show(list, href);
        const totals = await totalsOf(list);
        if (counts.some((count, index) => count !== totals[index])) {
          wrong.push(`“${text}” leads to ${totals} at ${href}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  }

  const TIMEOUT_MS = 240_000;

  it('of the overview leads to its list', () => walk('/'), TIMEOUT_MS);
  it(
    'of its trend does, of what is counted today',
    async () => {
      await walk('/', 'Findings');
      await walk('/', 'Artifacts');
    },
    TIMEOUT_MS,
  );
  it('of the vulnerabilities does', () => walk('/vulnerabilities?limit=8'), TIMEOUT_MS);
  it(
    'of the vulnerabilities of some artifacts does',
    () => walk('/vulnerabilities?label=env%3Dstaging&limit=4'),
    TIMEOUT_MS,
  );
  it('of a vulnerability does', () => walk('/vulnerabilities/CVE-2024-0012'), TIMEOUT_MS);
  it('of a vulnerability of stale artifacts does', () => walk('/vulnerabilities/CVE-2024-0099'), TIMEOUT_MS);
  it(
    'of the repositories and their versions does',
    () => walk('/artifacts?q=shop', 'Show versions'),
    TIMEOUT_MS,
  );
  it('of the artifacts does', () => walk('/artifacts?show=artifacts&limit=12'), TIMEOUT_MS);
  it('of an artifact does', () => walk(`/artifacts/${newest.artifact.id}`), TIMEOUT_MS);
  it('of a stale artifact does', () => walk(`/artifacts/${stale.artifact.id}`), TIMEOUT_MS);
  it('of the scans does', () => walk('/scans?limit=8'), TIMEOUT_MS);
  it('of a scan does', () => walk(`/scans/${newest.id}`), TIMEOUT_MS);
  it('of what arrives does', () => walk('/add'), TIMEOUT_MS);

  it(
    'of a tab is that of the list in it',
    async () => {
      for (const path of [
        `/scans/${newest.id}`,
        `/artifacts/${newest.artifact.id}`,
        `/artifacts/${stale.artifact.id}`,
      ]) {
        const page = await dashboard.open(path);
        await settled(page);
        const tabs = await page.getByRole('tab', { name: /\d$/ }).all();
        expect(tabs.length).toBeGreaterThan(4);
        for (const tab of tabs) {
          const count = Number(/\d+$/.exec((await tab.textContent()) ?? '')?.[0]);
          await tab.click();
          await expect
            .poll(() => totalsOf(page), {
              message: `${path} ${await tab.textContent()}`,
              timeout: EXPECT_TIMEOUT_MS,
            })
            .toEqual([count]);
        }
      }
    },
    TIMEOUT_MS,
  );

  it(
    'of a severity to choose is that of the list of it',
    async () => {
      for (const path of ['/vulnerabilities', `/scans/${newest.id}`, `/artifacts/${newest.artifact.id}`]) {
        const page = await dashboard.open(path);
        for (const severity of ['Critical', 'High', 'Medium', 'Low', 'Unknown']) {
          const toggle = page
            .getByRole('group', { name: 'Severity' })
            .getByRole('button', { name: new RegExp(`^${severity}.*\\d`) });
          const count = Number(/\d+$/.exec((await toggle.textContent()) ?? '')?.[0]);
          await toggle.click();
          await expect.poll(() => totalsOf(page), { timeout: EXPECT_TIMEOUT_MS }).toEqual([count]);
          await page.getByRole('button', { name: 'Clear filters' }).click();
        }
      }
    },
    TIMEOUT_MS,
  );

  it('of packages left out of a row is that of the packages behind it', async () => {
    const page = await dashboard.open('/vulnerabilities');
    await settled(page);
    const more = page.locator('[data-label=Packages]').filter({ hasText: /\+\d/ }).first();
    const said = (await more.textContent()) ?? '';
    const packages = said.split(', ').length + Number(/\+(\d+)/.exec(said)?.[1]);
    await more.getByRole('link').click();
    const lines = page.getByRole('region', { name: 'Fixes' }).getByRole('listitem');
    await lines.first().waitFor();
    expect(await lines.count()).toBe(packages);
  });
});
