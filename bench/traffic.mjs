// Requests at a steady rate, whatever the answers take, and what they took.
import { readFileSync, writeFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';

const agent = new Agent({ keepAlive: true, maxSockets: 64 });

/**
 * One request, its answer read to the end.
 * @param {string} url
 * @param {{method?: string, headers?: Record<string, string>, body?: Buffer | string}} [init]
 * @returns {Promise<{status: number, cache: string, etag: string | undefined, text: string, ms: number}>}
 *   `cache`: hit, miss or bypass, '' where the answer is not cached; ms from the first byte sent to the last received
 */
export function send(url, { method = 'GET', headers = {}, body } = {}) {
  return new Promise((resolve, reject) => {
    const startedMs = performance.now();
    const length = body === undefined ? {} : { 'content-length': Buffer.byteLength(body) };
    const call = request(url, { method, agent, headers: { ...headers, ...length } }, (response) => {
      const chunks = [];
      response.on('data', (chunk) => chunks.push(chunk));
      response.once('error', reject);
      response.once('end', () => {
        const status = response.headers['cache-status'] ?? '';
        resolve({
          status: response.statusCode,
          cache: /hit|miss|bypass/.exec(status)?.[0] ?? '',
          etag: response.headers.etag,
          text: Buffer.concat(chunks).toString(),
          ms: performance.now() - startedMs,
        });
      });
    });
    call.once('error', (error) => {
      // A connection that was kept, and that the server closed while this process was making reports.
      if (call.reusedSocket && error.code === 'ECONNRESET') resolve(send(url, { method, headers, body }));
      else reject(error);
    });
    call.end(body);
  });
}

/** More requests than these are not under way at once: what would have been sent then is left out, and counted. */
const MOST_AT_ONCE = 200;

/**
 * Starts `perSecond` calls a second for a while, evenly, without waiting for earlier ones.
 * @param {() => Promise<unknown>} call
 * @returns {Promise<{answered: number, leftOut: number, secondsTaken: number}>} once all are answered
 */
export async function atRate(perSecond, seconds, call, signal) {
  const begunMs = performance.now();
  const calls = new Set();
  let [answered, leftOut] = [0, 0];
  let failure;
  for (let count = 0; count < perSecond * seconds && !failure && !signal?.aborted; count++) {
    const waitMs = begunMs + (count * 1000) / perSecond - performance.now();
    if (waitMs > 0) await sleep(waitMs);
    if (calls.size >= MOST_AT_ONCE) {
      leftOut++;
      continue;
    }
    const running = call()
      .then(() => answered++)
      .catch((error) => {
        failure = error;
      })
      .finally(() => calls.delete(running));
    calls.add(running);
  }
  await Promise.all(calls);
  if (failure) throw failure;
  return { answered, leftOut, secondsTaken: (performance.now() - begunMs) / 1000 };
}

/** @param {number[]} values @param {number} share 0 to 1 @returns {number} NaN where there is none */
export function quantile(values, share) {
  const sorted = Float64Array.from(values).sort();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/** What one process takes, and how long it is deaf, until `stop` is called. */
export async function observe({ url, pid }) {
  // The kernel starts to count the peak of resident memory again.
  writeFileSync(`/proc/${pid}/clear_refs`, '5');
  await loopDelayMs(url);
  const beforeMib = memoryMib(pid, 'VmRSS');
  const healthMs = [];
  let isOver = false;
  const asking = (async () => {
    while (!isOver) {
      healthMs.push((await send(`${url}/healthz`)).ms);
      await sleep(20);
    }
  })();
  return async function stop() {
    isOver = true;
    await asking;
    return {
      beforeMib,
      peakMib: memoryMib(pid, 'VmHWM'),
      loopMs: await loopDelayMs(url),
      healthMs,
    };
  };
}

/** @param {'VmRSS' | 'VmHWM'} name resident memory, now or at its peak */
export function memoryMib(pid, name = 'VmRSS') {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(new RegExp(`${name}:\\s+(\\d+)`).exec(status)?.[1]) / 1024;
}

/** The longest delay of the event loop since it was asked for the last time. */
async function loopDelayMs(url) {
  const { text } = await send(`${url}/metrics`);
  return 1000 * Number(/^nodejs_eventloop_lag_max_seconds (\S+)/m.exec(text)?.[1]);
}
