import type { FastifyReply, FastifyRequest } from 'fastify';
import type { Answer } from '../cache/types.ts';
import { notFound } from '../errors.ts';

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
  reply.header('cache-status', cacheStatus(answer));
  const { entry } = answer;
  if (entry === null) throw notFound(what);
  reply.headers({ etag: entry.etag, 'cache-control': 'private, no-cache', vary: 'accept, accept-encoding' });
  if (matches(request.headers['if-none-match'], entry.etag)) return reply.code(304).send();
  reply.type('application/json; charset=utf-8');
  if (!acceptsGzip(request.headers['accept-encoding'])) return reply.send(entry.json());
  return reply.header('content-encoding', 'gzip').send(entry.gzip);
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
