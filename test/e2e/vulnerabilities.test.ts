import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BROWSER_ERROR, type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';
import { expectFailure, expectLoading, expectNoData, expectNothing } from './states.ts';

describeInBrowser('the vulnerabilities', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport('shop:1.4.1', daysAgo(2), vulnerabilities(5, 40)));
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('are shown once each, the worst first, or as every finding', async () => {
    const page = await dashboard.open('/vulnerabilities');
    const first = page.getByRole('table', { name: 'Vulnerabilities' }).getByRole('row').nth(1);
    expect(await first.textContent()).toContain('Critical');
    await page.getByText('46 vulnerabilities', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Every finding' }).click();
    await heading(page, 'Findings').waitFor();
    await page.getByText('Showing 1–50 of 67').waitFor();
  });

  it('keep their filters when every finding is asked for, and the other way round', async () => {
    const page = await dashboard.open('/vulnerabilities?severity=HIGH&fixable=true');
    await page.getByText('5 vulnerabilities', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Every finding' }).click();
    await page.getByText('7 findings', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'By vulnerability' }).click();
    await page.getByText('5 vulnerabilities', { exact: true }).waitFor();
    expect(new URL(page.url()).search).toBe('?severity=HIGH&fixable=true');
  });

  it('say when nothing matches, and clear the filters', async () => {
    const page = await dashboard.open('/vulnerabilities?q=no-such-package&fixable=true');
    await expectNothing(page, page.getByText('46 vulnerabilities', { exact: true }));
    expect(new URL(page.url()).search).toBe('');
  });

  it('say what is wrong with a question, with the request id', async () => {
    const page = await dashboard.open('/vulnerabilities?since=tomorrow', { expected: BROWSER_ERROR });
    const alert = page.getByRole('alert');
    await alert.getByText(/^since has to be a time/).waitFor();
    await alert.getByRole('button', { name: 'Copy request id' }).waitFor();
    await alert.getByRole('button', { name: 'Try again' }).waitFor();
    await page.goto(`${dashboard.trivet.url}/vulnerabilities?cursor=nonsense`);
    await alert.getByRole('button', { name: 'First page' }).click();
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
  });

  const table = 'vulnerability_summary';
  const shown = (page: Page) => page.getByRole('link', { name: 'CVE-2024-0040' });

  it('say that they load', () => expectLoading({ dashboard, path: '/vulnerabilities', table, shown }));

  it('say what failed, and ask again', () =>
    expectFailure({ dashboard, path: '/vulnerabilities', table, shown }));

  it('lead to Add results when there is nothing', () =>
    expectNoData(dashboard, '/vulnerabilities', '/vulnerabilities?show=findings'));
});
