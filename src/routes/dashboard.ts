import { existsSync } from 'node:fs';
import path from 'node:path';
import fastifyHelmet from '@fastify/helmet';
import fastifyStatic from '@fastify/static';
import type { App } from './app_types.ts';

/** The addresses of the dashboard's views: each is answered with its one page, which reads the address. */
const VIEWS = ['/', '/vulnerabilities', '/artifacts', '/scans', '/compare', '/add', '/cache'];
/** Views of one thing. */
const VIEWS_OF_ONE = ['/vulnerabilities/*', '/artifacts/*', '/scans/*'];

/**
 * The built dashboard.
 * @param folder that holds `index.html`, and `assets/` with files whose names change with their content
 */
export async function dashboard(app: App, folder: string): Promise<void> {
  if (!existsSync(path.join(folder, 'index.html'))) {
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
  for (const url of [...VIEWS, ...VIEWS_OF_ONE]) {
    app.get(url, { schema: { hide: true } }, (_request, reply) => reply.sendFile('index.html'));
  }
}
