/** Runs in a thread of the pool: the body of an upload -> what is stored of it. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { parseDocument } from '../trivy/parse.ts';
import { type PlainReportError, ReportError } from '../trivy/problem.ts';
import type { ParseOptions } from '../trivy/report.ts';
import { type StoredDocument, toScanRows } from './columns.ts';
import { decodeText, gunzip, InflatedTooLarge } from './decode.ts';
import { parseJson } from './json.ts';
import type { ContentEncoding } from './receive.ts';
import { type PackedDocument, packDocument } from './transfer.ts';

export interface ParseTask {
  body: Uint8Array;
  encoding: ContentEncoding;
  options: ParseOptions;
  /** Of the document: more is not decompressed. */
  maxBytes: number;
}

export type ParseResult =
  | { outcome: 'parsed'; document: PackedDocument }
  | { outcome: 'refused'; problem: PlainReportError }
  /** The document is larger than `maxBytes`; the body comes back, so that it can be tried with more. */
  | { outcome: 'larger'; body: Uint8Array };

/** The bytes in a buffer of their own, which can be moved to another thread. */
function movable(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

function parse({ body, encoding, options, maxBytes }: ParseTask): StoredDocument {
  const document = encoding === 'gzip' ? gunzip(body, maxBytes) : body;
  const { scans, ...rest } = parseDocument(parseJson(decodeText(document)), options);
  return {
    ...rest,
    scans: scans.map(toScanRows),
    sha256: createHash('sha256').update(document).digest('hex'),
    bytes: document.byteLength,
    gzip: movable(encoding === 'gzip' ? body : gzipSync(document, { level: 6 })),
  };
}

/** The answer, and the memory that is moved with it to the main thread. */
function answer(task: ParseTask): { result: ParseResult; moved: ArrayBufferLike[] } {
  try {
    const { packed, moved } = packDocument(parse(task));
    return { result: { outcome: 'parsed', document: packed }, moved };
  } catch (error) {
    if (error instanceof ReportError) {
      return { result: { outcome: 'refused', problem: error.toPlain() }, moved: [] };
    }
    if (!(error instanceof InflatedTooLarge)) throw error;
    const body = movable(task.body);
    return { result: { outcome: 'larger', body }, moved: [body.buffer] };
  }
}

/** The pool's task. */
export function parseUpload(task: ParseTask): unknown {
  const { result, moved } = answer(task);
  return move({ [valueSymbol]: result, [transferableSymbol]: moved });
}
