import type { Problem } from '../../src/schemas.ts';
import { type Freshness, readFreshness } from './freshness.ts';

/** How long a request may take before it is given up. */
const TIMEOUT_MS = 30_000;

/** An answer that is not a success, as RFC 9457 tells it. `status` is 0 where Trivet could not be reached. */
export class ApiError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title);
    this.problem = problem;
  }
}

export interface Answer<T> {
  body: T;
  freshness: Freshness | null;
  /** When it arrived, in ms since 1970. */
  at: number;
}

/** The address of a path like `/api/summary`, below whatever path Trivet is served at. */
export function addressOf(path: string): string {
  return new URL(path.replace(/^\//, ''), document.baseURI).href;
}

/**
 * Asks for an answer. The browser keeps it with its ETag and asks again with If-None-Match, so that an unchanged
 * answer costs a 304.
 * @throws ApiError
 */
export async function get<T>(path: string, signal?: AbortSignal): Promise<Answer<T>> {
  const response = await request(path, { headers: { accept: 'application/json' } }, signal);
  const body = (await response.json()) as T;
  return { body, freshness: readFreshness(response.headers.get('cache-status')), at: Date.now() };
}

/**
 * Changes something.
 * @returns the answer's JSON, undefined where there is none
 * @throws ApiError
 */
export async function send<T>(method: 'POST' | 'PATCH' | 'DELETE', path: string, body?: unknown): Promise<T> {
  const content =
    body === undefined ? {} : { body: JSON.stringify(body), headers: { 'content-type': 'application/json' } };
  const response = await request(path, { method, ...content });
  return (response.status === 204 ? undefined : await response.json()) as T;
}

/** @throws ApiError where Trivet does not answer */
export async function reach(): Promise<void> {
  await request('/healthz', {});
}

/** Fetches the page anew, where Trivet answers: else not even what surrounds the view would be left. */
export function reload(): void {
  reach().then(
    () => location.reload(),
    () => {},
  );
}

/** Fetches the page anew where another version of it was deployed meanwhile. @param own the address of its script */
export async function followVersion(own: string): Promise<void> {
  const name = new URL(own).pathname.split('/').at(-1) ?? '';
  const page = await request('/', {}).catch(() => null);
  if (page && !(await page.text()).includes(name)) location.reload();
}

async function request(path: string, init: RequestInit, signal?: AbortSignal): Promise<Response> {
  const timeout = AbortSignal.timeout(TIMEOUT_MS);
  let response: Response;
  try {
    response = await fetch(addressOf(path), {
      ...init,
      signal: signal ? AbortSignal.any([signal, timeout]) : timeout,
    });
  } catch (error) {
    if (signal?.aborted) throw error;
    throw new ApiError(unreachable());
  }
  if (!response.ok) throw new ApiError(await readProblem(response));
  return response;
}

/** What is shown where no answer came at all. */
export function unreachable(): Problem {
  return {
    type: 'about:blank',
    status: 0,
    code: 'unreachable',
    title: 'Trivet cannot be reached',
    detail: 'The server did not answer. It may be restarting, or the connection is down.',
  };
}

async function readProblem(response: Response): Promise<Problem> {
  const body: unknown = await response.json().catch(() => null);
  return problemOf(response.status, body);
}

/** What is wrong one by one, as far as the problem's detail does not say it. */
export function particulars({ detail = '', errors = [] }: Problem): NonNullable<Problem['errors']> {
  return errors.filter((one) => !detail.includes(one.detail));
}

/** The problem in an answer's JSON, or one made of its status where the answer is not Trivet's. */
export function problemOf(status: number, body: unknown): Problem {
  if (typeof body === 'object' && body !== null && 'title' in body) return body as Problem;
  return {
    type: 'about:blank',
    status,
    code: 'unexpected_answer',
    title: `The answer was ${status}`,
    detail: 'It did not come from Trivet; perhaps a proxy in front of it answered.',
  };
}
