import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startTrivet } from '../setup/process.ts';
import {
  BROWSER_ERROR,
  comeBack,
  type Dashboard,
  describeInBrowser,
  EXPECT_TIMEOUT_MS,
  heading,
  settled,
  startDashboard,
} from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';

// In this order: the server is gone in the end.
describeInBrowser('what surrounds every view', () => {
  let dashboard: Dashboard;
  /** Every view, with what it shows. */
  let views: [path: string, shown: (page: Page) => ReturnType<Page['getByText']>][];

  beforeAll(async () => {
    dashboard = await startDashboard();
    const older = await dashboard.send(imageReport('nginx:1.25', daysAgo(9), vulnerabilities(1, 30)));
    const scan = await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
    const text = (words: string | RegExp) => (page: Page) => page.getByText(words).first();
    const named = (name: string) => (page: Page) => page.getByRole('link', { name }).first();
    views = [
      ['/', text('Critical vulnerabilities')],
      ['/vulnerabilities', named('CVE-2024-0040')],
      ['/vulnerabilities/CVE-2024-0040', text(/^What to upgrade/)],
      ['/artifacts', named('nginx:1.25')],
      [`/artifacts/${scan.artifact.id}`, named('CVE-2024-0040')],
      ['/scans', named('nginx:1.25')],
      [`/scans/${scan.id}`, named('CVE-2024-0040')],
      [`/compare?base=${older.id}&head=${scan.id}`, text(/, 11 the same\.$/)],
      ['/add', named('nginx:1.25')],
      ['/cache', (page) => page.getByRole('table', { name: 'Reads' })],
    ];
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('finds vulnerabilities and artifacts from anywhere', async () => {
    const page = await dashboard.open('/add');
    await heading(page, 'Add results').waitFor();
    await page.keyboard.press('/');
    await page.getByRole('combobox').fill('package-22');
    await page.getByRole('option', { name: /CVE-2024-0022/ }).waitFor();
    await page.keyboard.press('Enter');
    await heading(page, 'CVE-2024-0022').waitFor();
    await page.keyboard.press('Control+k');
    await page.getByRole('combobox').fill('nginx');
    await page
      .getByRole('dialog', { name: 'Search' })
      .getByRole('option', { name: 'nginx:1.25 Image' })
      .click();
    await heading(page, 'nginx:1.25').waitFor();
    await page.getByRole('dialog').waitFor({ state: 'detached' });
  });

  it('keeps the chosen theme, and can be used by the keyboard alone', async () => {
    const page = await dashboard.open('/', { colorScheme: 'light' });
    const theme = () => page.evaluate('document.documentElement.dataset.mantineColorScheme');
    await page.getByRole('button', { name: /^Theme: as the system/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    expect(await theme()).toBe('dark');
    await page.reload();
    expect(await theme()).toBe('dark');
    await page.getByRole('link', { name: /^Critical vulnerabilities/ }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await heading(page, 'Vulnerabilities').waitFor();
  });

  it('has a menu on a narrow screen', async () => {
    const page = await dashboard.open('/', { viewport: { width: 390, height: 800 } });
    const places = page.getByRole('navigation', { name: 'Views' });
    expect(await places.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).click();
    await places.getByRole('link', { name: 'Scans' }).click();
    await heading(page, 'Scans').waitFor();
    expect(await places.isVisible()).toBe(false);
  });

  it('says that an address leads nowhere', async () => {
    const page = await dashboard.open('/package-22', { expected: BROWSER_ERROR });
    await heading(page, 'There is no such page').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'overview' }).click();
    await heading(page, 'Overview').waitFor();
    await page.goBack();
    await page.getByRole('main').getByRole('link', { name: 'vulnerabilities' }).click();
    await page.getByText('1 vulnerability', { exact: true }).waitFor();
  });

  it('tells calmly in every view that answers come from PostgreSQL while Redis is away', async () => {
    const page = await dashboard.open('/vulnerabilities');
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
    const line = page
      .getByRole('status')
      .getByText(/^Answers come directly from PostgreSQL since .*Redis unreachable/);
    await dashboard.redis.kill();
    const appears = async () => {
      await comeBack(page);
      return line.isVisible();
    };
    await expect.poll(appears, { timeout: EXPECT_TIMEOUT_MS }).toBe(true);
    await page.getByText('cache bypassed: Redis unreachable').waitFor();
    for (const [path, shown] of views) {
      await page.goto(dashboard.trivet.url + path);
      await shown(page).waitFor();
      await line.waitFor();
    }
    await page.getByText(/^Bypass since .*: Redis unreachable/).waitFor();
    await dashboard.redis.restart();
    await page.getByText(/^Active since/).waitFor();
    await line.waitFor({ state: 'detached' });
  });

  it('keeps in every view what it shows, and says so, while Trivet cannot be reached', async () => {
    const pages: Page[] = [];
    for (const [path] of views) {
      const page = await dashboard.open(path, { expected: BROWSER_ERROR });
      await settled(page);
      pages.push(page);
    }
    await dashboard.trivet.stop();
    for (const [index, [path, shown]] of views.entries()) {
      const page = pages[index];
      if (!page) throw new Error(`${path} was not opened`);
      await comeBack(page);
      await page
        .getByRole('status')
        .getByText(/^Trivet cannot be reached since/)
        .waitFor();
      await shown(page).waitFor();
    }
  });

  it('stays when a view cannot be fetched, and says so', async () => {
    await dashboard.trivet.stop();
    const { databaseUrl, redis, trivet } = dashboard;
    const port = new URL(trivet.url).port;
    const again = await startTrivet({ databaseUrl, redisUrl: redis.url, env: { PORT: port } });
    const page = await dashboard.open('/scans', {
      expected: /Failed to (load|fetch)|cannot be reached|did not answer/,
    });
    await settled(page);
    await again.stop();
    await page.getByRole('link', { name: 'Cache' }).click();
    await heading(page, 'This view cannot be shown').waitFor();
    await page.getByRole('alert').getByText('Trivet cannot be reached').waitFor();
    await page.getByRole('link', { name: 'Scans' }).click();
    await heading(page, 'Scans').waitFor();
    await page.getByRole('link', { name: 'Cache' }).click();
    const back = await startTrivet({ databaseUrl, redisUrl: redis.url, env: { PORT: port } });
    await page.getByRole('button', { name: 'Try again' }).click();
    await page.getByRole('table', { name: 'Reads' }).waitFor();
    await back.stop();
  });
});
