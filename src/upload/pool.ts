/** Uploads are decompressed, parsed and turned into rows by worker threads, so that the main thread serves others. */
import { existsSync } from 'node:fs';
import type { IncomingHttpHeaders } from 'node:http';
import type { Readable } from 'node:stream';
import { Piscina } from 'piscina';
import { ReportError } from '../trivy/problem.ts';
import type { ParseOptions } from '../trivy/report.ts';
import type { StoredDocument } from './columns.ts';
import { createBudget, type Reservation } from './memory.ts';
import {
  type ContentEncoding,
  DEFAULT_RECEIVE_LIMITS,
  type ReceivedBody,
  type ReceiveLimits,
  receiveBody,
} from './receive.ts';
import { unpackDocument } from './transfer.ts';
import type { ParseResult, ParseTask } from './worker.ts';

export interface UploadPoolOptions {
  threads: number;
  /** MAX_INFLATED_MB: of one document. */
  maxInflatedBytes: number;
  /** UPLOAD_MEMORY_MB: of all documents in work together. */
  memoryBytes: number;
  /** MAX_BODY_MB: of one body as sent. */
  maxBodyBytes: number;
  /** How long an upload waits for memory that others use. */
  memoryWaitMs?: number;
  /** How long an upload waits for a thread, and how long a thread may work on it, which others may slow down. */
  threadWaitMs?: number;
  parseTimeoutMs?: number;
  /** Of a thread, in MiB. */
  heapLimitMb?: number;
  receive?: Partial<ReceiveLimits>;
}

export interface UploadPool {
  /**
   * Reads the body of a request. `release` of what it answers has to be called when the upload is written or refused:
   * until then the memory of its body, and of the document parsed from it, counts as used.
   */
  receive(stream: Readable, headers: IncomingHttpHeaders): Promise<ReceivedBody>;
  /**
   * @param body is moved to the worker: it is empty afterwards
   * @param signal gives the upload up; the promise then rejects with the signal's reason
   * @throws ReportError where the upload is refused
   */
  parse(
    body: Buffer,
    encoding: ContentEncoding,
    options: ParseOptions,
    signal?: AbortSignal,
  ): Promise<StoredDocument>;
  /** Waits for what is in work. */
  close(): Promise<void>;
}

/** How long closing waits for what is in work. */
const IDLE_THREAD_MS = 30_000;
const CLOSE_TIMEOUT_MS = 8_000;

/**
 * Of a report of 200 MiB, which tells the same again and again, 0.3 GB are kept at most. With a limit near to that V8
 * collects garbage in time; with one far from it it let the process grow to 0.8 GB.
 */
function defaultHeapLimitMb(maxInflatedBytes: number): number {
  return 128 + Math.ceil((1.25 * maxInflatedBytes) / 1_048_576);
}

function workerFile(): string {
  const beside = new URL('./worker.js', import.meta.url);
  // From the sources, as tests run, the compiled worker is taken: Node 20 runs no TypeScript.
  return existsSync(beside) ? beside.href : new URL('../../dist/upload/worker.js', import.meta.url).href;
}

/**
 * The size that gzip's trailer claims (RFC 1952, 2.3.1). It is a guess: of several members it is the last one's, and a
 * truncated or forged body claims anything.
 */
function claimedBytes(body: Buffer): number {
  return body.length < 18 ? 0 : body.readUInt32LE(body.length - 4);
}

/** A body in a small part of its memory shares that with others, as Node's small buffers do, and is not moved. */
function movable(body: Buffer): Uint8Array {
  return body.byteLength * 2 > body.buffer.byteLength ? body : new Uint8Array(body);
}

function inflatedTooLarge(maxBytes: number): ReportError {
  const detail = `The document is larger than ${maxBytes} bytes after decompression (MAX_INFLATED_MB).`;
  return new ReportError(413, 'document_too_large', detail, { maxBytes });
}

function tooMuchWork(maxBytes: number, why: string): ReportError {
  const detail = `The document takes too much ${why} to read; send it in smaller parts.`;
  return new ReportError(413, 'document_too_large', detail, { maxBytes });
}

