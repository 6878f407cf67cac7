// The herd: a thousand requests at once over four processes, for an answer that none of them has.
import { Agent, get } from 'node:http';
import { CACHES } from './contestants.mjs';
import { BODIES } from './reports.mjs';
import { startServer, startTrivet } from './setup.mjs';

const PROCESSES = 4;
const REQUESTS = 1_000;
const TARGET = BODIES['50 KB'];

/** @returns {Promise<Record<string, number>>} how often each asked PostgreSQL */
export async function herds(stores, program) {
  const loads = { Trivet: await trivetHerd(stores, program) };
  for (const [file, name] of CACHES) loads[name] = await peerHerd(file, stores);
  return loads;
}

async function trivetHerd(stores, program) {
  const herd = await several(() => startTrivet(stores, {}, program));
  // All have their lease, and the answer has been out of service once.
  await ask(herd.map(({ url }) => `${url}${TARGET}`));
  await fetch(`${herd[0].url}/api/cache/clear`, { method: 'POST' });
  const before = await misses(herd[0].url);
  await ask(targets(herd));
  const loads = (await misses(herd[0].url)) - before;
  for (const { stop } of herd) await stop();
  return loads;
}

async function misses(url) {
  // Each instance publishes what it counted within a second.
  await new Promise((resolve) => setTimeout(resolve, 1_500));
  const { reads } = await (await fetch(`${url}/api/cache/stats`)).json();
  return reads.findings.misses - reads.findings.collapsed;
}

async function peerHerd(file, stores) {
  const herd = await several(() => startServer(`peers/${file}.mjs`, stores.addresses, stores.life));
  // Another question for each, so that nobody finds what an earlier one stored.
  await ask(targets(herd).map((url) => url.replace('limit=100', 'limit=99')));
  let loads = 0;
  for (const { url, stop } of herd) {
    loads += (await (await fetch(`${url}/loads`)).json()).loads;
    await stop();
  }
  return loads;
}

function several(start) {
  return Promise.all(Array.from({ length: PROCESSES }, start));
}

function targets(herd) {
  return Array.from({ length: REQUESTS }, (_, index) => `${herd[index % PROCESSES].url}${TARGET}`);
}

/** Sends all requests at once, each on a connection of its own, and waits for all answers. */
async function ask(urls) {
  const agent = new Agent({ keepAlive: false });
  const answers = urls.map(
    (url) =>
      new Promise((resolve, reject) => {
        const request = get(url, { agent, headers: { 'accept-encoding': 'gzip' } }, (response) => {
          if (response.statusCode !== 200) reject(new Error(`${url}: ${response.statusCode}`));
          response.resume().once('end', resolve);
        });
        request.once('error', reject);
      }),
  );
  await Promise.all(answers);
}
