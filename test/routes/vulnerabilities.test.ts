import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

let trivet: TestApp;
beforeAll(async () => {
  trivet = await startApp();
  await trivet.post(
    imageReport('web:1', [
      { id: 'CVE-2024-9999', severity: 'HIGH', fixed: '2' },
      { id: 'CVE-2024-10000', severity: 'LOW', package: 'zlib', status: 'will_not_fix' },
    ]),
    '?label=team=web',
  );
  await trivet.post(imageReport('db:1', [{ id: 'CVE-2024-9999', severity: 'CRITICAL' }]));
});
afterAll(() => trivet?.close());

describe('GET /api/vulnerabilities', () => {
  it('works', async () => {
    const { items, total } = (await trivet.get('/api/vulnerabilities')).json();
    expect(total).toBe(2);
    expect(items).toMatchObject([
      {
        id: 'CVE-2024-9999',
        severity: 'CRITICAL',
        severities: { critical: 1, high: 1, medium: 0, low: 0, unknown: 0 },
        fixable: true,
        packages: ['openssl'],
        affectedArtifacts: 2,
      },
      { id: 'CVE-2024-10000', severity: 'LOW' },
    ]);
  });

  it.each([
    ['severity=low', ['CVE-2024-10000']],
    ['sort=id&order=asc', ['CVE-2024-9999', 'CVE-2024-10000']],
    ['fixable=true', ['CVE-2024-9999']],
    ['status=will_not_fix', ['CVE-2024-10000']],
    ['package=zlib', ['CVE-2024-10000']],
    ['artifact=db:1', ['CVE-2024-9999']],
    ['label=team=web&severity=HIGH', ['CVE-2024-9999']],
    ['q=10000', ['CVE-2024-10000']],
    ['since=2027-01-01', []],
  ])('by %s', async (query, ids) => {
    const { items } = (await trivet.get(`/api/vulnerabilities?${query}`)).json();
    expect(items.map((item: { id: string }) => item.id)).toEqual(ids);
  });
});

describe('GET /api/vulnerabilities/:id', () => {
  it('works', async () => {
    expect((await trivet.get('/api/vulnerabilities/CVE-2024-9999')).json()).toMatchObject({
      id: 'CVE-2024-9999',
      affectedArtifacts: 2,
      findingCount: 2,
      staleArtifacts: 0,
      packages: [{ package: 'openssl', artifacts: 2 }],
    });
  });
});

describe('GET /api/findings', () => {
  it('works', async () => {
    const { items, total } = (await trivet.get('/api/findings?vulnerability=CVE-2024-9999')).json();
    expect(total).toBe(2);
    expect(items).toMatchObject([
      { severity: 'CRITICAL', artifact: { type: 'image', name: 'db:1' } },
      { severity: 'HIGH', artifact: { name: 'web:1' }, fixedVersion: '2' },
    ]);
  });

  it.each([
    ['sort=artifact', 3],
    ['package=openssl&fixable=false', 1],
    ['vulnerability=CVE-1', 0],
  ])('by %s', async (query, total) => {
    expect((await trivet.get(`/api/findings?${query}`)).json().total).toBe(total);
  });
});
