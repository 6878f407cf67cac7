import { createHash } from 'node:crypto';
import { Readable } from 'node:stream';
import { gunzipSync, gzipSync } from 'node:zlib';
import { afterAll, describe, expect, test } from 'vitest';
import { createUploadPool, type UploadPoolOptions } from '../../src/upload/pool.ts';
import { report, result, vulnerability } from '../trivy/samples.ts';

const MIB = 1024 * 1024;
const sizes: UploadPoolOptions = {
  threads: 2,
  maxInflatedBytes: 8 * MIB,
  memoryBytes: 16 * MIB,
  maxBodyBytes: 4 * MIB,
};
const options = { artifact: null, cluster: null, kinds: null };
const pool = createUploadPool(sizes);
afterAll(() => pool.close());

function document(findings = 1): Buffer {
  const entries = Array.from({ length: findings }, (_, index) =>
    vulnerability({ VulnerabilityID: `CVE-2024-${index}` }),
  );
  return Buffer.from(JSON.stringify(report({ Results: [result({ Vulnerabilities: entries })] })));
}

/** A JSON text of the length that holds a report. */
function padded(bytes: number): Buffer {
  const text = document();
  return Buffer.concat([text, Buffer.alloc(bytes - text.length, ' ')]);
}

describe('an upload becomes what is stored of it', () => {
  test('as it is', async () => {
    const sent = document(3);
    const stored = await pool.parse(Buffer.from(sent), 'identity', options);
    expect(stored).toMatchObject({
      ignored: null,
      multiple: false,
      skipped: [],
      bytes: sent.length,
      sha256: createHash('sha256').update(sent).digest('hex'),
      scans: [{ artifact: { name: 'nginx:1.25' }, severityCounts: { high: 3 } }],
    });
    expect(stored.dictionary.vulnerabilities[0]?.id).toBe('{"CVE-2024-0","CVE-2024-1","CVE-2024-2"}');
    expect(gunzipSync(stored.gzip)).toEqual(sent);
  });

  test('gzip: the document is the one inside, and the gzip is kept as it was sent', async () => {
    const sent = document(3);
    const body = gzipSync(sent, { level: 1 });
    const stored = await pool.parse(Buffer.from(body), 'gzip', options);
    expect(stored.sha256).toBe(createHash('sha256').update(sent).digest('hex'));
    expect(stored.bytes).toBe(sent.length);
    expect(Buffer.from(stored.gzip)).toEqual(body);
  });

  test('UTF-16 as PowerShell writes it: the bytes are kept', async () => {
    const sent = Buffer.from(`\uFEFF${document().toString()}`, 'utf16le');
    const stored = await pool.parse(Buffer.from(sent), 'identity', options);
    expect(stored.scans).toHaveLength(1);
    expect(gunzipSync(stored.gzip)).toEqual(sent);
  });

  test('texts that no database can hold are kept in the document and replaced in the columns', async () => {
    const sent = Buffer.from(
      JSON.stringify(
        report({ Results: [result({ Vulnerabilities: [vulnerability({ Title: 'a\0\ud800' })] })] }),
      ),
    );
    const stored = await pool.parse(Buffer.from(sent), 'identity', options);
    expect(stored.dictionary.vulnerabilities[0]?.texts).toContain('"title":"a\uFFFD\uFFFD"');
    expect(gunzipSync(stored.gzip)).toEqual(sent);
  });

  test('the options reach the parser', async () => {
    const stored = await pool.parse(Buffer.from('null'), 'identity', {
      artifact: 'a:1',
      cluster: null,
      kinds: ['secret'],
    });
    expect(stored.scans).toMatchObject([{ artifact: { name: 'a:1' }, kinds: ['secret'] }]);
  });

  test('a large body is moved, not copied', async () => {
    const body = Buffer.allocUnsafeSlow(MIB).fill(' ');
    document().copy(body);
    await pool.parse(body, 'identity', options);
    expect(body).toHaveLength(0);
  });

  test('received from a request, then parsed', async () => {
    const { body, encoding, release } = await pool.receive(Readable.from([gzipSync(document())]), {
      'content-encoding': 'gzip',
    });
    const stored = await pool.parse(body, encoding, options);
    release();
    expect(stored.scans).toHaveLength(1);
  });
});

