import Type from 'typebox';
import { listArtifacts } from '../db/artifacts.ts';
import { notFound } from '../errors.ts';
import { today } from '../reads.ts';
import {
  Artifact,
  ArtifactSummary,
  ArtifactsQuery,
  List,
  Problem,
  RepositoriesQuery,
  Repository,
} from '../schemas.ts';
import type { App, Parts } from './app_types.ts';
import { wantsCsv } from './csv.ts';
import { answers, IdParams, idOf, NoQuery } from './params.ts';
import { sendAnswer } from './send.ts';

const tags = ['artifacts'];

/** `/api/artifacts` and `/api/repositories`: what has been scanned. */
export function artifactRoutes(app: App, { reads, writes, sendCsv }: Parts): void {
  app.get(
    '/api/artifacts',
    {
      schema: {
        tags,
        summary: 'What has been scanned',
        querystring: ArtifactsQuery,
        response: answers(List(ArtifactSummary)),
      },
    },
    async (request, reply) => {
      const { query } = request;
      if (wantsCsv(request, query.format)) return sendCsv(request, reply, 'artifacts', query, listArtifacts);
      return sendAnswer(request, reply, await reads.artifacts(query, request.url));
    },
  );

  app.get(
    '/api/artifacts/:id',
    {
      schema: {
        tags,
        summary: 'One artifact',
        params: IdParams,
        querystring: NoQuery,
        response: answers(Artifact),
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'artifact');
      return sendAnswer(request, reply, await reads.artifact({ id, day: today() }), `artifact ${id}`);
    },
  );

  app.delete(
    '/api/artifacts/:id',
    {
      schema: {
        tags,
        summary: 'Delete an artifact with all its scans',
        params: IdParams,
        querystring: NoQuery,
        response: { 204: Type.Null(), default: Problem },
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'artifact');
      if (!(await writes.deleteArtifact(id))) throw notFound(`artifact ${id}`);
      return reply.code(204).send(null);
    },
  );

  app.get(
    '/api/repositories',
    {
      schema: {
        tags,
        summary: 'What has been scanned, by repository',
        querystring: RepositoriesQuery,
        response: answers(List(Repository)),
      },
    },
    async (request, reply) =>
      sendAnswer(request, reply, await reads.repositories(request.query, request.url)),
  );
}
