import type { FastifyReply, FastifyRequest } from 'fastify';
import Type from 'typebox';
import type { StoredItem } from '../db/ingest.ts';
import { getScanSummaries } from '../db/scans.ts';
import { badParameter, HttpError, notFound, toHttpError } from '../errors.ts';
import { Problem, ScanSummary, StoredScans, UploadQuery } from '../schemas.ts';
import type { Kind, ParseOptions } from '../trivy/report.ts';
import type { StoredDocument } from '../upload/columns.ts';
import type { App, Parts } from './app_types.ts';
import { labelsOf } from './labels.ts';

/** Trivy's words for what it is told to look for. */
const SCANNERS: Readonly<Record<string, Kind>> = {
  vuln: 'vulnerability',
  misconfig: 'misconfiguration',
  config: 'misconfiguration',
  secret: 'secret',
  license: 'license',
};

/** What an upload came to. */
interface Stored {
  document: StoredDocument;
  items: StoredItem[];
  bytes: number;
}

/** `POST /api/scan-results`: takes a report in, and keeps a record of it, also where it is refused. */
export function uploadRoutes(app: App, parts: Parts): void {
  app.post(
    '/api/scan-results',
    {
      schema: {
        tags: ['scan results'],
        summary: 'Store a report',
        description:
          'The body is what Trivy or its operator printed, as JSON, under any Content-Type but multipart/*. ' +
          'The same report sent again is answered with 200 and what is stored.',
        querystring: UploadQuery,
        response: {
          200: Type.Union([ScanSummary, StoredScans, Type.Object({ ignored: Type.String() })]),
          201: Type.Union([ScanSummary, StoredScans]),
          default: Problem,
        },
      },
      config: { body: { description: 'a report of Trivy', type: ['object', 'array', 'null'] } },
      attachValidation: true,
      onRequest: acceptAnyType,
    },
    async (request, reply) => {
      const startedMs = performance.now();
      const query = request.query;
      try {
        if (request.validationError) throw request.validationError;
        const stored = await store(request, reply, query, parts);
        const outcome = stored.items.some((item) => item.created) ? 'stored' : 'same';
        parts.metrics.onUpload(outcome, '', performance.now() - startedMs);
        const recorded = parts.writes.recordUpload({
          outcome,
          code: stored.document.ignored === null ? null : 'ignored',
          detail: stored.document.ignored,
          looksLike: null,
          artifact: artifactOf(stored.document),
          scanIds: stored.items.map((item) => item.id),
          token: null,
          bytes: stored.bytes,
          requestId: request.id,
        });
        const summaries = await answer(reply, stored, parts);
        await recorded;
        return summaries;
      } catch (error) {
        const refusal = toHttpError(error);
        parts.metrics.onUpload('refused', refusal.code, performance.now() - startedMs);
        await parts.writes.recordUpload({
          outcome: 'refused',
          code: refusal.code,
          detail: refusal.message.slice(0, 1_000),
          looksLike: refusal.facts.looksLike ?? null,
          artifact: typeof query.artifact === 'string' ? query.artifact : null,
          scanIds: [],
          token: null,
          bytes: Number(request.headers['content-length'] ?? Number.NaN) || null,
          requestId: request.id,
        });
        throw error;
      }
    },
  );
}

/** Fastify would refuse a type that it cannot read; for a form, which is refused, the type is kept. */
async function acceptAnyType(request: FastifyRequest): Promise<void> {
  const { headers } = request.raw;
  if (!/^\s*multipart\//i.test(headers['content-type'] ?? '')) {
    headers['content-type'] = 'application/octet-stream';
  }
}

async function store(
  request: FastifyRequest,
  reply: FastifyReply,
  query: UploadQuery,
  { uploads, writes }: Parts,
): Promise<Stored> {
  const parseOptions: ParseOptions = {
    artifact: query.artifact ?? null,
    cluster: query.cluster ?? null,
    kinds: query.scanners === undefined ? null : kindsOf(query.scanners),
  };
  const labels = labelsOf(query.label ?? []);
  const received = await uploads.receive(request.raw, request.headers);
  try {
    const bytes = received.body.length;
    const document = await uploads.parse(received.body, received.encoding, parseOptions, clientGone(reply));
    if (document.ignored !== null) return { document, items: [], bytes };
    const { items } = await writes.storeReport(document, { labels, uploadedBy: null });
    return { document, items, bytes };
  } finally {
    received.release();
  }
}

/** Aborted when the connection ends before the answer has been sent: nobody waits for it any more. */
function clientGone(reply: FastifyReply): AbortSignal {
  const controller = new AbortController();
  const reason = new HttpError('upload_aborted', 'The client has gone away.');
  reply.raw.once('close', () => controller.abort(reason));
  return controller.signal;
}

/** @throws HttpError 400 for a word that is no scanner of Trivy's */
function kindsOf(scanners: string): Kind[] {
  const words = scanners.split(',').map((word) => word.trim().toLowerCase());
  const kinds = words.map((word) => {
    const kind = Object.hasOwn(SCANNERS, word) ? SCANNERS[word] : undefined;
    if (kind) return kind;
    throw badParameter('scanners', 'has to be some of vuln, misconfig, secret, license, separated by commas');
  });
  return [...new Set(kinds)];
}

function artifactOf({ scans }: StoredDocument): string | null {
  const names = new Set(scans.map((scan) => scan.artifact.name));
  const [first] = names;
  if (first === undefined) return null;
  return names.size === 1 ? first : `${first} and ${names.size - 1} more`;
}

/** The summaries as they are now that no instance shows less. */
async function answer(
  reply: FastifyReply,
  stored: Stored,
  { database }: Parts,
): Promise<ScanSummary | StoredScans | { ignored: string }> {
  const { document, items } = stored;
  if (document.ignored !== null) return { ignored: document.ignored };
  const summaries = await getScanSummaries(
    database,
    items.map((item) => item.id),
  );
  reply.code(items.some((item) => item.created) ? 201 : 200);
  if (document.multiple) return toList(stored, summaries);
  const [summary] = summaries;
  if (!summary) throw notFound('such scan any more: it has just been deleted');
  reply.header('location', `/api/scan-results/${summary.id}`);
  return summary;
}

function toList({ document, items }: Stored, summaries: ScanSummary[]): StoredScans {
  const created = new Map(items.map((item) => [item.id, item.created]));
  return {
    items: summaries.map((summary) => ({ ...summary, created: created.get(summary.id) ?? false })),
    skipped: document.skipped,
    warnings: document.warnings,
  };
}
