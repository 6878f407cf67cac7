/** The process: settings, then what the program works with, then the server; closed in reverse. */
import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { parseEnv } from 'node:util';
import closeWithGrace from 'close-with-grace';
import { pino } from 'pino';
import { buildApp } from './app.ts';
import { createCache } from './cache/index.ts';
import type { Cache } from './cache/types.ts';
import { type Config, ConfigError, type Environment, readConfig } from './config.ts';
import { openLedger, pendingTags } from './db/ledger.ts';
import { LOCKS } from './db/locks.ts';
import { migrate } from './db/migrate.ts';
import { APPLICATION_NAME, type Database, type Db, isConnectionError, openDatabase } from './db/pool.ts';
import { createMetrics, type Metrics, watch } from './metrics.ts';
import { createReads } from './reads.ts';
import { createUploadPool } from './upload/pool.ts';
import { createWrites, type Writes } from './writes.ts';

const USAGE = `Usage: node dist/main.js [migrate | cache reset]
  migrate      brings the database to this version, and ends
  cache reset  after the database was restored from a backup: no answer cached before is found again
`;
const DATABASE_WAIT_MS = 60_000;
const CLOSE_WITHIN_MS = 10_000;
/** What is left for closing everything else once requests had their time. */
const CLOSE_RESERVE_MS = 1_000;
const HOUR_MS = 3_600_000;
/** With Redis there, the first requests are cached; without it, nobody waits longer than this. */
const FIRST_LEASE_MS = 250;
const MIB = 1_048_576;

/** What is to be closed, the last first. */
type Closers = (() => Promise<unknown>)[];

const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as {
  version: string;
};

const command = process.argv.slice(2).join(' ');
if (!['', 'migrate', 'cache reset'].includes(command)) {
  process.stderr.write(USAGE);
  process.exit(2);
}
const config = configOrExit();
const log = pino({ level: config.logLevel, base: undefined, timestamp: pino.stdTimeFunctions.isoTime });
for (const warning of config.warnings) log.warn(warning);
const closers: Closers = [];
let isClosing = false;
closeWithGrace({ delay: CLOSE_WITHIN_MS, logger: { error: logFatal } }, async ({ signal, err }) => {
  isClosing = true;
  if (err) logFatal(err);
  else log.info({ signal }, 'closing');
  for (const close of closers.reverse()) await close();
  log.info('closed');
});

try {
  await run();
} catch (error) {
  if (!isClosing) {
    logFatal(error);
    process.exit(1);
  }
}

async function run(): Promise<void> {
  await migrateOnceReachable(config.databaseUrl);
  const database = openDatabase({
    url: config.databaseUrl,
    poolMax: config.databasePoolMax,
    statementTimeoutMs: config.databaseStatementTimeoutMs,
  });
  closers.push(() => database.close());
  if (command === 'cache reset') await resetCache(database);
  if (command === '') return serve(database);
  await database.close();
  process.exit(0);
}

async function serve(database: Database): Promise<void> {
  const metrics = createMetrics(version);
  const cache = await openCache(database);
  const { scanResultsTtlSeconds, vulnerabilitiesTtlSeconds } = config;
  const reads = createReads({ cache, ...metrics, scanResultsTtlSeconds, vulnerabilitiesTtlSeconds });
  const writes = createWrites({ database, staleDays: config.staleDays, settled: timed(cache, metrics) });
  watch(metrics.registry, { cache, database, reads });
  const uploads = createUploadPool({
    threads: Math.max(1, Math.min(4, availableParallelism() - 1)),
    maxBodyBytes: config.maxBodyMb * MIB,
    maxInflatedBytes: config.maxInflatedMb * MIB,
    memoryBytes: config.uploadMemoryMb * MIB,
  });
  closers.push(() => uploads.close());
  runHourly(() => daily(database, writes));

  const app = await buildApp({
    version,
    // What Fastify says of itself is not wanted, but where it warns.
    log: log.child({}, { level: log.isLevelEnabled('warn') ? 'warn' : log.level }),
    database,
    cache,
    reads,
    writes,
    uploads,
    metrics,
    isClosing: () => isClosing,
    dashboardFolder: fileURLToPath(new URL('./web', import.meta.url)),
  });
  closers.push(async () => {
    await sleep(config.shutdownDelayMs);
    const cutOffMs = CLOSE_WITHIN_MS - CLOSE_RESERVE_MS - config.shutdownDelayMs;
    const timer = setTimeout(() => app.server.closeAllConnections(), cutOffMs);
    await app.close();
    clearTimeout(timer);
  });
  const url = await app.listen({ port: config.port, host: config.host });
  log.info({ url, version }, 'listening');
}

