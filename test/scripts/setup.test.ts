import { Redis } from 'ioredis';
import pg from 'pg';
import { expect, it } from 'vitest';
import { createDatabase } from '../setup/database.ts';
import { startTestRedis } from '../setup/redis.ts';

it('gives every test a database of its own, in UTF-8', async () => {
  const [one, other] = await Promise.all([createDatabase(), createDatabase()]);
  expect(one.url).not.toBe(other.url);
  const client = new pg.Client({ connectionString: one.url });
  await client.connect();
  const { rows } = await client.query('SHOW server_encoding');
  await client.end();
  expect(rows).toEqual([{ server_encoding: 'UTF8' }]);
  await Promise.all([one.drop(), other.drop()]);
});

it('gives a test a Redis that it can freeze, kill and start again, empty, on the same port', async () => {
  const redis = await startTestRedis();
  const client = new Redis(redis.url, { retryStrategy: () => 50, commandTimeout: 200 });
  client.on('error', () => {});
  await client.set('key', 'value');
  redis.freeze();
  await expect(client.get('key')).rejects.toThrow('timed out');
  redis.thaw();
  expect(await client.get('key')).toBe('value');
  await redis.restart();
  await expect.poll(() => client.get('key').catch(String)).toBeNull();
  client.disconnect();
  await redis.stop();
});
