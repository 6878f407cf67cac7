import { randomUUID } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import Fastify, { type FastifyBaseLogger, type FastifyReply, type FastifyRequest } from 'fastify';
import { type ErrorCode, HttpError, PLAIN_HEADERS, sendError, toProblem } from './errors.ts';
import type { App, Parts } from './routes/app_types.ts';
import { artifactRoutes } from './routes/artifacts.ts';
import { cacheRoutes } from './routes/cache.ts';
import { createExports } from './routes/csv.ts';
import { dashboard } from './routes/dashboard.ts';
import { describe } from './routes/describe.ts';
import { checkLoopback } from './routes/guard.ts';
import { watchMethods } from './routes/methods.ts';
import { overviewRoutes } from './routes/overview.ts';
import { pluginRoutes } from './routes/plugin.ts';
import { scanRoutes } from './routes/scans.ts';
import { systemRoutes } from './routes/system.ts';
import { uploadRoutes } from './routes/upload.ts';
import { vulnerabilityRoutes } from './routes/vulnerabilities.ts';

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Describes a body that Fastify does not read, and so does not check. */
    body?: object;
  }
}

export interface AppOptions extends Omit<Parts, 'sendCsv'> {
  log: FastifyBaseLogger;
  /** Where the built dashboard is. */
  dashboardFolder: string;
}

const ROUTES = [
  uploadRoutes,
  scanRoutes,
  artifactRoutes,
  vulnerabilityRoutes,
  overviewRoutes,
  cacheRoutes,
  systemRoutes,
  pluginRoutes,
];

/** Uploads have limits of their own; the largest of them takes this long on a slow line. */
const REQUEST_TIMEOUT_MS = 660_000;
/** Nothing sent or received for so long: longer than anything that Trivet does without a word. */
const SILENCE_MS = 180_000;
const HEADERS_TIMEOUT_MS = 15_000;
const KEEP_ALIVE_MS = 72_000;
const MAX_HEADER_BYTES = 32_768;
/** What a client that was refused may still send until it is cut off. */
const LINGER_MS = 5_000;

/** Builds the server: routes, errors, the API's description and the dashboard. It does not connect nor listen. */
export async function buildApp(options: AppOptions): Promise<App> {
  const { dashboardFolder, log, ...given } = options;
  const parts: Parts = { ...given, sendCsv: createExports(given.database) };
  const app: App = createServer(log);
  app.setErrorHandler(refuseOpenly);
  app.setSerializerCompiler(() => JSON.stringify);
  const refuse = watchMethods(app);
  app.removeAllContentTypeParsers();
  // Bodies are read where they are wanted.
  app.addContentTypeParser('*', (_request, _body, done) => done(null));

  // Hooks of every request: with `done`, for a promise each would cost more than what they do.
  app.addHook('onRequest', (request, _reply, done) => {
    checkLoopback(request.raw);
    done();
  });
  app.addHook('preValidation', (request, _reply, done) => {
    upperCaseSeverities(request);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    const route = request.routeOptions.url ?? 'none';
    parts.metrics.onRequest(route, request.method, reply.statusCode, reply.elapsedTime);
    if (!request.raw.complete) dropRest(request.raw);
    else if (TO_CLOSE.has(request.raw)) request.raw.socket.end();
    done();
  });

  await describe(app, parts.version);
  for (const routes of ROUTES) {
    await app.register(async (context: App) => {
      context.addHook('onSend', async (_request, reply) => {
        reply.headers(PLAIN_HEADERS);
      });
      routes(context, parts);
    });
  }
  await app.register(async (context: App) => dashboard(context, dashboardFolder, refuse));
  return app;
}

function createServer(log: FastifyBaseLogger): App {
  return Fastify({
    loggerInstance: log,
    // A logger of its own for each request costs more than the rest of a hit.
    childLoggerFactory: (logger) => logger,
    logController: new Fastify.LogController({ disableRequestLogging: true }),
    genReqId: requestId,
    requestTimeout: REQUEST_TIMEOUT_MS,
    connectionTimeout: SILENCE_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    http: { headersTimeout: HEADERS_TIMEOUT_MS, maxHeaderSize: MAX_HEADER_BYTES },
    routerOptions: { maxParamLength: 1_024 },
    forceCloseConnections: 'idle',
    // While it drains, what still arrives is answered as ever.
    return503OnClosing: false,
    frameworkErrors: sendError,
    clientErrorHandler: refuseConnection,
    ajv: {
      customOptions: {
        coerceTypes: 'array',
        removeAdditional: false,
        useDefaults: true,
        allErrors: true,
      },
    },
  }).withTypeProvider<TypeBoxTypeProvider>();
}

/** The caller's, where it is short and plain enough for logs and headers. */
function requestId(request: IncomingMessage): string {
  const given = request.headers['x-request-id'];
  return typeof given === 'string' && /^[\w.:-]{1,64}$/.test(given) ? given : randomUUID();
}

/** Severities are taken in any case. */
function upperCaseSeverities(request: FastifyRequest): void {
  const query = request.query as { severity?: unknown };
  const { severity } = query;
  if (typeof severity === 'string') query.severity = severity.toUpperCase();
  if (Array.isArray(severity)) query.severity = severity.map((word) => String(word).toUpperCase());
}

/** Requests after which the connection is to be closed, once they are complete. */
const TO_CLOSE = new WeakSet<IncomingMessage>();

/**
 * Refuses, and keeps the connection although it is to be closed after the answer: Node.js would close it at once, and a
 * client that still sends would see it break before it reads why.
 */
function refuseOpenly(error: unknown, request: FastifyRequest, reply: FastifyReply): FastifyReply {
  if (!request.raw.complete && !reply.raw.shouldKeepAlive) {
    reply.raw.shouldKeepAlive = true;
    TO_CLOSE.add(request.raw);
  }
  return sendError(error, request, reply);
}

/** A client that still sends must get to read its answer first: what comes is dropped, for a while. */
function dropRest(request: IncomingMessage): void {
  const timer = setTimeout(() => request.destroy(), LINGER_MS);
  timer.unref();
  // Who was reading it and gave up may have left a listener behind, under which nothing flows.
  request.removeAllListeners('readable');
  request
    .once('close', () => {
      clearTimeout(timer);
      if (TO_CLOSE.has(request)) request.socket.end();
    })
    .resume();
}

const CLIENT_ERRORS: Readonly<Record<string, [ErrorCode, string]>> = {
  HPE_HEADER_OVERFLOW: ['headers_too_large', `The headers are larger than ${MAX_HEADER_BYTES} bytes.`],
  ERR_HTTP_REQUEST_TIMEOUT: ['upload_too_slow', 'The request did not arrive in time.'],
};

/** What is no HTTP never becomes a request. */
function refuseConnection(error: Error & { code?: string }, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable) {
    socket.destroy();
    return;
  }
  const [code, detail] = CLIENT_ERRORS[error.code ?? ''] ?? ['bad_request', 'This is not an HTTP request.'];
  const problem = toProblem(new HttpError(code, detail));
  const body = JSON.stringify(problem);
  socket.end(
    `HTTP/1.1 ${problem.status} ${problem.title}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  );
}
