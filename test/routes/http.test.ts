import { createConnection } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

let trivet: TestApp;
let port: number;
beforeAll(async () => {
  trivet = await startApp();
  await trivet.post(imageReport('nginx:1.25', [{ id: 'CVE-2026-1' }]));
  port = Number(new URL(await trivet.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => trivet?.close());

const READS = [
  '/api/scan-results',
  '/api/scan-results/1',
  '/api/scan-results/1/vulnerabilities',
  '/api/scan-results/1/misconfigurations',
  '/api/scan-results/1/secrets',
  '/api/scan-results/1/licenses',
  '/api/scan-results/1/suppressed',
  '/api/scan-results/1/diff',
  '/api/scan-results/1/report',
  '/api/artifacts',
  '/api/artifacts/1',
  '/api/repositories',
  '/api/vulnerabilities',
  '/api/vulnerabilities/CVE-2026-1',
  '/api/findings',
  '/api/summary',
  '/api/uploads',
  '/api/cache/stats',
  '/api/cache/events',
  '/api/cache/health',
];

describe('every read', () => {
  it.each([...READS, '/healthz', '/readyz', '/metrics', '/openapi.json'])('%s works', async (url) => {
    expect((await trivet.get(url)).statusCode).toBe(200);
  });

  it.each(READS)('%s answers HEAD with the headers alone', async (url) => {
    const got = await trivet.get(url);
    const head = await trivet.get(url, { method: 'HEAD' });
    expect(head.statusCode).toBe(200);
    expect(head.body).toBe('');
    expect(head.headers['content-type']).toBe(got.headers['content-type']);
    expect(head.headers.etag).toBe(got.headers.etag);
  });

  it.each(READS)('%s refuses an unknown parameter', async (url) => {
    const response = await trivet.get(`${url}?sevrity=HIGH`);
    expect(response.statusCode).toBe(400);
    expect(response.json()).toMatchObject({
      code: 'bad_parameter',
      errors: [{ parameter: 'sevrity', detail: 'is not a parameter of this call.' }],
    });
  });

  it.each(READS)('%s is for its own site only', async (url) => {
    const { headers } = await trivet.get(url);
    expect(headers['access-control-allow-origin']).toBeUndefined();
    expect(headers['x-content-type-options']).toBe('nosniff');
    expect(headers['content-security-policy']).toContain("default-src 'none'");
  });
});

describe('parameters', () => {
  it.each([
    ['limit=0', 'limit'],
    ['limit=201', 'limit'],
    ['limit=ten', 'limit'],
    ['limit=1&limit=2', 'limit'],
    ['severity=EXTREME', 'severity'],
    ['severity=', 'severity'],
    ['severity=HIGH&severity=', 'severity'],
    ['latest=maybe', 'latest'],
    ['order=up', 'order'],
    ['sort=id', 'sort'],
    ['kind=virus', 'kind'],
    ['type=container', 'type'],
    ['label=x', 'label'],
    ['q=a', 'q'],
    ['since=yesterday', 'since'],
    ['until=2026-02-30', 'until'],
    ['cursor=x', 'cursor'],
    ['__proto__=1', '__proto__'],
    ['constructor=1', 'constructor'],
  ])('%s is refused by name', async (query, parameter) => {
    const response = await trivet.get(`/api/scan-results?${query}`);
    expect(response.statusCode).toBe(400);
    expect(response.headers['content-type']).toContain('application/problem+json');
    expect(response.json().errors).toEqual([{ parameter, detail: expect.any(String) }]);
  });

  it('are all refused at once', async () => {
    const { errors } = (await trivet.get('/api/findings?limit=0&fixable=x&foo=1')).json();
    const parameters = errors.map((error: { parameter: string }) => error.parameter);
    expect(parameters.sort()).toEqual(['fixable', 'foo', 'limit']);
  });

  it('take severities in any case', async () => {
    const response = await trivet.get('/api/scan-results?severity=high&severity=Critical');
    expect(response.json().total).toBe(1);
  });

  it('that no column can hold match nothing', async () => {
    const response = await trivet.get('/api/scan-results?q=%00%00&repository=%00&artifact=%00');
    expect(response.json()).toMatchObject({ items: [], total: 0 });
  });
});

describe('addresses', () => {
  it.each([
    '/api/scan-results/0',
    '/api/scan-results/-1',
    '/api/scan-results/01',
    '/api/scan-results/1.0',
    '/api/scan-results/99999999999999999999',
    '/api/scan-results/abc/vulnerabilities',
    '/api/scan-results/999/secrets',
    '/api/scan-results/999/diff',
    '/api/scan-results/999/report',
    '/api/artifacts/x',
    '/api/artifacts/999',
    '/api/vulnerabilities/CVE-1999-0001',
    '/api/vulnerabilities/%00',
    '/api/nothing',
    '/nothing',
  ])('%s is not found', async (url) => {
    const response = await trivet.get(url);
    expect(response.statusCode).toBe(404);
    expect(response.json()).toMatchObject({ code: 'not_found', status: 404 });
  });

  it.each(['/api/%zz', `/api/vulnerabilities/${'x'.repeat(2000)}`])(
    'that cannot be read or are too long are refused',
    async (url) => {
      const response = await trivet.get(url);
      expect(response.statusCode).toBe(400);
      expect(response.json().code).toBe('bad_request');
    },
  );
});

describe('other methods', () => {
  it.each([
    ['PUT', '/api/scan-results', 'GET, HEAD, POST'],
    ['DELETE', '/api/scan-results', 'GET, HEAD, POST'],
    ['PUT', '/api/scan-results/1', 'DELETE, GET, HEAD, PATCH'],
    ['POST', '/api/scan-results/1/diff', 'GET, HEAD'],
    ['GET', '/api/cache/clear', 'POST'],
    ['PATCH', '/api/artifacts/1', 'DELETE, GET, HEAD'],
    ['OPTIONS', '/api/summary', 'GET, HEAD'],
    ['POST', '/healthz', 'GET, HEAD'],
  ] as const)('%s %s is 405 with Allow', async (method, url, allow) => {
    const response = await trivet.get(url, { method });
    expect(response.statusCode).toBe(405);
    expect(response.headers.allow).toBe(allow);
    expect(response.json().code).toBe('method_not_allowed');
  });
});

describe('AUTH=loopback', () => {
  it.each(['localhost', 'localhost:3000', 'LOCALHOST:1', '127.0.0.1:8080', '[::1]', '[::1]:3000'])(
    'takes Host %s',
    async (host) => {
      expect((await trivet.get('/healthz', { headers: { host } })).statusCode).toBe(200);
    },
  );

  it.each([
    'evil.example',
    'evil.example:3000',
    'localhost.evil.example',
    '127.0.0.1.evil.example',
    '127.0.0.2',
    '0.0.0.0:3000',
    'localhost:3000@evil.example',
  ])('refuses Host %s', async (host) => {
    for (const url of ['/api/summary', '/', '/nothing', '/api/%zz']) {
      const response = await trivet.get(url, { headers: { host } });
      if (url !== '/api/%zz') expect(response.json()).toMatchObject({ code: 'foreign_host', status: 403 });
      expect(response.statusCode).toBeGreaterThanOrEqual(400);
    }
  });

  const origins = (origin: string) => ({ headers: { host: 'localhost:3000', origin } });

  it.each([
    'http://evil.example',
    'null',
    'http://localhost:4000',
    'https://localhost:3000',
    'http://127.0.0.1:3000',
  ])('refuses a write from %s', async (origin) => {
    for (const [method, url] of [
      ['POST', '/api/scan-results'],
      ['POST', '/api/cache/clear'],
      ['DELETE', '/api/scan-results/1'],
      ['PATCH', '/api/scan-results/1'],
    ] as const) {
      const response = await trivet.get(url, { method, ...origins(origin) });
      expect(response.json()).toMatchObject({ code: 'foreign_origin', status: 403 });
    }
    expect((await trivet.get('/api/scan-results/1')).statusCode).toBe(200);
  });

  it('takes a write of its own pages, and reads by whoever sends them', async () => {
    const own = await trivet.get('/api/cache/clear', { method: 'POST', ...origins('http://localhost:3000') });
    expect(own.statusCode).toBe(204);
    expect((await trivet.get('/healthz', origins('http://evil.example'))).statusCode).toBe(200);
  });
});

describe('request ids', () => {
  it('are the caller’s where they are plain', async () => {
    const headers = { 'x-request-id': 'build-17.a:b' };
    expect((await trivet.get('/nothing', { headers })).json().requestId).toBe('build-17.a:b');
  });

  it.each(['a b', 'x'.repeat(65), '<script>'])('%s is replaced', async (given) => {
    const { requestId } = (await trivet.get('/nothing', { headers: { 'x-request-id': given } })).json();
    expect(requestId).toMatch(/^[0-9a-f-]{36}$/);
  });
});

describe('the connection', () => {
  /** Sends bytes, and gives what comes back until the end. */
  function speak(text: string): Promise<string> {
    return new Promise((resolve, reject) => {
      let answer = '';
      const socket = createConnection(port, '127.0.0.1', () => socket.write(text));
      socket.setTimeout(5_000, () => socket.destroy(new Error('no end within 5 s')));
      socket.on('data', (chunk) => {
        answer += chunk;
      });
      socket.on('close', () => resolve(answer));
      socket.on('error', reject);
    });
  }

  it('that speaks no HTTP is told so', async () => {
    const answer = await speak('HELLO\r\n\r\n');
    expect(answer).toMatch(/^HTTP\/1\.1 400 /);
    expect(answer).toContain('"code":"bad_request"');
  });

  it('with too large headers is told so', async () => {
    const answer = await speak(`GET / HTTP/1.1\r\nHost: localhost\r\nX: ${'x'.repeat(40_000)}\r\n\r\n`);
    expect(answer).toMatch(/^HTTP\/1\.1 431 /);
    expect(answer).toContain('"code":"headers_too_large"');
  });

  it('without a Host is refused', async () => {
    expect(await speak('GET /api/summary HTTP/1.1\r\n\r\n')).toMatch(/^HTTP\/1\.1 400 /);
    expect(await speak('GET /api/summary HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 403 /);
  });
});

describe('a fault of our own', () => {
  it('is logged with its request, and tells nothing', async () => {
    await trivet.database.query('ALTER TABLE upload RENAME TO mislaid');
    const response = await trivet.get('/api/uploads');
    await trivet.database.query('ALTER TABLE mislaid RENAME TO upload');
    expect(response.statusCode).toBe(500);
    expect(response.body).not.toContain('relation');
    const { requestId } = response.json();
    const line = trivet.logs.find((entry) => entry.requestId === requestId);
    expect(line).toMatchObject({ msg: 'request failed', url: '/api/uploads', code: 'internal_error' });
  });
});
