import { once } from 'node:events';
import { connect } from 'node:net';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, settleChanges, type TestDatabase } from './setup/database.ts';
import { startTrivet, type TestTrivet } from './setup/process.ts';
import { startTestRedis, type TestRedis } from './setup/redis.ts';

/**
 * The 26 acceptance criteria of the caching layer, one test each, against the built program, with a real database
 * and a real Redis that is looked into with its own commands.
 */
/** Tests share the machine: a deadline missed because it is busy is not what they are about. */
const PATIENT = { CACHE_DEADLINE_MS: '1000' };
let database: TestDatabase;
let redis: TestRedis;
let look: Redis;
let one: TestTrivet;
let two: TestTrivet;

beforeAll(async () => {
  database = await createDatabase();
  redis = await startTestRedis();
  look = new Redis(redis.url, { retryStrategy: () => 100 });
  look.on('error', () => {});
  one = await startTrivet({ databaseUrl: database.url, redisUrl: redis.url, env: PATIENT });
  two = await startTrivet({ databaseUrl: database.url, redisUrl: redis.url, env: PATIENT });
  await one.waitForLog((line) => line.msg === 'redis connected');
  await active(one);
  await active(two);
});
afterAll(async () => {
  look?.disconnect();
  await Promise.all([one?.stop(), two?.stop()]);
  await redis?.stop();
  await database?.drop();
});

beforeEach(() => settleChanges(database.url));

let serial = 0;

/** A report as Trivy prints it. */
function report(name: string, ids: string[]): string {
  serial += 1;
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: new Date(Date.now() - 3_600_000 + serial * 1000).toISOString(),
    ArtifactName: name,
    ArtifactType: 'container_image',
    Results: [
      {
        Target: `${name} (debian 12.1)`,
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: ids.map((id) => ({
          VulnerabilityID: id,
          PkgName: 'openssl',
          InstalledVersion: '3.0.9-1',
          FixedVersion: '3.0.11-1',
          Severity: 'HIGH',
          Title: `${id} in openssl`,
        })),
      },
    ],
  });
}

async function post(to: TestTrivet, body: string): Promise<{ id: number; artifact: { id: number } }> {
  const response = await fetch(`${to.url}/api/scan-results`, { method: 'POST', body });
  expect(response.status).toBe(201);
  return (await response.json()) as { id: number; artifact: { id: number } };
}

interface Got {
  status: number;
  cacheStatus: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
  body: any;
}

async function get(from: TestTrivet, path: string): Promise<Got> {
  const response = await fetch(`${from.url}${path}`);
  const text = await response.text();
  return {
    status: response.status,
    cacheStatus: response.headers.get('cache-status') ?? '',
    body: text === '' ? null : JSON.parse(text),
  };
}

async function until(what: () => Promise<boolean>, timeoutMs = 8_000): Promise<void> {
  const endMs = performance.now() + timeoutMs;
  while (!(await what())) {
    if (performance.now() > endMs) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await sleep(50);
  }
}

/** Redis's own account of the commands that it is sent: `+1700000000.1 [0 127.0.0.1:5] "mget" "key"`, a line each. */
async function watchCommands(): Promise<{ asked: string[]; stop(): void }> {
  const socket = connect(Number(new URL(redis.url).port), '127.0.0.1');
  socket.on('error', () => {});
  const asked: string[] = [];
  const lines = createInterface({ input: socket });
  lines.on('line', (line) => asked.push(line.slice(line.indexOf('] ') + 2).replaceAll('"', '')));
  socket.write('MONITOR\r\n');
  await once(lines, 'line');
  return { asked, stop: () => socket.destroy() };
}

const active = (instance: TestTrivet) =>
  until(async () => (await get(instance, '/api/cache/health')).body.status === 'ok');
const entries = (read: string) => look.keys(`trivet:*:entry:${read}:*`);
const logged = (instance: TestTrivet, msg: string) => instance.logs.filter((line) => line.msg === msg);

