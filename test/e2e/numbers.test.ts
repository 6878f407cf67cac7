import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { sampleUploads } from '../../src/demo/reports.ts';
import type { Scan } from '../../src/schemas.ts';
import { type Dashboard, describeInBrowser, EXPECT_TIMEOUT_MS, settled, startDashboard } from './browser.ts';
import { numbersOf, totalsOf } from './numbers.ts';
import { daysAgo, imageReport, leakedSecret, misconfiguredDockerfile, vulnerabilities } from './reports.ts';
import { goStale } from './states.ts';

/** The samples: artifacts of every type and several scans of each, with findings of every kind, some suppressed. */
async function sendSamples(dashboard: Dashboard): Promise<void> {
  for (const round of sampleUploads(new Date())) {
    for (const { query, document } of round) await dashboard.send(document, `?${query}`);
  }
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
  });
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

  it('of the overview leads to its list', () => walk('/'));
  it('of its trend does, of what is counted today', async () => {
    await walk('/', 'Findings');
    await walk('/', 'Artifacts');
  });
  it('of the vulnerabilities does', () => walk('/vulnerabilities?limit=8'));
  it('of the vulnerabilities of some artifacts does', () =>
    walk('/vulnerabilities?label=env%3Dstaging&limit=4'));
  it('of a vulnerability does', () => walk('/vulnerabilities/CVE-2024-0012'));
  it('of a vulnerability of stale artifacts does', () => walk('/vulnerabilities/CVE-2024-0099'));
  it('of the repositories and their versions does', () => walk('/artifacts?q=shop', 'Show versions'));
  it('of the artifacts does', () => walk('/artifacts?show=artifacts&limit=12'));
  it('of an artifact does', () => walk(`/artifacts/${newest.artifact.id}`));
  it('of a stale artifact does', () => walk(`/artifacts/${stale.artifact.id}`));
  it('of the scans does', () => walk('/scans?limit=8'));
  it('of a scan does', () => walk(`/scans/${newest.id}`));
  it('of the verdict on two scans does', async () => {
    const { changes } = (await dashboard.request('GET', `/api/scan-results/${newest.id}`)) as Scan;
    await walk(`/compare?base=${changes?.against}&head=${newest.id}`);
  });
  it('of what arrives does', () => walk('/add'));

  it('of a tab is that of the list in it', async () => {
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
          .poll(async () => (await totalsOf(page)).reduce((sum, total) => sum + total), {
            message: `${path} ${await tab.textContent()}`,
            timeout: EXPECT_TIMEOUT_MS,
          })
          .toBe(count);
      }
    }
  });

  it('of a severity to choose is that of the list of it', async () => {
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
  });

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
