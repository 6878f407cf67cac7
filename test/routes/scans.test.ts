import { gunzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

const report = imageReport('nginx:1.25', [
  { id: 'CVE-2026-2', severity: 'CRITICAL', fixed: '1.1' },
  { id: 'CVE-2026-10', severity: 'LOW', package: 'zlib', status: 'will_not_fix' },
]);

let trivet: TestApp;
/** The scan of `report`, and the one before it. */
let id: number;
let before: number;
beforeAll(async () => {
  trivet = await startApp();
  before = (await trivet.post(imageReport('nginx:1.25', [{ id: 'CVE-2026-1' }], 1))).json().id;
  Object.assign(report, { CreatedAt: '2026-01-02T00:00:00Z' });
  id = (await trivet.post(report, '?label=team=web')).json().id;
});
afterAll(() => trivet?.close());

async function idsOf(query: string): Promise<number[]> {
  const { items } = (await trivet.get(`/api/scan-results?${query}`)).json();
  return items.map((item: { id: number }) => item.id);
}

describe('GET /api/scan-results', () => {
  it('works', async () => {
    const { items, ...envelope } = (await trivet.get('/api/scan-results')).json();
    expect(items).toMatchObject([
      { id, latest: true, severityCounts: { critical: 1, high: 0, medium: 0, low: 1, unknown: 0 } },
      { id: before, latest: false },
    ]);
    expect(envelope).toEqual({ nextCursor: null, total: 2, totalIsExact: true });
  });

  it.each([
    ['latest=true', () => [id]],
    ['latest=false', () => [before]],
    ['severity=critical', () => [id]],
    ['severity=critical&severity=HIGH', () => [id, before]],
    ['label=team=web', () => [id]],
    ['artifact=docker.io/library/nginx:1.25', () => [id, before]],
    ['artifact=nginx:1.24', () => []],
    ['kind=secret', () => []],
    ['since=2026-01-02', () => [id]],
    ['until=2026-01-01', () => [before]],
    ['q=NGI', () => [id, before]],
    ['order=asc', () => [before, id]],
    ['sort=severity', () => [id, before]],
  ])('by %s', async (query, expected) => {
    expect(await idsOf(query)).toEqual(expected());
  });

  it('comes page by page, and a cursor belongs to its filters', async () => {
    const first = (await trivet.get('/api/scan-results?limit=1')).json();
    expect(first.items).toMatchObject([{ id }]);
    expect(await idsOf(`limit=1&cursor=${first.nextCursor}`)).toEqual([before]);
    const other = await trivet.get(`/api/scan-results?limit=1&latest=true&cursor=${first.nextCursor}`);
    expect(other.json()).toMatchObject({ status: 400, code: 'cursor_mismatch' });
  });
});

describe('GET /api/scan-results/:id', () => {
  it('works', async () => {
    const scan = (await trivet.get(`/api/scan-results/${id}`)).json();
    expect(scan).toMatchObject({ id, labels: { team: 'web' }, os: { family: 'debian', name: '12.1' } });
    expect(scan.bytes).toBe(JSON.stringify(report).length);
  });
});

describe('GET /api/scan-results/:id/vulnerabilities', () => {
  it('works', async () => {
    const { items } = (await trivet.get(`/api/scan-results/${id}/vulnerabilities`)).json();
    expect(items).toMatchObject([
      { vulnerabilityId: 'CVE-2026-2', severity: 'CRITICAL', fixedVersion: '1.1', status: 'fixed' },
      { vulnerabilityId: 'CVE-2026-10', severity: 'LOW', package: 'zlib', status: 'will_not_fix' },
    ]);
  });

  it.each([
    ['severity=low', 1],
    ['fixable=true', 1],
    ['fixable=false', 1],
    ['status=will_not_fix', 1],
    ['package=zlib&package=openssl', 2],
    ['q=cve-2026', 2],
  ])('by %s', async (query, total) => {
    expect((await trivet.get(`/api/scan-results/${id}/vulnerabilities?${query}`)).json().total).toBe(total);
  });

  it('refuses a filter that does not apply', async () => {
    const response = await trivet.get(`/api/scan-results/${id}/secrets?fixable=true`);
    expect(response.json()).toMatchObject({ status: 400, errors: [{ parameter: 'fixable' }] });
  });
});

describe('GET /api/scan-results/:id/diff', () => {
  it('works', async () => {
    const diff = (await trivet.get(`/api/scan-results/${id}/diff`)).json();
    expect(diff).toMatchObject({ against: before, counts: { new: 2, gone: 1, same: 0 } });
  });

  it('against any scan, and by change', async () => {
    const diff = (await trivet.get(`/api/scan-results/${before}/diff?against=${id}&change=new`)).json();
    expect(diff.counts).toEqual({ new: 1, gone: 2, same: 0 });
    expect(diff.items).toMatchObject([{ change: 'new', finding: { vulnerabilityId: 'CVE-2026-1' } }]);
  });

  it.each(['against=0', 'against=x', 'against=99999', 'against=99999999999999999999', 'change=other'])(
    'refuses %s',
    async (query) => {
      const response = await trivet.get(`/api/scan-results/${id}/diff?${query}`);
      expect(response.json()).toMatchObject({ status: 400, code: 'bad_parameter' });
    },
  );
});

describe('GET /api/scan-results/:id/report', () => {
  it('works', async () => {
    const response = await trivet.get(`/api/scan-results/${id}/report`);
    expect(response.body).toBe(JSON.stringify(report));
    expect(response.headers).toMatchObject({
      'content-type': 'application/json',
      'content-disposition': `attachment; filename="scan-${id}.json"`,
      'x-content-type-options': 'nosniff',
      'content-length': String(response.rawPayload.length),
    });
  });

  it('is compressed where that is accepted', async () => {
    const headers = { 'accept-encoding': 'gzip, br' };
    const response = await trivet.get(`/api/scan-results/${id}/report`, { headers });
    expect(response.headers['content-encoding']).toBe('gzip');
    expect(gunzipSync(response.rawPayload).toString()).toBe(JSON.stringify(report));
  });

  it('answers HEAD with the length of what GET sends', async () => {
    const response = await trivet.get(`/api/scan-results/${id}/report`, { method: 'HEAD' });
    expect(response.headers['content-length']).toBe(String(JSON.stringify(report).length));
    expect(response.body).toBe('');
  });
});

describe('PATCH /api/scan-results/:id', () => {
  function patch(body: string, type = 'application/merge-patch+json', url = `/api/scan-results/${before}`) {
    return trivet.app.inject({ method: 'PATCH', url, payload: body, headers: { 'content-type': type } });
  }

  it('works', async () => {
    const response = await patch('{"labels": {"team": "web", "stage": "test"}}');
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ labels: { team: 'web', stage: 'test' } });
    const removed = await patch('{"labels": {"team": null}}', 'application/json');
    expect(removed.json()).toEqual({ labels: { stage: 'test' } });
    expect((await trivet.get(`/api/scan-results/${before}`)).json().labels).toEqual({ stage: 'test' });
  });

  it.each([
    ['nothing', '', 400, 'invalid_json'],
    ['not JSON', '{"labels":', 400, 'invalid_json'],
    ['a list', '[]', 400, 'bad_parameter'],
    ['no labels', '{}', 400, 'bad_parameter'],
    ['something else', '{"labels": {}, "latest": true}', 400, 'bad_parameter'],
    ['a number', '{"labels": {"a": 1}}', 400, 'bad_parameter'],
    ['a nameless label', '{"labels": {"": "a"}}', 400, 'bad_parameter'],
    ['a name that no filter can say', '{"labels": {"a=b": "c"}}', 400, 'bad_parameter'],
    ['a long value', `{"labels": {"a": "${'x'.repeat(257)}"}}`, 400, 'bad_parameter'],
    ['NUL', '{"labels": {"a": "\\u0000"}}', 400, 'bad_parameter'],
    ['half a character', '{"labels": {"\\ud800": "a"}}', 400, 'bad_parameter'],
    ['a prototype', '{"__proto__": {"labels": {}}}', 400, 'invalid_json'],
    ['too much', `{"labels": {"a": "${'x'.repeat(70_000)}"}}`, 413, 'document_too_large'],
  ])('refuses %s', async (_what, body, status, code) => {
    const response = await patch(body);
    expect(response.json()).toMatchObject({ status, code });
    expect((await trivet.get(`/api/scan-results/${before}`)).json().labels).toEqual({ stage: 'test' });
  });

  it('says how large a body may be, and where it is wrong', async () => {
    const large = await patch(`{"labels": {"a": "${'x'.repeat(70_000)}"}}`);
    expect(large.json().maxBytes).toBe(65_536);
    const wrong = await patch('{"labels": {"a/b~": 1}}');
    expect(wrong.json().errors).toEqual([{ pointer: '/labels/a~1b~0', detail: expect.any(String) }]);
  });

  it('refuses too many labels', async () => {
    const labels = Object.fromEntries(Array.from({ length: 51 }, (_, index) => [`l${index}`, '1']));
    expect((await patch(JSON.stringify({ labels }))).json()).toMatchObject({
      status: 422,
      code: 'too_many_labels',
    });
  });

  it('refuses another type, and a scan that is not there', async () => {
    expect((await patch('{"labels": {}}', 'text/plain')).json()).toMatchObject({
      code: 'unsupported_media_type',
    });
    expect((await patch('{"labels": {}}', 'application/json', '/api/scan-results/999')).statusCode).toBe(404);
  });
});

describe('DELETE /api/scan-results/:id', () => {
  const remove = (which: number) => trivet.get(`/api/scan-results/${which}`, { method: 'DELETE' });

  it('works, and the one before becomes the latest', async () => {
    const response = await remove(id);
    expect(response.statusCode).toBe(204);
    expect(response.body).toBe('');
    expect((await trivet.get(`/api/scan-results/${id}`)).statusCode).toBe(404);
    expect(await idsOf('latest=true')).toEqual([before]);
  });

  it('of what is not there is 404', async () => {
    expect((await remove(id)).json()).toMatchObject({ status: 404, code: 'not_found' });
    expect((await trivet.get('/api/scan-results/x', { method: 'DELETE' })).statusCode).toBe(404);
  });
});
