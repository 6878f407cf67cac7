import { once } from 'node:events';
import http from 'node:http';
import net, { type AddressInfo } from 'node:net';
import { PassThrough, Readable } from 'node:stream';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ReportError } from '../../src/trivy/problem.ts';
import { createBudget } from '../../src/upload/memory.ts';
import { contentEncodingOf, type ReceiveLimits, receiveBody } from '../../src/upload/receive.ts';
import { refusal } from '../trivy/samples.ts';

const MIB = 1024 * 1024;
const limits: ReceiveLimits = {
  maxBodyBytes: MIB,
  idleTimeoutMs: 200,
  minBytesPerInterval: 16,
  totalTimeoutMs: 2000,
};

function receive(body: Iterable<unknown>, headers: http.IncomingHttpHeaders = {}) {
  return receiveBody(Readable.from(body, { objectMode: true }), headers, limits, createBudget(10 * MIB, 50));
}

describe('the encoding', () => {
  test.each([
    [undefined, 'identity'],
    ['', 'identity'],
    ['identity', 'identity'],
    ['gzip', 'gzip'],
    ['x-gzip', 'gzip'],
    ['GZIP', 'gzip'],
    ['identity, gzip', 'gzip'],
  ])('Content-Encoding: %s is %s', (name, encoding) => {
    expect(contentEncodingOf({ 'content-encoding': name })).toBe(encoding);
  });

  test.each(['br', 'deflate', 'zstd', 'gzip, gzip', 'gzip, br'])(
    '%s is refused with what is accepted',
    (name) => {
      const refused = refusal(() => contentEncodingOf({ 'content-encoding': name }));
      expect(refused).toMatchObject({ status: 415, code: 'unsupported_content_encoding' });
      expect(refused.detail).toContain('gzip');
    },
  );
});

test.each(['multipart/form-data; boundary=x', 'Multipart/Mixed'])(
  '%s is refused with the hint',
  async (type) => {
    const refused = receive([Buffer.from('x')], { 'content-type': type });
    await expect(refused).rejects.toMatchObject({ status: 415, code: 'unsupported_media_type' });
    await expect(refused).rejects.toThrow('--data-binary @file');
  },
);

test.each(['application/json', 'text/plain', 'application/x-www-form-urlencoded', undefined])(
  'any other type is taken: %s',
  async (type) => {
    const { body } = await receive([Buffer.from('{}')], { 'content-type': type });
    expect(body.toString()).toBe('{}');
  },
);

describe('the size', () => {
  test('a body of the limit is taken, in pieces, announced or not', async () => {
    const pieces = Array.from({ length: 16 }, (_, index) => Buffer.alloc(MIB / 16, index));
    for (const headers of [{}, { 'content-length': String(MIB) }]) {
      const { body } = await receive(pieces, headers);
      expect(body.equals(Buffer.concat(pieces))).toBe(true);
    }
  });

  test('an announced length over the limit is refused before anything is read', async () => {
    const stream = new PassThrough();
    const refused = receiveBody(stream, { 'content-length': String(MIB + 1) }, limits, createBudget(MIB, 50));
    await expect(refused).rejects.toMatchObject({ status: 413, code: 'document_too_large', maxBytes: MIB });
    expect(stream.readableFlowing).toBeNull();
  });

  test('an unannounced one is refused while it arrives', async () => {
    let sent = 0;
    function* endless() {
      for (;;) yield Buffer.alloc(++sent && 65_536);
    }
    await expect(receive(endless())).rejects.toMatchObject({ status: 413, maxBytes: MIB });
    expect(sent).toBeLessThan(40);
  });

  test('an empty body is a body', async () => {
    expect((await receive([])).body).toHaveLength(0);
  });
});

test('bodies are accounted for until they are released', async () => {
  const memory = createBudget(2 * MIB, 50);
  const read = () => receiveBody(Readable.from([Buffer.alloc(MIB)]), {}, limits, memory);
  const first = await read();
  await read();
  await expect(read()).rejects.toMatchObject({ status: 429, code: 'uploads_busy' });
  expect(memory.used).toBe(2 * MIB);
  first.release();
  (await read()).release();
  expect(memory.used).toBe(MIB);
});

describe('over HTTP', () => {
  const memory = createBudget(10 * MIB, 50);
  let server: http.Server;
  let outcome: Promise<unknown>;

  beforeEach(async () => {
    let settle: (value: unknown) => void = () => {};
    outcome = new Promise((resolve) => {
      settle = resolve;
    });
    server = http.createServer((request, response) => {
      receiveBody(request, request.headers, limits, memory)
        .then(
          ({ body, release }) => {
            release();
            response.end(String(body.length));
            return body.length;
          },
          (error: unknown) => {
            const status = error instanceof ReportError ? error.status : 500;
            response.writeHead(status, { connection: 'close' }).end();
            return error;
          },
        )
        .then(settle);
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
  });

  afterEach(() => {
    server.closeAllConnections();
    server.close();
    expect(memory.used).toBe(0);
  });

  function connect(head: string): net.Socket {
    const socket = net.connect((server.address() as AddressInfo).port, '127.0.0.1');
    socket.on('error', () => {});
    socket.write(`POST / HTTP/1.1\r\nHost: localhost\r\n${head}\r\n\r\n`);
    return socket;
  }

  async function answer(socket: net.Socket): Promise<string> {
    const [data] = await once(socket, 'data');
    return String(data).split('\r\n', 1)[0] ?? '';
  }

  test('a peer that hangs is cut with 408', async () => {
    const socket = connect('Content-Length: 1000');
    socket.write('x'.repeat(100));
    expect(await answer(socket)).toContain('408');
    expect(await outcome).toMatchObject({ status: 408, code: 'upload_too_slow' });
  });

  test('a peer that sends a byte now and then is cut with 408', async () => {
    const socket = connect('Content-Length: 1000');
    const drip = setInterval(() => socket.write('x'), 50);
    expect(await answer(socket)).toContain('408');
    clearInterval(drip);
  });

  test('a peer that would go on for ever is cut with 408', async () => {
    const socket = connect('Transfer-Encoding: chunked');
    const drip = setInterval(() => socket.write(`40\r\n${'x'.repeat(64)}\r\n`), 50);
    expect(await answer(socket)).toContain('408');
    clearInterval(drip);
  });

  test('a peer that goes away leaves nothing behind', async () => {
    const socket = connect('Content-Length: 1000');
    socket.write('x'.repeat(100), () => socket.destroy());
    expect(await outcome).toMatchObject({ status: 400, code: 'upload_aborted' });
  });

  test('the refusal of a large body reaches a peer that is still sending', async () => {
    const socket = connect(`Content-Length: ${100 * MIB}`);
    socket.write(Buffer.alloc(256 * 1024));
    expect(await answer(socket)).toContain('413');
  });

  test('chunks are put together', async () => {
    const socket = connect('Transfer-Encoding: chunked\r\nConnection: close');
    for (let index = 0; index < 10; index++) socket.write(`3e8\r\n${'x'.repeat(1000)}\r\n`);
    socket.write('0\r\n\r\n');
    await answer(socket);
    expect(await outcome).toBe(10_000);
  });
});
