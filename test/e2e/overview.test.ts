import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { settleChanges } from '../setup/database.ts';
import { type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';
import { change, deleteAll, expectFailure, expectLoading } from './states.ts';

const SHOP = 'registry.example.com/team/payments/with/a/long/path/shop-frontend:1.4.1';

describeInBrowser('the overview', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport(SHOP, daysAgo(9), vulnerabilities(1, 30)));
    await dashboard.send(imageReport(SHOP, daysAgo(2), vulnerabilities(5, 40)));
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('has figures that lead to lists of as many', async () => {
    const page = await dashboard.open('/');
    for (const severity of ['Critical', 'High']) {
      await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: 'Overview' }).click();
      const figure = page.getByRole('link', { name: new RegExp(`^${severity} vulnerabilities`) });
      const count = /\d+$/.exec((await figure.textContent()) ?? '')?.[0];
      await figure.click();
      await heading(page, 'Vulnerabilities').waitFor();
      await page.getByText(new RegExp(`^${count} vulnerabilit`)).waitFor();
      expect(await page.getByRole('row').count()).toBe(Number(count) + 1);
      expect(new URL(page.url()).search).toBe(`?severity=${severity.toUpperCase()}`);
    }
    await page.goto(dashboard.trivet.url);
    await page.getByRole('link', { name: 'Artifacts 2' }).click();
    await page.getByText('2 artifacts', { exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: '3 in all' }).click();
    await page.getByText('3 scans', { exact: true }).waitFor();
  });

  it('shows what to fix first, the most exposed artifacts, the newest scans and the trend', async () => {
    const page = await dashboard.open('/');
    await page.getByRole('table', { name: 'Fix first' }).getByRole('link').first().waitFor();
    const exposed = page.getByRole('table', { name: 'Most exposed artifacts' });
    await exposed.getByRole('link', { name: SHOP }).waitFor();
    const newest = page.getByRole('table', { name: 'Newest scans' });
    await newest.getByRole('link', { name: 'nginx:1.25' }).waitFor();
    const chart = 'Vulnerabilities by severity at the end of each of the last 30 UTC days';
    await page.getByRole('img', { name: chart }).waitFor();
    await page.getByRole('button', { name: 'Show as table' }).click();
    expect(await page.getByRole('table', { name: chart }).getByRole('row').count()).toBe(31);
  });

  it('says in red when nothing was received for a day', async () => {
    const red = 'rgb(179, 18, 61)';
    const lastReport = async (hours: number) => {
      await change(dashboard, `UPDATE scan SET received_at = now() - interval '${hours} hours'`);
      await settleChanges(dashboard.databaseUrl);
      const page = await dashboard.open('/', { colorScheme: 'light' });
      const shown = page.getByText(/^last report/);
      await shown.waitFor();
      const color = await page.evaluate(
        "getComputedStyle([...document.querySelectorAll('span')].find((one) => /^last/.test(one.textContent))).color",
      );
      return { text: await shown.textContent(), color };
    };
    const silent = await lastReport(25);
    expect(silent).toEqual({ text: 'last report 1d ago', color: red });
    const { text, color } = await lastReport(23);
    expect(text).toBe('last report 23h ago');
    expect(color).not.toBe(red);
  });

  const figure = (page: Page) => page.getByRole('link', { name: /^Critical vulnerabilities/ });

  it('says that it loads', () => expectLoading({ dashboard, path: '/', table: 'artifact', shown: figure }));

  it('says what failed, and asks again', () =>
    expectFailure({ dashboard, path: '/', table: 'artifact', shown: figure }));

  it('leads to Add results when there is nothing', async () => {
    await deleteAll(dashboard);
    const page = await dashboard.open('/');
    await page.getByText('No scan results yet').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Add results' }).click();
    await heading(page, 'Add results').waitFor();
  });
});
