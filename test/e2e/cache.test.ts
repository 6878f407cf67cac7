import { afterAll, afterEach, beforeAll, expect, it } from 'vitest';
import { startTrivet } from '../setup/process.ts';
import {
  BROWSER_ERROR,
  comeBack,
  type Dashboard,
  describeInBrowser,
  EXPECT_TIMEOUT_MS,
  startDashboard,
} from './browser.ts';
import { daysAgo, imageReport, vulnerabilities } from './reports.ts';

// In this order: from no read at all to a server that is gone.
describeInBrowser('the cache view', () => {
  let dashboard: Dashboard;

  beforeAll(async () => {
    dashboard = await startDashboard();
  });
  afterAll(() => dashboard?.stop());
  afterEach(async () => expect(await dashboard.closePages()).toEqual([]));

  it('says so while nothing was read', async () => {
    const page = await dashboard.open('/cache');
    await page.getByText(/^Active since/).waitFor();
    await page.getByText('No reads yet').waitFor();
  });

  it('shows its state, the figures of every read, and what happened', async () => {
    await dashboard.send(imageReport('nginx:1.25', daysAgo(1), vulnerabilities(20, 50)));
    await dashboard.request('GET', '/api/summary');
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

  it('says where an answer of a list came from', async () => {
    const page = await dashboard.open('/artifacts?q=nginx');
    await page.getByText('fresh from PostgreSQL').waitFor();
    await page.reload();
    await page.getByText(/^cached · \d+ s left$/).waitFor();
  });

  it('makes it cost a 304 to ask again when nothing has changed', async () => {
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

  it('says that Redis does not answer any more, and that it does again', async () => {
    const page = await dashboard.open('/cache');
    await page.getByText(/^Active since/).waitFor();
    dashboard.redis.freeze();
    try {
      await page.getByText(/^Bypass since .*: Redis/).waitFor();
    } finally {
      dashboard.redis.thaw();
    }
    await page.getByText(/^Active since/).waitFor();
    await page.getByRole('table', { name: 'Events' }).getByText('redis unreachable').first().waitFor();
  });

  it('explains itself when Trivet runs without Redis', async () => {
    const other = await startTrivet({ databaseUrl: dashboard.databaseUrl });
    try {
      const page = await dashboard.open('/cache');
      await page.goto(`${other.url}/cache`);
      await page.getByText('Off: every answer comes from PostgreSQL').waitFor();
      await page.getByText(/^Trivet runs without Redis, because REDIS_URL is “off”/).waitFor();
      expect(await dashboard.closePages()).toEqual([]);
    } finally {
      await other.stop();
    }
  });

  it('keeps its figures, and says from when they are, while Trivet cannot be reached', async () => {
    const page = await dashboard.open('/cache', { expected: BROWSER_ERROR });
    await page.getByText(/^Active since/).waitFor();
    await dashboard.trivet.stop();
    await page
      .getByRole('alert')
      .getByText(/^What you see below is from/)
      .first()
      .waitFor();
    await page.getByRole('table', { name: 'Reads' }).waitFor();
  });
});
