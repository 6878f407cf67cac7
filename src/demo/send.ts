import type { StoredScans } from '../schemas.ts';
import type { SampleUpload } from './reports.ts';

const TIMEOUT_MS = 60_000;

/** Trivet cannot be used at all: it does not answer, or not to us. */
export class UnusableError extends Error {}

/** A running Trivet. */
export interface Server {
  /** With a slash at the end. */
  url: URL;
  token: string | undefined;
}

/**
 * Whether it has any scan.
 * @throws UnusableError
 */
export async function hasScans(server: Server): Promise<boolean> {
  const { response, body } = await request(server, 'api/scan-results?limit=1', {});
  const total = (body as { total?: unknown } | undefined)?.total;
  if (!response.ok || typeof total !== 'number')
    throw new UnusableError(`${server.url} ${reasonOf(response, body)}`);
  return total > 0;
}

/**
 * Sends one report.
 * @returns how many scans it holds, or why it was refused
 * @throws UnusableError
 */
export async function send(server: Server, upload: SampleUpload): Promise<number | string> {
  const { response, body } = await request(server, `api/scan-results?${upload.query}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(upload.document),
  });
  if (!response.ok) return reasonOf(response, body);
  return (body as Partial<StoredScans> | undefined)?.items?.length ?? 1;
}

async function request({ url, token }: Server, path: string, init: RequestInit) {
  const headers = { ...init.headers, ...(token && { authorization: `Bearer ${token}` }) };
  try {
    const response = await fetch(new URL(path, url), {
      ...init,
      headers,
      signal: AbortSignal.timeout(TIMEOUT_MS),
    });
    return { response, body: parseJson(await response.text()) };
  } catch (error) {
    throw new UnusableError(`${url} cannot be reached: ${messageOf(error)}`);
  }
}

function reasonOf(response: Response, body: unknown): string {
  if (response.ok) return 'does not answer as Trivet does';
  const { detail, title } = (body ?? {}) as { detail?: string; title?: string };
  return `says ${response.status}: ${detail ?? title ?? response.statusText}`;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** fetch hides the cause of a failed connection in `cause`, where there may be one for each address. */
function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error instanceof AggregateError) return messageOf(error.errors[0]);
  return error.cause === undefined ? error.message : messageOf(error.cause);
}
