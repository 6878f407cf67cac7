/** Runs in a thread of the pool: the body of an upload -> what is stored of it. */
import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import { move, transferableSymbol, valueSymbol } from 'piscina';
import { parseDocument } from '../trivy/parse.ts';
import { type PlainReportError, ReportError } from '../trivy/problem.ts';
import type { ParseOptions } from '../trivy/report.ts';
import { type StoredDocument, toRows } from './columns.ts';
import { createCondenser } from './condense.ts';
import { decodeText, gunzip, gunzipChunks, InflatedTooLarge } from './decode.ts';
import { parseJson } from './json.ts';
import { PieceReader, UnreadablePiece } from './pieces.ts';
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

/** Of the document, read at once. */
const CHUNK_BYTES = 1_048_576;

/** The bytes in a buffer of their own, which can be moved to another thread. */
function movable(bytes: Uint8Array): Uint8Array {
  return bytes.byteLength === bytes.buffer.byteLength ? bytes : new Uint8Array(bytes);
}

/** What a document says, and what identifies it. */
interface Reading {
  value: unknown;
  sha256: string;
  bytes: number;
}

/** Reads the document piece by piece; what is not read that way is told, or read, by `readWhole`. */
async function read(task: ParseTask): Promise<Reading> {
  const hash = createHash('sha256');
  const reader = new PieceReader(createCondenser());
  let bytes = 0;
  try {
    for await (const chunk of chunksOf(task)) {
      bytes += chunk.length;
      if (bytes > task.maxBytes) throw new InflatedTooLarge();
      hash.update(chunk);
      reader.push(chunk);
    }
    return { value: reader.end(), sha256: hash.digest('hex'), bytes };
  } catch (error) {
    if (error instanceof UnreadablePiece) return readWhole(task);
    throw error;
  }
}

/** UTF-16, and every refusal: what is wrong is found in the whole text. */
function readWhole({ body, encoding, maxBytes }: ParseTask): Reading {
  const document = encoding === 'gzip' ? gunzip(body, maxBytes) : body;
  const value = parseJson(decodeText(document));
  return { value, sha256: createHash('sha256').update(document).digest('hex'), bytes: document.length };
}

async function* chunksOf({ body, encoding }: ParseTask): AsyncGenerator<Uint8Array> {
  if (encoding === 'gzip') {
    yield* gunzipChunks(body);
    return;
  }
  for (let at = 0; at < body.length; at += CHUNK_BYTES) yield body.subarray(at, at + CHUNK_BYTES);
}

async function parse(task: ParseTask): Promise<StoredDocument> {
  const { body, encoding } = task;
  const zipped = encoding === 'gzip' ? body : promisify(gzip)(body, { level: 6 });
  const { scans, ...facts } = await understand(task);
  return { ...facts, ...toRows(scans), gzip: movable(await zipped) };
}

/** By itself, so that the value of the document is gone when its columns are made. */
async function understand(task: ParseTask) {
  const { value, sha256, bytes } = await read(task);
  return { ...parseDocument(value, task.options), sha256, bytes };
}

/** The answer, and the memory that is moved with it to the main thread. */
async function answer(task: ParseTask): Promise<{ result: ParseResult; moved: ArrayBufferLike[] }> {
  try {
    const { packed, moved } = packDocument(await parse(task));
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
export async function parseUpload(task: ParseTask): Promise<unknown> {
  const { result, moved } = await answer(task);
  return move({ [valueSymbol]: result, [transferableSymbol]: moved });
}
