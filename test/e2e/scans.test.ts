import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';
import { change, deleteAll, expectFailure, expectLoading, expectNothing } from './states.ts';

describeInBrowser('the scans', () => {
  let dashboard: Dashboard;
  const nginx = imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50));

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport('shop:1.4.1', daysAgo(9), vulnerabilities(1, 30)));
    await dashboard.send(
      imageReport('shop:1.4.1', daysAgo(2), vulnerabilities(5, 40)),
      '?label=team=payments',
    );
    await dashboard.send(nginx);
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const refuse = (body: string) =>
    expect(dashboard.request('POST', '/api/scan-results', body)).rejects.toThrow('422');

  it('are shown as they were received, with what changed', async () => {
    const page = await dashboard.open('/scans');
    await page.getByText('3 scans', { exact: true }).waitFor();
    const rows = page.getByRole('table', { name: 'Scans' }).getByRole('row');
    expect(await rows.nth(1).textContent()).toContain('nginx:1.25');
    await rows.nth(2).getByText('team=payments').waitFor();
    await rows.nth(2).getByRole('link', { name: '+10 −4' }).waitFor();
  });

  it('have what was not stored since yesterday beside them, and why', async () => {
    await refuse('{"a": 1}');
    await refuse('{"old": 1}');
    await change(
      dashboard,
      `UPDATE upload SET received_at = received_at - interval '3 days'
       WHERE id = (SELECT max(id) FROM upload WHERE outcome = 'refused')`,
    );
    await dashboard.send(nginx);
    const page = await dashboard.open('/scans');
    await page.getByRole('link', { name: 'Not stored 2' }).click();
    await heading(page, 'Not stored').waitFor();
    await page.getByText('2 uploads', { exact: true }).waitFor();
    await page.getByRole('row', { name: /Refused .*no Trivy report/ }).waitFor();
    await page.getByRole('row', { name: /Same again nginx:1.25/ }).waitFor();
    await page.getByRole('button', { name: /^Remove filter Received since/ }).click();
    await page.getByText('3 uploads', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Everything sent' }).click();
    await heading(page, 'Uploads').waitFor();
    await page.getByText('6 uploads', { exact: true }).waitFor();
    expect(await page.getByRole('row', { name: /Stored/ }).count()).toBe(3);
  });

  it('say when nothing matches, and clear the filters', async () => {
    for (const [path, all] of [
      ['/scans?q=no-such', '3 scans'],
      ['/scans?show=uploads&outcome=same&receivedSince=2100-01-01', '6 uploads'],
    ] as const) {
      const page = await dashboard.open(path);
      await expectNothing(page, page.getByText(all, { exact: true }));
    }
  });

  const view = { path: '/scans', table: 'scan' };
  const shown = (page: Page) => page.getByRole('link', { name: 'nginx:1.25' });

  it('say that they load', () => expectLoading({ dashboard, ...view, shown }));

  it('say what failed, and ask again', () => expectFailure({ dashboard, ...view, shown }));

  it('lead to Add results when there is nothing', async () => {
    await deleteAll(dashboard);
    await change(dashboard, 'DELETE FROM upload');
    const page = await dashboard.open('/scans');
    await page.getByText('No scan results yet').waitFor();
    await page.getByRole('link', { name: 'Everything sent' }).click();
    await page.getByText('Nothing was sent in the last 7 days').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Add results' }).click();
    await heading(page, 'Add results').waitFor();
  });
});
