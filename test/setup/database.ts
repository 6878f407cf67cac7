import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { migrate } from '../../src/db/migrate.ts';

/** Of one run of the tests, so that two runs on one server do not meet. */
const template = () => process.env.TEST_TEMPLATE ?? 'trivet_template';

/** A database of one test's own. */
export interface TestDatabase {
  url: string;
  drop(): Promise<void>;
}

/**
 * Makes a database with all migrations applied, by cloning the one that was migrated before the tests.
 * @throws when the tests were not started by `npm test`
 */
export async function createDatabase(): Promise<TestDatabase> {
  const name = `trivet_${randomBytes(6).toString('hex')}`;
  // Where nothing is synced to disk, copying files is quicker than writing every page to the log: 50 against 150 ms.
  await administer(`CREATE DATABASE ${name} TEMPLATE ${template()} STRATEGY FILE_COPY`);
  return {
    url: urlOf(name),
    drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/**
 * Waits until no change is pending, and until a tick that may have seen one is over: it would invalidate once more, which
 * is harmless, but a miss.
 */
export async function settleChanges(url: string): Promise<void> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  const endMs = performance.now() + 8_000;
  while ((await client.query('SELECT 1 FROM cache_change LIMIT 1')).rows.length > 0) {
    if (performance.now() > endMs) throw new Error('changes stay pending');
    await sleep(50);
  }
  await client.end();
  await sleep(300);
}

/** Makes a database without any table. */
export async function createEmptyDatabase(): Promise<TestDatabase> {
  const name = `trivet_${randomBytes(6).toString('hex')}`;
  await administer(`CREATE DATABASE ${name}`);
  return {
    url: urlOf(name),
    drop: () => administer(`DROP DATABASE IF EXISTS ${name} WITH (FORCE)`),
  };
}

/** Migrates the database that `createDatabase` clones. */
export async function makeTemplate(): Promise<void> {
  await administer(`CREATE DATABASE ${template()}`);
  await migrate(urlOf(template()));
}

export function dropTemplate(): Promise<void> {
  return administer(`DROP DATABASE IF EXISTS ${template()} WITH (FORCE)`);
}

function serverUrl(): string {
  const url = process.env.TEST_DATABASE_URL;
  if (!url) throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test -- FILE`.');
  return url;
}

function urlOf(database: string): string {
  const url = new URL(serverUrl());
  url.pathname = `/${database}`;
  return url.href;
}

async function administer(statement: string): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl() });
  await client.connect();
  try {
    await client.query(statement);
  } finally {
    await client.end();
  }
}
