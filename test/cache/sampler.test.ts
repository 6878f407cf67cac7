import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { createMetrics, watch } from '../../src/metrics.ts';
import { createReads } from '../../src/reads.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';
import { repositoryIn, startInstance, type TestInstance } from './instances.ts';

let redis: TestRedis;
let created: TestDatabase;
let client: pg.Client;
let instance: TestInstance;

beforeEach(async () => {
  redis = await startTestRedis();
  created = await createDatabase();
  client = new pg.Client({ connectionString: created.url, application_name: 'psql' });
  await client.connect();
  instance = await startInstance({ databaseUrl: created.url, redisUrl: redis.url, deadlineMs: 2_000 });
  await instance.write('a', 'old');
});
afterEach(async () => {
  await instance.close();
  await client.end();
  await redis.stop();
  await created.drop();
});

/** As many hits as it takes for one of them to be looked at again, where the last look was long enough ago. */
async function hits(): Promise<void> {
  await instance.read({ name: 'a' });
  await Promise.all(Array.from({ length: 1_000 }, () => instance.read({ name: 'a' })));
}

const staleReads = async () => (await instance.cache.statistics()).staleReads;

const change = (value: string) => client.query('UPDATE artifact SET repository = $1', [value]);

/** What the metrics endpoint says of it. */
function staleReadsMetric(): Promise<string> {
  const { cache, database } = instance;
  const { registry } = createMetrics('test');
  const reads = createReads({ cache, scanResultsTtlSeconds: 60, vulnerabilitiesTtlSeconds: 60 });
  watch(registry, { cache, database, reads });
  return registry.getSingleMetricAsString('trivet_cache_stale_reads_total');
}

/** Repeats, for 60 s at most, until the sampler's counts are as they should be. */
async function until(
  work: () => Promise<void>,
  isDone: (counts: { sampled: number; found: number }) => boolean,
) {
  const startedMs = performance.now();
  while (!isDone(await staleReads())) {
    if (performance.now() - startedMs > 60_000) throw new Error('the sampler does not look');
    await work();
    await sleep(100);
  }
}

it('finds nothing while hits are right, or older only by a change that is not settled yet', {
  timeout: 90_000,
}, async () => {
  let value = 0;
  await until(
    async () => {
      value += 1;
      await instance.write('a', `own ${value}`);
      await hits();
      // Nobody waits for this one to be settled: until the next tick, hits are older and may be.
      await change(`by hand ${value}`);
      await hits();
    },
    ({ sampled }) => sampled >= 1,
  );
  expect((await staleReads()).found).toBe(0);
  expect(instance.logs.filter((line) => line.message === 'stale read')).toEqual([]);
  expect(await staleReadsMetric()).toMatch(/^trivet_cache_stale_reads_total 0$/m);
});

it('finds an answer that is older than a change of which no trigger told', { timeout: 90_000 }, async () => {
  await instance.read({ name: 'a' });
  await client.query('ALTER TABLE artifact DISABLE TRIGGER USER');
  await change('new');
  expect(repositoryIn(await instance.read({ name: 'a' }))).toBe('old');

  await until(hits, ({ found }) => found > 0);
  expect(instance.logs).toContainEqual({
    message: 'stale read',
    operation: 'repository',
    key: 'a',
    tags: expect.arrayContaining(['artifacts']),
  });
  expect(await staleReadsMetric()).toMatch(/^trivet_cache_stale_reads_total [1-9]\d*$/m);
  const events = await instance.cache.events();
  expect(events.map((event) => event.message)).toContain('stale read');
});