/** The threads, each working on one task at a time and not longer than it may. */
function createThreads(poolOptions: UploadPoolOptions) {
  const { threads, maxInflatedBytes } = poolOptions;
  const parseTimeoutMs = poolOptions.parseTimeoutMs ?? 120_000;
  // Threads are waited for here and not in the pool's own queue, so that a document's time is its thread's.
  const slots = createBudget(threads, poolOptions.threadWaitMs ?? 60_000);
  const workers = new Piscina<ParseTask, ParseResult>({
    filename: workerFile(),
    name: 'parseUpload',
    minThreads: 1,
    maxThreads: threads,
    // A thread that parsed something large keeps its memory for as long as it lives.
    idleTimeout: IDLE_THREAD_MS,
    closeTimeout: CLOSE_TIMEOUT_MS,
    resourceLimits: {
      maxOldGenerationSizeMb: poolOptions.heapLimitMb ?? defaultHeapLimitMb(maxInflatedBytes),
    },
  });

  async function run(task: ParseTask, signal?: AbortSignal): Promise<ParseResult> {
    const slot = await slots.reserve(1, signal);
    const deadline = AbortSignal.timeout(parseTimeoutMs);
    const either = signal === undefined ? deadline : AbortSignal.any([signal, deadline]);
    try {
      return await workers.run(task, { signal: either, transferList: [task.body.buffer as ArrayBuffer] });
    } catch (error) {
      if (signal?.aborted) throw signal.reason;
      if (deadline.aborted) throw tooMuchWork(maxInflatedBytes, 'time');
      if (error instanceof Error && 'code' in error && error.code === 'ERR_WORKER_OUT_OF_MEMORY') {
        throw tooMuchWork(maxInflatedBytes, 'memory');
      }
      throw error;
    } finally {
      slot.release();
    }
  }

  return { run, close: () => workers.close() };
}

export function createUploadPool(poolOptions: UploadPoolOptions): UploadPool {
  const { maxInflatedBytes, memoryBytes, maxBodyBytes } = poolOptions;
  const memoryWaitMs = poolOptions.memoryWaitMs ?? 10_000;
  // Two budgets, always taken in this order, so that bodies that wait for a thread never starve those in one.
  const bodies = createBudget(memoryBytes, memoryWaitMs);
  const documents = createBudget(memoryBytes, memoryWaitMs);
  const holdsOfBodies = new WeakMap<Buffer, Reservation[]>();
  const limits: ReceiveLimits = { ...DEFAULT_RECEIVE_LIMITS, ...poolOptions.receive, maxBodyBytes };
  const threads = createThreads(poolOptions);

  /** Parses within what is reserved; with more where the body's guess of it was too small. */
  async function parseWithin(
    hold: Reservation,
    guess: number,
    task: Omit<ParseTask, 'maxBytes'>,
    signal: AbortSignal | undefined,
  ): Promise<ParseResult> {
    const result = await threads.run({ ...task, maxBytes: guess }, signal);
    if (result.outcome !== 'larger' || guess === maxInflatedBytes) return result;
    // Giving back before asking for more keeps such uploads from blocking each other.
    hold.release();
    await hold.grow(maxInflatedBytes, signal);
    return threads.run({ ...task, body: result.body, maxBytes: maxInflatedBytes }, signal);
  }

  return {
    async receive(stream, headers) {
      const received = await receiveBody(stream, headers, limits, bodies);
      const holds: Reservation[] = [];
      holdsOfBodies.set(received.body, holds);
      return {
        ...received,
        release() {
          received.release();
          for (const hold of holds) hold.release();
        },
      };
    },
    async parse(body, encoding, options, signal) {
      if (encoding === 'identity' && body.length > maxInflatedBytes) throw inflatedTooLarge(maxInflatedBytes);
      const claimed = encoding === 'gzip' ? Math.max(claimedBytes(body), body.length) : body.length;
      const guess = Math.min(claimed, maxInflatedBytes);
      const hold = await documents.reserve(guess, signal);
      const holds = holdsOfBodies.get(body);
      holds?.push(hold);
      try {
        const result = await parseWithin(hold, guess, { body: movable(body), encoding, options }, signal);
        if (result.outcome === 'parsed') return unpackDocument(result.document);
        throw result.outcome === 'refused'
          ? ReportError.fromPlain(result.problem)
          : inflatedTooLarge(maxInflatedBytes);
      } finally {
        // Of a body that was not received here nobody else releases it.
        if (holds === undefined) hold.release();
      }
    },
    close: () => threads.close(),
  };
}
