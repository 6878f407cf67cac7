/** The bytes of an upload -> the bytes of the document -> its text. */
import { createGunzip, gunzipSync } from 'node:zlib';
import { ReportError } from '../trivy/problem.ts';

/** Of what is inflated at once. */
const CHUNK_BYTES = 262_144;

/** Thrown where a gzip body holds more than the limit it was given. */
export class InflatedTooLarge extends Error {}

/**
 * @param maxBytes of the document
 * @throws InflatedTooLarge, or ReportError 400 `invalid_gzip`
 */
export function gunzip(body: Uint8Array, maxBytes: number): Buffer {
  try {
    // Few large chunks: they are joined at the end.
    const chunkSize = Math.min(Math.max(maxBytes, 64), 1_048_576);
    return gunzipSync(body, { maxOutputLength: maxBytes, chunkSize });
  } catch (error) {
    if (codeOf(error) === 'ERR_BUFFER_TOO_LARGE') throw new InflatedTooLarge();
    throw invalidGzip(error);
  }
}

/**
 * The document in chunks, never all of it.
 * @throws ReportError 400 `invalid_gzip`
 */
export async function* gunzipChunks(body: Uint8Array): AsyncGenerator<Buffer> {
  const inflating = createGunzip({ chunkSize: CHUNK_BYTES });
  inflating.end(body);
  try {
    yield* inflating;
  } catch (error) {
    throw invalidGzip(error);
  }
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}

function invalidGzip(error: unknown): ReportError {
  const what =
    codeOf(error) === 'Z_BUF_ERROR'
      ? 'is truncated'
      : `is broken (${error instanceof Error ? error.message : error})`;
  return new ReportError(400, 'invalid_gzip', `The gzip body ${what}.`);
}

function startsWith(bytes: Uint8Array, ...prefix: number[]): boolean {
  return prefix.every((byte, index) => bytes[index] === byte);
}

/**
 * The text of a document: UTF-8, or UTF-16 where a byte order mark says so, as PowerShell's `>` writes it.
 * @throws ReportError 400 `invalid_encoding`
 */
export function decodeText(bytes: Uint8Array): string {
  if (startsWith(bytes, 0xff, 0xfe)) return decodeUtf16(bytes, 'utf-16le');
  if (startsWith(bytes, 0xfe, 0xff)) return decodeUtf16(bytes, 'utf-16be');
  if (startsWith(bytes, 0x1f, 0x8b)) {
    const detail =
      'The body is gzip, but the request does not say so: add the header Content-Encoding: gzip.';
    throw new ReportError(400, 'invalid_encoding', detail, { position: 0 });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    const position = findInvalidUtf8(bytes);
    const detail = `The body is not UTF-8: the bytes from position ${position} on are no character.`;
    throw new ReportError(400, 'invalid_encoding', detail, { position });
  }
}

function decodeUtf16(bytes: Uint8Array, label: 'utf-16le' | 'utf-16be'): string {
  if (bytes.length % 2 === 1) {
    const detail = `The body is ${label.toUpperCase()} by its byte order mark, but ends within a character.`;
    throw new ReportError(400, 'invalid_encoding', detail, { position: bytes.length - 1 });
  }
  // Not fatal: a surrogate that stands alone is kept in the document and replaced in what is read of it.
  return new TextDecoder(label).decode(bytes);
}

/** The position in bytes of what the decoder replaced first; a U+FFFD that was sent is no mistake. */
function findInvalidUtf8(bytes: Uint8Array): number {
  const text = new TextDecoder('utf-8', { ignoreBOM: true }).decode(bytes);
  let position = 0;
  let from = 0;
  for (let index = text.indexOf('\uFFFD'); index !== -1; index = text.indexOf('\uFFFD', from)) {
    position += Buffer.byteLength(text.slice(from, index));
    if (!startsWith(bytes.subarray(position, position + 3), 0xef, 0xbf, 0xbd)) return position;
    position += 3;
    from = index + 1;
  }
  return position;
}
