import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { findJsonError, MAX_DEPTH, parseJson } from '../../src/upload/json.ts';
import { refusal } from '../trivy/samples.ts';

test('JSON is read', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 5 }), fc.constantFrom(0, 2, '\t'), (value, indent) => {
      const text = JSON.stringify(value, null, indent);
      expect(parseJson(text)).toEqual(JSON.parse(text));
      expect(findJsonError(text)).toBe(text.length);
    }),
  );
});

describe('what is wrong is said with its position, line and column', () => {
  test.each([
    ['{"a": 1,}', 8, 1, 9],
    ['{"a" 1}', 5, 1, 6],
    ['[1, 2, x]', 7, 1, 8],
    ['{\n  "a": tru,\n}', 9, 2, 8],
    ['{"a":1} x', 8, 1, 9],
    ['[1 2]', 3, 1, 4],
    ['{a: 1}', 1, 1, 2],
    ["{'a': 1}", 1, 1, 2],
    ['[01]', 2, 1, 3],
    ['["a\tb"]', 3, 1, 4],
    ['["a\\xb"]', 3, 1, 4],
    ['["\\\\\\q"]', 4, 1, 5],
    ['[1}', 2, 1, 3],
    ['\uFEFF{}', 0, 1, 1],
    ['[NaN]', 1, 1, 2],
  ])('%j at %d', (text, position, line, column) => {
    const refused = refusal(() => parseJson(text));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_json', position });
    expect(refused.detail).toContain(`at position ${position} (line ${line}, column ${column})`);
    expect(refused.detail).not.toContain('truncated');
  });

  test.each([
    '{',
    '[',
    '[1',
    '[1,',
    '{"a',
    '{"a"',
    '{"a":',
    '{"a":1',
    '{"a":1,',
    '[tru',
    '[-',
    '[1.',
    '["\\',
    '["\\u12',
    '[{"a":["b"',
  ])('%j is truncated', (text) => {
    const refused = refusal(() => parseJson(text));
    expect(refused).toMatchObject({ status: 400, code: 'invalid_json', position: text.length });
    expect(refused.detail).toContain('truncated');
  });

  test.each(['', ' \n'])('%j is an empty body', (text) => {
    expect(refusal(() => parseJson(text))).toMatchObject({
      code: 'invalid_json',
      detail: 'The body is empty.',
    });
  });

  test.each([
    '2026-01-01T00:00:00Z\tINFO\tVulnerability scanning is enabled\n{}',
    'nginx:1.25 (debian 12)\n=====',
    '<html>',
  ])('%j gets the advice to send only the report', (text) => {
    expect(refusal(() => parseJson(text)).detail).toContain('--format json');
  });
});

test('any text that JSON.parse refuses is refused, and the part before the position can begin a document', () => {
  const sign = fc.constantFrom(
    '{',
    '}',
    '[',
    ']',
    ':',
    ',',
    '"',
    '\\',
    'a',
    '1',
    '-',
    '.',
    'e',
    'true',
    'null',
    ' ',
    '\n',
    '\t',
    'u00e9',
  );
  fc.assert(
    fc.property(
      fc.array(sign).map((signs) => signs.join('')),
      (text) => {
        let valid = true;
        try {
          JSON.parse(text);
        } catch {
          valid = false;
        }
        if (valid) return void parseJson(text);
        const refused = refusal(() => parseJson(text));
        expect(refused.code).toBe('invalid_json');
        expect(findJsonError(text.slice(0, findJsonError(text)))).toBe(findJsonError(text));
      },
    ),
    { numRuns: 3000 },
  );
});

describe('depth', () => {
  const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);

  test(`${MAX_DEPTH} levels are read, one more is refused with its position`, () => {
    expect(parseJson(nested(MAX_DEPTH))).toBeInstanceOf(Array);
    expect(refusal(() => parseJson(nested(MAX_DEPTH + 1)))).toMatchObject({
      status: 400,
      code: 'too_deep',
      position: MAX_DEPTH,
    });
  });

  test('a million levels of either bracket, closed or not', () => {
    for (const open of ['[', '{"a":', '[{"a":']) {
      expect(refusal(() => parseJson(open.repeat(1_000_000))).code).toBe('too_deep');
    }
  });

  test('brackets in texts do not count', () => {
    expect(
      parseJson(JSON.stringify(['['.repeat(500), '\\"[', '"{'.repeat(500), '\\'.repeat(7)])),
    ).toHaveLength(4);
    expect(parseJson(JSON.stringify(Array.from({ length: 1000 }, () => [{}])))).toHaveLength(1000);
  });
});
