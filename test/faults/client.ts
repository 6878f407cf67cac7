import { Agent, request } from 'node:http';

const agent = new Agent({ keepAlive: true, maxSockets: 100 });
const TIMEOUT_MS = 8_000;

export interface Reply {
  status: number;
  cacheStatus: string;
  text: string;
}

/** One request; a connection that breaks, or no answer within 8 s, rejects. */
export function send(
  url: string,
  options: { method?: string; body?: string; type?: string } = {},
): Promise<Reply> {
  return new Promise((resolve, reject) => {
    const headers = options.body === undefined ? {} : { 'content-type': options.type ?? 'application/json' };
    const outgoing = request(
      url,
      { agent, method: options.method ?? 'GET', headers, timeout: TIMEOUT_MS },
      (incoming) => {
        let text = '';
        incoming.setEncoding('utf8');
        incoming.on('data', (chunk: string) => {
          text += chunk;
        });
        incoming.on('end', () =>
          resolve({
            status: incoming.statusCode ?? 0,
            cacheStatus: String(incoming.headers['cache-status'] ?? ''),
            text,
          }),
        );
        incoming.on('error', reject);
      },
    );
    outgoing.on('timeout', () => outgoing.destroy(new Error('no answer')));
    outgoing.on('error', reject);
    outgoing.end(options.body);
  });
}