function configOrExit(): Config {
  try {
    return readConfig(process.env, dotenv());
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.stderr.write(`${error.message}\n`);
    process.exit(1);
  }
}

/** What the file `.env` of the working directory holds, if there is one. */
function dotenv(): Environment {
  try {
    return parseEnv(readFileSync('.env', 'utf8'));
  } catch {
    return {};
  }
}

/** PostgreSQL may still be starting, as after a restart of the whole machine. */
async function migrateOnceReachable(databaseUrl: string): Promise<void> {
  const startedMs = performance.now();
  for (;;) {
    try {
      return await migrate(databaseUrl, (message) => log.debug(message));
    } catch (error) {
      const waitedMs = Math.round(performance.now() - startedMs);
      if (isClosing || !isConnectionError(error) || waitedMs > DATABASE_WAIT_MS) throw error;
      log.warn({ reason: (error as Error).message, waitedMs }, 'waiting for PostgreSQL');
      await sleep(1_000);
    }
  }
}

async function openCache(database: Database): Promise<Cache<Db>> {
  const { rows } = await database.query<{ id: string }>('SELECT id FROM installation');
  const connection = openLedger(config.databaseUrl, version, database.pulse);
  closers.push(() => connection.close());
  const cache = createCache<Db>({
    redisUrl: config.redisUrl,
    namespace: config.cacheNamespace,
    installation: rows[0]?.id ?? '',
    ownSource: APPLICATION_NAME,
    version,
    deadlineMs: config.cacheDeadlineMs,
    localBytes: config.cacheLocalMb * MIB,
    hitRateFloor: config.cacheWarnHitRate,
    ledger: connection.ledger,
    board: connection.board,
    log,
    snapshot: database.snapshot,
    pendingTags,
  });
  closers.push(() => cache.close());
  await cache.ready(FIRST_LEASE_MS);
  return cache;
}

/** Under another id nothing that is in Redis is found. */
async function resetCache(database: Database): Promise<void> {
  await database.query("UPDATE installation SET id = replace(gen_random_uuid()::text, '-', '')");
  log.info('cache reset: start every instance again');
}

function timed(cache: Cache<Db>, metrics: Metrics): Cache<Db>['settled'] {
  return async (txid, operation) => {
    const startedMs = performance.now();
    await cache.settled(txid, operation);
    metrics.onConfirm(performance.now() - startedMs);
  };
}

/** Now and every hour, until the process closes. */
function runHourly(job: () => Promise<void>): void {
  const attempt = () => {
    job().catch((error: unknown) => log.warn({ err: error }, 'job failed'));
  };
  attempt();
  const timer = setInterval(attempt, HOUR_MS);
  closers.push(async () => clearInterval(timer));
}

/** What has to be done once a day, by one instance. */
async function daily(database: Database, writes: Writes): Promise<void> {
  await database.transaction(async (db) => {
    // The lock is held for as long as the work takes, by a transaction that does nothing else.
    await db.query('SET LOCAL idle_in_transaction_session_timeout = 0');
    const lock = 'SELECT pg_try_advisory_xact_lock($1) AS "isOurs"';
    const { rows } = await db.query<{ isOurs: boolean }>(lock, [LOCKS.jobs]);
    if (!rows[0]?.isOurs) return;
    const artifacts = await writes.markStale();
    if (artifacts > 0) log.info({ artifacts }, 'artifacts became stale');
  });
}

function logFatal(error: unknown): void {
  log.fatal(error instanceof Error ? { err: error } : {}, String(error));
}
