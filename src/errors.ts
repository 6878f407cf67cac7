import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify';
import { FilterError } from './db/filters.ts';
import { TooManyLabels } from './db/labels.ts';
import { CursorError } from './db/list.ts';
import { isConnectionError } from './db/pool.ts';
import type { Problem } from './schemas.ts';
import { ReportError, type ReportErrorCode } from './trivy/problem.ts';

/** Every error that a client can see: its code, status and title. `docs/errors.md` lists the same. */
export const ERRORS = {
  bad_parameter: { status: 400, title: 'A parameter is not acceptable' },
  bad_request: { status: 400, title: 'The request cannot be read' },
  cursor_invalid: { status: 400, title: 'The cursor cannot be read' },
  cursor_mismatch: { status: 400, title: 'The cursor belongs to other filters or another sort' },
  invalid_encoding: { status: 400, title: 'The text is neither UTF-8 nor UTF-16' },
  invalid_gzip: { status: 400, title: 'The body cannot be decompressed' },
  invalid_json: { status: 400, title: 'The body is not JSON' },
  too_deep: { status: 400, title: 'The document is nested too deeply' },
  upload_aborted: { status: 400, title: 'The body did not arrive' },
  foreign_host: { status: 403, title: 'The request is for another host' },
  foreign_origin: { status: 403, title: 'The request comes from another site' },
  not_found: { status: 404, title: 'There is no such thing' },
  method_not_allowed: { status: 405, title: 'The method is not allowed here' },
  upload_too_slow: { status: 408, title: 'The body arrives too slowly' },
  document_too_large: { status: 413, title: 'The document is too large' },
  unsupported_content_encoding: { status: 415, title: 'The Content-Encoding is not accepted' },
  unsupported_media_type: { status: 415, title: 'The Content-Type is not accepted' },
  artifact_name_required: { status: 422, title: 'The report does not say what was scanned' },
  artifact_not_applicable: { status: 422, title: 'The scans are not all of one artifact' },
  invalid_report: { status: 422, title: 'The report holds values that no report has' },
  not_a_trivy_report: { status: 422, title: 'The document is not a Trivy report' },
  too_many_findings: { status: 422, title: 'The report has too many findings' },
  too_many_labels: { status: 422, title: 'A scan may not have so many labels' },
  too_many_scans: { status: 422, title: 'The document has too many scans' },
  exports_busy: { status: 429, title: 'Too many exports are being sent' },
  uploads_busy: { status: 429, title: 'Too many uploads are in work' },
  headers_too_large: { status: 431, title: 'The headers are too large' },
  internal_error: { status: 500, title: 'Something went wrong in Trivet' },
  database_busy: { status: 503, title: 'The database took too long' },
  database_unavailable: { status: 503, title: 'The database cannot be reached' },
  not_ready: { status: 503, title: 'This instance is not ready' },
} as const satisfies Record<ReportErrorCode, ErrorKind> & Record<string, ErrorKind>;

interface ErrorKind {
  status: number;
  title: string;
}

/** The limit of bodies that are no reports. */
export const SMALL_BODY_BYTES = 65_536;

export type ErrorCode = keyof typeof ERRORS;

/** What an answer says beside code and detail. */
export interface ErrorFacts extends Pick<Problem, 'errors' | 'looksLike' | 'maxBytes'> {
  retryAfterSeconds?: number;
  /** For 405: the methods that are allowed. */
  allow?: string[];
}

/** A refusal: `detail` is a sentence for whoever sent the request. */
export class HttpError extends Error {
  readonly code: ErrorCode;
  readonly facts: ErrorFacts;
  constructor(code: ErrorCode, detail: string, facts: ErrorFacts = {}) {
    super(detail);
    this.code = code;
    this.facts = facts;
  }
}

/** @param what is not there, with an article: `a scan 17` */
export function notFound(what: string): HttpError {
  return new HttpError('not_found', `There is no ${what}.`);
}

export function badParameter(parameter: string, detail: string): HttpError {
  return new HttpError('bad_parameter', `${parameter} ${detail}.`, {
    errors: [{ parameter, detail: `${detail}.` }],
  });
}

