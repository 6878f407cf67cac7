import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import pg from 'pg';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';
import { type InstanceOptions, repositoryIn, startInstance, type TestInstance } from './instances.ts';

let database: TestDatabase;
let redis: TestRedis;
let running: TestInstance[] = [];

async function start(options: Partial<InstanceOptions> = {}): Promise<TestInstance> {
  const instance = await startInstance({ databaseUrl: database.url, redisUrl: redis.url, ...options });
  running.push(instance);
  return instance;
}

async function until(what: () => Promise<boolean> | boolean, timeoutMs = 20_000): Promise<void> {
  const startedMs = performance.now();
  while (!(await what())) {
    if (performance.now() - startedMs > timeoutMs) throw new Error(`not within ${timeoutMs} ms`);
    await sleep(10);
  }
}

beforeEach(async () => {
  database = await createDatabase();
  redis = await startTestRedis();
});
afterEach(async () => {
  redis.thaw();
  await Promise.all(running.map((instance) => instance.close()));
  running = [];
  await redis.stop();
  await database.drop();
});

describe('a read', () => {
  it('is loaded once, then answered from this process, and from Redis by another', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', '1');
    expect((await one.read({ name: 'a' })).outcome).toBe('miss');
    expect((await one.read({ name: 'a' })).outcome).toBe('local');
    const answer = await two.read({ name: 'a' });
    expect(answer.outcome).toBe('hit');
    expect(repositoryIn(answer)).toBe('1');
    expect(one.loads() + two.loads()).toBe(1);
  });

  it('has its lifetime set in Redis, where it ends', async () => {
    const one = await start({ ttlSeconds: 2, localBytes: 0 });
    await one.write('a', '1');
    await one.read({ name: 'a' });
    const client = new Redis(redis.url);
    const [key] = await client.keys('trivet:*:entry:*');
    const ttl = await client.pttl(key ?? '');
    expect(ttl).toBeGreaterThan(1_000);
    expect(ttl).toBeLessThanOrEqual(2_000);
    await sleep(2_100);
    expect(await client.keys('trivet:*:entry:*')).toEqual([]);
    client.disconnect();
    expect((await one.read({ name: 'a' })).outcome).toBe('miss');
  });

  it('of a thousand at once on four instances asks the database once', async () => {
    // A patient deadline, for this machine may be busy: whoever misses it loads by itself.
    const instances = await Promise.all([1, 2, 3, 4].map(() => start({ deadlineMs: 1_000 })));
    await instances[0]?.write('a', '1');
    const asked = instances.flatMap((instance) =>
      Array.from({ length: 250 }, () => instance.read({ name: 'a' })),
    );
    const answers = await Promise.all(asked);
    expect(new Set(answers.map(repositoryIn))).toEqual(new Set(['1']));
    expect(instances.reduce((sum, instance) => sum + instance.loads(), 0)).toBe(1);
    expect(answers.filter((answer) => answer.outcome === 'miss')).toHaveLength(1);
  });

  it('that finds nothing is not stored', async () => {
    const one = await start();
    expect((await one.read({ name: 'none' })).entry).toBeNull();
    await one.write('none', 'now');
    expect(repositoryIn(await one.read({ name: 'none' }))).toBe('now');
  });
});

