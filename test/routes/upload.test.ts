import { once } from 'node:events';
import { request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { imageReport, startApp, type TestApp } from './trivet.ts';

const MAX_BODY_BYTES = 1_048_576;

let trivet: TestApp;
let port: number;
beforeAll(async () => {
  trivet = await startApp({ maxBodyBytes: MAX_BODY_BYTES });
  port = Number(new URL(await trivet.app.listen({ port: 0, host: '127.0.0.1' })).port);
});
afterAll(() => trivet?.close());

function send(payload: string | Buffer, headers: Record<string, string> = {}, query = '') {
  return trivet.app.inject({ method: 'POST', url: `/api/scan-results${query}`, payload, headers });
}

async function lastUpload(): Promise<Record<string, unknown>> {
  return (await trivet.get('/api/uploads?limit=1')).json().items[0];
}

async function countScans(): Promise<number> {
  return (await trivet.get('/api/scan-results')).json().total;
}

/** An operator's resource about a Deployment. */
function configAudit(name: string): object {
  return {
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind: 'ConfigAuditReport',
    metadata: {
      name: `deployment-${name}`,
      namespace: 'shop',
      uid: `uid-${name}`,
      labels: {
        'trivy-operator.resource.kind': 'Deployment',
        'trivy-operator.resource.name': name,
        'trivy-operator.resource.namespace': 'shop',
      },
    },
    report: {
      updateTimestamp: '2026-01-01T00:00:00Z',
      checks: [{ checkID: 'KSV001', title: 'Root', severity: 'HIGH', success: false, messages: ['root'] }],
    },
  };
}

describe('POST /api/scan-results', () => {
  it('works', async () => {
    const response = await trivet.post(
      imageReport('nginx:1.25', [{ id: 'CVE-2026-1', severity: 'CRITICAL', fixed: '1.1' }]),
      '?label=team=web&label=a=b=c&cluster=prod',
    );
    expect(response.statusCode).toBe(201);
    const summary = response.json();
    expect(response.headers.location).toBe(`/api/scan-results/${summary.id}`);
    expect(summary).toMatchObject({
      artifact: { type: 'image', name: 'nginx:1.25' },
      kinds: ['vulnerability'],
      severityCounts: { critical: 1, high: 0, medium: 0, low: 0, unknown: 0 },
      fixableCount: 1,
      latest: true,
      labels: { team: 'web', a: 'b=c' },
      changes: { against: null, new: 1, gone: 0, same: 0 },
    });
    expect((await trivet.get(String(response.headers.location))).json()).toMatchObject(summary);
    expect(await lastUpload()).toMatchObject({
      outcome: 'stored',
      artifact: 'nginx:1.25',
      scanIds: [summary.id],
      bytes: expect.any(Number),
    });
  });

  it('answers the same report with 200 and what is stored', async () => {
    const report = imageReport('same:1', [{ id: 'CVE-2026-1' }]);
    const first = await trivet.post(report);
    const again = await trivet.post(report);
    expect([first.statusCode, again.statusCode]).toEqual([201, 200]);
    expect(again.json()).toEqual(first.json());
    expect(again.headers.location).toBe(first.headers.location);
    expect(await lastUpload()).toMatchObject({ outcome: 'same', scanIds: [first.json().id] });
  });

  it('tells what is new against the scan before', async () => {
    const first = await trivet.post(imageReport('gate:1', [{ id: 'CVE-2026-1' }], 1));
    const second = await trivet.post(
      imageReport('gate:1', [{ id: 'CVE-2026-1' }, { id: 'CVE-2026-2', severity: 'CRITICAL' }], 2),
    );
    expect(second.json().changes).toMatchObject({
      against: first.json().id,
      new: 1,
      same: 1,
      newBySeverity: { critical: 1, high: 0 },
    });
  });

  it.each([
    'application/json',
    'text/plain',
    'application/x-www-form-urlencoded',
    'application/octet-stream; x="y',
    'nonsense',
    '',
  ])('takes a report as Content-Type %j', async (type) => {
    const report = imageReport(`type-${type.length}:1`, []);
    const response = await send(JSON.stringify(report), { 'content-type': type });
    expect(response.statusCode).toBe(201);
  });

  it('takes gzip, and UTF-16 with a byte order mark', async () => {
    const text = JSON.stringify(imageReport('gzip:1', []));
    expect((await send(gzipSync(text), { 'content-encoding': 'gzip' })).statusCode).toBe(201);
    const wide = JSON.stringify(imageReport('wide:1', []));
    expect((await send(Buffer.from(`\ufeff${wide}`, 'utf16le'))).statusCode).toBe(201);
  });

  it('takes the name from the request', async () => {
    const response = await trivet.post(imageReport('.', []), '?artifact=registry.example.org/app:2');
    expect(response.json().artifact.name).toBe('registry.example.org/app:2');
  });

  it('takes what was looked for from the request', async () => {
    const response = await trivet.post(imageReport('scanners:1', []), '?scanners=vuln,secret');
    expect(response.json().kinds).toEqual(['vulnerability', 'secret']);
  });

  it('answers a document of several scans with a list', async () => {
    const list = { kind: 'List', apiVersion: 'v1', items: [configAudit('web'), configAudit('db')] };
    const response = await trivet.post(list);
    expect(response.statusCode).toBe(201);
    expect(response.json()).toMatchObject({
      items: [{ created: true }, { created: true }],
      skipped: [],
      warnings: [],
    });
    const again = await trivet.post(list);
    expect(again.statusCode).toBe(200);
    expect(again.json().items).toMatchObject([{ created: false }, { created: false }]);
    const upload = await lastUpload();
    expect(upload.scanIds).toHaveLength(2);
  });

  it('ignores what changes nothing', async () => {
    const before = await countScans();
    const response = await trivet.post({ verb: 'delete', operatorObject: configAudit('web') });
    expect(response.statusCode).toBe(200);
    expect(response.json()).toEqual({ ignored: 'delete' });
    expect(await countScans()).toBe(before);
  });
});

describe('refused and recorded, with nothing stored:', () => {
  const report = JSON.stringify(imageReport('refused:1', [{ id: 'CVE-2026-9' }]));
  const deep = `${'['.repeat(5_000)}${']'.repeat(5_000)}`;
  const zeros = gzipSync(Buffer.alloc(20 * 1_048_576, ' '));
  const gzip = { 'content-encoding': 'gzip' };

  it.each<[string, string | Buffer, Record<string, string>, string, number, string]>([
    ['not JSON', 'hello', {}, '', 400, 'invalid_json'],
    ['nothing', '', {}, '', 400, 'invalid_json'],
    ['half a report', report.slice(0, -20), {}, '', 400, 'invalid_json'],
    ['bytes of no encoding', Buffer.from([0x7b, 0xff, 0xfe, 0x7d]), {}, '', 400, 'invalid_encoding'],
    ['no gzip', report, gzip, '', 400, 'invalid_gzip'],
    ['half of gzip', gzipSync(report).subarray(0, 100), gzip, '', 400, 'invalid_gzip'],
    ['too deep', deep, {}, '', 400, 'too_deep'],
    ['another encoding', report, { 'content-encoding': 'br' }, '', 415, 'unsupported_content_encoding'],
    [
      'a form',
      report,
      { 'content-type': 'multipart/form-data; boundary=x' },
      '',
      415,
      'unsupported_media_type',
    ],
    ['too large', Buffer.alloc(MAX_BODY_BYTES + 1, ' '), {}, '', 413, 'document_too_large'],
    ['too large after decompression', zeros, gzip, '', 413, 'document_too_large'],
    ['no report', '{"hello": "world"}', {}, '', 422, 'not_a_trivy_report'],
    ['no name', JSON.stringify(imageReport('.', [])), {}, '', 422, 'artifact_name_required'],
    ['wrong types', report.replace('"openssl"', '17'), {}, '', 422, 'invalid_report'],
    ['an unknown parameter', report, {}, '?artefact=x', 400, 'bad_parameter'],
    ['an unknown scanner', report, {}, '?scanners=vuln,virus', 400, 'bad_parameter'],
    ['a property for a scanner', report, {}, '?scanners=constructor', 400, 'bad_parameter'],
    ['a label without a value', report, {}, '?label=x', 400, 'bad_parameter'],
    ['a label that is too long', report, {}, `?label=${'x'.repeat(300)}=1`, 400, 'bad_parameter'],
    ['a label that cannot be stored', report, {}, '?label=a=%00', 400, 'bad_parameter'],
  ])('%s', async (_what, payload, headers, query, status, code) => {
    const before = await countScans();
    const response = await send(payload, headers, query);
    expect(response.json()).toMatchObject({ status, code, detail: expect.stringMatching(/\S/) });
    expect(response.statusCode).toBe(status);
    expect(await countScans()).toBe(before);
    expect(await lastUpload()).toMatchObject({ outcome: 'refused', code, scanIds: [] });
  });

  it('SARIF, with what to send instead', async () => {
    const sarif = { $schema: 'https://json.schemastore.org/sarif-2.1.0.json', version: '2.1.0', runs: [] };
    const response = await trivet.post(sarif);
    expect(response.json()).toMatchObject({ code: 'not_a_trivy_report', looksLike: 'SARIF' });
    expect(await lastUpload()).toMatchObject({ looksLike: 'SARIF' });
  });

  it('a name for scans of several artifacts', async () => {
    const list = { kind: 'List', apiVersion: 'v1', items: [configAudit('a1'), configAudit('a2')] };
    const response = await trivet.post(list, '?artifact=x');
    expect(response.json()).toMatchObject({ status: 422, code: 'artifact_not_applicable' });
  });

  it('more labels than a scan may have', async () => {
    const labels = Array.from({ length: 51 }, (_, index) => `label=l${index}=1`).join('&');
    const response = await trivet.post(imageReport('labels:1', []), `?${labels}`);
    expect(response.json()).toMatchObject({ status: 422, code: 'too_many_labels' });
  });

  it('with the place of what is wrong', async () => {
    const wrong = imageReport('place:1', [{ id: 'CVE-2026-1' }]) as {
      Results: { Vulnerabilities: object[] }[];
    };
    wrong.Results[0]?.Vulnerabilities.push({ VulnerabilityID: 7, PkgName: 'x' });
    const response = await trivet.post(wrong);
    expect(response.json().errors).toEqual([
      { pointer: '/Results/0/Vulnerabilities/1/VulnerabilityID', detail: expect.any(String) },
    ]);
  });
});

describe('hostile text', () => {
  it('is refused where a name holds what nothing can store', async () => {
    for (const hostile of [{ id: 'CVE-\u0000-NUL' }, { id: 'CVE-1', package: '\ud800' }]) {
      const response = await trivet.post(imageReport('hostile:0', [hostile]));
      expect(response.statusCode).toBe(422);
      expect(response.json()).toMatchObject({ code: 'invalid_report' });
    }
    expect((await trivet.post(imageReport('x:1', []), '?artifact=%00')).statusCode).toBe(400);
    expect((await trivet.get('/api/scan-results?q=hostile')).json().total).toBe(0);
  });

  it('is stored as text', async () => {
    const report = imageReport('hostile:1', [
      { id: '__proto__', package: '<script>alert(1)</script>' },
      { id: 'CVE-2024-1', package: '"; DROP TABLE scan; --' },
    ]);
    const response = await trivet.post(report, '?label=__proto__=x&label=constructor=y');
    expect(response.statusCode).toBe(201);
    expect(response.body).toContain('"__proto__":"x"');
    const list = await trivet.get(`${response.headers.location}/vulnerabilities`);
    expect(list.headers['content-type']).toContain('application/json');
    expect(list.json().items).toHaveLength(2);
  });
});

describe('over a connection', () => {
  /** Sends a body as it is produced, and gives status and body of the answer. */
  function stream(
    headers: Record<string, string>,
    produce: (write: (chunk: Buffer) => void, end: () => void) => void,
  ): Promise<{ status: number; body: string }> {
    return new Promise((resolve, reject) => {
      const options = { port, host: '127.0.0.1', method: 'POST', path: '/api/scan-results', headers };
      const call = request(options, (response) => {
        let body = '';
        response.on('data', (chunk) => {
          body += chunk;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      call.on('error', reject);
      produce(
        (chunk) => call.write(chunk),
        () => call.end(),
      );
    });
  }

  it('a body of unknown length is cut off at the limit, and the answer arrives', async () => {
    const chunk = Buffer.alloc(262_144, ' ');
    const { status, body } = await stream({}, (write, end) => {
      for (let sent = 0; sent < 12; sent += 1) write(chunk);
      end();
    });
    expect(status).toBe(413);
    expect(JSON.parse(body)).toMatchObject({ code: 'document_too_large', maxBytes: MAX_BODY_BYTES });
  });

  it('a body that is announced too large is refused before it is sent', async () => {
    const { status } = await stream({ 'content-length': '5000000000' }, (write) => write(Buffer.from('{')));
    expect(status).toBe(413);
  });

  it.each(['close', 'keep-alive'])(
    'a client that sends all before it reads gets its 413, with Connection: %s',
    async (connection) => {
      const socket = connect(port, '127.0.0.1');
      // Far more than the buffers of a connection hold.
      const length = 24 * 1_048_576;
      const chunk = Buffer.alloc(262_144, ' ');
      socket
        .pause()
        .write(
          `POST /api/scan-results HTTP/1.1\r\nHost: localhost\r\nConnection: ${connection}\r\nContent-Length: ${length}\r\n\r\n`,
        );
      for (let sent = 0; sent < length; sent += chunk.length) {
        if (!socket.write(chunk)) await once(socket, 'drain');
      }
      if (connection === 'close') expect(await text(socket)).toMatch(/^HTTP\/1\.1 413 .*"maxBytes":/s);
      else expect(String((await once(socket.resume(), 'data'))[0])).toMatch(/^HTTP\/1\.1 413 /);
      socket.destroy();
    },
  );

  it('that ends in the middle of a body is survived', async () => {
    const arrived = once(trivet.app.server, 'request');
    const refused = stream({ 'content-length': '1000' }, (write) => write(Buffer.from('{"Results": [')));
    await arrived;
    trivet.app.server.closeAllConnections();
    await expect(refused).rejects.toThrow();
    await expect.poll(async () => (await lastUpload()).code, { timeout: 5_000 }).toBe('upload_aborted');
    expect((await trivet.post(imageReport('alive:1', []))).statusCode).toBe(201);
    expect(trivet.logs.filter(({ msg }) => msg === 'request failed')).toEqual([]);
  });
});
