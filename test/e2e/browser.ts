import axe from 'axe-core';
import { type Browser, type BrowserContextOptions, chromium, type Page } from 'playwright-core';
import { describe, expect, vi } from 'vitest';
import { createDatabase } from '../setup/database.ts';
import { startTrivet, type TestTrivet } from '../setup/process.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';

// A busy machine is no failure.
vi.setConfig({ testTimeout: 300_000, hookTimeout: 300_000 });

const executablePath = process.env.TEST_CHROMIUM;

/** `describe`, skipped where there is no browser to be had. */
export const describeInBrowser = describe.skipIf(!executablePath);

/** How long something on a page may take to appear. */
export const EXPECT_TIMEOUT_MS = 60_000;

/** What Chromium writes to the console about an answer that is an error: its text is in the page. */
export const BROWSER_ERROR = /^Failed to load resource/;

/** The built program on a database and a Redis of its own, and a browser. */
export interface Dashboard {
  trivet: TestTrivet;
  redis: TestRedis;
  databaseUrl: string;
  /** Sends a report. @returns what it was stored as */
  send(report: unknown, query?: string): Promise<{ id: number; artifact: { id: number; name: string } }>;
  /**
   * Opens an address of the dashboard in a page of its own, which fails the test at `close` when anything was
   * written to the console that `expected` does not match.
   */
  open(path: string, options?: BrowserContextOptions & { expected?: RegExp }): Promise<Page>;
  /** Asks the API. @returns the answer's JSON; throws where the answer is an error */
  request(method: 'GET' | 'POST' | 'DELETE', path: string, body?: string): Promise<unknown>;
  /** What pages wrote to the console unexpectedly since the last call, and what axe finds wrong; closes them. */
  closePages(): Promise<string[]>;
  stop(): Promise<void>;
}

export async function startDashboard(): Promise<Dashboard> {
  const [database, redis, browser] = await Promise.all([createDatabase(), startTestRedis(), launch()]);
  const trivet = await startTrivet({ databaseUrl: database.url, redisUrl: redis.url });
  const request: Dashboard['request'] = async (method, path, body) => {
    const answer = await fetch(trivet.url + path, { method, ...(body === undefined ? {} : { body }) });
    const text = await answer.text();
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status}: ${text}`);
    return text === '' ? null : JSON.parse(text);
  };
  let complaints: string[] = [];
  return {
    trivet,
    redis,
    databaseUrl: database.url,
    request,
    send: (report, query = '') =>
      request('POST', `/api/scan-results${query}`, JSON.stringify(report)) as ReturnType<Dashboard['send']>,
    open: async (path, { expected, ...options } = {}) => {
      const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
      const page = await context.newPage();
      page.setDefaultTimeout(EXPECT_TIMEOUT_MS);
      const complain = (text: string) => {
        if (!expected?.test(text)) complaints.push(`${path}: ${text}`);
      };
      page.on('console', (message) => complain(message.text()));
      page.on('pageerror', (error) => complain(error.message));
      await page.goto(trivet.url + path);
      return page;
    },
    closePages: async () => {
      for (const context of browser.contexts()) {
        for (const page of context.pages()) {
          await settled(page);
          for (const problem of await accessibilityProblems(page))
            complaints.push(`${page.url()}: ${problem}`);
        }
        await context.close();
      }
      const found = complaints;
      complaints = [];
      return found;
    },
    stop: async () => {
      await browser.close();
      await trivet.stop();
      await Promise.all([redis.stop(), database.drop()]);
    },
  };
}

/** The heading of the view that is shown. */
export const heading = (page: Page, name: string | RegExp) => page.getByRole('heading', { level: 1, name });

/** As when one comes back to the tab: everything shown is asked for again. */
export const comeBack = (page: Page) => page.evaluate("dispatchEvent(new Event('visibilitychange'))");

/** Waits until nothing of the page is still being loaded. */
export async function settled(page: Page): Promise<void> {
  await page.getByRole('heading', { level: 1 }).waitFor();
  const loading = page.locator('main [aria-label=Loading], main [aria-busy=true]');
  await expect.poll(() => loading.count(), { timeout: EXPECT_TIMEOUT_MS }).toBe(0);
}

function launch(): Promise<Browser> {
  return chromium.launch({
    executablePath: executablePath ?? '',
    args: [
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}

/** What axe finds wrong with a page, a line each. */
export async function accessibilityProblems(page: Page): Promise<string[]> {
  // By the debugger's protocol, as the Content-Security-Policy lets no foreign script in.
  const session = await page.context().newCDPSession(page);
  await session.send('Runtime.evaluate', { expression: axe.source });
  const { result } = await session.send('Runtime.evaluate', {
    expression: 'axe.run(document).then(({ violations }) => JSON.stringify(violations))',
    awaitPromise: true,
  });
  await session.detach();
  const violations = JSON.parse(String(result.value)) as { id: string; nodes: { html: string }[] }[];
  return violations.map(
    ({ id, nodes }) => `${id}: ${nodes.map(({ html }) => html.slice(0, 200)).join(' | ')}`,
  );
}
