import { listUploads } from '../db/uploads.ts';
import { today } from '../reads.ts';
import { List, Summary, Upload, UploadsQuery } from '../schemas.ts';
import type { App, Parts } from './app_types.ts';
import { answers, NoQuery } from './params.ts';
import { sendAnswer } from './send.ts';

/** `/api/summary`, and `/api/uploads`, which is not cached. */
export function overviewRoutes(app: App, { reads, database }: Parts): void {
  app.get(
    '/api/summary',
    {
      schema: {
        tags: ['overview'],
        summary: 'Totals and trend',
        querystring: NoQuery,
        response: answers(Summary),
      },
    },
    async (request, reply) => sendAnswer(request, reply, await reads.summary({ day: today() })),
  );

  app.get(
    '/api/uploads',
    {
      schema: {
        tags: ['overview'],
        summary: 'What was sent in the last 7 days',
        querystring: UploadsQuery,
        response: answers(List(Upload)),
      },
    },
    async (request, reply) => {
      reply.header('cache-control', 'no-store');
      return database.snapshot((db) => listUploads(db, request.query, new Date()));
    },
  );
}
