import { dropTemplate, makeTemplate } from './database.ts';

/** Runs once before all tests: the migrations, in a database that the tests clone. */
export async function setup(): Promise<void> {
  if (!process.env.TEST_DATABASE_URL) return;
  process.env.TEST_TEMPLATE = `trivet_template_${process.pid}`;
  await makeTemplate();
}

export async function teardown(): Promise<void> {
  if (process.env.TEST_DATABASE_URL) await dropTemplate();
}
