/** Taking in the body of an upload as it was sent, within limits of size, time and memory. */
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { ReportError } from '../trivy/problem.ts';
import type { Budget, Reservation } from './memory.ts';

export type ContentEncoding = 'gzip' | 'identity';

export interface ReceiveLimits {
  maxBodyBytes: number;
  /** In this time at least `minBytesPerInterval` have to arrive, or the rest of the body. */
  idleTimeoutMs: number;
  minBytesPerInterval: number;
  /** For the whole body. */
  totalTimeoutMs: number;
}

export const DEFAULT_RECEIVE_LIMITS: Omit<ReceiveLimits, 'maxBodyBytes'> = {
  idleTimeoutMs: 30_000,
  minBytesPerInterval: 16_384,
  totalTimeoutMs: 600_000,
};

export interface ReceivedBody {
  body: Buffer;
  encoding: ContentEncoding;
  /** Gives back the memory of the body; to be called once it is no longer needed. */
  release(): void;
}

/** Bodies are accounted for in steps of this size, as they arrive. */
const STEP_BYTES = 262_144;

/** @throws ReportError 415 for what cannot be undone here */
export function contentEncodingOf(headers: IncomingHttpHeaders): ContentEncoding {
  const names = (headers['content-encoding'] ?? '')
    .toLowerCase()
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '' && name !== 'identity');
  if (names.length === 0) return 'identity';
  if (names.length === 1 && (names[0] === 'gzip' || names[0] === 'x-gzip')) return 'gzip';
  const detail = `Content-Encoding ${names.join(', ')} is not accepted: send the report as it is, or with gzip.`;
  throw new ReportError(415, 'unsupported_content_encoding', detail);
}

/** Reports come under any type, but a form wraps them in something else. */
function checkContentType(headers: IncomingHttpHeaders): void {
  if (!/^\s*multipart\//i.test(headers['content-type'] ?? '')) return;
  const detail = 'A form is not accepted: send the report itself as the body, with curl --data-binary @file.';
  throw new ReportError(415, 'unsupported_media_type', detail);
}

function tooLarge(maxBytes: number): ReportError {
  const detail = `The body is larger than ${maxBytes} bytes (MAX_BODY_MB); gzip makes reports about ten times smaller.`;
  return new ReportError(413, 'document_too_large', detail, { maxBytes });
}

function tooSlow(receivedBytes: number): ReportError {
  const detail = `The body arrives too slowly: ${receivedBytes} bytes came, then too little within the time allowed.`;
  return new ReportError(408, 'upload_too_slow', detail);
}

/** The body so far: of the announced length, or growing by doubling. */
function createCollector(announcedBytes: number | null) {
  let buffer = Buffer.allocUnsafeSlow(announcedBytes ?? 65_536);
  let length = 0;
  return {
    get length() {
      return length;
    },
    append(chunk: Buffer) {
      if (length + chunk.length > buffer.length) {
        const larger = Buffer.allocUnsafeSlow(Math.max(buffer.length * 2, length + chunk.length));
        buffer.copy(larger, 0, 0, length);
        buffer = larger;
      }
      chunk.copy(buffer, length);
      length += chunk.length;
    },
    body: () => buffer.subarray(0, length),
  };
}

/** Rejects with 408 when too little arrives; `stop` ends its timers. */
function createWatch(limits: ReceiveLimits, receivedBytes: () => number) {
  let fail: (reason: unknown) => void = () => {};
  const failed = new Promise<never>((_resolve, reject) => {
    fail = reject;
  });
  // Who is not waiting for it at the moment must not be ended by it.
  failed.catch(() => {});
  let before = 0;
  const interval = setInterval(() => {
    if (receivedBytes() - before < limits.minBytesPerInterval) fail(tooSlow(receivedBytes()));
    before = receivedBytes();
  }, limits.idleTimeoutMs);
  const total = setTimeout(() => fail(tooSlow(receivedBytes())), limits.totalTimeoutMs);
  return {
    failed,
    stop() {
      clearInterval(interval);
      clearTimeout(total);
    },
  };
}

/** Reads the stream to its end. The stream is left open when it is refused, so that an answer can still be sent. */
async function collect(
  stream: Readable,
  announcedBytes: number | null,
  limits: ReceiveLimits,
  hold: Reservation,
): Promise<Buffer> {
  const collector = createCollector(announcedBytes);
  const watch = createWatch(limits, () => collector.length);
  const chunks = stream.iterator({ destroyOnReturn: false });
  let accountedBytes = 0;
  try {
    for (;;) {
      const next = chunks.next();
      // The read that a timeout leaves behind may still fail.
      next.catch(() => {});
      const { value, done } = await Promise.race([next, watch.failed]);
      if (done) return collector.body();
      const chunk: Buffer = Buffer.isBuffer(value) ? value : Buffer.from(value);
      if (collector.length + chunk.length > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes);
      while (accountedBytes < collector.length + chunk.length) {
        await hold.grow(STEP_BYTES);
        accountedBytes += STEP_BYTES;
      }
      collector.append(chunk);
    }
  } finally {
    watch.stop();
  }
}

/**
 * The body of a request as it was sent.
 * @param stream the request, or a stream of its body
 * @throws ReportError 408, 413, 415, 429, or 400 `upload_aborted` where the peer went away; after any of them the
 *   rest of the body is unread, so the connection has to be closed after the answer
 */
export async function receiveBody(
  stream: Readable,
  headers: IncomingHttpHeaders,
  limits: ReceiveLimits,
  memory: Budget,
): Promise<ReceivedBody> {
  checkContentType(headers);
  const encoding = contentEncodingOf(headers);
  const announced = headers['content-length'] === undefined ? null : Number(headers['content-length']);
  if (announced !== null && announced > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes);
  const hold = await memory.reserve(0);
  try {
    const body = await collect(stream, Number.isSafeInteger(announced) ? announced : null, limits, hold);
    return { body, encoding, release: hold.release };
  } catch (error) {
    hold.release();
    if (error instanceof ReportError) throw error;
    throw new ReportError(400, 'upload_aborted', 'The connection ended before the whole body had arrived.');
  }
}
