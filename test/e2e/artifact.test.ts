import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { BROWSER_ERROR, type Dashboard, describeInBrowser, heading, startDashboard } from './browser.ts';
import { daysAgo, imageReport, misconfiguredDockerfile, vulnerabilities, vulnerability } from './reports.ts';
import { expectFailure, expectLoading, expectNothing, goStale } from './states.ts';

describeInBrowser('an artifact', () => {
  let dashboard: Dashboard;
  let older: { id: number };
  let newer: { id: number; artifact: { id: number } };

  beforeAll(async () => {
    dashboard = await startDashboard();
    older = await dashboard.send(imageReport('shop:1.4.1', daysAgo(9), vulnerabilities(1, 30)));
    newer = await dashboard.send(imageReport('shop:1.4.1', daysAgo(2), vulnerabilities(5, 40)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const open = (query = '') => dashboard.open(`/artifacts/${newer.artifact.id}${query}`);

  it('shows what it has now, its history, and two of its scans to compare', async () => {
    const page = await open();
    await page.getByRole('tab', { name: 'Vulnerabilities 36' }).waitFor();
    await page.getByRole('img', { name: /^Findings by severity/ }).waitFor();
    await page.getByRole('tab', { name: 'Scans 2' }).click();
    const boxes = page.getByRole('checkbox', { name: /^Compare the scan/ });
    await boxes.nth(0).check();
    await boxes.nth(1).check();
    await page.getByRole('link', { name: 'Compare the two' }).click();
    await heading(page, 'Compare two scans').waitFor();
    expect(new URL(page.url()).search).toBe(`?base=${older.id}&head=${newer.id}`);
  });

  it('says when nothing matches, and clears the filters', async () => {
    const page = await open('?q=no-such-package');
    await expectNothing(page, page.getByText('36 findings', { exact: true }));
  });

  it('counts and shows what was suppressed by each of the scans that looked last', async () => {
    const image = (days: number, type: string, finding: object) => ({
      ...imageReport('accepted:1', daysAgo(days), vulnerabilities(1, 2), [
        {
          Target: 'accepted',
          Class: 'config',
          Type: 'dockerfile',
          ExperimentalModifiedFindings: [{ Type: type, Status: 'ignored', Finding: finding }],
        },
      ]),
    });
    const [check] = misconfiguredDockerfile.Misconfigurations;
    await dashboard.send(image(3, 'misconfiguration', check ?? {}), '?scanners=misconfig');
    const last = await dashboard.send(image(1, 'vulnerability', vulnerability(3)), '?scanners=vuln');
    const page = await dashboard.open(`/artifacts/${last.artifact.id}`);
    await page.getByRole('tab', { name: 'Suppressed 2' }).click();
    await page.getByRole('cell', { name: 'CVE-2024-0003 in package-3' }).waitFor();
    await page.getByRole('cell', { name: 'DS002' }).waitFor();
    await page.getByRole('heading', { name: /^In the scan of .* for misconfigurations$/ }).waitFor();
  });

  it('says that it has no vulnerabilities', async () => {
    const clean = await dashboard.send(imageReport('clean:1', daysAgo(1), []));
    const page = await dashboard.open(`/artifacts/${clean.artifact.id}`);
    await page.getByRole('tab', { name: 'Vulnerabilities 0' }).waitFor();
    await page.getByText('No vulnerabilities').waitFor();
  });

  it('says that it is stale, and still what its last scan found', async () => {
    const old = await dashboard.send(imageReport('old:1', daysAgo(60), vulnerabilities(1, 3)));
    await goStale(dashboard, old.artifact.id);
    const page = await dashboard.open(`/artifacts/${old.artifact.id}`);
    await page.getByText(/^Stale: nothing came of it for long/).waitFor();
    await page.getByText('3 findings', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: 'CVE-2024-0002' }).waitFor();
  });

  it('is deleted after asking, with a word on what goes with it', async () => {
    const gone = await dashboard.send(imageReport('deleted:1', daysAgo(1), vulnerabilities(1, 2)));
    const page = await dashboard.open(`/artifacts/${gone.artifact.id}`, { expected: BROWSER_ERROR });
    await page.getByRole('button', { name: 'Delete artifact' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this artifact?' });
    await dialog.getByText('deleted:1 goes with 1 scan').waitFor();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await heading(page, 'Artifacts').waitFor();
    await page.goto(`${dashboard.trivet.url}/artifacts/${gone.artifact.id}`);
    await page.getByText('It may have been deleted.').waitFor();
  });

  const shown = (page: Page) => page.getByRole('tab', { name: 'Vulnerabilities 36' });
  const view = () => ({ dashboard, path: `/artifacts/${newer.artifact.id}`, table: 'artifact', shown });

  it('says that it loads', () => expectLoading(view()));

  it('says what failed, and asks again', () => expectFailure(view()));
});
