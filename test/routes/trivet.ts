import type { InjectOptions, LightMyRequestResponse } from 'fastify';
import { pino } from 'pino';
import { buildApp } from '../../src/app.ts';
import { createCache } from '../../src/cache/index.ts';
import { openLedger, pendingTags } from '../../src/db/ledger.ts';
import { APPLICATION_NAME, type Database, type Db, openDatabase } from '../../src/db/pool.ts';
import { createMetrics, watch } from '../../src/metrics.ts';
import { createReads } from '../../src/reads.ts';
import type { App } from '../../src/routes/app_types.ts';
import { createUploadPool } from '../../src/upload/pool.ts';
import { createWrites } from '../../src/writes.ts';
import { createDatabase } from '../setup/database.ts';

const MIB = 1_048_576;

/** The server on a database of its own, without a port. */
export interface TestApp {
  app: App;
  database: Database;
  databaseUrl: string;
  /** A GET, or whatever `options` say. */
  get(url: string, options?: InjectOptions): Promise<LightMyRequestResponse>;
  /** Sends a report. */
  post(report: unknown, query?: string): Promise<LightMyRequestResponse>;
  /** Lines of the log. */
  logs: Record<string, unknown>[];
  /** As after SIGTERM. */
  beginClosing(): void;
  close(): Promise<void>;
}

export interface TestAppOptions {
  /** Default: without a cache. */
  redisUrl?: string;
  dashboardFolder?: string;
  maxBodyBytes?: number;
}

export async function startApp(options: TestAppOptions = {}): Promise<TestApp> {
  const { url, drop } = await createDatabase();
  const logs: Record<string, unknown>[] = [];
  const log = pino({ level: 'info' }, { write: (line: string) => logs.push(JSON.parse(line)) });
  const database = openDatabase({ url, poolMax: 5, statementTimeoutMs: 10_000 });
  const { rows } = await database.query<{ id: string }>('SELECT id FROM installation');
  const connection = openLedger(url, 'test', database.pulse);
  const cache = createCache<Db>({
    redisUrl: options.redisUrl ?? null,
    namespace: 'test',
    installation: rows[0]?.id ?? '',
    ownSource: APPLICATION_NAME,
    version: 'test',
    // Long, for tests share two cores.
    deadlineMs: 2_000,
    localBytes: 8 * MIB,
    hitRateFloor: 0,
    ledger: connection.ledger,
    board: connection.board,
    log,
    snapshot: database.snapshot,
    pendingTags,
  });
  await cache.ready(10_000);
  const metrics = createMetrics('test');
  const reads = createReads({
    cache,
    ...metrics,
    scanResultsTtlSeconds: 300,
    vulnerabilitiesTtlSeconds: 600,
  });
  const writes = createWrites({
    database,
    staleDays: 30,
    settled: (txid, operation) => cache.settled(txid, operation),
  });
  watch(metrics.registry, { cache, database, reads });
  const uploads = createUploadPool({
    threads: 1,
    maxBodyBytes: options.maxBodyBytes ?? 8 * MIB,
    maxInflatedBytes: 8 * MIB,
    memoryBytes: 64 * MIB,
  });
  let isClosing = false;
  const app = await buildApp({
    version: 'test',
    log,
    database,
    cache,
    reads,
    writes,
    uploads,
    metrics,
    isClosing: () => isClosing,
    dashboardFolder: options.dashboardFolder ?? '/nonexistent',
  });
  return {
    app,
    database,
    databaseUrl: url,
    logs,
    get: (path, more = {}) => app.inject({ method: 'GET', url: path, ...more }),
    post: (report, query = '') =>
      app.inject({ method: 'POST', url: `/api/scan-results${query}`, payload: JSON.stringify(report) }),
    beginClosing() {
      isClosing = true;
    },
    async close() {
      await app.close();
      await uploads.close();
      await cache.close();
      await connection.close();
      await database.close();
      await drop();
    },
  };
}

/** What a report says of one vulnerability. */
export interface Reported {
  id: string;
  severity?: string;
  package?: string;
  installed?: string;
  fixed?: string;
  status?: string;
  title?: string;
}

/** A report of `trivy image`. @param day of January 2026 on which it was made */
export function imageReport(name: string, vulnerabilities: Reported[], day = 1): object {
  return {
    SchemaVersion: 2,
    CreatedAt: new Date(Date.UTC(2026, 0, day)).toISOString(),
    ArtifactName: name,
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.1' } },
    Results: [
      {
        Target: `${name} (debian 12.1)`,
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: vulnerabilities.map((reported) => ({
          VulnerabilityID: reported.id,
          PkgName: reported.package ?? 'openssl',
          InstalledVersion: reported.installed ?? '1.0',
          ...(reported.fixed ? { FixedVersion: reported.fixed } : {}),
          Status: reported.status ?? (reported.fixed ? 'fixed' : 'affected'),
          Severity: reported.severity ?? 'HIGH',
          Title: reported.title ?? `${reported.id} in ${reported.package ?? 'openssl'}`,
        })),
      },
    ],
  };
}
