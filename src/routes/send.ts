import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer, Entry } from '../cache/types.ts';
import { notFound, PLAIN_HEADERS } from '../errors.ts';

/** Of every cached answer: names and values in turn, as node:http writes them with the least work. */
const ENTRY_HEADERS = [
  ...Object.entries(PLAIN_HEADERS).flat(),
  ...['cache-control', 'private, no-cache', 'vary', 'accept, accept-encoding'],
];
const JSON_HEADERS = [...ENTRY_HEADERS, 'content-type', 'application/json; charset=utf-8'];

/**
 * Sends a cached answer: bytes that were encoded when it was loaded, with its ETag and how the cache fared.
 * @param what is not there when the answer is empty: that is a 404
 */
export function sendAnswer(
  request: FastifyRequest,
  reply: FastifyReply,
  answer: Answer,
  what = 'resource at this address',
): FastifyReply {
  if (answer.entry !== null) return sendEntry(request, reply, answer.entry, cacheStatus(answer));
  reply.header('cache-status', cacheStatus(answer));
  throw notFound(what);
}

/**
 * Hands the bytes to node:http, past Fastify's own reply, which costs more than all the rest of a hit. Hooks of
 * `onResponse` run as ever, those of `onSend` do not: every header is written here.
 */
function sendEntry(request: FastifyRequest, reply: FastifyReply, entry: Entry, status: string): FastifyReply {
  const { headers, method } = request;
  const { etag } = entry;
  reply.hijack();
  if (matches(headers['if-none-match'], etag)) {
    reply.raw.writeHead(304, [...ENTRY_HEADERS, 'etag', etag, 'cache-status', status]).end();
    return reply;
  }
  const isGzip = acceptsGzip(headers['accept-encoding']);
  const lengthBytes = isGzip ? entry.gzip.length : entry.jsonBytes;
  const own = ['etag', etag, 'cache-status', status, 'content-length', String(lengthBytes)];
  if (isGzip) own.push('content-encoding', 'gzip');
  reply.raw.writeHead(200, [...JSON_HEADERS, ...own]);
  if (method === 'HEAD') reply.raw.end();
  else reply.raw.end(isGzip ? entry.gzip : entry.json());
  return reply;
}

/** RFC 9211: how this cache handled the request. */
export function cacheStatus({ outcome, stored, ttlSeconds, reason }: Answer): string {
  switch (outcome) {
    case 'hit':
      return `trivet; hit; ttl=${ttlSeconds}`;
    case 'local':
      return `trivet; hit; ttl=${ttlSeconds}; detail=local`;
    case 'miss':
      return stored ? 'trivet; fwd=miss; stored' : 'trivet; fwd=miss';
    case 'collapsed':
      return 'trivet; fwd=miss; collapsed';
    case 'bypass':
      return `trivet; fwd=bypass; detail=${reason}`;
  }
}

/** RFC 9110, 13.1.2: weak comparison, a list or `*`. */
function matches(header: string | undefined, etag: string): boolean {
  if (header === undefined) return false;
  if (header === etag || header.trim() === '*') return true;
  const opaque = etag.slice(2);
  return header.split(',').some((candidate) => candidate.trim().replace(/^W\//, '') === opaque);
}

/** Whether gzip is accepted with a quality above 0; browsers and curl --compressed name it plainly. */
export function acceptsGzip(header: string | string[] | undefined): boolean {
  if (header === undefined) return false;
  const quality = /(?:^|,)\s*(?:x-)?(gzip|\*)\s*(?:;\s*q=([\d.]+))?\s*(?=,|$)/i.exec(String(header));
  return quality !== null && Number(quality[2] ?? 1) > 0;
}
