import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Dashboard, describeInBrowser, startDashboard } from './browser.ts';
import { imageReport, leakedSecret, misconfiguredDockerfile, vulnerabilities } from './reports.ts';

const SHOP = 'registry.example.com/team/payments/with/a/long/path/shop-frontend';
const DAY_MS = 86_400_000;
const daysAgo = (days: number) => new Date(Date.now() - days * DAY_MS).toISOString();

describeInBrowser('every view', () => {
  let dashboard: Dashboard;
  let older: { id: number };
  let newer: { id: number; artifact: { id: number } };

  beforeAll(async () => {
    dashboard = await startDashboard();
    older = await dashboard.send(imageReport(`${SHOP}:1.4.1`, daysAgo(9), vulnerabilities(1, 30)));
    const results = [misconfiguredDockerfile, leakedSecret];
    newer = await dashboard.send(
      imageReport(`${SHOP}:1.4.1`, daysAgo(2), vulnerabilities(5, 40), results),
      '?label=team=payments',
    );
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

  it('overview: figures lead to lists that show the same number', async () => {
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
  });

  it('overview: so do artifacts and scans', async () => {
    const page = await dashboard.open('/');
    await page.getByRole('link', { name: 'Artifacts 2' }).click();
    await page.getByText('2 artifacts', { exact: true }).waitFor();
    await page.goBack();
    await page.getByRole('link', { name: 'Scans 3' }).click();
    await page.getByText('3 scans', { exact: true }).waitFor();
  });

  it('overview: shows what to fix first, the most exposed artifacts, the newest scans and the trend', async () => {
    const page = await dashboard.open('/');
    await page.getByRole('table', { name: 'Fix first' }).getByRole('link').first().waitFor();
    const exposed = page.getByRole('table', { name: 'Most exposed artifacts' });
    await exposed.getByRole('link', { name: `${SHOP}:1.4.1` }).waitFor();
    const newest = page.getByRole('table', { name: 'Newest scans' });
    await newest.getByRole('link', { name: 'nginx:1.25' }).waitFor();
    await page.getByRole('img', { name: /^Vulnerabilities by severity/ }).waitFor();
    await page.getByRole('button', { name: 'Show as table' }).click();
    expect(
      await page
        .getByRole('table', { name: /^Vulnerabilities by severity/ })
        .getByRole('row')
        .count(),
    ).toBe(31);
  });

  it('vulnerabilities: grouped, and every finding', async () => {
    const page = await dashboard.open('/vulnerabilities');
    const first = page.getByRole('table', { name: 'Vulnerabilities' }).getByRole('row').nth(1);
    expect(await first.textContent()).toContain('Critical');
    await page.getByText('46 vulnerabilities', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Every finding' }).click();
    await heading(page, 'Findings').waitFor();
    await page.getByText('Showing 1–50 of 67').waitFor();
  });

  it('vulnerability: what to upgrade, and where it is', async () => {
    const page = await dashboard.open('/vulnerabilities/CVE-2024-0022');
    await heading(page, 'CVE-2024-0022').waitFor();
    await page.getByRole('heading', { name: 'What to upgrade: 2 findings in 2 artifacts' }).waitFor();
    const places = page.getByRole('table', { name: 'Where CVE-2024-0022 is' });
    await places.getByRole('link', { name: 'nginx:1.25' }).click();
    await heading(page, 'nginx:1.25').waitFor();
  });

  it('artifacts: repositories open their versions', async () => {
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

  it('artifact: what it has now, its history, and two of its scans to compare', async () => {
    const page = await dashboard.open(`/artifacts/${newer.artifact.id}`);
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

  it('scan: its findings of every kind, and the report', async () => {
    const page = await dashboard.open(`/scans/${newer.id}`);
    await page.getByRole('tab', { name: 'Vulnerabilities 36' }).waitFor();
    await page.getByText('36 findings', { exact: true }).waitFor();
    await page.getByRole('link', { name: /^10 new, 4 gone/ }).waitFor();

    await page.getByRole('tab', { name: 'Misconfigurations 1' }).click();
    await page.getByRole('row', { name: /DS002/ }).getByRole('button', { name: 'Show details' }).click();
    await page.getByText('USER root').waitFor();
    await page.getByText('Add a USER line').waitFor();

    await page.getByRole('tab', { name: 'Secrets 1' }).click();
    await page.getByRole('cell', { name: 'github-pat' }).waitFor();
    await page.getByRole('tab', { name: 'Licences 0' }).click();
    await page.getByText('This scan did not look for licences').waitFor();
    await page.getByRole('tab', { name: 'Suppressed 0' }).click();
    await page.getByText('Nothing was suppressed').waitFor();

    await page.getByRole('tab', { name: 'Report' }).click();
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Download' }).click();
    expect((await download).suggestedFilename()).toBe(`scan-${newer.id}.json`);
  });

  it('compare: a verdict, and what is new, gone and the same', async () => {
    const page = await dashboard.open(`/compare?base=${older.id}&head=${newer.id}`);
    await page
      .getByText('10 new (2 critical, 2 high, 2 medium, 2 low, 2 unknown), 4 gone, 26 the same.')
      .waitFor();
    await page
      .getByRole('table', { name: 'New findings' })
      .getByRole('link', { name: 'CVE-2024-0035' })
      .waitFor();
    await page
      .getByRole('table', { name: 'Gone findings' })
      .getByRole('link', { name: 'CVE-2024-0001' })
      .waitFor();
    await page.getByRole('button', { name: 'Swap' }).click();
    await page.getByText(/^4 new .*, 10 gone, 26 the same\.$/).waitFor();
  });

  it('compare: scans are chosen by their artifacts', async () => {
    const page = await dashboard.open('/compare');
    for (const [side, search, name] of [
      ['Before', 'shop', `${SHOP}:1.4.1`],
      ['After', 'nginx', 'nginx:1.25'],
    ] as const) {
      const picker = page.getByRole('group', { name: side });
      await picker.getByRole('combobox', { name: 'Artifact' }).fill(search);
      await page.getByRole('option', { name }).click();
    }
    await page.getByText(/^10 new .* 15 gone, 21 the same\.$/).waitFor();
  });

  it('scans: what was received, and what was refused and why', async () => {
    const page = await dashboard.open('/scans');
    await page.getByText('3 scans', { exact: true }).waitFor();
    const refused = await fetch(`${dashboard.trivet.url}/api/scan-results`, {
      method: 'POST',
      body: '{"a": 1}',
    });
    expect(refused.status).toBe(422);
    await page.getByRole('link', { name: 'Uploads' }).click();
    await heading(page, 'Uploads').waitFor();
    await page.getByRole('row', { name: /Refused/ }).waitFor();
    expect(await page.getByRole('row', { name: /Stored/ }).count()).toBe(3);
  });

  it('cache: its state, figures of every read, and what happened', async () => {
    const page = await dashboard.open('/cache');
    await page.getByText(/^Active since/).waitFor();
    await page
      .getByRole('table', { name: 'Reads' })
      .getByRole('row', { name: /^summary/ })
      .waitFor();
    await page.getByRole('table', { name: 'Instances' }).getByText('(answers you)').waitFor();
    await page.getByRole('img', { name: 'Hit ratio over the last hour' }).waitFor();
    await page.getByRole('button', { name: 'Connections' }).click();
    await page.getByRole('table', { name: 'Events' }).getByText('redis connected').waitFor();
    await page.getByRole('button', { name: 'Clear cache' }).click();
    await page.getByRole('dialog').getByRole('button', { name: 'Clear' }).click();
    await page.getByRole('button', { name: 'Connections' }).click();
    await page.getByRole('table', { name: 'Events' }).getByText('cache cleared').waitFor();
  });

  it('search: finds vulnerabilities and artifacts from anywhere', async () => {
    const page = await dashboard.open('/cache');
    await page.getByText(/^Active since/).waitFor();
    await page.keyboard.press('/');
    await page.getByRole('combobox').fill('package-22');
    await page.getByRole('option', { name: /CVE-2024-0022/ }).waitFor();
    await page.keyboard.press('Enter');
    await heading(page, 'CVE-2024-0022').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('nginx');
    await page.getByRole('option', { name: 'nginx:1.25 Image' }).click();
    await heading(page, 'nginx:1.25').waitFor();
  });
});
