import { once } from 'node:events';
import { get, type IncomingMessage } from 'node:http';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

/** Findings of 3 kB each: more than the buffers of a connection take. */
const MANY = 6_000;

let trivet: TestApp;
let port: number;
beforeAll(async () => {
  trivet = await startApp();
  const many = Array.from({ length: MANY / 3 }, (_, index) => ({
    id: `CVE-2026-${index}`,
    title: 'x'.repeat(3_000),
  }));
  for (const name of ['many:1', 'many:2', 'many:3']) await trivet.post(imageReport(name, many));
  await trivet.post(
    imageReport('few:1', [
      { id: 'CVE-2025-1', package: '=cmd|calc', severity: 'CRITICAL', fixed: '2', installed: 'a,"b"' },
    ]),
  );
  port = Number(new URL(await trivet.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => trivet?.close());

/** Opens an export whose body is not read. */
async function open(path: string): Promise<IncomingMessage> {
  const call = get({ port, host: '127.0.0.1', path, agent: false });
  const [response] = (await once(call, 'response')) as [IncomingMessage];
  return response;
}

describe('CSV', () => {
  it.each(['scan-results', 'artifacts', 'vulnerabilities', 'findings'])('works for %s', async (name) => {
    const response = await trivet.get(`/api/${name}?format=csv&artifact=few:1`);
    expect(response.statusCode).toBe(200);
    expect(response.headers['content-type']).toContain('text/csv');
    const file = `trivet-${name === 'scan-results' ? 'scans' : name}-\\d{4}-\\d\\d-\\d\\d.csv`;
    expect(response.headers['content-disposition']).toMatch(new RegExp(`^attachment; filename="${file}"$`));
    expect(response.headers.etag).toBeUndefined();
    expect(response.headers['cache-status']).toBeUndefined();
    expect(response.body.split('\r\n')).toHaveLength(3);
  });

  it('has all that the filters select, whatever limit and cursor say', async () => {
    const { nextCursor } = (await trivet.get('/api/findings?limit=1')).json();
    const response = await trivet.get(`/api/findings?format=csv&limit=1&cursor=${nextCursor}`);
    expect(response.body.trimEnd().split('\r\n')).toHaveLength(1 + MANY + 1);
  });

  it('is in the order of the list', async () => {
    const query = '/api/vulnerabilities?sort=id&order=desc&limit=200';
    const ids = (await trivet.get(query)).json().items.map((item: { id: string }) => item.id);
    const lines = (await trivet.get(`${query}&format=csv`)).body.split('\r\n').slice(1, 201);
    expect(lines.map((line) => line.split(',')[0])).toEqual(ids);
  });

  it('quotes, and disarms formulas', async () => {
    const { body } = await trivet.get('/api/findings?format=csv&artifact=few:1');
    expect(body).toContain(`,'=cmd|calc,"a,""b""",2,`);
  });

  it.each([
    ['text/csv', true],
    ['text/csv, */*;q=0.1', true],
    ['application/json;q=0.5, text/csv', true],
    ['application/json, text/csv', false],
    ['text/csv;q=0', false],
    ['*/*', false],
  ])('by Accept: %s is %s', async (accept, isCsv) => {
    const response = await trivet.get('/api/artifacts', { headers: { accept } });
    expect(String(response.headers['content-type']).startsWith('text/csv')).toBe(isCsv);
    expect(response.headers.vary).toMatch(/accept/i);
  });

  it('answers HEAD without reading the list', async () => {
    const response = await trivet.get('/api/findings?format=csv', { method: 'HEAD' });
    expect(response.headers['content-type']).toContain('text/csv');
    expect(response.headers).not.toHaveProperty('content-length');
    expect(response.body).toBe('');
  });

  it.each(['since=never', 'severity=BIG', 'format=xml', 'foo=1'])(
    'refuses %s as the list does',
    async (query) => {
      const response = await trivet.get(`/api/findings?format=csv&${query}`);
      expect(response.statusCode).toBe(400);
      expect(response.headers['content-type']).toContain('application/problem+json');
      expect(response.headers['content-disposition']).toBeUndefined();
    },
  );

  it('is for lists with rows of one shape only', async () => {
    expect((await trivet.get('/api/repositories?format=csv')).statusCode).toBe(400);
    expect((await trivet.get('/api/uploads?format=csv')).statusCode).toBe(400);
  });

  it('sends two at a time, and a place is free again when a client goes away', async () => {
    const path = '/api/findings?format=csv';
    const stalled = await Promise.all([open(path), open(path)]);
    expect(stalled.map((response) => response.statusCode)).toEqual([200, 200]);
    const third = await trivet.get(path);
    expect(third.statusCode).toBe(429);
    expect(third.json().code).toBe('exports_busy');
    expect(Number(third.headers['retry-after'])).toBeGreaterThan(0);

    for (const response of stalled) response.destroy();
    await expect
      .poll(async () => (await trivet.get(`${path}&artifact=few:1`)).statusCode, { timeout: 10_000 })
      .toBe(200);
    await expect.poll(() => trivet.database.counts().idle === trivet.database.counts().total).toBe(true);
  });

  it('that PostgreSQL ends in the middle is cut off, and the process lives', async () => {
    const response = await open('/api/findings?format=csv');
    const terminate = `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
      WHERE datname = current_database() AND state = 'idle in transaction'`;
    await expect.poll(async () => (await trivet.database.query(terminate)).rowCount).toBe(1);
    const ended = new Promise<boolean>((resolve) => {
      response.on('end', () => resolve(true));
      response.on('error', () => resolve(false));
      response.resume();
    });
    expect(await ended).toBe(false);
    expect((await trivet.get('/api/findings?format=csv&artifact=few:1')).statusCode).toBe(200);
  });
});
