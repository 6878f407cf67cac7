import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyHelmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { type HttpError, sendError } from '../errors.ts';
import type { App } from './app_types.ts';

/** The addresses of the dashboard's views: each is answered with its one page, which reads the address. */
const VIEWS = ['/', '/vulnerabilities', '/artifacts', '/scans', '/compare', '/add', '/cache'];
/** Views of one thing. */
const VIEWS_OF_ONE = ['/vulnerabilities/*', '/artifacts/*', '/scans/*'];

/**
 * The built dashboard, and the answer to every address that is no route's: its page says so to people, where a problem
 * tells programs.
 * @param folder that holds `index.html`, and `assets/` with files whose names change with their content
 * @param refuse tells what is wrong with a request that no route takes
 */
export async function dashboard(
  app: App,
  folder: string,
  refuse: (request: FastifyRequest) => HttpError,
): Promise<void> {
  const sendRefusal = (request: FastifyRequest, reply: FastifyReply) =>
    sendError(refuse(request), request, reply);
  if (!existsSync(path.join(folder, 'index.html'))) {
    app.setNotFoundHandler(sendRefusal);
    app.get('/', { schema: { hide: true } }, async (_request, reply) =>
      reply
        .type('text/plain; charset=utf-8')
        .send('The dashboard is not built: run `npm run build`. The API is described at /docs.\n'),
    );
    return;
  }
  await app.register(fastifyHelmet, {
    contentSecurityPolicy: {
      useDefaults: false,
      directives: {
        defaultSrc: ["'none'"],
        scriptSrc: ["'self'"],
        // Components set their styles one by one from scripts, which is not inline style.
        styleSrc: ["'self'"],
        imgSrc: ["'self'", 'data:'],
        fontSrc: ["'self'"],
        connectSrc: ["'self'"],
        manifestSrc: ["'self'"],
        baseUri: ["'self'"],
        formAction: ["'self'"],
        frameAncestors: ["'none'"],
      },
    },
    // Whether it is reached over https is up to the proxy in front.
    strictTransportSecurity: false,
    referrerPolicy: { policy: 'no-referrer' },
  });
  await app.register(fastifyStatic, {
    root: folder,
    wildcard: false,
    index: false,
    cacheControl: false,
    schemaHide: true,
    setHeaders(reply, file) {
      const isAsset = path.relative(folder, file).startsWith(`assets${path.sep}`);
      reply.setHeader('cache-control', isAsset ? 'public, max-age=31536000, immutable' : 'no-cache');
    },
  });
  app.setNotFoundHandler((request, reply) =>
    isForPeople(request) ? reply.code(404).sendFile('index.html') : sendRefusal(request, reply),
  );
  for (const url of [...VIEWS, ...VIEWS_OF_ONE]) {
    app.get(url, { schema: { hide: true } }, (_request, reply) => reply.sendFile('index.html'));
  }
}

/** A browser that follows a link to a page that there is not. */
function isForPeople({ method, url, headers }: FastifyRequest): boolean {
  const isRead = method === 'GET' || method === 'HEAD';
  return isRead && !/^\/(api|assets)([/?]|$)/.test(url) && (headers.accept?.includes('text/html') ?? false);
}