describe('Requirement 1: Redis connection', () => {
  it('1.1 the backend connects to Redis when it starts', async () => {
    const clients = String(await look.client('LIST'));
    expect(clients.match(/name=trivet/g)?.length).toBeGreaterThanOrEqual(2);
  });

  it('1.2 with Redis unavailable it falls back to direct database queries', async () => {
    const { id } = await post(one, report('registry.example.com/r12:1', ['CVE-2024-1201']));
    await redis.kill();
    const answer = await get(one, `/api/scan-results/${id}`);
    expect(answer.status).toBe(200);
    expect(answer.body.id).toBe(id);
    expect(answer.cacheStatus).toMatch(/^trivet; fwd=bypass; detail=/);
    await redis.restart();
    await active(one);
    await active(two);
  });

  it('1.3 it logs the connection when it is established', () => {
    const [line] = logged(one, 'redis connected');
    expect(Date.parse(String(line?.time))).not.toBeNaN();
  });

  it('1.4 it logs a failed connection with the error, and goes on', async () => {
    await redis.kill();
    const line = await one.waitForLog((entry) => entry.msg === 'redis unreachable');
    expect(String(line.error)).not.toBe('');
    expect((await get(one, '/api/scan-results')).status).toBe(200);
    await post(one, report('registry.example.com/r14:1', ['CVE-2024-1401']));
    await redis.restart();
    await active(one);
    await active(two);
  });
});

describe('Requirement 2: scan results', () => {
  it('2.1 GET /api/scan-results asks Redis for cached results', async () => {
    const { asked, stop } = await watchCommands();
    await get(one, '/api/scan-results?limit=21');
    await until(async () => asked.some((command) => /^get trivet:.*:entry:scan-results:/i.test(command)));
    await get(one, '/api/scan-results?limit=21');
    await until(async () => asked.filter((command) => /^mget .*:fence:scans/i.test(command)).length >= 2);
    stop();
  });

  it('2.2 cached results in Redis are what is answered', async () => {
    await get(one, '/api/scan-results?limit=22');
    const answer = await get(two, '/api/scan-results?limit=22');
    expect(answer.cacheStatus).toMatch(/^trivet; hit; ttl=\d+$/);
    expect(answer.body).toEqual((await get(one, '/api/scan-results?limit=22')).body);
  });

  it('2.3 without cached results the database is asked, and the answer is cached', async () => {
    await look.flushall();
    const first = await get(one, '/api/scan-results');
    expect(first.cacheStatus).toBe('trivet; fwd=miss; stored');
    expect(await entries('scan-results')).toHaveLength(1);
    expect((await get(one, '/api/scan-results')).cacheStatus).toMatch(/^trivet; hit; /);
  });

  it('2.4 cached scan results live for 5 minutes, set in Redis', async () => {
    await look.flushall();
    await get(one, '/api/scan-results');
    const [key] = await entries('scan-results');
    const ttl = await look.pttl(key ?? '');
    expect(ttl).toBeGreaterThan(295_000);
    expect(ttl).toBeLessThanOrEqual(300_000);
  });

  it('2.5 when the time to live ends, Redis removes the cached results', async () => {
    const short = await startTrivet({
      databaseUrl: database.url,
      redisUrl: redis.url,
      env: { ...PATIENT, SCAN_RESULTS_TTL: '1' },
    });
    await active(short);
    await look.flushall();
    expect((await get(short, '/api/scan-results')).cacheStatus).toBe('trivet; fwd=miss; stored');
    expect(await entries('scan-results')).toHaveLength(1);
    await until(async () => (await entries('scan-results')).length === 0, 3_000);
    expect((await get(short, '/api/scan-results')).cacheStatus).toBe('trivet; fwd=miss; stored');
    await short.stop();
  });
});

