import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BROWSER_ERROR, type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';
import { expectFailure, expectLoading } from './states.ts';

const SHOP = 'registry.example.com/team/payments/with/a/long/path/shop-frontend:1.4.1';

describeInBrowser('a comparison', () => {
  let dashboard: Dashboard;
  let older: { id: number };
  let newer: { id: number };

  beforeAll(async () => {
    dashboard = await startDashboard();
    older = await dashboard.send(imageReport(SHOP, daysAgo(9), vulnerabilities(1, 30)));
    newer = await dashboard.send(imageReport(SHOP, daysAgo(2), vulnerabilities(5, 40)));
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const address = (query = '') => `/compare?base=${older.id}&head=${newer.id}${query}`;
  const verdict = (page: Page, text: string | RegExp) =>
    page.getByRole('paragraph').filter({ hasText: text });

  it('has a verdict, and what is new, gone and the same', async () => {
    const page = await dashboard.open(address());
    const words = '10 new (2 critical, 2 high, 2 medium, 2 low, 2 unknown), 4 gone, 26 the same.';
    await verdict(page, words).waitFor();
    const added = page.getByRole('table', { name: 'New findings' });
    await added.getByRole('link', { name: 'CVE-2024-0035' }).waitFor();
    const gone = page.getByRole('table', { name: 'Gone findings' });
    await gone.getByRole('link', { name: 'CVE-2024-0001' }).waitFor();
    await page.getByRole('button', { name: 'Swap' }).click();
    await verdict(page, /^4 new .*, 10 gone, 26 the same\.$/).waitFor();
  });

  it('is of scans that are chosen by their artifacts', async () => {
    const page = await dashboard.open('/compare');
    await page.getByText('Choose two scans').waitFor();
    for (const [side, search, name] of [
      ['Before', 'shop', SHOP],
      ['After', 'nginx', 'nginx:1.25'],
    ] as const) {
      const picker = page.getByRole('group', { name: side });
      await picker.getByRole('combobox', { name: 'Artifact' }).fill(search);
      await page.getByRole('option', { name }).click();
    }
    await verdict(page, /^10 new .* 15 gone, 21 the same\.$/).waitFor();
  });

  it('says when nothing matches, and clears the filters', async () => {
    const page = await dashboard.open(address('&kind=secret'));
    await verdict(page, 'Nothing new, 0 gone, 0 the same.').waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await verdict(page, '26 the same.').waitFor();
  });

  it('says that nothing changed between two scans that found the same', async () => {
    const page = await dashboard.open(`/compare?base=${older.id}&head=${older.id}`);
    await verdict(page, 'Nothing new, 0 gone, 30 the same.').waitFor();
  });

  it('says that a scan is not there', async () => {
    const page = await dashboard.open(`/compare?base=${older.id}&head=99999`, { expected: BROWSER_ERROR });
    await heading(page, 'Compare two scans').waitFor();
    await page.getByText('It may have been deleted.').waitFor();
  });

  const shown = (page: Page) => verdict(page, '26 the same.');

  it('says that it loads', () => expectLoading({ dashboard, path: address(), table: 'scan_finding', shown }));

  it('says what failed, and asks again', () =>
    expectFailure({ dashboard, path: address(), table: 'scan_finding', shown }));
});
