// What is measured beside each other. Each is a process that answers one of the bodies under an address.
import { BODIES } from './reports.mjs';
import { startFiles, startServer, startTrivet } from './setup.mjs';

const GZIP = { 'accept-encoding': 'gzip' };
/** Ratios are to this one, */
export const BASELINE = 'constant Fastify buffer';
/** and Trivet's to this one too: it sends the same headers and does the same checks. */
export const DRESSED = '… with headers, guard, metrics';

/**
 * @typedef {object} Contestant
 * @property {string} name
 * @property {number[]} pids
 * @property {(body: string) => {url: string, headers: Record<string, string>}} request
 */

/**
 * Starts Trivet in its different states.
 * @param {{url: string, pid: number}} local one that runs already, with everything as shipped
 * @returns {Promise<Contestant[]>}
 */
export async function trivets(stores, local, answers, program) {
  const [redis, off] = [
    await startTrivet(stores, { CACHE_LOCAL_MB: '0' }, program),
    await startTrivet(stores, { REDIS_URL: 'off' }, program),
  ];
  const etags = Object.fromEntries(answers.map(({ body, etag }) => [body, etag]));
  const at =
    ({ url }, headers) =>
    (body) => ({
      url: `${url}${BODIES[body]}`,
      headers: { ...GZIP, ...headers?.(body) },
    });
  const known = (body) => ({ 'if-none-match': etags[body] });
  return [
    { name: 'Trivet, local hit', pids: [local.pid], request: at(local) },
    { name: 'Trivet, Redis hit', pids: [redis.pid], request: at(redis) },
    { name: 'Trivet, 304', pids: [local.pid], request: at(local, known) },
    { name: 'Trivet, no cache', pids: [off.pid], request: at(off) },
  ];
}

/** @returns {Promise<Contestant[]>} */
export async function constants(stores, answers) {
  const plain = await startServer('servers/constant.mjs', { answers }, stores.life);
  const dressed = await startServer('servers/constant_dressed.mjs', { answers }, stores.life);
  const http = await startServer('servers/constant_http.mjs', { answers }, stores.life);
  const files = await startFiles(answers, stores);
  const byBody = Object.fromEntries(answers.map((answer) => [answer.body, answer]));
  const at =
    ({ url }) =>
    (body) => ({ url: `${url}${byBody[body].path}`, headers: GZIP });
  const known = (body) => ({
    url: `${plain.url}${byBody[body].path}`,
    headers: { ...GZIP, 'if-none-match': byBody[body].etag },
  });
  return [
    { name: BASELINE, pids: [plain.pid], request: at(plain) },
    { name: DRESSED, pids: [dressed.pid], request: at(dressed) },
    { name: '… 304', pids: [plain.pid], request: known },
    { name: 'constant node:http buffer', pids: [http.pid], request: at(http) },
    ...(files ? [{ name: 'nginx, static file', pids: [files.pid], request: at(files) }] : []),
  ];
}

const PEERS = {
  bentocache: 'bentocache, two tiers and bus',
  async_cache_dedupe: 'async-cache-dedupe, Redis',
  cacheable: 'cacheable, two tiers',
  ioredis: 'ioredis by hand',
  none: 'no cache',
};

/** @returns {Promise<Contestant[]>} */
export function peers(stores) {
  const begun = Object.entries(PEERS).map(async ([file, name]) => {
    const { url, pid } = await startServer(`peers/${file}.mjs`, stores.addresses, stores.life);
    return { name, pids: [pid], request: (body) => ({ url: `${url}${BODIES[body]}`, headers: GZIP }) };
  });
  return Promise.all(begun);
}

/** The files of the peers that have a cache, by their names. */
export const CACHES = Object.entries(PEERS).filter(([file]) => file !== 'none');
