import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import {
  BROWSER_ERROR,
  comeBack,
  type Dashboard,
  describeInBrowser,
  EXPECT_TIMEOUT_MS,
  startDashboard,
} from './browser.ts';
import { imageReport, vulnerabilities } from './reports.ts';

const CREATED = '2026-01-15T12:00:00Z';

// In this order: the server is gone in the end.
describeInBrowser('a list', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
    await dashboard.send(imageReport('shop:1', CREATED, vulnerabilities(1, 120)), '?label=team=payments');
    await dashboard.send(imageReport('nginx:1.25', CREATED, vulnerabilities(110, 125)));
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  const searchOf = (page: Page) => new URL(page.url()).searchParams.toString();
  const rows = async (page: Page) => (await page.getByRole('row').count()) - 1;
  const focused = (page: Page) =>
    page.evaluate<string>("document.activeElement.tagName + ' ' + document.activeElement.textContent");
  const cell = (page: Page, row: number) => page.getByRole('row').nth(row).getByRole('link').first();

  it('has its filters in the address, which works as a link', async () => {
    const page = await dashboard.open('/vulnerabilities');
    await page.getByText('Showing 1–50 of 125').waitFor();
    await page.getByRole('button', { name: /^Critical/ }).click();
    await page.getByText('25 vulnerabilities', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Fixable' }).click();
    await page.getByText('12 vulnerabilities', { exact: true }).waitFor();
    expect(searchOf(page)).toBe('severity=CRITICAL&fixable=true');

    const other = await dashboard.open(`/vulnerabilities?${searchOf(page)}`);
    await other.getByText('12 vulnerabilities', { exact: true }).waitFor();
    expect(await other.getByRole('button', { name: 'Fixable' }).getAttribute('aria-pressed')).toBe('true');
    await page.goBack();
    await page.getByText('25 vulnerabilities', { exact: true }).waitFor();
  });

  it('shows further filters as chips that can be taken away', async () => {
    const page = await dashboard.open('/vulnerabilities?show=findings');
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('combobox', { name: 'Filter by' }).selectOption('Artifact');
    await page.getByRole('combobox', { name: 'Value' }).fill('docker.io/library/nginx:1.25');
    await page.keyboard.press('Enter');
    await page.getByText('16 findings', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Filter', exact: true }).click();
    await page.getByRole('combobox', { name: 'Filter by' }).selectOption('Status');
    await page.getByRole('button', { name: 'Fixed' }).click();
    await page.getByText('8 findings', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Remove filter Status: Fixed' }).click();
    await page.getByText('16 findings', { exact: true }).waitFor();
    await page.getByRole('button', { name: 'Clear filters' }).click();
    await page.getByText('Showing 1–50 of 136').waitFor();
    expect(searchOf(page)).toBe('show=findings');
  });

  it('searches while one types, without a step in the history for each letter', async () => {
    const page = await dashboard.open('/artifacts');
    await page.getByText('2 repositories', { exact: true }).waitFor();
    await page.getByRole('link', { name: 'Vulnerabilities' }).click();
    await page.getByRole('searchbox').pressSequentially('package-12', { delay: 60 });
    await page.getByText('7 vulnerabilities', { exact: true }).waitFor();
    expect(searchOf(page)).toBe('q=package-12');
    await page.goBack();
    await page.getByRole('heading', { level: 1, name: 'Artifacts' }).waitFor();
  });

  it('sorts by its columns, and says so', async () => {
    const page = await dashboard.open('/vulnerabilities');
    const header = page.getByRole('columnheader', { name: 'Vulnerability' });
    await header.getByRole('button').click();
    await page.waitForURL(/sort=id&order=desc/);
    await expect
      .poll(() => cell(page, 1).textContent(), { timeout: EXPECT_TIMEOUT_MS })
      .toBe('CVE-2024-0125');
    expect(await header.getAttribute('aria-sort')).toBe('descending');
    await header.getByRole('button').press('Enter');
    await page.waitForURL(/sort=id&order=asc/);
    await expect
      .poll(() => cell(page, 1).textContent(), { timeout: EXPECT_TIMEOUT_MS })
      .toBe('CVE-2024-0001');
  });

  it('turns its pages to the end and back', async () => {
    const page = await dashboard.open('/vulnerabilities?sort=id&order=asc');
    await page.getByText('Showing 1–50 of 125').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Showing 51–100 of 125').waitFor();
    await page.getByRole('button', { name: 'Next' }).click();
    await page.getByText('Showing 101–125 of 125').waitFor();
    expect(await rows(page)).toBe(25);
    expect(await page.getByRole('button', { name: 'Next' }).count()).toBe(0);
    await page.getByRole('button', { name: 'Previous' }).click();
    await page.getByText('Showing 51–100 of 125').waitFor();

    const address = page.url().slice(dashboard.trivet.url.length);
    const other = await dashboard.open(address);
    await other.getByText('Showing 50 of 125').waitFor();
    await other.getByRole('button', { name: 'First page' }).click();
    await other.getByText('Showing 1–50 of 125').waitFor();
  });

  it('is where it was after Back, with the focus on the link that was followed', async () => {
    const page = await dashboard.open('/vulnerabilities?sort=id&order=asc');
    const link = page.getByRole('link', { name: 'CVE-2024-0040' });
    await link.scrollIntoViewIfNeeded();
    const scrolled = await page.evaluate('scrollY');
    expect(scrolled).toBeGreaterThan(500);
    await link.click();
    const heading = page.getByRole('heading', { level: 1, name: 'CVE-2024-0040' });
    await heading.waitFor();
    expect(await focused(page)).toMatch(/^H1 CVE-2024-0040/);
    expect(await page.evaluate('scrollY')).toBe(0);
    await page.goBack();
    await link.waitFor();
    const away = () => page.evaluate<number>(`Math.abs(scrollY - ${scrolled})`);
    await expect.poll(away, { timeout: EXPECT_TIMEOUT_MS }).toBeLessThan(5);
    expect(await focused(page)).toBe('A CVE-2024-0040');
  });

  it('follows a row where it is clicked, and lets its text be selected', async () => {
    const page = await dashboard.open('/vulnerabilities?sort=id&order=asc');
    const title = page.getByText('package-3: something overflows');
    const box = await title.boundingBox();
    if (!box) throw new Error('The title is not to be seen');
    await page.mouse.move(box.x + 2, box.y + 8);
    await page.mouse.down();
    await page.mouse.move(box.x + 80, box.y + 8);
    await page.mouse.up();
    expect(await page.evaluate('getSelection().toString()')).toMatch(/^package/);
    expect(new URL(page.url()).pathname).toBe('/vulnerabilities');
    await page.evaluate('getSelection().removeAllRanges()');
    await title.click();
    await page.getByRole('heading', { level: 1, name: 'CVE-2024-0003' }).waitFor();
  });

  it('ignores unknown parameters, and says so', async () => {
    const page = await dashboard.open('/vulnerabilities?sevrity=HIGH&severity=huge&fixable=true');
    await page.getByText('Unknown in this list, and ignored: sevrity, severity').waitFor();
    await page.getByText('Showing 1–50 of 62').waitFor();
  });

  it('exports all rows that the filters select', async () => {
    const page = await dashboard.open('/vulnerabilities?severity=HIGH&sort=id');
    const download = page.waitForEvent('download');
    await page.getByRole('link', { name: 'Export CSV' }).click();
    const file = await (await download).createReadStream();
    let text = '';
    for await (const chunk of file) text += chunk;
    expect(text.trim().split('\n')).toHaveLength(1 + 25);
  });

  it('announces new rows and lets none jump', async () => {
    const page = await dashboard.open('/scans');
    await page.getByText('2 scans', { exact: true }).waitFor();
    await dashboard.send(imageReport('late:1', CREATED, vulnerabilities(1, 3)));
    await comeBack(page);
    const show = page.getByRole('status').getByRole('button', { name: '1 new scan – show' });
    await show.waitFor();
    expect(await page.getByRole('row', { name: /late:1/ }).count()).toBe(0);
    await show.click();
    await page.getByRole('row', { name: /late:1/ }).waitFor();
    await page.getByText('3 scans', { exact: true }).waitFor();
  });

  it('keeps its rows, and says from when they are, while Trivet cannot be reached', async () => {
    const page = await dashboard.open('/vulnerabilities', { expected: BROWSER_ERROR });
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
    await dashboard.trivet.stop();
    await comeBack(page);
    await page
      .getByRole('alert')
      .getByText(/^What you see below is from/)
      .waitFor();
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
  });
});
