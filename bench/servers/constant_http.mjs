// The same constant bytes from node:http, without a framework.
import { createServer } from 'node:http';

process.once('message', ({ answers }) => {
  const replies = new Map(
    answers.map(({ path, contentType, base64 }) => {
      const body = Buffer.from(base64, 'base64');
      const headers = [
        ...['content-type', contentType, 'content-encoding', 'gzip'],
        ...['content-length', String(body.length)],
      ];
      return [path, { body, headers }];
    }),
  );
  const server = createServer((request, response) => {
    const { body, headers } = replies.get(request.url);
    response.writeHead(200, headers).end(body);
  });
  server.listen(0, '127.0.0.1', () => process.send({ url: `http://127.0.0.1:${server.address().port}` }));
});
process.once('disconnect', () => process.exit());
