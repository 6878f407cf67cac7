import { once } from 'node:events';
import { type AddressInfo, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openDatabase } from '../../src/db/pool.ts';
import { repositoryIn, startInstance, type TestInstance } from '../cache/instances.ts';
import { Link } from '../faults/proxy.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { startTestRedis, type TestRedis } from '../setup/redis.ts';

let database: TestDatabase;
let redis: TestRedis;
let link: Link;
let instance: TestInstance;

beforeAll(async () => {
  database = await createDatabase();
  redis = await startTestRedis();
  const url = new URL(database.url);
  link = await Link.to(Number(url.port));
  url.port = String(link.port);
  instance = await startInstance({ databaseUrl: url.href, redisUrl: redis.url });
  await instance.write('a', '1');
});
afterAll(async () => {
  link.heal();
  await instance.close();
  await link.close();
  await redis.stop();
  await database.drop();
});

it('a PostgreSQL that swallows what it is sent is not waited for as long as a statement may take', async () => {
  const messages = () => instance.logs.map(({ message }) => message);
  const silence = { cause: { message: expect.stringContaining('not answered') } };
  await instance.read({ name: 'a' });
  link.swallow();
  await expect(instance.read({ name: 'none' })).rejects.toMatchObject(silence);
  // What is known is not certain any more either.
  await expect(instance.read({ name: 'a' })).rejects.toMatchObject(silence);
  expect(messages()).toContain('lease lost');
  link.heal();
  while (!(await instance.read({ name: 'a' }).catch(() => null))) await sleep(50);
  while (messages().lastIndexOf('lease taken') < messages().indexOf('lease lost')) await sleep(50);
  expect(repositoryIn(await instance.read({ name: 'a' }))).toBe('1');
});

it('a statement that takes long is not taken for silence', async () => {
  const { rows } = await instance.database.query('SELECT pg_sleep(6), 1 AS one');
  expect(rows).toMatchObject([{ one: 1 }]);
});

it('a process that was busy does not take it for silence', async () => {
  const asked = instance.read({ name: 'a' });
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 6_000);
  expect(repositoryIn(await asked)).toBe('1');
  expect(repositoryIn(await instance.read({ name: 'a' }))).toBe('1');
});

it('a read that found no PostgreSQL in time is not tried once more', async () => {
  const sockets: Socket[] = [];
  const silent = createServer((socket) => sockets.push(socket)).listen(0, '127.0.0.1');
  await once(silent, 'listening');
  const { port } = silent.address() as AddressInfo;
  const url = `postgres://trivet@127.0.0.1:${port}/trivet`;
  const unreachable = openDatabase({ url, poolMax: 2, statementTimeoutMs: 30_000 });
  await expect(unreachable.snapshot((db) => db.query('SELECT 1'))).rejects.toThrow('not reachable');
  expect(sockets).toHaveLength(1);
  await unreachable.close();
  for (const socket of sockets) socket.destroy();
  silent.close();
});
