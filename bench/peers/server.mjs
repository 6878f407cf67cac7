// What all peers share: the same endpoint, on the same rows, read by the same SQL. Only the cache differs.
import Fastify from 'fastify';
import { listFindings } from '../../dist/db/findings.js';
import { openDatabase } from '../../dist/db/pool.js';

export const TTL_SECONDS = 600;

const querystring = {
  type: 'object',
  properties: { artifact: { type: 'array', items: { type: 'string' } }, limit: { type: 'integer' } },
};

/**
 * Serves the findings through a cache.
 * @param {(load: (query: object) => Promise<object>, redis: URL) => (query: object) => Promise<unknown>} build
 *   puts its cache before `load`, which reads from PostgreSQL
 */
export function serve(build) {
  process.once('message', async ({ databaseUrl, redisUrl }) => {
    const database = openDatabase({ url: databaseUrl, poolMax: 10, statementTimeoutMs: 15_000 });
    let loads = 0;
    const load = (query) => {
      loads += 1;
      return database.snapshot((db) => listFindings(db, query));
    };
    const read = build(load, new URL(redisUrl));
    const app = Fastify();
    app.get('/api/findings', { schema: { querystring } }, async (request, reply) => {
      reply.type('application/json; charset=utf-8');
      return read(request.query);
    });
    app.get('/loads', async () => ({ loads }));
    process.send({ url: await app.listen({ port: 0, host: '127.0.0.1' }) });
  });
  process.once('disconnect', () => process.exit());
}
