import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { settleChanges } from '../setup/database.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';
import { imageReport, startApp, type TestApp } from './trivet.ts';

let redis: TestRedis;
let trivet: TestApp;
beforeAll(async () => {
  redis = await startTestRedis();
  trivet = await startApp({ redisUrl: redis.url });
  await trivet.post(imageReport('web:1', [{ id: 'CVE-2026-1' }]));
});
afterAll(async () => {
  await trivet?.close();
  await redis?.stop();
});

beforeEach(() => settleChanges(trivet.databaseUrl));

/** How the cache fared, without what the time of the test decides. */
async function statusOf(url: string): Promise<string> {
  const { headers } = await trivet.get(url);
  return String(headers['cache-status']).replace(/ttl=\d+/, 'ttl');
}

describe('cached reads', () => {
  it.each([
    '/api/scan-results',
    '/api/scan-results?artifact=1',
    '/api/scan-results/1',
    '/api/scan-results/1/vulnerabilities',
    '/api/scan-results/1/misconfigurations',
    '/api/scan-results/1/secrets',
    '/api/scan-results/1/licenses',
    '/api/scan-results/1/suppressed',
    '/api/scan-results/1/diff',
    '/api/artifacts',
    '/api/artifacts/1',
    '/api/repositories',
    '/api/vulnerabilities',
    '/api/vulnerabilities/CVE-2026-1',
    '/api/findings',
    '/api/summary',
  ])('%s: stored by the first, found by the second, gone after a change', async (url) => {
    expect(await statusOf(url)).toBe('trivet; fwd=miss; stored');
    expect(await statusOf(url)).toBe('trivet; hit; ttl; detail=local');
    await trivet.database.query('UPDATE artifact SET last_seen_at = last_seen_at');
    await trivet.database.query('UPDATE scan SET labels = labels');
    await trivet.database.query("UPDATE current_finding SET status = 'affected'");
    await expect.poll(() => statusOf(url), { timeout: 5_000 }).toBe('trivet; fwd=miss; stored');
  });

  it('of equal questions are one', async () => {
    const base = '/api/scan-results?type=image';
    expect(await statusOf(`${base}&severity=HIGH&severity=low`)).toBe('trivet; fwd=miss; stored');
    for (const same of [
      '/api/scan-results?severity=LOW&severity=high&severity=LOW&type=image',
      `${base}&severity=low&severity=high&limit=50&sort=scannedAt&format=json`,
    ]) {
      expect(await statusOf(same)).toMatch(/^trivet; hit/);
    }
    expect(await statusOf(`${base}&severity=HIGH`)).toBe('trivet; fwd=miss; stored');
  });

  it('of one artifact stay when another is scanned', async () => {
    const lists = [
      '/api/scan-results?artifact=1',
      '/api/findings?artifact=1',
      '/api/vulnerabilities?artifact=1',
    ];
    for (const url of lists) await statusOf(url);
    await trivet.post(imageReport('other:1', [{ id: 'CVE-2026-7' }]));
    for (const url of lists) expect(await statusOf(url)).toMatch(/^trivet; hit/);
    expect(await statusOf('/api/scan-results?artifact=web:1')).toBe('trivet; fwd=miss; stored');
    await trivet.post(imageReport('web:1', [], 2));
    for (const url of lists) expect(await statusOf(url)).toMatch(/^trivet; fwd=miss/);
  });

  it('live as long as they are to', async () => {
    for (const [url, ttl] of [
      ['/api/artifacts?sort=name', 300],
      ['/api/findings?sort=package', 600],
    ] as const) {
      await trivet.get(url);
      const status = String((await trivet.get(url)).headers['cache-status']);
      const left = Number(/ttl=(\d+)/.exec(status)?.[1]);
      expect(left).toBeGreaterThan(ttl - 20);
      expect(left).toBeLessThanOrEqual(ttl);
    }
  });

  it('honour If-None-Match', async () => {
    const first = await trivet.get('/api/repositories');
    const headers = { 'if-none-match': String(first.headers.etag) };
    const second = await trivet.get('/api/repositories', { headers });
    expect([second.statusCode, second.body]).toEqual([304, '']);
  });

  it('that find nothing are not stored', async () => {
    for (const _ of [1, 2]) expect(await statusOf('/api/scan-results/999')).toBe('trivet; fwd=miss');
  });
});

describe('/api/cache', () => {
  it('stats work', async () => {
    const response = await trivet.get('/api/cache/stats');
    expect(response.headers['cache-control']).toBe('no-store');
    const stats = response.json();
    expect(stats).toMatchObject({ state: 'active', reason: null, connected: true });
    expect(stats.hits).toBeGreaterThan(0);
    expect(stats.reads.findings.ttl).toBe(600);
  });

  it('events work', async () => {
    const { items } = (await trivet.get('/api/cache/events')).json();
    expect(items.map((item: { kind: string }) => item.kind)).toContain('invalidation');
  });

  it('health works', async () => {
    expect((await trivet.get('/api/cache/health')).json()).toMatchObject({
      status: 'ok',
      redis: 'connected',
    });
  });

  it('the metrics tell the epoch, and how old the lease is', async () => {
    const { body } = await trivet.get('/metrics');
    expect(body).toMatch(/^trivet_cache_epoch [1-9]\d*$/m);
    expect(body).toMatch(/^trivet_cache_lease_age_seconds [\d.e-]+$/m);
  });

  it('clear works', async () => {
    await statusOf('/api/artifacts');
    expect(await statusOf('/api/artifacts')).toMatch(/^trivet; hit/);
    const response = await trivet.get('/api/cache/clear', { method: 'POST' });
    expect([response.statusCode, response.body]).toEqual([204, '']);
    expect(await statusOf('/api/artifacts')).toBe('trivet; fwd=miss; stored');
    expect(trivet.logs).toContainEqual(expect.objectContaining({ msg: 'cache cleared', by: 'api' }));
  });
});
