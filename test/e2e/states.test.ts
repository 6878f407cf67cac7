import type { Page } from 'playwright-core';
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { type Dashboard, describeInBrowser, EXPECT_TIMEOUT_MS, startDashboard } from './browser.ts';
import { imageReport, vulnerabilities, vulnerability } from './reports.ts';

const CREATED = '2026-01-15T12:00:00Z';
const BROWSER_ERROR = /^Failed to load resource/;

/** As when one comes back to the tab: everything shown is asked for again. */
const comeBack = (page: Page) => page.evaluate("dispatchEvent(new Event('visibilitychange'))");

// In this order: from nothing received to a server that is gone.
describeInBrowser('the dashboard', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('leads to Add results while there is nothing', async () => {
    const page = await dashboard.open('/');
    for (const view of ['Overview', 'Vulnerabilities', 'Artifacts', 'Scans']) {
      await page.getByRole('navigation', { name: 'Views' }).getByRole('link', { name: view }).click();
      await page.getByRole('heading', { level: 1, name: view }).waitFor();
      await page.getByText('No scan results yet').waitFor();
    }
    await page.getByRole('main').getByRole('link', { name: 'Add results' }).click();
    await page.getByText('Waiting for the first report…').waitFor();
  });

  it('takes report files, says what became of each, and shows the first arrival', async () => {
    const page = await dashboard.open('/add', { expected: BROWSER_ERROR });
    const file = (name: string, content: string) => ({
      name,
      mimeType: 'application/json',
      buffer: Buffer.from(content),
    });
    await page.getByLabel('Report files').setInputFiles([
      file('good.json', JSON.stringify(imageReport('nginx:1.25', CREATED, vulnerabilities(1, 12)))),
      file(
        'sarif.json',
        JSON.stringify({
          $schema: 'https://json.schemastore.org/sarif-2.1.0.json',
          version: '2.1.0',
          runs: [],
        }),
      ),
      file('broken.json', '{"Results": ['),
    ]);
    const files = page.getByRole('list', { name: 'Files' }).getByRole('listitem');
    await files.filter({ hasText: 'good.json' }).getByText('Stored').waitFor();
    await files.filter({ hasText: 'sarif.json' }).getByText(/SARIF/).first().waitFor();
    await files
      .filter({ hasText: 'broken.json' })
      .getByText(/^Refused/)
      .waitFor();
    await page.getByText('Waiting for the first report…').waitFor({ state: 'detached' });
    await page
      .getByRole('textbox', { name: 'Or paste a report' })
      .fill(JSON.stringify(imageReport('nginx:1.25', CREATED, vulnerabilities(1, 12))));
    await page.getByRole('button', { name: 'Send' }).click();
    await files.filter({ hasText: 'Pasted report' }).getByText('Known already').waitFor();
    await files.filter({ hasText: 'good.json' }).getByRole('link', { name: 'nginx:1.25' }).click();
    await page.getByRole('heading', { level: 1, name: 'Scan of nginx:1.25' }).waitFor();
  }, 60_000);

  it('changes labels, and deletes a scan after asking', async () => {
    const scan = await dashboard.send(imageReport('deleted:1', CREATED, vulnerabilities(1, 2)));
    const page = await dashboard.open(`/scans/${scan.id}`);
    await page.getByRole('button', { name: 'Add label' }).click();
    await page.getByRole('textbox', { name: 'New label' }).fill('env=prod');
    await page.keyboard.press('Enter');
    await page.getByText('env=prod').waitFor();
    await page.getByRole('button', { name: 'Remove label env' }).click();
    await page.getByText('env=prod').waitFor({ state: 'detached' });

    await page.getByRole('button', { name: 'Delete scan' }).click();
    const dialog = page.getByRole('dialog', { name: 'Delete this scan?' });
    await dialog.getByText('deleted:1').waitFor();
    await page.keyboard.press('Escape');
    await dialog.waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Delete scan' }).click();
    await dialog.getByRole('button', { name: 'Delete' }).click();
    await page.getByRole('heading', { level: 1, name: 'Scans' }).waitFor();
    await page.getByText('1 scan', { exact: true }).waitFor();
    expect(await page.getByText('deleted:1').count()).toBe(0);
    const answer = await fetch(`${dashboard.trivet.url}/api/scan-results/${scan.id}`);
    expect(answer.status).toBe(404);
  });

  it('shows text from reports as text, and links to http and https alone', async () => {
    await dashboard.send(
      imageReport('<script>alert(1)</script>/evil:1', CREATED, [
        vulnerability(77, {
          VulnerabilityID: 'CVE-2024-7777',
          Title: '<script>alert(1)</script>',
          Description: '<b>bold</b> [link](javascript:alert(1))',
          PrimaryURL: 'javascript:alert(1)',
          References: ['javascript:alert(2)', 'data:text/html,x', 'https://example.com/advisory'],
        }),
      ]),
    );
    const page = await dashboard.open('/vulnerabilities/CVE-2024-7777');
    await page.getByText('<script>alert(1)</script>', { exact: true }).waitFor();
    await page.getByText('<b>bold</b> [link](javascript:alert(1))').waitFor();
    await page.getByRole('link', { name: '<script>alert(1)</script>/evil:1' }).waitFor();
    const external = page.locator('main a[target=_blank]');
    expect(await external.count()).toBe(1);
    expect(await external.getAttribute('href')).toBe('https://example.com/advisory');
    expect(await external.getAttribute('rel')).toBe('noopener noreferrer');
  });

  it('says what is wrong with a question, with the request id', async () => {
    const page = await dashboard.open('/vulnerabilities?since=tomorrow', { expected: BROWSER_ERROR });
    const alert = page.getByRole('alert');
    await alert.getByText('since').first().waitFor();
    await alert.getByRole('button', { name: 'Copy request id' }).waitFor();
    await alert.getByRole('button', { name: 'Try again' }).waitFor();
    await page.goto(`${dashboard.trivet.url}/vulnerabilities?cursor=nonsense`);
    await alert.getByRole('button', { name: 'First page' }).click();
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
  });

  it('answers for what is not there', async () => {
    const page = await dashboard.open('/scans/99999', { expected: BROWSER_ERROR });
    await page.getByText('It may have been deleted.').waitFor();
    await page.goto(`${dashboard.trivet.url}/vulnerabilities/CVE-1999-0001`);
    await page.getByText('CVE-1999-0001 is in no artifact').waitFor();
  });

  it('says where an answer came from', async () => {
    const page = await dashboard.open('/artifacts?q=nginx');
    await page.getByText('fresh from PostgreSQL').waitFor();
    await page.reload();
    await page.getByText(/^cached · \d+ s left$/).waitFor();
  });

  it('costs a 304 when it asks again and nothing has changed', async () => {
    const page = await dashboard.open('/vulnerabilities');
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
    const unchanged = async () => {
      const metrics = await (await fetch(`${dashboard.trivet.url}/metrics`)).text();
      const line =
        /http_request_duration_seconds_count\{(?=[^}]*status="304")(?=[^}]*route="\/api\/vulnerabilities")[^}]*\} (\d+)/;
      return Number(line.exec(metrics)?.[1] ?? 0);
    };
    const before = await unchanged();
    await comeBack(page);
    await expect.poll(unchanged, { timeout: EXPECT_TIMEOUT_MS }).toBeGreaterThan(before);
  });

  it('keeps the chosen theme, and can be used by the keyboard alone', async () => {
    const page = await dashboard.open('/', { colorScheme: 'light' });
    const theme = () => page.evaluate('document.documentElement.dataset.mantineColorScheme');
    await page.getByRole('button', { name: /^Theme: as the system/ }).click();
    await page.getByRole('button', { name: /^Theme: light/ }).click();
    expect(await theme()).toBe('dark');
    await page.reload();
    expect(await theme()).toBe('dark');
    await page.getByRole('heading', { level: 1 }).waitFor();
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    expect(await page.evaluate('document.activeElement.id')).toBe('main');
    await page.keyboard.press('Tab');
    await page.keyboard.press('Enter');
    await page.getByRole('heading', { level: 1, name: 'Vulnerabilities' }).waitFor();
  });

  it('has a menu on a narrow screen', async () => {
    const page = await dashboard.open('/', { viewport: { width: 390, height: 800 } });
    const places = page.getByRole('navigation', { name: 'Views' });
    expect(await places.isVisible()).toBe(false);
    await page.getByRole('button', { name: 'Menu' }).click();
    await places.getByRole('link', { name: 'Scans' }).click();
    await page.getByRole('heading', { level: 1, name: 'Scans' }).waitFor();
    expect(await places.isVisible()).toBe(false);
  });

  it('tells calmly that answers come from PostgreSQL while Redis is away', async () => {
    const page = await dashboard.open('/vulnerabilities');
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
    await dashboard.redis.kill();
    await expect
      .poll(
        async () => {
          await comeBack(page);
          return page
            .getByText(/^Answers come directly from PostgreSQL since .*Redis unreachable/)
            .isVisible();
        },
        { timeout: 60_000 },
      )
      .toBe(true);
    await page.getByText('cache bypassed: Redis unreachable').waitFor();
    await page.getByRole('link', { name: 'Cache' }).click();
    await page.getByText(/^Bypass since .*: Redis unreachable/).waitFor();
    await dashboard.redis.restart();
    await page.getByText(/^Active since/).waitFor({ timeout: 60_000 });
  }, 240_000);

  it('says in the cache view that Redis does not answer any more, and that it does again', async () => {
    const page = await dashboard.open('/cache');
    const timeout = 60_000;
    await page.getByText(/^Active since/).waitFor({ timeout });
    dashboard.redis.freeze();
    try {
      await page.getByText(/^Bypass since .*: Redis/).waitFor({ timeout });
    } finally {
      dashboard.redis.thaw();
    }
    await page.getByText(/^Active since/).waitFor({ timeout });
    await page
      .getByRole('table', { name: 'Events' })
      .getByText('redis unreachable')
      .first()
      .waitFor({ timeout });
  }, 240_000);

  it('keeps what it shows, and says so, while Trivet cannot be reached', async () => {
    const page = await dashboard.open('/vulnerabilities', { expected: BROWSER_ERROR });
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
    await dashboard.trivet.stop();
    await comeBack(page);
    await page.getByText(/^Trivet cannot be reached since/).waitFor();
    await page
      .getByRole('alert')
      .getByText(/^What you see below is from/)
      .waitFor();
    await page.getByRole('table', { name: 'Vulnerabilities' }).waitFor();
  });
});
