import Type from 'typebox';
import type { CacheStatistics } from '../cache/types.ts';
import { Problem } from '../schemas.ts';
import type { App, Parts } from './app_types.ts';
import { answers, NoQuery } from './params.ts';

const tags = ['cache'];
const Nullable = Type.Union([Type.Number(), Type.Null()]);

/** What the dashboard and scripts rely on; there is more in it. */
const Statistics = Type.Unsafe<CacheStatistics>(
  Type.Object({
    state: Type.Enum(['active', 'bypass', 'off']),
    since: Type.String({ format: 'date-time' }),
    reason: Type.Union([Type.String(), Type.Null()]),
    connected: Type.Boolean(),
    hits: Type.Integer({ description: 'local ones and 304s included' }),
    localHits: Type.Integer(),
    collapsed: Type.Integer(),
    misses: Type.Integer({ description: 'collapsed ones included' }),
    bypasses: Type.Integer(),
    hitRate: Nullable,
    invalidations: Type.Integer(),
    errors: Type.Integer(),
    totalKeys: Nullable,
    memoryUsed: Nullable,
    evictions: Nullable,
    uptimeSeconds: Type.Number(),
    redis: Type.Union([Type.Record(Type.String(), Type.Unknown()), Type.Null()]),
    reads: Type.Record(Type.String(), Type.Unknown(), { description: 'by name' }),
    window: Type.Record(Type.String(), Type.Unknown(), { description: 'the same over 5 minutes' }),
    history: Type.Array(Type.Unknown(), { description: '60 points of a minute' }),
    instances: Type.Array(Type.Unknown(), { description: "each one's own" }),
  }),
);

const Health = Type.Object({
  status: Type.Enum(['ok', 'degraded', 'off']),
  redis: Type.Enum(['connected', 'unreachable', 'off']),
  latencyMs: Nullable,
});

const Event = Type.Object({
  at: Type.String({ format: 'date-time' }),
  instance: Type.String(),
  kind: Type.Enum(['connection', 'invalidation', 'clear', 'warning', 'instance']),
  message: Type.String(),
  detail: Type.Record(Type.String(), Type.Unknown()),
});

/** `/api/cache/…`: how the cache fares, and clearing it. */
export function cacheRoutes(app: App, { cache }: Parts): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });

  app.get(
    '/api/cache/stats',
    {
      schema: {
        tags,
        summary: 'Statistics of all instances',
        querystring: NoQuery,
        response: answers(Statistics),
      },
    },
    async () => cache.statistics(),
  );

  app.get(
    '/api/cache/events',
    {
      schema: {
        tags,
        summary: 'What happened: the last 500 events, the newest first',
        querystring: NoQuery,
        response: answers(Type.Object({ items: Type.Array(Event) })),
      },
    },
    async () => ({ items: await cache.events() }),
  );

  app.get(
    '/api/cache/health',
    { schema: { tags, summary: 'Whether it works', querystring: NoQuery, response: answers(Health) } },
    async () => cache.health(),
  );

  app.post(
    '/api/cache/clear',
    {
      schema: {
        tags,
        summary: 'Put every cached answer out of service',
        querystring: NoQuery,
        response: { 204: Type.Null(), default: Problem },
      },
    },
    async (_request, reply) => {
      await cache.clear('api');
      return reply.code(204).send(null);
    },
  );
}