/** Of answers that no browser is to show as a page, or to lend to another site. */
export const PLAIN_HEADERS = {
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** Answers with the problem that an error is, and logs those that are our own fault. */
export function sendError(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  const refusal = toHttpError(error);
  const { status } = ERRORS[refusal.code];
  if (status >= 500) {
    const level = refusal.code === 'internal_error' ? 'error' : 'warn';
    const { method, url, id: requestId } = request;
    request.log[level]({ err: error, requestId, method, url, code: refusal.code }, 'request failed');
  }
  const { retryAfterSeconds, allow } = refusal.facts;
  if (retryAfterSeconds !== undefined) reply.header('retry-after', String(Math.ceil(retryAfterSeconds)));
  if (allow) reply.header('allow', allow.join(', '));
  return reply
    .code(status)
    .headers(PLAIN_HEADERS)
    .header('cache-control', 'no-store')
    .type('application/problem+json')
    .send(toProblem(refusal, request.id));
}

/** The body of an answer (RFC 9457). */
export function toProblem({ code, message, facts }: HttpError, requestId?: string): Problem {
  const { errors, looksLike, maxBytes } = facts;
  return {
    type: `urn:trivet:error:${code}`,
    title: ERRORS[code].title,
    status: ERRORS[code].status,
    detail: message,
    code,
    ...(requestId === undefined ? {} : { requestId }),
    ...(errors ? { errors } : {}),
    ...(looksLike === undefined ? {} : { looksLike }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
  };
}

/** What a client is told of an error; nothing of an unexpected one. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error;
  if (error instanceof ReportError) return fromReportError(error);
  if (error instanceof CursorError) {
    return new HttpError(error.code, error.message, {
      errors: [{ parameter: 'cursor', detail: error.message }],
    });
  }
  if (error instanceof TooManyLabels) return new HttpError('too_many_labels', error.message);
  if (error instanceof FilterError) return badParameter(error.parameter, error.detail);
  if (isConnectionError(error)) {
    const detail = 'PostgreSQL cannot be reached at the moment.';
    return new HttpError('database_unavailable', detail, { retryAfterSeconds: 2 });
  }
  if (isTimeout(error)) {
    const detail = 'PostgreSQL took too long; narrower filters make it faster.';
    return new HttpError('database_busy', detail, { retryAfterSeconds: 5 });
  }
  return fromFastify(error) ?? new HttpError('internal_error', 'The log has more, under this requestId.');
}

function fromReportError(error: ReportError): HttpError {
  const { looksLike, maxBytes, pointer, retryAfterSeconds } = error.facts;
  return new HttpError(error.code, error.detail, {
    ...(pointer === undefined ? {} : { errors: [{ pointer, detail: error.detail }] }),
    ...(looksLike === undefined ? {} : { looksLike }),
    ...(maxBytes === undefined ? {} : { maxBytes }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** Cancelled by statement_timeout, or given up for a lock: 57014, 55P03, 40001, 40P01. */
function isTimeout(error: unknown): boolean {
  const code = error instanceof Error && (error as { code?: unknown }).code;
  return typeof code === 'string' && /^(57014|55P03|40001|40P01)$/.test(code);
}

/** What Fastify refuses by itself: parameters, bodies, addresses. Its own 5xx are ours. */
function fromFastify(error: unknown): HttpError | null {
  if (!(error instanceof Error)) return null;
  const { statusCode = 500, validation, validationContext } = error as Partial<FastifyError>;
  if (validation) {
    const errors = validation.map((failure) => toParameterError(failure, validationContext));
    const detail = errors
      .map((failure) => `${failure.parameter ?? failure.pointer} ${failure.detail}`)
      .join(' ');
    return new HttpError('bad_parameter', detail, { errors });
  }
  if (statusCode >= 500) return null;
  if (statusCode === 413) {
    const detail = `The body is larger than ${SMALL_BODY_BYTES} bytes.`;
    return new HttpError('document_too_large', detail, { maxBytes: SMALL_BODY_BYTES });
  }
  if (statusCode === 415) {
    const detail = 'The Content-Type is not accepted: send application/json.';
    return new HttpError('unsupported_media_type', detail);
  }
  if (statusCode === 404) return new HttpError('not_found', 'There is nothing under this address.');
  const isJson = error instanceof SyntaxError || /JSON/i.test(error.message);
  return new HttpError(isJson ? 'invalid_json' : 'bad_request', `${error.message.replace(/\.$/, '')}.`);
}

type Failure = NonNullable<FastifyError['validation']>[number];
type FailureDetail = NonNullable<Problem['errors']>[number];

/** A failure of Ajv as a sentence about a parameter, or about a place in the body. */
function toParameterError(failure: Failure, context: string | undefined): FailureDetail {
  const { instancePath, keyword, params, message = 'is not acceptable' } = failure;
  const detail = explain(keyword, params, message);
  if (context === 'body') {
    const unknown = keyword === 'additionalProperties' ? `/${String(params.additionalProperty)}` : '';
    return { pointer: `${instancePath}${unknown}`, detail };
  }
  const parameter = String(
    params.additionalProperty ?? params.missingProperty ?? instancePath.split('/')[1] ?? '',
  );
  return { parameter, detail };
}

function explain(keyword: string, params: Record<string, unknown>, message: string): string {
  if (keyword === 'additionalProperties') return 'is not a parameter of this call.';
  if (keyword === 'enum' && Array.isArray(params.allowedValues)) {
    return `has to be one of: ${params.allowedValues.join(', ')}.`;
  }
  return `${message}.`;
}
