import { describe, expect, test } from 'vitest';
import { inByteOrder, naturalOrder, storable } from '../../src/upload/literals.ts';

test('in byte order, which is not the order of UTF-16 units', () => {
  expect(inByteOrder(['b', 'a', 'B', '', 'a'])).toEqual(['', 'B', 'a', 'b']);
  expect(inByteOrder(['\u{1f600}', '\uffee', 'z'])).toEqual(['z', '\uffee', '\u{1f600}']);
});

test('natural order: CVE-2024-10000 comes after CVE-2024-9999', () => {
  expect(naturalOrder('CVE-2024-10000') > naturalOrder('CVE-2024-9999')).toBe(true);
  expect(naturalOrder('CVE-2024-9')).toBe('CVE-000000002024-000000000009');
  expect(naturalOrder('GHSA-1234567890123-x')).toBe('GHSA-1234567890123-x');
  expect(naturalOrder('a1'.repeat(128)).length).toBeLessThanOrEqual(512);
});

describe('what PostgreSQL cannot hold is replaced', () => {
  test('NUL and surrogates that stand alone, in texts and keys, at any depth', () => {
    expect(storable({ 'a\0': ['b\ud800c', { d: '\udc00' }], e: '\u{1f600}', f: 1, g: null })).toEqual({
      'a\uFFFD': ['b\uFFFDc', { d: '\uFFFD' }],
      e: '\u{1f600}',
      f: 1,
      g: null,
    });
  });

  test('a value without any is the same value', () => {
    const value = { a: ['b', { c: 'd' }] };
    expect(storable(value)).toBe(value);
  });
});
