import { setTimeout as sleep } from 'node:timers/promises';
import Type from 'typebox';
import { SCHEMA_VERSION } from '../db/migrate.ts';
import type { Database } from '../db/pool.ts';
import { HttpError } from '../errors.ts';
import type { App, Parts } from './app_types.ts';
import { answers } from './params.ts';

const READY_TIMEOUT_MS = 2_000;
const tags = ['system'];

/** What whoever runs Trivet asks: alive, ready, metrics. */
export function systemRoutes(app: App, parts: Parts): void {
  app.addHook('onSend', async (_request, reply) => {
    reply.header('cache-control', 'no-store');
  });

  app.get(
    '/healthz',
    {
      schema: {
        tags,
        summary: 'Alive: depends on nothing',
        response: answers(Type.Object({ status: Type.Literal('ok'), version: Type.String() })),
      },
    },
    async () => ({ status: 'ok' as const, version: parts.version }),
  );

  app.get(
    '/readyz',
    {
      schema: {
        tags,
        summary: 'PostgreSQL can be reached and is migrated; never because of Redis',
        response: answers(Type.Object({ status: Type.Literal('ok') })),
      },
    },
    async () => {
      const problem = parts.isClosing() ? 'This instance is closing.' : await databaseProblem(parts.database);
      if (problem !== null) throw new HttpError('not_ready', problem, { retryAfterSeconds: 2 });
      return { status: 'ok' as const };
    },
  );

  app.get(
    '/metrics',
    {
      schema: {
        tags,
        summary: 'Prometheus text',
        produces: ['text/plain'],
        response: answers(Type.String()),
      },
    },
    async (_request, reply) => {
      const { registry } = parts.metrics;
      return reply.type(registry.contentType).send(await registry.metrics());
    },
  );
}

async function databaseProblem(database: Database): Promise<string | null> {
  const unreachable = 'PostgreSQL cannot be reached.';
  const asked = database.query<{ count: number }>('SELECT count(*)::int AS count FROM migration').then(
    ({ rows }) => {
      const applied = rows[0]?.count ?? 0;
      return applied >= SCHEMA_VERSION ? null : `PostgreSQL has ${applied} of ${SCHEMA_VERSION} migrations.`;
    },
    () => unreachable,
  );
  return Promise.race([asked, sleep(READY_TIMEOUT_MS, unreachable, { ref: false })]);
}
