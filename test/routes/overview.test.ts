import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

let trivet: TestApp;
beforeAll(async () => {
  trivet = await startApp();
  await trivet.post(imageReport('web:1', [{ id: 'CVE-2026-1', severity: 'HIGH', fixed: '2' }]));
  await trivet.post({ hello: 'world' });
});
afterAll(() => trivet?.close());

describe('GET /api/summary', () => {
  it('works', async () => {
    const summary = (await trivet.get('/api/summary')).json();
    expect(summary).toMatchObject({
      day: new Date().toISOString().slice(0, 10),
      vulnerabilities: { critical: 0, high: 1 },
      findings: { high: 1 },
      artifacts: { high: 1, live: 1, stale: 0 },
    });
    expect(summary.trend).toHaveLength(30);
  });
});

describe('GET /api/uploads', () => {
  it('works', async () => {
    const response = await trivet.get('/api/uploads');
    expect(response.headers['cache-control']).toBe('no-store');
    expect(response.json().items).toMatchObject([
      { outcome: 'refused', code: 'not_a_trivy_report', detail: expect.any(String) },
      { outcome: 'stored', code: null, artifact: 'web:1' },
    ]);
  });

  it('by outcome', async () => {
    const { items } = (await trivet.get('/api/uploads?outcome=refused')).json();
    expect(items).toHaveLength(1);
    expect((await trivet.get('/api/uploads?outcome=lost')).statusCode).toBe(400);
  });
});
