import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { runner } from 'node-pg-migrate';
import pg from 'pg';
import { LOCKS } from './locks.ts';

const FOLDER = fileURLToPath(new URL('../../migrations', import.meta.url));

/** How many migrations this program knows: instances of different schema versions never share the cache. */
export const SCHEMA_VERSION = readdirSync(FOLDER).filter((name) => name.endsWith('.sql')).length;

/**
 * Brings the database to this program's schema; safe when several instances start at once.
 * @param databaseUrl of the database; its user must own it or be allowed to create in it.
 * @param log told each step.
 * @throws when the database is newer than the program, or a migration fails (nothing of it is kept).
 */
export async function migrate(databaseUrl: string, log: (message: string) => void = () => {}): Promise<void> {
  const client = new pg.Client({
    connectionString: databaseUrl,
    application_name: 'trivet-migrate',
    connectionTimeoutMillis: 5_000,
  });
  await client.connect();
  try {
    await client.query('SELECT pg_advisory_lock($1)', [LOCKS.migrations]);
    await runner({
      dbClient: client,
      dir: FOLDER,
      migrationsTable: 'migration',
      direction: 'up',
      count: Number.POSITIVE_INFINITY,
      noLock: true,
      checkOrder: true,
      logger: { debug: () => {}, info: log, warn: log, error: log },
    });
    const { rows } = await client.query<{ count: string }>('SELECT count(*)::int AS count FROM migration');
    if (Number(rows[0]?.count) > SCHEMA_VERSION) {
      throw new Error(
        'The database was migrated by a newer version of Trivet; start that version, or restore a backup.',
      );
    }
  } finally {
    await client.end();
  }
}
