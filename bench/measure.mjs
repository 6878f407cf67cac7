// One measurement: load on a server for a while, and what that cost the server.
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import autocannon from 'autocannon';
import { Problem, which } from '../scripts/services/process.mjs';
import { cpuUs } from './cpu.mjs';

const wrk = which('wrk');

/** The load generator: wrk, whose own use of the processor is small, else autocannon. */
export const generator = wrk ? 'wrk' : 'autocannon';

/**
 * Loads one address, and reads what its process used meanwhile.
 * @param {object} target
 * @param {string} target.url
 * @param {Record<string, string>} target.headers
 * @param {number[]} target.pids whose processor time is counted
 * @param {number} redisPid counted beside it
 * @param {{connections: number, seconds: number}} load
 * @returns {Promise<Sample>}
 * @typedef {{cpuUs: number, redisUs: number, perSecond: number, p50Ms: number, p99Ms: number}} Sample
 */
export async function measure({ url, headers, pids }, redisPid, load) {
  const before = [cpuUs(pids), cpuUs([redisPid])];
  const { requests, failed, seconds, p50Ms, p99Ms } = await (wrk ? runWrk : runAutocannon)(
    url,
    headers,
    load,
  );
  const [ownUs, redisUs] = [cpuUs(pids) - before[0], cpuUs([redisPid]) - before[1]];
  if (failed > 0 || requests === 0) throw new Problem(`${url}: ${failed} of ${requests} requests failed`);
  return {
    cpuUs: ownUs / requests,
    redisUs: redisUs / requests,
    perSecond: requests / seconds,
    p50Ms,
    p99Ms,
  };
}

/** @param {number} pid @returns {number} resident memory in MiB */
export function residentMib(pid) {
  const status = readFileSync(`/proc/${pid}/status`, 'utf8');
  return Number(/VmRSS:\s+(\d+)/.exec(status)?.[1]) / 1024;
}

async function runWrk(url, headers, { connections, seconds }) {
  const args = [
    '-t1',
    `-c${connections}`,
    `-d${Math.max(1, Math.round(seconds))}s`,
    '--timeout',
    '30s',
    '--latency',
  ];
  for (const [name, value] of Object.entries(headers)) args.push('-H', `${name}: ${value}`);
  const output = await outputOf(wrk, [...args, url]);
  const [, requests, took, unit] = /(\d+) requests in ([\d.]+)(ms|s|m)/.exec(output) ?? [];
  const errors = /Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/.exec(output) ?? [];
  const refused = Number(/Non-2xx or 3xx responses: (\d+)/.exec(output)?.[1] ?? 0);
  return {
    requests: Number(requests),
    failed: refused + errors.slice(1).reduce((sum, count) => sum + Number(count), 0),
    seconds: toMs(took, unit) / 1000,
    p50Ms: percentile(output, 50),
    p99Ms: percentile(output, 99),
  };
}

function percentile(output, rank) {
  const [, value, unit] = new RegExp(`${rank}%\\s+([\\d.]+)(us|ms|s|m)`).exec(output) ?? [];
  return toMs(value, unit);
}

function toMs(value, unit) {
  return Number(value) * { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit];
}

function outputOf(command, args) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'inherit'] });
    let output = '';
    child.stdout.setEncoding('utf8').on('data', (chunk) => {
      output += chunk;
    });
    child.once('error', reject).once('close', () => resolve(output));
  });
}

async function runAutocannon(url, headers, { connections, seconds }) {
  const result = await autocannon({ url, headers, connections, duration: Math.max(1, Math.round(seconds)) });
  return {
    requests: result.requests.total,
    failed: result.errors + result['4xx'] + result['5xx'],
    seconds: result.duration,
    p50Ms: result.latency.p50,
    p99Ms: result.latency.p99,
  };
}
