import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

let trivet: TestApp;
let id: number;
beforeAll(async () => {
  trivet = await startApp();
  await trivet.post(imageReport('nginx:1.24', [{ id: 'CVE-2026-1', severity: 'CRITICAL' }]));
  const today = new Date();
  const report = imageReport('nginx:1.25', [{ id: 'CVE-2026-1', severity: 'LOW', fixed: '2' }]);
  Object.assign(report, { CreatedAt: today.toISOString() });
  id = (await trivet.post(report, '?label=team=web')).json().artifact.id;
});
afterAll(() => trivet?.close());

describe('GET /api/artifacts', () => {
  it('works', async () => {
    const { items, total } = (await trivet.get('/api/artifacts')).json();
    expect(total).toBe(2);
    expect(items).toMatchObject([
      { name: 'nginx:1.24', severityCounts: { critical: 1 }, stale: false },
      { name: 'nginx:1.25', fixableCount: 1, labels: { team: 'web' }, scanCount: 1 },
    ]);
    expect(items[1].latestScans.vulnerability.artifact.id).toBe(id);
  });

  it.each([
    ['sort=name&order=desc', ['nginx:1.25', 'nginx:1.24']],
    ['severity=critical', ['nginx:1.24']],
    ['label=team=web', ['nginx:1.25']],
    ['stale=true', []],
    ['eosl=false&repository=nginx&limit=1&sort=name', ['nginx:1.24']],
  ])('by %s', async (query, names) => {
    const { items } = (await trivet.get(`/api/artifacts?${query}`)).json();
    expect(items.map((item: { name: string }) => item.name)).toEqual(names);
  });
});

describe('GET /api/artifacts/:id', () => {
  it('works', async () => {
    expect((await trivet.get(`/api/artifacts/${id}`)).json()).toMatchObject({
      id,
      name: 'nginx:1.25',
      workloads: [],
      history: [{ day: new Date().toISOString().slice(0, 10), fixableCount: 1 }],
    });
  });

  it.each(['0', 'x', '2147483648', '999999999999999', '9'.repeat(30)])('of %s is 404', async (text) => {
    for (const method of ['GET', 'DELETE'] as const) {
      const response = await trivet.get(`/api/artifacts/${text}`, { method });
      expect(response.json()).toMatchObject({ status: 404, code: 'not_found' });
    }
  });
});

describe('GET /api/repositories', () => {
  it('works', async () => {
    expect((await trivet.get('/api/repositories')).json().items).toMatchObject([
      { repository: 'nginx', type: 'image', artifactCount: 2, worst: { name: 'nginx:1.24' } },
    ]);
  });
});

describe('DELETE /api/artifacts/:id', () => {
  it('works, once', async () => {
    const remove = () => trivet.get(`/api/artifacts/${id}`, { method: 'DELETE' });
    expect((await remove()).statusCode).toBe(204);
    expect((await remove()).statusCode).toBe(404);
    expect((await trivet.get('/api/scan-results')).json().total).toBe(1);
  });
});