describe('Requirement 3: new scans', () => {
  it('3.1 POST /api/scan-results invalidates the cached scan results', async () => {
    await get(one, '/api/scan-results');
    const { id } = await post(one, report('registry.example.com/r31:1', ['CVE-2024-3101']));
    const answer = await get(one, '/api/scan-results');
    expect(answer.body.items.map((item: { id: number }) => item.id)).toContain(id);
  });

  it('3.2 invalidation removes the old cached data', async () => {
    await get(one, '/api/scan-results');
    expect(await entries('scan-results')).not.toHaveLength(0);
    await post(one, report('registry.example.com/r32:1', ['CVE-2024-3201']));
    expect(await entries('scan-results')).toHaveLength(0);
  });

  it('3.3 the next request after an invalidation asks the database', async () => {
    await get(one, '/api/scan-results');
    expect((await get(one, '/api/scan-results')).cacheStatus).toMatch(/hit/);
    await post(one, report('registry.example.com/r33:1', ['CVE-2024-3301']));
    expect((await get(one, '/api/scan-results')).cacheStatus).toBe('trivet; fwd=miss; stored');
  });

  it('3.4 the invalidation is logged when a scan is added', async () => {
    const before = new Set([...one.logs, ...two.logs]);
    await post(one, report('registry.example.com/r34:1', ['CVE-2024-3401']));
    // A log travels by a pipe of its own: it may arrive after the answer.
    const written = () =>
      [...logged(one, 'cache invalidated'), ...logged(two, 'cache invalidated')].filter(
        (line) => !before.has(line),
      );
    await until(async () => written().length > 0);
    const lines = written();
    expect(lines.flatMap((line) => line.tags)).toContain('scans');
    expect(lines[0]).toMatchObject({ cause: 'write' });
  });
});

describe('Requirement 4: vulnerability lists', () => {
  const list = '/api/vulnerabilities?severity=HIGH';

  it('4.1 a request for vulnerabilities asks Redis for the cached list', async () => {
    const { asked, stop } = await watchCommands();
    await get(one, '/api/vulnerabilities?limit=41');
    await until(async () => asked.some((command) => /^get trivet:.*:entry:vulnerabilities:/i.test(command)));
    stop();
  });

  it('4.2 a cached list is what is answered', async () => {
    await get(one, list);
    const answer = await get(two, list);
    expect(answer.cacheStatus).toMatch(/^trivet; hit; ttl=\d+$/);
    expect(answer.body).toEqual((await get(one, list)).body);
  });

  it('4.3 without a cached list it is computed and cached', async () => {
    await look.flushall();
    const answer = await get(one, list);
    expect(answer.cacheStatus).toBe('trivet; fwd=miss; stored');
    expect(answer.body.total).toBeGreaterThan(0);
    expect(await entries('vulnerabilities')).toHaveLength(1);
  });

  it('4.4 cached vulnerability lists live for 10 minutes, set in Redis', async () => {
    await look.flushall();
    await get(one, list);
    const [key] = await entries('vulnerabilities');
    const ttl = await look.pttl(key ?? '');
    expect(ttl).toBeGreaterThan(595_000);
    expect(ttl).toBeLessThanOrEqual(600_000);
  });

  it('4.5 modified scan results invalidate the cached lists', async () => {
    await get(one, list);
    await post(one, report('registry.example.com/r45:1', ['CVE-2024-4501']));
    const answer = await get(one, `${list}&q=CVE-2024-4501`);
    expect(answer.body.total).toBe(1);
    expect((await get(one, list)).cacheStatus).toBe('trivet; fwd=miss; stored');
  });
});

