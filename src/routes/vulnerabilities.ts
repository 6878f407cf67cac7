import Type from 'typebox';
import { listFindings } from '../db/findings.ts';
import { listVulnerabilities } from '../db/vulnerabilities.ts';
import {
  Finding,
  FindingsQuery,
  List,
  VulnerabilitiesQuery,
  Vulnerability,
  VulnerabilityDetail,
} from '../schemas.ts';
import type { App, Parts } from './app_types.ts';
import { wantsCsv } from './csv.ts';
import { answers, NoQuery } from './params.ts';
import { sendAnswer } from './send.ts';

const tags = ['vulnerabilities'];

/** `/api/vulnerabilities` and `/api/findings`: what is vulnerable now. */
export function vulnerabilityRoutes(app: App, { reads, sendCsv }: Parts): void {
  app.get(
    '/api/vulnerabilities',
    {
      schema: {
        tags,
        summary: 'Vulnerabilities that are present now',
        querystring: VulnerabilitiesQuery,
        response: answers(List(Vulnerability)),
      },
    },
    async (request, reply) => {
      const { query } = request;
      if (wantsCsv(request, query.format))
        return sendCsv(request, reply, 'vulnerabilities', query, listVulnerabilities);
      return sendAnswer(request, reply, await reads.vulnerabilities(query, request.url));
    },
  );

  app.get(
    '/api/vulnerabilities/:id',
    {
      schema: {
        tags,
        summary: 'One vulnerability, and where it is',
        params: Type.Object({ id: Type.String() }),
        querystring: NoQuery,
        response: answers(VulnerabilityDetail),
      },
    },
    async (request, reply) => {
      const { id } = request.params;
      return sendAnswer(
        request,
        reply,
        await reads.vulnerability({ id }, request.url),
        `vulnerability ${id}`,
      );
    },
  );

  app.get(
    '/api/findings',
    {
      schema: {
        tags,
        summary: 'Vulnerability findings that are present now',
        querystring: FindingsQuery,
        response: answers(List(Finding)),
      },
    },
    async (request, reply) => {
      const { query } = request;
      if (wantsCsv(request, query.format)) return sendCsv(request, reply, 'findings', query, listFindings);
      return sendAnswer(request, reply, await reads.findings(query, request.url));
    },
  );
}
