// The least that an answer can cost in Fastify: bytes that were there before. Told what to answer by its parent.
import Fastify from 'fastify';

process.once('message', async ({ answers }) => {
  const app = Fastify();
  for (const { path, contentType, base64, etag } of answers) {
    const body = Buffer.from(base64, 'base64');
    app.get(path, (request, reply) => {
      if (request.headers['if-none-match'] === etag) return reply.code(304).header('etag', etag).send();
      return reply.header('content-type', contentType).header('content-encoding', 'gzip').send(body);
    });
  }
  process.send({ url: await app.listen({ port: 0, host: '127.0.0.1' }) });
});
process.once('disconnect', () => process.exit());
