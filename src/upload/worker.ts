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

export interface ParseTask {
  body: Uint8Array;
  encoding: ContentEncoding;
  options: ParseOptions;
  /** Of the document: more is not decompressed. */
  maxBytes: number;
}

export type ParseResult =
  | { outcome: 'parsed'; document: StoredDocument }
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

function parseOrRefuse(task: ParseTask): ParseResult {
  try {
    return { outcome: 'parsed', document: parse(task) };
  } catch (error) {
    if (error instanceof ReportError) return { outcome: 'refused', problem: error.toPlain() };
    if (error instanceof InflatedTooLarge) return { outcome: 'larger', body: movable(task.body) };
    throw error;
  }
}

/** The pool's task. The bytes in its answer are moved to the main thread, not copied. */
export function parseUpload(task: ParseTask): unknown {
  const result = parseOrRefuse(task);
  const bytes =
    result.outcome === 'parsed' ? result.document.gzip : result.outcome === 'larger' ? result.body : null;
  if (bytes === null) return result;
  return move({ [valueSymbol]: result, [transferableSymbol]: bytes.buffer });
}
