import pg from 'pg';
import type { Locator, Page } from 'playwright-core';
import { expect } from 'vitest';
import { startTrivet } from '../setup/process.ts';
import { BROWSER_ERROR, type Dashboard, EXPECT_TIMEOUT_MS } from './browser.ts';

/** What every view has in common while its answers are on their way, or fail. */
interface View {
  dashboard: Dashboard;
  path: string;
  /** Of the database, one that the view's answer is read from. */
  table: string;
  /** What is to be seen once the answer is there. */
  shown: (page: Page) => Locator;
}

/** A view says that it loads for as long as its answer is not there, and then shows it. */
export async function expectLoading({ dashboard, path, table, shown }: View): Promise<void> {
  const holder = await connect(dashboard);
  let page: Page;
  try {
    await holder.query(`BEGIN; LOCK TABLE ${table} IN ACCESS EXCLUSIVE MODE`);
    await dashboard.request('POST', '/api/cache/clear');
    page = await dashboard.open(path);
    await page.getByRole('status', { name: 'Loading' }).first().waitFor();
    expect(await shown(page).count()).toBe(0);
  } finally {
    await holder.end();
  }
  const loading = page.getByRole('status', { name: 'Loading' });
  await shown(page).first().waitFor();
  await expect.poll(() => loading.count(), { timeout: EXPECT_TIMEOUT_MS }).toBe(0);
}

/** A view whose answer is an error says so, with the request's id, and shows the answer when it is asked for again. */
export async function expectFailure({ dashboard, path, table, shown }: View): Promise<void> {
  await change(dashboard, `ALTER TABLE ${table} RENAME TO away`);
  await dashboard.request('POST', '/api/cache/clear');
  const page = await dashboard.open(path, { expected: BROWSER_ERROR });
  const alert = page.getByRole('alert').filter({ hasText: 'Something went wrong in Trivet' });
  try {
    await alert.first().getByRole('button', { name: 'Copy request id' }).waitFor();
    expect(await shown(page).count()).toBe(0);
  } finally {
    await change(dashboard, `ALTER TABLE away RENAME TO ${table}`);
  }
  await alert.first().getByRole('button', { name: 'Try again' }).click();
  await shown(page).first().waitFor();
  await expect.poll(() => alert.count(), { timeout: EXPECT_TIMEOUT_MS }).toBe(0);
}

/** What filters leave nothing of says so, and shows all of it once they are cleared. */
export async function expectNothing(page: Page, all: Locator): Promise<void> {
  await page.getByText('Nothing matches').waitFor();
  await page.getByRole('main').getByRole('button', { name: 'Clear filters' }).last().click();
  await all.waitFor();
}

/** Where nothing was ever sent, a view leads to where that is done. */
export async function expectNoData(dashboard: Dashboard, ...paths: string[]): Promise<void> {
  await deleteAll(dashboard);
  for (const path of paths) {
    const page = await dashboard.open(path);
    await page.getByText('No scan results yet').waitFor();
    await page.getByRole('main').getByRole('link', { name: 'Add results' }).waitFor();
  }
}

/** Deletes all that was sent. */
export async function deleteAll(dashboard: Dashboard): Promise<void> {
  const { items } = (await dashboard.request('GET', '/api/artifacts?limit=200')) as {
    items: { id: number }[];
  };
  for (const { id } of items) await dashboard.request('DELETE', `/api/artifacts/${id}`);
}

/** Makes something stale of which nothing came for long. An instance looks for those when it starts. */
export async function goStale(dashboard: Dashboard, artifact: number): Promise<void> {
  const long = "UPDATE artifact SET last_seen_at = now() - interval '40 days' WHERE id = $1";
  await change(dashboard, long, [artifact]);
  const { databaseUrl, redis } = dashboard;
  const other = await startTrivet({ databaseUrl, redisUrl: redis.url });
  await other.waitForLog(({ msg }) => msg === 'artifacts became stale', 30_000);
  await other.stop();
}

/** A statement in the database, as nobody gives who uses Trivet. */
export async function change(dashboard: Dashboard, text: string, values: unknown[] = []): Promise<void> {
  const client = await connect(dashboard);
  await client.query(text, values).finally(() => client.end());
}

async function connect({ databaseUrl }: Dashboard): Promise<pg.Client> {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  return client;
}
