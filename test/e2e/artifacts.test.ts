import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';
import { expectFailure, expectLoading, expectNoData, expectNothing, goStale } from './states.ts';

const SHOP = 'registry.example.com/team/payments/with/a/long/path/shop-frontend';

describeInBrowser('the artifacts', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport(`${SHOP}:1.4.1`, daysAgo(2), vulnerabilities(5, 40)));
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('are shown by repository, which opens its versions, or one by one', async () => {
    const page = await dashboard.open('/artifacts');
    const row = page.getByRole('row', { name: /shop-frontend/ });
    await row.getByRole('button', { name: 'Show versions' }).click();
    const versions = page.getByRole('table', { name: `Versions of ${SHOP}` });
    await versions.getByRole('link', { name: '1.4.1' }).click();
    await heading(page, `${SHOP}:1.4.1`).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Every artifact' }).click();
    await page.getByText('2 artifacts', { exact: true }).waitFor();
  });

  it('say which are not scanned any more', async () => {
    const { artifact } = await dashboard.send(imageReport('old:1', daysAgo(60), vulnerabilities(1, 3)));
    await goStale(dashboard, artifact.id);
    const page = await dashboard.open('/artifacts?show=artifacts');
    await page.getByRole('button', { name: 'Stale' }).click();
    await page.getByText('1 artifact', { exact: true }).waitFor();
    await page.getByRole('row', { name: /old:1 Stale/ }).waitFor();
  });

  it('say when nothing matches, and clear the filters', async () => {
    for (const [path, all] of [
      ['/artifacts?q=no-such', '3 repositories'],
      ['/artifacts?show=artifacts&q=no-such', '3 artifacts'],
    ] as const) {
      const page = await dashboard.open(path);
      await expectNothing(page, page.getByText(all, { exact: true }));
    }
  });

  const view = { path: '/artifacts', table: 'artifact' };
  const shown = (page: Page) => page.getByRole('link', { name: 'nginx:1.25' });

  it('say that they load', () => expectLoading({ dashboard, ...view, shown }));

  it('say what failed, and ask again', () => expectFailure({ dashboard, ...view, shown }));

  it('lead to Add results when there is nothing', () =>
    expectNoData(dashboard, '/artifacts', '/artifacts?show=artifacts'));
});
