// The same constant bytes, with every header of a Trivet answer, its check of the host and its metrics.
import Fastify from 'fastify';
import { createMetrics } from '../../dist/metrics.js';
import { checkLoopback } from '../../dist/routes/guard.js';

process.once('message', async ({ answers }) => {
  const app = Fastify();
  const metrics = createMetrics('0');
  app.addHook('onRequest', (request, _reply, done) => {
    checkLoopback(request.raw);
    done();
  });
  app.addHook('onResponse', (request, reply, done) => {
    metrics.onRequest(request.routeOptions.url, request.method, reply.statusCode, reply.elapsedTime);
    done();
  });
  for (const { path, headers, base64 } of answers) {
    const body = Buffer.from(base64, 'base64');
    app.get(path, (_request, reply) => reply.headers(headers).send(body));
  }
  process.send({ url: await app.listen({ port: 0, host: '127.0.0.1' }) });
});
process.once('disconnect', () => process.exit());
