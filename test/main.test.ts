import { connect } from 'node:net';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, createEmptyDatabase, type TestDatabase } from './setup/database.ts';
import { spawnTrivet, startTrivet } from './setup/process.ts';
import { freePort } from './setup/redis.ts';

let database: TestDatabase;
beforeAll(async () => {
  database = await createDatabase();
});
afterAll(() => database?.drop());

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

const installation = async () => {
  const [row] = await ask<{ id: string }>(database.url, 'SELECT id FROM installation');
  return row?.id;
};

describe('an instance', () => {
  it('says where it listens, and ends when it is told to', async () => {
    const trivet = await startTrivet({ databaseUrl: database.url });
    const line = await trivet.waitForLog(({ msg }) => msg === 'listening');
    expect(line.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
    expect(line.time).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);
    expect((await fetch(`${trivet.url}/readyz`)).status).toBe(200);
    expect(await trivet.stop()).toBe(0);
    expect(trivet.stderr()).toBe('');
    expect(trivet.logs.filter(({ level }) => Number(level) > 40)).toEqual([]);
  });

  it('is not ready at once after SIGTERM, and goes on answering for as long as it is told', async () => {
    const env = { SHUTDOWN_DELAY_MS: '2000' };
    const trivet = await startTrivet({ databaseUrl: database.url, env });
    process.kill(trivet.pid, 'SIGTERM');
    await trivet.waitForLog(({ msg }) => msg === 'closing');
    expect((await fetch(`${trivet.url}/readyz`)).status).toBe(503);
    expect((await fetch(`${trivet.url}/api/artifacts`)).status).toBe(200);
    expect(await trivet.ended).toBe(0);
  });

  it('ends within 10 s though a client does not', async () => {
    const trivet = await startTrivet({ databaseUrl: database.url });
    const socket = connect(Number(new URL(trivet.url).port), '127.0.0.1');
    socket.on('error', () => {});
    socket.write('POST /api/scan-results HTTP/1.1\r\nHost: localhost\r\nContent-Length: 100\r\n\r\n{');
    // Answered after the other has arrived.
    await fetch(`${trivet.url}/healthz`);
    const startedMs = performance.now();
    expect(await trivet.stop()).toBe(0);
    expect(performance.now() - startedMs).toBeLessThan(10_500);
  }, 20_000);

  it('starts beside others on an empty database', async () => {
    const empty = await createEmptyDatabase();
    const instances = await Promise.all([1, 2, 3].map(() => startTrivet({ databaseUrl: empty.url })));
    for (const { url } of instances) expect((await fetch(`${url}/api/summary`)).status).toBe(200);
    await Promise.all(instances.map((trivet) => trivet.stop()));
    await empty.drop();
  });

  it('waits for PostgreSQL, says so, and can be told to end meanwhile', async () => {
    const databaseUrl = `postgres://nobody@127.0.0.1:${await freePort()}/none`;
    const trivet = spawnTrivet({ databaseUrl });
    await trivet.waitForLog(({ msg }) => msg === 'waiting for PostgreSQL');
    expect(await trivet.stop()).toBe(0);
  });

  it('does not wait for a database that does not exist', async () => {
    const url = new URL(database.url);
    url.pathname = '/trivet_none';
    const trivet = spawnTrivet({ databaseUrl: url.href });
    expect(await trivet.ended).toBe(1);
    expect(JSON.stringify(trivet.logs)).toContain('does not exist');
  });

  it('ends at once with every problem of its settings', async () => {
    const env = { PORT: 'x', LOG_LEVEL: 'y', DATABASE_URL: 'https://user:hunter2@host/' };
    const trivet = spawnTrivet({ env });
    expect(await trivet.ended).toBe(1);
    for (const name of ['PORT', 'LOG_LEVEL', 'DATABASE_URL']) {
      expect(trivet.stderr()).toContain(`  ${name} has to be`);
    }
    expect(trivet.stderr()).not.toContain('hunter2');
  });

  it('ends where its port is taken', async () => {
    const first = await startTrivet({ databaseUrl: database.url });
    const env = { PORT: new URL(first.url).port };
    const second = spawnTrivet({ databaseUrl: database.url, env });
    expect(await second.ended).toBe(1);
    expect(JSON.stringify(second.logs)).toContain('EADDRINUSE');
    await first.stop();
  });
});

describe('a command', () => {
  it('migrate does only that', async () => {
    const empty = await createEmptyDatabase();
    const trivet = spawnTrivet({ databaseUrl: empty.url, args: ['migrate'] });
    expect(await trivet.ended).toBe(0);
    expect(trivet.logs.find(({ msg }) => msg === 'listening')).toBeUndefined();
    expect(await ask(empty.url, 'SELECT id FROM installation')).toHaveLength(1);
    await empty.drop();
  });

  it('cache reset leaves all that is in Redis behind', async () => {
    const before = await installation();
    expect(await spawnTrivet({ databaseUrl: database.url, args: ['cache', 'reset'] }).ended).toBe(0);
    expect(await installation()).toMatch(/^[0-9a-f]{32}$/);
    expect(await installation()).not.toBe(before);
  });

  it('that is unknown is refused', async () => {
    const trivet = spawnTrivet({ databaseUrl: database.url, args: ['migrat'] });
    expect(await trivet.ended).toBe(2);
    expect(trivet.stderr()).toContain('Usage:');
  });
});