describe('a read that starts after a write was answered', () => {
  it('shows it on every instance', async () => {
    const [one, two] = [await start(), await start()];
    for (let value = 0; value < 50; value += 1) {
      const writer = value % 2 ? one : two;
      await writer.write('a', String(value));
      expect(repositoryIn(await one.read({ name: 'a' }))).toBe(String(value));
      expect(repositoryIn(await two.read({ name: 'a' }))).toBe(String(value));
    }
  });

  it('shows it though an older load is stored after the invalidation', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', 'old');
    let release = () => {};
    one.pauseLoad.wait = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const late = one.read({ name: 'a' });
    await until(() => one.loads() === 1);
    await sleep(20);
    await two.write('a', 'new');
    one.pauseLoad.wait = null;
    release();
    expect(repositoryIn(await late)).toBe('old');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('new');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('new');
  });

  it('does not join a load that began before it', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', 'old');
    let release = () => {};
    one.pauseLoad.wait = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const first = one.read({ name: 'a' });
    await until(() => one.loads() === 1);
    await sleep(20);
    await two.write('a', 'new');
    one.pauseLoad.wait = null;
    const second = one.read({ name: 'a' });
    await sleep(50);
    release();
    expect(repositoryIn(await first)).toBe('old');
    expect(repositoryIn(await second)).toBe('new');
  });

  it('shows it in bypass too, where loads are shared', async () => {
    const one = await start({ redisUrl: null });
    await one.write('a', 'old');
    let release = () => {};
    one.pauseLoad.wait = () =>
      new Promise((resolve) => {
        release = resolve;
      });
    const first = one.read({ name: 'a' });
    await until(() => one.loads() === 1);
    await sleep(20);
    await one.write('a', 'new');
    one.pauseLoad.wait = null;
    const others = Array.from({ length: 20 }, () => one.read({ name: 'a' }));
    release();
    expect(repositoryIn(await first)).toBe('old');
    expect(new Set((await Promise.all(others)).map(repositoryIn))).toEqual(new Set(['new']));
    expect(one.loads()).toBe(2);
  });

  it('shows rows changed by other programs', async () => {
    const one = await start();
    await one.write('a', 'old');
    await one.read({ name: 'a' });
    const client = new pg.Client({ connectionString: database.url, application_name: 'psql' });
    await client.connect();
    await client.query("UPDATE artifact SET repository = 'behind' WHERE name = 'a'");
    await client.end();
    await until(async () => repositoryIn(await one.read({ name: 'a' })) === 'behind');
    await until(() =>
      one.logs.some((line) => line.message === 'cache invalidated' && line.cause === 'external'),
    );
  });
});

describe('with Redis', () => {
  it('dead from the start, reads and writes work, and the cache is used once it is there', async () => {
    await redis.kill();
    const one = await start();
    await one.write('a', '1');
    const answer = await one.read({ name: 'a' });
    expect([answer.outcome, answer.reason, repositoryIn(answer)]).toEqual([
      'bypass',
      'redis-unreachable',
      '1',
    ]);
    await redis.restart();
    await until(async () => (await one.read({ name: 'a' })).outcome === 'local');
    expect(one.logs.map((line) => line.message)).toContain('redis connected');
  });

  it('killed and started empty, hits are back without anybody’s help', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', '1');
    await one.read({ name: 'a' });
    await redis.kill();
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('1');
    await one.write('a', '2');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('2');
    await redis.restart();
    await until(async () => (await one.read({ name: 'a' })).outcome === 'local');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('2');
    expect(one.logs.map((line) => line.message)).toEqual(
      expect.arrayContaining(['redis connected', 'lease taken', 'redis unreachable', 'redis reconnecting']),
    );
  });

  it('frozen, reads and writes go on without it, and are right', async () => {
    const [one, two] = [await start({ deadlineMs: 50 }), await start({ deadlineMs: 50 })];
    await one.write('a', '1');
    await one.read({ name: 'a' });
    await two.read({ name: 'a' });
    redis.freeze();
    expect(await one.read({ name: 'a' })).toMatchObject({ outcome: 'bypass' });
    await one.write('a', '2');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('2');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('2');
    redis.thaw();
    await until(async () => (await one.read({ name: 'a' })).outcome === 'local');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('2');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('2');
  });

  it('flushed, every answer is loaded anew', async () => {
    const one = await start();
    await one.write('a', '1');
    await one.read({ name: 'a' });
    const client = new Redis(redis.url);
    await client.flushall();
    client.disconnect();
    expect((await one.read({ name: 'a' })).outcome).toBe('miss');
    expect((await one.read({ name: 'a' })).outcome).toBe('local');
  });

  it('full, reads are answered and writes invalidate', async () => {
    const [one, two] = [await start({ localBytes: 0 }), await start({ localBytes: 0 })];
    await one.write('a', '1');
    await one.read({ name: 'a' });
    const client = new Redis(redis.url);
    await client.config('SET', 'maxmemory-policy', 'noeviction');
    await client.config('SET', 'maxmemory', '1');
    client.disconnect();
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('1');
    await one.write('a', '2');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('2');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('2');
  });

  it('demoted, resynchronised from an older copy of itself and promoted, old entries are not found again', async () => {
    const quick = { args: ['--repl-diskless-sync-delay', '0'] };
    await redis.stop();
    redis = await startTestRedis(quick);
    const copy = await startTestRedis(quick);
    const [one, two] = [await start(), await start()];
    await one.write('a', 'old');
    await one.read({ name: 'a' });
    await two.read({ name: 'a' });
    const [main, other] = [new Redis(redis.url), new Redis(copy.url)];
    const linked = (replica: Redis) =>
      until(async () => (await replica.info('replication')).includes('master_link_status:up'));
    await other.replicaof('127.0.0.1', redis.port);
    await linked(other);
    await other.replicaof('NO', 'ONE');
    await one.write('a', 'new');
    await main.replicaof('127.0.0.1', copy.port);
    await linked(main);
    await main.replicaof('NO', 'ONE');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('new');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('new');
    await until(async () => (await two.read({ name: 'a' })).outcome === 'local');
    expect(repositoryIn(await two.read({ name: 'a' }))).toBe('new');
    main.disconnect();
    other.disconnect();
    await copy.stop();
  });

  it('away for long, a backlog of changes is dropped, and nothing old is served when it is back', async () => {
    const one = await start();
    await one.write('a', 'old');
    await one.read({ name: 'a' });
    await redis.kill();
    const client = new pg.Client({ connectionString: database.url });
    await client.connect();
    await client.query("UPDATE artifact SET repository = 'new' WHERE name = 'a'");
    await client.query(
      "INSERT INTO cache_change (tag) SELECT 'other:' || n FROM generate_series(1, 12000) n",
    );
    await until(async () => {
      const { rows } = await client.query<{ count: number }>(
        'SELECT count(*)::int AS count FROM cache_change',
      );
      return (rows[0]?.count ?? 0) < 12_000;
    }, 20_000);
    await client.end();
    await redis.restart();
    await until(async () => (await one.read({ name: 'a' })).outcome === 'local');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('new');
  });

  it('another one than the other instance uses, an instance bypasses and takes nothing away', async () => {
    const one = await start();
    const other = await startTestRedis();
    const two = await start({ redisUrl: other.url });
    await one.write('a', '1');
    await one.read({ name: 'a' });
    const answer = await two.read({ name: 'a' });
    expect([answer.outcome, answer.reason]).toEqual(['bypass', 'redis-other-server']);
    await two.write('a', '2');
    expect(repositoryIn(await one.read({ name: 'a' }))).toBe('2');
    expect((await one.read({ name: 'a' })).outcome).toBe('local');
    await two.close();
    running = running.filter((instance) => instance !== two);
    await other.stop();
  });
});

