import { gzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { decodeText, gunzip, InflatedTooLarge } from '../../src/upload/decode.ts';
import { refusal } from '../trivy/samples.ts';

const text = '{"a":"é😀"}';

function utf16(value: string, order: 'le' | 'be'): Buffer {
  const bytes = Buffer.from(`\uFEFF${value}`, 'utf16le');
  return order === 'le' ? bytes : bytes.swap16();
}

describe('text', () => {
  test.each([
    ['UTF-8', Buffer.from(text)],
    ['UTF-8 with a byte order mark', Buffer.from(`\uFEFF${text}`)],
    ['UTF-16LE, as PowerShell writes it', utf16(text, 'le')],
    ['UTF-16BE', utf16(text, 'be')],
  ])('%s', (_name, bytes) => {
    expect(decodeText(bytes)).toBe(text);
  });

  test.each([
    ['Latin-1', Buffer.from([0x22, 0xe9, 0x22]), 1],
    ['a cut character', Buffer.concat([Buffer.from('"é'), Buffer.from([0xc3])]), 3],
    ['a surrogate', Buffer.from([0x61, 0xed, 0xa0, 0x80]), 1],
    ['after a U+FFFD that was sent', Buffer.concat([Buffer.from('"\uFFFD\uFFFD'), Buffer.from([0xff])]), 7],
    ['after a byte order mark', Buffer.from([0xef, 0xbb, 0xbf, 0xff]), 3],
    ['UTF-16 that ends within a character', Buffer.from([0xff, 0xfe, 0x7b, 0x00, 0x7d]), 4],
    ['gzip that is not said to be', gzipSync('{}'), 0],
  ])('%s is refused with the position of the byte', (_name, bytes, position) => {
    expect(refusal(() => decodeText(bytes))).toMatchObject({
      status: 400,
      code: 'invalid_encoding',
      position,
    });
  });
});

describe('gzip', () => {
  const body = gzipSync('x'.repeat(1000));

  test('of one member, of several, and of exactly the limit', () => {
    expect(gunzip(body, 1000).toString()).toBe('x'.repeat(1000));
    expect(gunzip(Buffer.concat([gzipSync('a'), gzipSync('b')]), 10).toString()).toBe('ab');
    expect(gunzip(gzipSync(''), 10)).toHaveLength(0);
  });

  test('over the limit is told, and nothing more is decompressed', () => {
    expect(() => gunzip(body, 999)).toThrow(InflatedTooLarge);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    const before = process.memoryUsage().arrayBuffers;
    expect(() => gunzip(bomb, 1_000_000)).toThrow(InflatedTooLarge);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1024 * 1024);
  });

  test.each([
    ['truncated', body.subarray(0, body.length - 9), /truncated/],
    ['empty', Buffer.alloc(0), /truncated/],
    ['no gzip', Buffer.from('{"a":1}'), /broken/],
    [
      'with a wrong checksum',
      Buffer.concat([body.subarray(0, -8), Buffer.from('00000000'), body.subarray(-4)]),
      /broken/,
    ],
  ])('%s is refused', (_name, bytes, message) => {
    const refused = refusal(() => gunzip(bytes, 1000));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_gzip' });
    expect(refused.detail).toMatch(message);
  });
});
