import { readFileSync, writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startApp, type TestApp } from './routes/trivet.ts';

const golden = new URL('./openapi.golden.json', import.meta.url);

let trivet: TestApp;
beforeAll(async () => {
  trivet = await startApp();
});
afterAll(() => trivet?.close());

describe('/openapi.json', () => {
  it('is what was agreed on; UPDATE_GOLDEN=1 agrees on what it is now', async () => {
    const described = (await trivet.get('/openapi.json')).json();
    if (process.env.UPDATE_GOLDEN) writeFileSync(golden, `${JSON.stringify(described, null, 2)}\n`);
    expect(described).toEqual(JSON.parse(readFileSync(golden, 'utf8')));
  });

  it('describes every call, with its errors', async () => {
    const { paths } = (await trivet.get('/openapi.json')).json();
    const calls = Object.entries<Record<string, { summary?: string; responses: object }>>(paths).flatMap(
      ([path, methods]) => Object.entries(methods).map(([method, call]) => ({ path, method, ...call })),
    );
    expect(calls.length).toBeGreaterThan(25);
    for (const call of calls) {
      expect(call.summary, `${call.method} ${call.path}`).toMatch(/\S/);
      expect(call.responses, `${call.method} ${call.path}`).toHaveProperty('default');
    }
    expect(paths['/api/scan-results'].post.requestBody).toBeDefined();
  });
});
