import { createHash } from 'node:crypto';
import { promisify } from 'node:util';
import { gunzipSync, gzip } from 'node:zlib';
import type { Entry } from './types.ts';

const compress = promisify(gzip);

/** Above this the JSON text is not kept beside the compressed form, but inflated for the rare client without gzip. */
const KEPT_JSON_BYTES = 4_096;
const GZIP_LEVEL = 5;

// What is stored in Redis: this mark, the sizes of the texts, the tokens, the ETag, the compressed JSON.
const MARK = 0x54;
const HEADER_BYTES = 8;

class EncodedEntry implements Entry {
  readonly etag: string;
  readonly gzip: Buffer;
  readonly jsonBytes: number;
  readonly #json: Buffer | null;

  constructor(etag: string, compressed: Buffer, jsonBytes: number, json: Buffer | null) {
    this.etag = etag;
    this.gzip = compressed;
    this.jsonBytes = jsonBytes;
    this.#json = json;
  }

  json(): Buffer {
    return this.#json ?? gunzipSync(this.gzip);
  }

  /** Bytes of memory that this entry holds, for the bound of the local copies. */
  get heldBytes(): number {
    return this.gzip.length + (this.#json?.length ?? 0) + 400;
  }

  /** The same entry as it is kept: without a large JSON text. */
  kept(): EncodedEntry {
    return this.#json && this.#json.length > KEPT_JSON_BYTES
      ? new EncodedEntry(this.etag, this.gzip, this.jsonBytes, null)
      : this;
  }
}

export type { EncodedEntry };

/**
 * Serialises, hashes and compresses an answer, once. Compression happens in zlib's own thread.
 * @param value plain data
 */
export async function encode(value: unknown): Promise<EncodedEntry> {
  const json = serialise(value);
  return new EncodedEntry(etagOf(json), await compress(json, { level: GZIP_LEVEL }), json.length, json);
}

/** @returns the JSON text of plain data */
export function serialise(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

/** @returns the ETag of a JSON text */
export function etagOf(json: Buffer): string {
  return `W/"${createHash('sha256').update(json).digest('base64url').slice(0, 22)}"`;
}

/** An entry as it is stored in Redis, with the tokens it was loaded under. */
export function pack(tokens: string, entry: EncodedEntry): Buffer {
  const texts = Buffer.from(tokens + entry.etag, 'latin1');
  const header = Buffer.alloc(HEADER_BYTES);
  header[0] = MARK;
  header[1] = entry.etag.length;
  header.writeUInt16BE(tokens.length, 2);
  header.writeUInt32BE(entry.jsonBytes, 4);
  return Buffer.concat([header, texts, entry.gzip]);
}

/** @returns null for bytes that `pack` did not write */
export function unpack(stored: Buffer): { tokens: string; entry: EncodedEntry } | null {
  if (stored.length < HEADER_BYTES || stored[0] !== MARK) return null;
  const etagEnd = HEADER_BYTES + stored.readUInt16BE(2) + (stored[1] ?? 0);
  if (stored.length <= etagEnd) return null;
  const tokens = stored.toString('latin1', HEADER_BYTES, HEADER_BYTES + stored.readUInt16BE(2));
  const etag = stored.toString('latin1', HEADER_BYTES + tokens.length, etagEnd);
  // Copied, so that a small entry does not keep a whole chunk of the socket's memory alive.
  return {
    tokens,
    entry: new EncodedEntry(etag, Buffer.from(stored.subarray(etagEnd)), stored.readUInt32BE(4), null),
  };
}
