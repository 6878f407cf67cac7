/** The command `npm run seed`: fills an empty database with generated data, to see how Trivet does with very much. */
import { parseArgs } from 'node:util';
import pg from 'pg';
import { migrate } from './db/migrate.ts';
import type { Db } from './db/pool.ts';
import { fill } from './seed/fill.ts';

const usage = `Usage: npm run seed -- [--findings 1000000]
Fills the empty database that DATABASE_URL names with generated reports, all of them invented.
  --findings N   vulnerability findings of all scans together (1000000): 20 scans of each artifact with 500 each
Exit status: 0 all is in, 1 it failed and nothing is in, 2 usage, or the database is not usable.`;

/** A mistake of the user's: its message alone, and exit status 2. */
class UsageError extends Error {}

function readOptions() {
  try {
    const { values } = parseArgs({ options: { findings: { type: 'string' }, help: { type: 'boolean' } } });
    const findings = Number(values.findings ?? 1_000_000);
    if (!Number.isSafeInteger(findings) || findings < 1) throw new Error('--findings has to be a number');
    return { findings, help: values.help };
  } catch (error) {
    throw new UsageError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

async function main(): Promise<void> {
  const { findings, help } = readOptions();
  if (help) return void process.stdout.write(`${usage}\n`);
  const url = process.env.DATABASE_URL;
  if (!url) throw new UsageError(`DATABASE_URL is not set.\n\n${usage}`);
  await migrate(url).catch((error: unknown) => {
    throw new UsageError(`The database that DATABASE_URL names is not usable: ${messageOf(error)}`);
  });
  const client = new pg.Client({ connectionString: url, application_name: 'trivet-seed' });
  await client.connect();
  try {
    const { rows } = await client.query('SELECT 1 FROM artifact LIMIT 1');
    if (rows.length > 0) throw new UsageError('The database has artifacts already: name an empty one.');
    const startedMs = performance.now();
    const step = (text: string) =>
      process.stdout.write(
        `seed ${((performance.now() - startedMs) / 1000).toFixed(1).padStart(6)} s  ${text}\n`,
      );
    await fill(client as Db, { findings, step });
    step('done');
  } finally {
    await client.end();
  }
}

function messageOf(error: unknown): string {
  // Where a name has several addresses, the error is one for each.
  if (error instanceof AggregateError) return error.errors.map(messageOf).join('; ');
  return error instanceof Error ? error.message : String(error);
}

try {
  await main();
} catch (error) {
  process.stderr.write(`${error instanceof UsageError ? error.message : (error as Error).stack}\n`);
  process.exitCode = error instanceof UsageError ? 2 : 1;
}
