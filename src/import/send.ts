import { readFile } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { gzip } from 'node:zlib';
import type { ScanSummary, StoredScans } from '../schemas.ts';
import { type Options, UsageError } from './options.ts';

const TIMEOUT_MS = 120_000;
const ATTEMPTS = 5;
const LONGEST_PAUSE_MS = 30_000;
// 502 and 504 come from a proxy; a report that went in all the same is recognised when it is sent again.
const RETRIED = new Set([429, 502, 503, 504]);

/** What became of one file. */
export interface Outcome {
  outcome: 'stored' | 'same' | 'refused';
  /** Why it was refused. */
  reason?: string;
  scans: ScanSummary[];
  /** Resources of the document that hold no scan, each with its reason. */
  skipped: string[];
}

type Problem = { title?: string; detail?: string; looksLike?: string };
type Accepted = Partial<StoredScans> & { ignored?: string };

/**
 * Sends one report, compressed.
 * @param file its path
 * @throws UsageError where no other report would fare better: Trivet cannot be reached, or refuses the token
 */
export async function sendReport(file: string, options: Options): Promise<Outcome> {
  let content: Buffer;
  try {
    content = await readFile(file);
  } catch (error) {
    return refused(messageOf(error));
  }
  const isGzip = content[0] === 0x1f && content[1] === 0x8b;
  const { response, body } = await request('api/scan-results', options.query, options, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'content-encoding': 'gzip' },
    body: new Uint8Array(isGzip ? content : await promisify(gzip)(content)),
  });
  if (response.status !== 200 && response.status !== 201) {
    const reason = reasonOf(response, body as Problem | undefined);
    if ([401, 403, 404, 405].includes(response.status))
      throw new UsageError(`${options.url.href} says: ${reason}`);
    return refused(reason);
  }
  return accepted(response.status, (body ?? {}) as Accepted & ScanSummary);
}

/** Reads a list of Trivet's. @returns undefined where it may not be read, as with an uploader's token */
export async function readList<T>(
  path: string,
  query: URLSearchParams,
  options: Options,
): Promise<{ items: T[]; nextCursor: string | null } | undefined> {
  const { response, body } = await request(path, query, options, {});
  return response.ok ? (body as { items: T[]; nextCursor: string | null }) : undefined;
}

function accepted(status: number, body: Accepted & ScanSummary): Outcome {
  const skipped = (body.skipped ?? []).map(({ name, reason }) => `${name}: ${reason}`);
  if (body.ignored) skipped.push(`ignored: ${body.ignored}`);
  const scans = body.items ?? (body.artifact ? [body] : []);
  return { outcome: status === 201 ? 'stored' : 'same', scans, skipped };
}

function refused(reason: string): Outcome {
  return { outcome: 'refused', reason, scans: [], skipped: [] };
}

function reasonOf(response: Response, problem: Problem | undefined): string {
  const said = problem?.detail ?? problem?.title ?? `HTTP status ${response.status} ${response.statusText}`;
  return problem?.looksLike ? `${said} (it looks like ${problem.looksLike})` : said;
}

/** One request, repeated while Trivet cannot be reached or asks for patience. */
async function request(path: string, query: URLSearchParams, options: Options, init: RequestInit) {
  const url = new URL(path, options.url);
  url.search = query.toString();
  const headers = { ...init.headers, ...(options.token ? { authorization: `Bearer ${options.token}` } : {}) };
  for (let attempt = 1; ; attempt += 1) {
    const isLast = attempt === ATTEMPTS;
    const backoffMs = 250 * 2 ** attempt;
    try {
      const response = await fetch(url, { ...init, headers, signal: AbortSignal.timeout(TIMEOUT_MS) });
      const body = parseJson(await response.text());
      if (isLast || !RETRIED.has(response.status)) return { response, body };
      await sleep(pauseMs(response.headers.get('retry-after')) ?? backoffMs);
    } catch (error) {
      if (isLast) throw new UsageError(`${options.url.href} cannot be reached: ${messageOf(error)}`);
      await sleep(backoffMs);
    }
  }
}

/** @param retryAfter RFC 9110: seconds or a date */
function pauseMs(retryAfter: string | null): number | undefined {
  if (retryAfter === null) return undefined;
  const ms = /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1000 : Date.parse(retryAfter) - Date.now();
  return Number.isNaN(ms) ? undefined : Math.min(Math.max(ms, 0), LONGEST_PAUSE_MS);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch hides the cause of a failed connection in `cause`. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const { cause } = error;
  if (cause instanceof AggregateError) return messageOf(cause.errors[0]);
  return cause instanceof Error ? messageOf(cause) : error.message;
}
