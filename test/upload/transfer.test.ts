import { expect, test } from 'vitest';
import { type StoredDocument, toRows } from '../../src/upload/columns.ts';
import { packDocument, unpackDocument } from '../../src/upload/transfer.ts';
import { parseScan, report, result, vulnerability } from '../trivy/samples.ts';

function stored(description: string): StoredDocument {
  const scan = parseScan(
    report({ Results: [result({ Vulnerabilities: [vulnerability({ Description: description })] })] }),
  );
  const rest = { ignored: null, skipped: [], warnings: [], multiple: false, sha256: 'ab', bytes: 1 };
  return { ...rest, ...toRows([scan]), gzip: new Uint8Array([1, 2, 3]) };
}

test('a document is the same after it was packed, moved and unpacked, whatever its texts are', () => {
  for (const description of ['short', 'é😀"\\'.repeat(20_000), 'x'.repeat(200_000)]) {
    const document = stored(description);
    const { packed, moved } = packDocument(document);
    const arrived = unpackDocument(structuredClone(packed, { transfer: moved as ArrayBuffer[] }));
    expect(arrived).toEqual(stored(description));
    expect(moved).toHaveLength(description === 'short' ? 1 : 2);
    expect(moved.every((memory) => memory.byteLength === 0)).toBe(true);
  }
});
