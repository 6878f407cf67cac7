import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Condenser, createCondenser } from '../../src/upload/condense.ts';
import { MAX_DEPTH } from '../../src/upload/json.ts';
import { PieceReader, UnreadablePiece } from '../../src/upload/pieces.ts';

const everything: Condenser = {
  condense: (value: unknown) => value,
  entriesKept: () => Number.POSITIVE_INFINITY,
};

/** Reads a text in chunks of the sizes, over and over, as pieces that are as small. */
function read(bytes: Uint8Array, sizes: number[] = [1], pieceBytes = 1, condenser = everything): unknown {
  const reader = new PieceReader(condenser, pieceBytes);
  for (let at = 0, turn = 0; at < bytes.length; turn++) {
    const size = sizes[turn % sizes.length] ?? 1;
    reader.push(bytes.subarray(at, at + size));
    at += size;
  }
  return reader.end();
}

const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });

test('wherever a document is cut into pieces, it is read as JSON.parse reads it', () => {
  fc.assert(
    fc.property(
      fc.jsonValue({ maxDepth: 6, stringUnit: 'grapheme' }),
      fc.constantFrom(0, 2, '\t'),
      sizes,
      fc.integer({ min: 1, max: 100 }),
      (value, indent, chunks, pieceBytes) => {
        const text = JSON.stringify([value], null, indent);
        expect(read(Buffer.from(text), chunks, pieceBytes)).toEqual(JSON.parse(text));
      },
    ),
    { numRuns: 2000 },
  );
});

test('what JSON.parse refuses is refused, wherever it is cut, and what it takes is taken', () => {
  const signs = '{ } [ ] : , "a" "" "\\"" "\\\\" "b {" 1 -0.5e3 true null \n { [ [ { } ] , : "a":'.split(
    / (?!\{")/,
  );
  fc.assert(
    fc.property(
      fc.array(fc.constantFrom(...signs), { maxLength: 12 }).map((parts) => parts.join('')),
      sizes,
      fc.integer({ min: 1, max: 20 }),
      (text, chunks, pieceBytes) => {
        let expected: { value: unknown } | null = null;
        try {
          expected = { value: JSON.parse(text) };
        } catch {}
        const reading = () => read(Buffer.from(text), chunks, pieceBytes);
        if (expected === null) expect(reading).toThrow(UnreadablePiece);
        // A text or number alone may be cut in two: such a document is refused here and read as a whole.
        else if (/^\s*[[{]/.test(text)) expect(reading()).toEqual(expected.value);
      },
    ),
    { numRuns: 20_000 },
  );
});

describe('cut at every byte', () => {
  test.each([
    '{"a":[1,2,{"b":"\\\\\\" ] } ,"}],"c":{},"d":[]}',
    '[[],[[]],{},"",[1 , 2 ]\n, {"a" : { "b" : [ null ] } } ]',
    '{"a":[1],"b":2,"a":{"c":3},"b":[4]}',
    '{"__proto__":{"a":[1]},"constructor":{"__proto__":2}}',
    '{"10":1,"2":[2],"é\u{1F600}":["ü"]}',
  ])('%s', (text) => {
    for (let size = 1; size <= text.length; size++) {
      const value = read(Buffer.from(text), [size]);
      expect(JSON.stringify(value)).toBe(JSON.stringify(JSON.parse(text)));
    }
  });

  test.each([
    '{"a":[1,2,]}',
    '{"a":1,}',
    '[,1]',
    '[1,,2]',
    '[[1]2]',
    '[[1][2]]',
    '[[1],]',
    '[{"a":[1]},,2]',
    '[{"a":[1}]]',
    '[{"a":1]]',
    '{"a":{"b":1}"c":2}',
    '{"a" {"b":1}}',
    '{{"b":1}}',
    '{[1]}',
    '[1 [2]]',
    '[1] [2]',
    '[1] 2',
    '[1',
    '[[1]',
    ']',
    ',',
    '["\u0000"]',
  ])('%s is refused', (text) => {
    for (let size = 1; size <= text.length; size++) {
      expect(() => read(Buffer.from(text), [size]), `chunks of ${size}`).toThrow(UnreadablePiece);
    }
  });
});

test('a byte order mark is left out, a second one and bytes that are no UTF-8 are refused', () => {
  const mark = [0xef, 0xbb, 0xbf];
  const list = [...Buffer.from('["ü"]')];
  for (const size of [1, 2, 3, 100]) {
    expect(read(Uint8Array.from([...mark, ...list]), [size], 4)).toEqual(['ü']);
    expect(() => read(Uint8Array.from([...mark, ...mark, ...list]), [size], 4)).toThrow(UnreadablePiece);
    expect(() => read(Uint8Array.from([0x5b, 0x22, 0xff, 0x22, 0x5d]), [size])).toThrow(UnreadablePiece);
  }
});

test(`${MAX_DEPTH} levels are read, one more is refused before it is complete`, () => {
  const nested = (depth: number) => Buffer.from('['.repeat(depth) + ']'.repeat(depth));
  expect(read(nested(MAX_DEPTH))).toBeInstanceOf(Array);
  const reader = new PieceReader(everything, 1);
  expect(() => reader.push(nested(MAX_DEPTH + 1).subarray(0, MAX_DEPTH + 1))).toThrow(UnreadablePiece);
});

test('of a large report that is kept which somebody reads', () => {
  const report = {
    Results: [
      {
        Packages: [{ Name: 'a' }, { Name: 'b' }, { Name: 'c' }],
        Vulnerabilities: [{ VulnerabilityID: 'CVE-1', Layer: { Digest: 'a' }, PkgName: 'p' }],
        Misconfigurations: [{ CauseMetadata: { Code: { Lines: new Array(30).fill({ Content: 'x' }) } } }],
      },
    ],
  };
  const value = read(Buffer.from(JSON.stringify(report)), [7], 20, createCondenser());
  expect(value).toEqual({
    Results: [
      {
        Packages: [{ Name: 'a' }],
        Vulnerabilities: [{ VulnerabilityID: 'CVE-1', Layer: null, PkgName: 'p' }],
        Misconfigurations: [{ CauseMetadata: { Code: { Lines: new Array(20).fill({ Content: 'x' }) } } }],
      },
    ],
  });
});
