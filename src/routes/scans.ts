import type { Readable } from 'node:stream';
import { createGunzip } from 'node:zlib';
import Type from 'typebox';
import { getDocument, listScans } from '../db/scans.ts';
import { notFound, SMALL_BODY_BYTES } from '../errors.ts';
import {
  DiffList,
  DiffQuery,
  Labels,
  LabelsPatch,
  License,
  List,
  Misconfiguration,
  Problem,
  Scan,
  ScanFinding,
  ScanLicensesQuery,
  ScanMisconfigurationsQuery,
  ScanSecretsQuery,
  ScanSummary,
  ScanSuppressedQuery,
  ScansQuery,
  ScanVulnerabilitiesQuery,
  Secret,
  Suppressed,
} from '../schemas.ts';
import type { App, Parts } from './app_types.ts';
import { wantsCsv } from './csv.ts';
import { patchOf } from './labels.ts';
import { answers, IdParams, idOf, NoQuery } from './params.ts';
import { acceptsGzip, sendAnswer } from './send.ts';

const tags = ['scan results'];

/** `/api/scan-results` but for the upload: scans, their findings and differences, labels, deletion. */
export function scanRoutes(app: App, parts: Parts): void {
  const { reads, writes, sendCsv } = parts;

  app.get(
    '/api/scan-results',
    { schema: { tags, summary: 'Scans', querystring: ScansQuery, response: answers(List(ScanSummary)) } },
    async (request, reply) => {
      const { query } = request;
      if (wantsCsv(request, query.format)) return sendCsv(request, reply, 'scans', query, listScans);
      return sendAnswer(request, reply, await reads.scans(query, request.url));
    },
  );

  app.get(
    '/api/scan-results/:id',
    {
      schema: { tags, summary: 'One scan', params: IdParams, querystring: NoQuery, response: answers(Scan) },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'scan');
      return sendAnswer(request, reply, await reads.scan({ id }, request.url), `scan ${id}`);
    },
  );

  app.delete(
    '/api/scan-results/:id',
    {
      schema: {
        tags,
        summary: 'Delete a scan',
        params: IdParams,
        querystring: NoQuery,
        response: { 204: Type.Null(), default: Problem },
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'scan');
      if (!(await writes.deleteScan(id))) throw notFound(`scan ${id}`);
      return reply.code(204).send(null);
    },
  );

  findingRoutes(app, parts);
  documentRoute(app, parts);
  // In a context of its own, for its body is JSON and small.
  app.register(async (context: App) => labelRoute(context, parts));
}

function findingRoutes(app: App, { reads }: Parts): void {
  app.get(
    '/api/scan-results/:id/vulnerabilities',
    {
      schema: {
        tags,
        summary: "A scan's vulnerabilities",
        params: IdParams,
        querystring: ScanVulnerabilitiesQuery,
        response: answers(List(ScanFinding)),
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'scan');
      const answer = await reads.scanVulnerabilities({ ...request.query, id }, request.url);
      return sendAnswer(request, reply, answer, `scan ${id}`);
    },
  );

  const others = [
    ['misconfigurations', ScanMisconfigurationsQuery, Misconfiguration, reads.scanMisconfigurations],
    ['secrets', ScanSecretsQuery, Secret, reads.scanSecrets],
    ['licenses', ScanLicensesQuery, License, reads.scanLicenses],
    ['suppressed', ScanSuppressedQuery, Suppressed, reads.scanSuppressed],
  ] as const;
  for (const [name, querystring, item, read] of others) {
    const summary = name === 'suppressed' ? 'What was suppressed in a scan' : `A scan's ${name}`;
    const schema = { tags, summary, params: IdParams, querystring, response: answers(List(item)) };
    app.get(`/api/scan-results/:id/${name}`, { schema }, async (request, reply) => {
      const id = idOf(request.params, 'scan');
      return sendAnswer(request, reply, await read({ ...request.query, id }, request.url), `scan ${id}`);
    });
  }

  app.get(
    '/api/scan-results/:id/diff',
    {
      schema: {
        tags,
        summary: 'What changed between two scans',
        params: IdParams,
        querystring: DiffQuery,
        response: answers(DiffList),
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'scan');
      return sendAnswer(
        request,
        reply,
        await reads.diff({ ...request.query, id }, request.url),
        `scan ${id}`,
      );
    },
  );
}

function documentRoute(app: App, { database }: Parts): void {
  app.get(
    '/api/scan-results/:id/report',
    {
      schema: {
        tags,
        summary: 'The document as it was sent',
        params: IdParams,
        querystring: NoQuery,
        response: answers(Type.Unknown()),
      },
    },
    async (request, reply) => {
      const id = idOf(request.params, 'scan');
      const document = await getDocument(database, id);
      if (!document) throw notFound(`scan ${id}`);
      reply
        .type('application/json')
        .header('content-disposition', `attachment; filename="scan-${id}.json"`)
        .header('cache-control', 'private, no-store')
        .header('vary', 'accept-encoding');
      if (acceptsGzip(request.headers['accept-encoding']))
        return reply.header('content-encoding', 'gzip').send(document.gzip);
      reply.header('content-length', String(document.bytes));
      const inflate: Readable = createGunzip().end(document.gzip);
      return reply.send(inflate);
    },
  );
}

function labelRoute(app: App, { writes }: Parts): void {
  app.removeAllContentTypeParsers();
  app.addContentTypeParser(
    ['application/json', 'application/merge-patch+json'],
    { parseAs: 'string', bodyLimit: SMALL_BODY_BYTES },
    app.getDefaultJsonParser('error', 'error'),
  );
  app.patch(
    '/api/scan-results/:id',
    {
      schema: {
        tags,
        summary: "Change a scan's labels",
        description: 'A merge patch (RFC 7396): null removes a label.',
        consumes: ['application/merge-patch+json', 'application/json'],
        params: IdParams,
        querystring: NoQuery,
        response: answers(Type.Object({ labels: Labels })),
      },
      config: { body: LabelsPatch },
    },
    async (request) => {
      const id = idOf(request.params, 'scan');
      const labels = await writes.patchLabels(id, patchOf(request.body));
      if (!labels) throw notFound(`scan ${id}`);
      return { labels };
    },
  );
}
