import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BROWSER_ERROR, type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, leakedSecret, misconfiguredDockerfile, vulnerabilities } from './reports.ts';
import { expectFailure, expectLoading, expectNothing } from './states.ts';

describeInBrowser('a scan', () => {
  let dashboard: Dashboard;
  let scan: { id: number };

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport('shop:1.4.1', daysAgo(9), vulnerabilities(1, 30)));
    const others = [misconfiguredDockerfile, leakedSecret];
    scan = await dashboard.send(
      imageReport('shop:1.4.1', daysAgo(2), vulnerabilities(5, 40), others),
      '?label=team=payments',
    );
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const open = (query = '') => dashboard.open(`/scans/${scan.id}${query}`);

  it('shows its findings of every kind, what changed, and the report', async () => {
    const page = await open();
    await page.getByRole('tab', { name: 'Vulnerabilities 36' }).waitFor();
    await page.getByText('36 findings', { exact: true }).waitFor();
    await page.getByRole('link', { name: /^10 new, 4 gone/ }).waitFor();

    await page.getByRole('tab', { name: 'Misconfigurations 1' }).click();
    await page.getByRole('row', { name: /DS002/ }).getByRole('button', { name: 'Show details' }).click();
    await page.getByText('USER root').waitFor();
    await page.getByText('Add a USER line').waitFor();

    await page.getByRole('tab', { name: 'Secrets 1' }).click();
    await page.getByRole('cell', { name: 'github-pat' }).waitFor();

    await page.getByRole('tab', { name: 'Report' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    expect((await download).suggestedFilename()).toBe(`scan-${scan.id}.json`);
  });

  it('tells what it did not look for from what it did not find', async () => {
    const page = await open('?show=licences');
    await page.getByText('This scan did not look for licences').waitFor();
    await page.getByRole('tab', { name: 'Suppressed 0' }).click();
    await page.getByText('Nothing was suppressed').waitFor();
    const clean = await dashboard.send(imageReport('clean:1', daysAgo(1), []));
    await page.goto(`${dashboard.trivet.url}/scans/${clean.id}`);
    await page.getByText('The scan looked for them and found none.').waitFor();
  });

  it('says when nothing matches, and clears the filters', async () => {
    const page = await open('?show=misconfigurations&severity=LOW');
    await expectNothing(page, page.getByText('1 misconfiguration', { exact: true }));
  });

  it('changes labels', async () => {
    const page = await open();
    await page.getByText('team=payments').waitFor();
    await page.getByRole('button', { name: 'Add label' }).click();
    await page.getByRole('textbox', { name: 'New label' }).fill('env=prod');
    await page.keyboard.press('Enter');
    await page.getByText('env=prod').waitFor();
    await page.getByRole('button', { name: 'Remove label env' }).click();
    await page.getByText('env=prod').waitFor({ state: 'detached' });
  });

  it('is deleted after asking, with a word on what becomes the latest', async () => {
    await dashboard.send(imageReport('deleted:1', daysAgo(3), vulnerabilities(1, 2)));
    const gone = await dashboard.send(imageReport('deleted:1', daysAgo(1), vulnerabilities(1, 3)));
    const page = await dashboard.open(`/scans/${gone.id}`, { expected: BROWSER_ERROR });
    await page.getByRole('button', { name: 'Delete scan' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this scan?' });
    await dialog.getByText('deleted:1').waitFor();
    await dialog.getByText(/^It is the latest: the scan of .* becomes the latest\.$/).waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete scan' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await heading(page, 'Scans').waitFor();
    await page.goto(`${dashboard.trivet.url}/scans/${gone.id}`);
    await page.getByText('It may have been deleted.').waitFor();
  });

  const shown = (page: Page) => page.getByRole('tab', { name: 'Vulnerabilities 36' });
  const view = () => ({ dashboard, path: `/scans/${scan.id}`, table: 'scan', shown });

  it('says that it loads', () => expectLoading(view()));

  it('says what failed, and asks again', () => expectFailure(view()));
});