describe('refusals cross from the thread with all they say', () => {
  test.each<[string, Buffer, 'gzip' | 'identity', object]>([
    ['not JSON', Buffer.from('{"a":x}'), 'identity', { status: 400, code: 'invalid_json', position: 5 }],
    ['empty', Buffer.alloc(0), 'identity', { status: 400, code: 'invalid_json', position: 0 }],
    ['truncated', document().subarray(0, -2), 'identity', { status: 400, code: 'invalid_json' }],
    ['too deep', Buffer.from('['.repeat(1000)), 'identity', { status: 400, code: 'too_deep', position: 100 }],
    [
      'not UTF-8',
      Buffer.from([0x22, 0xff, 0x22]),
      'identity',
      { status: 400, code: 'invalid_encoding', position: 1 },
    ],
    ['not gzip', document(), 'gzip', { status: 400, code: 'invalid_gzip' }],
    ['truncated gzip', gzipSync(document(100)).subarray(0, -100), 'gzip', { code: 'invalid_gzip' }],
    ['not a report', Buffer.from('{"runs":[]}'), 'identity', { status: 422, looksLike: 'SARIF' }],
    [
      'a wrong type',
      Buffer.from('{"SchemaVersion":2,"Results":{}}'),
      'identity',
      { status: 422, pointer: '/Results' },
    ],
    ['too large', Buffer.alloc(8 * MIB + 1, ' '), 'identity', { status: 413, maxBytes: 8 * MIB }],
  ])('%s', async (_name, body, encoding, expected) => {
    await expect(pool.parse(Buffer.from(body), encoding, options)).rejects.toMatchObject(expected);
  });
});

describe('decompressed sizes', () => {
  test('the limit itself is read', async () => {
    const stored = await pool.parse(gzipSync(padded(8 * MIB)), 'gzip', options);
    expect(stored.bytes).toBe(8 * MIB);
  });

  test.each([
    ['said by the trailer', gzipSync(Buffer.alloc(8 * MIB + 1, ' '))],
    [
      'hidden by a last member that is small',
      Buffer.concat([gzipSync(Buffer.alloc(8 * MIB, ' ')), gzipSync('{}')]),
    ],
    ['of many members', Buffer.concat(new Array(40).fill(gzipSync(Buffer.alloc(MIB, ' '))))],
  ])('over the limit, %s: 413', async (_name, body) => {
    const refused = pool.parse(body, 'gzip', options);
    await expect(refused).rejects.toMatchObject({
      status: 413,
      code: 'document_too_large',
      maxBytes: 8 * MIB,
    });
  });

  test('several members that claim too little are read with more memory', async () => {
    const body = Buffer.concat([gzipSync(padded(3 * MIB)), gzipSync(' ')]);
    const stored = await pool.parse(body, 'gzip', options);
    expect(stored.bytes).toBe(3 * MIB + 1);
  });

  test('many of them at once neither block each other nor others', async () => {
    const body = Buffer.concat([gzipSync(padded(3 * MIB)), gzipSync(' ')]);
    const uploads = Array.from({ length: 12 }, () => pool.parse(Buffer.from(body), 'gzip', options));
    uploads.push(pool.parse(document(), 'identity', options));
    const stored = await Promise.all(uploads);
    expect(stored.map(({ scans }) => scans.length)).toEqual(new Array(13).fill(1));
  });
});

