// What is measured, started: databases, Trivet as it is shipped, constants and peers.
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import { startPostgres } from '../scripts/services/postgres.mjs';
import { endOf, launch, Problem, root, stopChild } from '../scripts/services/process.mjs';
import { findRedis, startRedis } from '../scripts/services/redis.mjs';
import { BODIES, reports } from './reports.mjs';
import { findNginx, startNginx } from './servers/nginx.mjs';

const STOP = [
  ['SIGTERM', 3_000],
  ['SIGKILL', 1_000],
];
const GZIP = { 'accept-encoding': 'gzip' };

/**
 * Starts PostgreSQL and Redis in a folder of their own.
 * @returns {Promise<{databaseUrl: string, redisUrl: string, redisPid: number, folder: string, life: object}>}
 */
export async function startStores(life) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-bench-'));
  life.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const { path: server, problem } = await findRedis({
    store: path.join(root, '.trivet/redis-server'),
    signal: life.signal,
  });
  if (!server) throw new Problem(`The bench needs Redis, and ${problem}.`);
  const redis = await startRedis({ server, dir: path.join(folder, 'redis'), life });
  const postgres = await startPostgres({ dir: path.join(folder, 'postgres'), life });
  const client = new Redis(redis.url);
  const redisPid = Number(/process_id:(\d+)/.exec(await client.info('server'))?.[1]);
  client.disconnect();
  return { databaseUrl: postgres.url, redisUrl: redis.url, redisPid, folder, life };
}

/**
 * Starts `node dist/main.js`, with nothing set but its addresses and what is given.
 * @param {Record<string, string>} [settings]
 * @param {string} [program] another build
 */
export async function startTrivet(stores, settings = {}, program = path.join(root, 'dist/main.js')) {
  const { PATH, HOME } = process.env;
  const addresses = { DATABASE_URL: stores.databaseUrl, REDIS_URL: stores.redisUrl, PORT: '0' };
  const child = launch(process.execPath, [program], {
    cwd: stores.folder,
    env: { PATH, HOME, ...addresses, ...settings },
    stdio: ['ignore', 'pipe', 'inherit'],
    deathSignal: 'SIGTERM',
  });
  stores.life.onEnd(() => stopChild(child, STOP));
  const listening = new Promise((resolve) => {
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { level, msg, url } = JSON.parse(line);
      if (level >= 40) process.stderr.write(`${line}\n`);
      if (msg === 'listening') resolve(url.replace(/\/$/, ''));
    });
  });
  const url = await Promise.race([listening, endOf(child)]);
  if (!url) throw new Problem('Trivet ended before it listened.');
  return { url, pid: child.pid, stop: () => stopChild(child, STOP) };
}

/** Sends the reports to a running Trivet. */
export async function fill(url) {
  for (const report of reports()) {
    const response = await fetch(`${url}/api/scan-results`, { method: 'POST', body: JSON.stringify(report) });
    if (!response.ok) throw new Problem(`A report was refused: ${await response.text()}`);
  }
}

/**
 * What Trivet answers: the bytes that the constants repeat.
 * @returns {Promise<{body: string, path: string, headers: Record<string, string>, contentType: string,
 *   etag: string, base64: string}[]>}
 */
export async function answersOf(url) {
  const answers = [];
  for (const [body, target] of Object.entries(BODIES)) {
    await fetch(`${url}${target}`);
    const { headers, bytes } = await rawAnswer(`${url}${target}`);
    answers.push({
      body,
      path: `/${body.replace(' ', '').toLowerCase()}`,
      headers: Object.fromEntries(Object.entries(headers).filter(([name]) => !HOP_BY_HOP.includes(name))),
      contentType: headers['content-type'],
      etag: headers.etag,
      base64: bytes.toString('base64'),
    });
  }
  return answers;
}

const HOP_BY_HOP = ['connection', 'keep-alive', 'date', 'transfer-encoding'];

/** fetch would decompress the body. */
async function rawAnswer(url) {
  const { get } = await import('node:http');
  const [response] = await once(get(url, { headers: GZIP }), 'response');
  const chunks = await response.toArray();
  return { headers: response.headers, bytes: Buffer.concat(chunks) };
}

/**
 * Starts one of our own little servers and tells it what to serve.
 * @param {string} file relative to this folder
 * @param {object} message
 */
export async function startServer(file, message, life) {
  const child = launch(process.execPath, [fileURLToPath(new URL(file, import.meta.url))], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
    deathSignal: 'SIGTERM',
  });
  const stop = () => stopChild(child, STOP);
  life.onEnd(stop);
  child.send(message);
  const [{ url }] = await Promise.race([
    once(child, 'message'),
    endOf(child).then(() => {
      throw new Problem(`${file} ended before it listened.`);
    }),
  ]);
  return { url, pid: child.pid, stop };
}

/** @returns nginx with the answers as files, or null where there is none */
export async function startFiles(answers, stores) {
  const program = findNginx();
  if (!program) return null;
  const folder = path.join(stores.folder, 'nginx');
  mkdirSync(folder);
  return startNginx(program, folder, answers, stores.life);
}