describe('Requirement 5: performance of the cache', () => {
  it('5.1 hits and misses are counted', async () => {
    await sleep(500);
    const before = (await get(one, '/api/cache/stats')).body;
    await look.flushall();
    await get(one, '/api/summary');
    await get(one, '/api/summary');
    await get(one, '/api/summary');
    const after = (await get(one, '/api/cache/stats')).body;
    expect(after.misses - before.misses).toBe(1);
    expect(after.hits - before.hits).toBe(2);
  });

  it('5.2 statistics give the ratio of hits and misses', async () => {
    const { hits, misses, hitRate, reads } = (await get(one, '/api/cache/stats')).body;
    expect(hitRate).toBeCloseTo(hits / (hits + misses), 10);
    expect(reads['scan-results'].hitRate).toBeGreaterThan(0);
  });

  it('5.3 the performance is logged with time and operation', async () => {
    await get(one, '/api/scan-results');
    const line = await one.waitForLog((entry) => entry.msg === 'cache performance', 65_000);
    expect(Date.parse(String(line.time))).not.toBeNaN();
    expect(line).toHaveProperty('operation');
    expect(line).toHaveProperty('hitRate');
  }, 70_000);

  it('5.4 a warning is logged when the cache degrades, and its end', async () => {
    await redis.kill();
    const begun = await one.waitForLog(
      (entry) => entry.msg === 'cache degraded' && entry.reason === 'bypass',
      15_000,
    );
    expect(begun.level).toBe(40);
    await redis.restart();
    await one.waitForLog((entry) => entry.msg === 'cache recovered' && entry.reason === 'bypass', 15_000);
    await active(two);
  }, 40_000);
});

describe('Requirement 6: consistency', () => {
  it('6.1 deleting a scan invalidates all related caches', async () => {
    const { id } = await post(one, report('registry.example.com/r61:1', ['CVE-2024-6101']));
    const paths = [
      '/api/scan-results',
      `/api/scan-results/${id}`,
      `/api/scan-results/${id}/vulnerabilities`,
      '/api/vulnerabilities?q=CVE-2024-6101',
      '/api/findings?vulnerability=CVE-2024-6101',
      '/api/summary',
    ];
    for (const path of paths) await get(two, path);
    const response = await fetch(`${one.url}/api/scan-results/${id}`, { method: 'DELETE' });
    expect(response.status).toBe(204);
    for (const instance of [one, two]) {
      expect((await get(instance, `/api/scan-results/${id}`)).status).toBe(404);
      expect((await get(instance, `/api/scan-results/${id}/vulnerabilities`)).status).toBe(404);
      expect((await get(instance, '/api/vulnerabilities?q=CVE-2024-6101')).body.total).toBe(0);
      expect((await get(instance, '/api/findings?vulnerability=CVE-2024-6101')).body.total).toBe(0);
      const ids = (await get(instance, '/api/scan-results')).body.items.map(
        (item: { id: number }) => item.id,
      );
      expect(ids).not.toContain(id);
    }
  });

  it('6.2 an update of the database invalidates the affected entries', async () => {
    const { id } = await post(one, report('registry.example.com/r62:1', ['CVE-2024-6201']));
    await get(one, `/api/scan-results/${id}`);
    const client = new pg.Client({ connectionString: database.url, application_name: 'psql' });
    await client.connect();
    await client.query('UPDATE scan SET labels = $2 WHERE id = $1', [id, { by: 'hand' }]);
    await client.end();
    const changed = async () => (await get(one, `/api/scan-results/${id}`)).body.labels.by === 'hand';
    await until(changed);
  });

  it('6.3 after an invalidation the next request fetches fresh data', async () => {
    const { id } = await post(one, report('registry.example.com/r63:1', ['CVE-2024-6301']));
    await get(two, `/api/scan-results/${id}`);
    for (let value = 0; value < 20; value += 1) {
      const response = await fetch(`${one.url}/api/scan-results/${id}`, {
        method: 'PATCH',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({ labels: { value: String(value) } }),
      });
      expect(response.status).toBe(200);
      expect((await get(two, `/api/scan-results/${id}`)).body.labels.value).toBe(String(value));
      expect((await get(one, `/api/scan-results/${id}`)).body.labels.value).toBe(String(value));
    }
  });

  it('6.4 several instances coordinate invalidation through Redis', async () => {
    await get(two, '/api/scan-results');
    expect((await get(two, '/api/scan-results')).cacheStatus).toMatch(/detail=local/);
    const { asked, stop } = await watchCommands();
    const { id } = await post(one, report('registry.example.com/r64:1', ['CVE-2024-6401']));
    const answer = await get(two, '/api/scan-results');
    expect(answer.body.items.map((item: { id: number }) => item.id)).toContain(id);
    await until(async () => asked.some((command) => /^unlink .*:fence:scans/i.test(command)));
    stop();
  });
});