describe('limits of memory and time', () => {
  test('what does not get memory in time is refused with 429', async () => {
    const small = createUploadPool({ ...sizes, threads: 1, memoryBytes: 3 * MIB, memoryWaitMs: 1 });
    try {
      const uploads = Array.from({ length: 5 }, () => small.parse(padded(2 * MIB), 'identity', options));
      const outcomes = await Promise.allSettled(uploads);
      expect(outcomes[0]?.status).toBe('fulfilled');
      expect(outcomes.at(-1)).toMatchObject({
        reason: { status: 429, code: 'uploads_busy', retryAfterSeconds: 5 },
      });
      expect((await small.parse(padded(3 * MIB), 'identity', options)).scans).toHaveLength(1);
    } finally {
      await small.close();
    }
  });

  test('the memory of a received upload is in use until it is released, parsed or not', async () => {
    const small = createUploadPool({ ...sizes, threads: 1, memoryBytes: 3 * MIB, memoryWaitMs: 50 });
    try {
      const receive = () =>
        small.receive(Readable.from([gzipSync(padded(2 * MIB))]), { 'content-encoding': 'gzip' });
      const [first, second] = [await receive(), await receive()];
      await small.parse(first.body, first.encoding, options);
      await expect(small.parse(second.body, second.encoding, options)).rejects.toMatchObject({ status: 429 });
      first.release();
      second.release();
      const third = await receive();
      expect((await small.parse(third.body, third.encoding, options)).bytes).toBe(2 * MIB);
      third.release();
    } finally {
      await small.close();
    }
  });

  test('a document that takes a thread more memory than it has is refused with 413, and others are served', async () => {
    const small = createUploadPool({ ...sizes, threads: 1, heapLimitMb: 24 });
    try {
      const greedy = Buffer.from(`[${new Array(2_000_000).fill('{}').join(',')}]`);
      const refused = small.parse(greedy, 'identity', { ...options, artifact: 'a' });
      await expect(refused).rejects.toMatchObject({ status: 413, code: 'document_too_large' });
      await expect(refused).rejects.toThrow('memory');
      for (let index = 0; index < 3; index++) {
        expect((await small.parse(document(), 'identity', options)).scans).toHaveLength(1);
      }
    } finally {
      await small.close();
    }
  });

  test('a thread has less memory than a document, of which it keeps what is read, and equal texts once', async () => {
    const frugal = createUploadPool({
      ...sizes,
      threads: 1,
      maxInflatedBytes: 64 * MIB,
      memoryBytes: 64 * MIB,
      heapLimitMb: 48,
    });
    try {
      const InstalledFiles = Array.from(
        { length: 100 },
        (_, index) => `/usr/lib/a/long/path/to/file/${index}`,
      );
      const Packages = new Array(9_000).fill({ Name: 'openssl', InstalledFiles });
      const Vulnerabilities = Array.from({ length: 2_000 }, (_, index) =>
        vulnerability({ PkgName: `package-${index}`, Description: 'told again and again '.repeat(500) }),
      );
      const sent = Buffer.from(JSON.stringify(report({ Results: [result({ Packages, Vulnerabilities })] })));
      expect(sent.length).toBeGreaterThan(48 * MIB);
      const stored = await frugal.parse(gzipSync(sent, { level: 1 }), 'gzip', options);
      expect(stored).toMatchObject({
        bytes: sent.length,
        sha256: createHash('sha256').update(sent).digest('hex'),
        scans: [{ severityCounts: { high: 2_000 } }],
      });
    } finally {
      await frugal.close();
    }
  });

  test('a document that takes too long is refused with 413, and others are served', async () => {
    const bytes = 64 * MIB;
    const hasty = createUploadPool({
      ...sizes,
      threads: 1,
      maxInflatedBytes: bytes,
      memoryBytes: bytes,
      parseTimeoutMs: 1000,
    });
    try {
      // Reading so many numbers takes seconds.
      const slow = gzipSync(
        Buffer.concat([Buffer.from('['), Buffer.alloc(bytes - 3, '0,'), Buffer.from('0]')]),
        { level: 1 },
      );
      const refused = hasty.parse(slow, 'gzip', { ...options, artifact: 'a' });
      await expect(refused).rejects.toMatchObject({ status: 413 });
      await expect(refused).rejects.toThrow('time');
      expect((await hasty.parse(document(), 'identity', options)).scans).toHaveLength(1);
    } finally {
      await hasty.close();
    }
  });

  test('an upload that is given up makes room', async () => {
    const controller = new AbortController();
    const given = pool.parse(padded(4 * MIB), 'identity', options, controller.signal);
    controller.abort(new Error('gone'));
    await expect(given).rejects.toThrow('gone');
    expect((await pool.parse(document(), 'identity', options)).scans).toHaveLength(1);
  });
});

test('the main thread serves others meanwhile', async () => {
  const own = createUploadPool({ ...sizes, threads: 1 });
  try {
    await own.parse(document(), 'identity', options);
    let longestMs = 0;
    let last = performance.now();
    const timer = setInterval(() => {
      const now = performance.now();
      longestMs = Math.max(longestMs, now - last);
      last = now;
    }, 1);
    const started = performance.now();
    await own.parse(document(30_000), 'identity', options);
    const tookMs = performance.now() - started;
    clearInterval(timer);
    expect(longestMs).toBeLessThan(tookMs / 2);
  } finally {
    await own.close();
  }
});