describe('clear', () => {
  it('puts everything out of service on every instance, also while Redis is away', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', '1');
    await one.read({ name: 'a' });
    await two.read({ name: 'a' });
    await one.cache.clear('a test');
    const client = new Redis(redis.url);
    await until(async () => (await client.keys('trivet:*:entry:*')).length === 0);
    client.disconnect();
    expect((await two.read({ name: 'a' })).outcome).toBe('miss');
    // Whoever confirms it says so.
    const lines = [...one.logs, ...two.logs];
    expect(lines.find((line) => line.message === 'cache cleared')?.by).toBe('a test');
    await redis.kill();
    await one.cache.clear('a test');
  });
});

describe('statistics', () => {
  it('count every request of every running instance exactly once', async () => {
    const [one, two] = [await start(), await start()];
    await one.write('a', '1');
    await one.read({ name: 'a' });
    await one.read({ name: 'a' });
    await two.read({ name: 'a' });
    await two.read({ name: 'a' });
    await until(async () => (await one.cache.statistics()).hits === 3);
    const statistics = await one.cache.statistics();
    expect(statistics).toMatchObject({
      state: 'active',
      connected: true,
      hits: 3,
      localHits: 2,
      misses: 1,
      collapsed: 0,
      bypasses: 0,
      hitRate: 0.75,
    });
    expect(statistics.reads.repository).toMatchObject({ ttl: 60, hits: 3, misses: 1 });
    expect(statistics.window).toMatchObject({ hits: 3, misses: 1 });
    expect(statistics.history).toHaveLength(60);
    expect(statistics.history.at(-1)).toMatchObject({ hits: 3, misses: 1 });
    expect(statistics.instances).toHaveLength(2);
    expect(statistics.invalidations).toBe(1);
    expect((await two.cache.events()).map((event) => event.message)).toContain('cache invalidated');
  });
});
