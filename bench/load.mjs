// Three instances under everything at once, for minutes: does memory stay, does anything fail, how long does it take?
import os from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { step } from '../scripts/services/process.mjs';
import { post } from './ingest.mjs';
import { scan } from './scans.mjs';
import { startTrivet } from './setup.mjs';
import { number, table } from './table.mjs';
import { atRate, memoryMib, quantile, send } from './traffic.mjs';

const INSTANCES = 3;
const IMAGES = 120;
const SAMPLE_SECONDS = 5;
/** Not counted in the slope of the memory. */
const WARM_UP_SECONDS = 60;
/** A second, over all instances. */
const READS = 120;
const WRITES = 4;

/** Prints tables in Markdown. */
export async function load(stores, program, minutes) {
  const instances = [];
  for (let index = 0; index < INSTANCES; index++) instances.push(await startTrivet(stores, {}, program));
  step('Filling');
  const scans = [];
  for (let image = 0; image < IMAGES; image++) {
    const name = `load/${image}:1`;
    scans.push(
      (await post(instances[0].url, scan({ name, findings: image % 4 ? 180 : 900, base: image % 6 }))).id,
    );
  }
  const traffic = createTraffic(instances, scans);
  const memory = instances.map(() => []);
  const over = new AbortController();
  const sampling = sample(instances, memory, over.signal);
  const seconds = minutes * 60;
  step(`${minutes} minutes of load`);
  await Promise.all([
    atRate(READS, seconds, traffic.read),
    atRate(WRITES, seconds, traffic.write),
    tellMinutes(minutes),
  ]);
  over.abort();
  await sampling;
  for (const { stop } of instances) await stop();
  const tables = [latencies(traffic.answers, minutes), shares(traffic), memoryTable(memory)];
  process.stdout.write(`${tables.join('\n')}\n`);
}

async function tellMinutes(minutes) {
  for (let minute = 1; minute < minutes; minute++) {
    await sleep(60_000);
    step(`Minute ${minute} of ${minutes}, load ${os.loadavg()[0].toFixed(1)}`);
  }
}

/** Asks, and keeps what came of it. */
function createAsker() {
  const begunMs = performance.now();
  const answers = [];
  const errors = [];
  /** @param {number[]} expected @param {string} [kind] of the answer, else as Cache-Status says */
  async function ask(target, init, expected, kind) {
    try {
      const answer = await send(target, init);
      if (!expected.includes(answer.status))
        errors.push(`${target}: ${answer.status} ${answer.text.slice(0, 200)}`);
      const minute = Math.floor((performance.now() - begunMs) / 60_000);
      answers.push({ minute, kind: kind ?? answer.cache, ms: answer.ms });
      return answer;
    } catch (error) {
      errors.push(`${target}: ${error.message}`);
      return null;
    }
  }
  return { answers, errors, ask };
}

/** What is asked and written, each time of another instance; what came of it. */
function createTraffic(instances, scans) {
  const { answers, errors, ask } = createAsker();
  const etags = new Map();
  let turn = 0;
  let round = 1;
  const url = () => instances[turn++ % instances.length].url;
  const pick = (list) => list[Math.floor(Math.random() * list.length)];

  const POPULAR = [
    '/api/summary',
    '/api/vulnerabilities',
    '/api/artifacts',
    '/api/scan-results',
    '/api/findings',
  ];
  const reads = [
    () => ask(`${url()}${pick(POPULAR)}`, {}, [200]),
    () => ask(`${url()}/api/scan-results/${pick(scans)}/vulnerabilities?limit=100`, {}, [200, 404]),
    () => ask(`${url()}/api/scan-results/${pick(scans.slice(0, 20))}`, {}, [200, 404]),
    () =>
      ask(
        `${url()}/api/vulnerabilities?severity=${pick(['HIGH', 'CRITICAL'])}&q=${pick(['cor', 'ta', 'lin'])}`,
        {},
        [200],
      ),
    () => ask(`${url()}/api/findings?artifact=load%2F${Math.floor(Math.random() * IMAGES)}%3A1`, {}, [200]),
    async () => {
      const path = '/api/vulnerabilities?limit=50';
      const first = await ask(`${url()}${path}`, {}, [200]);
      const { nextCursor } = JSON.parse(first?.text || '{}');
      if (nextCursor) await ask(`${url()}${path}&cursor=${encodeURIComponent(nextCursor)}`, {}, [200]);
    },
    async () => {
      const path = `/api/scan-results/${pick(scans.slice(0, 20))}/vulnerabilities`;
      const known = etags.get(path);
      const answer = await ask(
        `${url()}${path}`,
        known ? { headers: { 'if-none-match': known } } : {},
        [200, 304, 404],
      );
      if (answer?.etag) etags.set(path, answer.etag);
    },
  ];
  const writes = [storeReport, storeReport, label, remove];

  async function storeReport() {
    const image = Math.floor(Math.random() * IMAGES);
    const body = scan({
      name: `load/${image}:1`,
      findings: image % 4 ? 180 : 900,
      base: image % 6,
      round: round++ % 50,
    });
    const headers = { 'content-encoding': 'gzip' };
    const answer = await ask(
      `${url()}/api/scan-results`,
      { method: 'POST', headers, body },
      [200, 201],
      'report',
    );
    if (answer?.status === 201) scans.push(JSON.parse(answer.text).id);
  }
  async function label() {
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ labels: { team: pick(['red', 'blue', 'green']) } });
    await ask(
      `${url()}/api/scan-results/${pick(scans)}`,
      { method: 'PATCH', headers, body },
      [200, 404],
      'label',
    );
  }
  /** As many as are stored: the number of scans stays. */
  async function remove() {
    while (scans.length > IMAGES) {
      const [id] = scans.splice(IMAGES + Math.floor(Math.random() * (scans.length - IMAGES)), 1);
      await ask(`${url()}/api/scan-results/${id}`, { method: 'DELETE' }, [204, 404], 'deletion');
    }
  }
  return { answers, errors, read: () => pick(reads)(), write: () => pick(writes)() };
}

async function sample(instances, memory, signal) {
  const begunMs = performance.now();
  while (!signal.aborted) {
    for (const [index, { pid }] of instances.entries()) {
      memory[index].push({ seconds: (performance.now() - begunMs) / 1000, mib: memoryMib(pid) });
    }
    await sleep(SAMPLE_SECONDS * 1000, undefined, { signal }).catch(() => {});
  }
}

const KINDS = ['hit', 'miss', 'report', 'label', 'deletion'];

function latencies(answers, minutes) {
  const cell = (minute, kind) => {
    const ms = answers
      .filter((one) => one.kind === kind && (minute === null || one.minute === minute))
      .map((one) => one.ms);
    if (ms.length === 0) return '';
    return [0.5, 0.99, 0.999].map((share) => number(quantile(ms, share))).join(' / ');
  };
  const rows = Array.from({ length: Math.ceil(minutes) }, (_, minute) => [
    minute + 1,
    ...KINDS.map((kind) => cell(minute, kind)),
  ]);
  rows.push(['all', ...KINDS.map((kind) => cell(null, kind))]);
  return table(['minute: p50 / p99 / p99.9 in ms', ...KINDS], rows);
}

function shares({ answers, errors }) {
  const count = (kind) => answers.filter((one) => one.kind === kind).length;
  const reads = count('hit') + count('miss') + count('bypass');
  const rows = [
    ['reads', String(reads)],
    ['of them hits', `${number((100 * count('hit')) / reads)} %`],
    ['past the cache', String(count('bypass'))],
    ...['report', 'label', 'deletion'].map((kind) => [`${kind}s`, String(count(kind))]),
    ['errors', String(errors.length)],
    ...errors.slice(0, 5).map((error) => [error, '']),
  ];
  return table(['what was asked', ''], rows);
}

/** Resident memory after the warm-up, in the middle and at the end: medians of five samples; the slope by least squares. */
function memoryTable(memory) {
  const rows = memory.map((samples, index) => {
    const counted = samples.filter(
      ({ seconds }) => seconds >= Math.min(WARM_UP_SECONDS, samples.at(-1).seconds / 2),
    );
    const around = (share) => {
      const from = Math.round(share * Math.max(0, counted.length - 5));
      return quantile(
        counted.slice(from, from + 5).map(({ mib }) => mib),
        0.5,
      );
    };
    return [
      `instance ${index + 1}`,
      ...[around(0), around(0.5), around(1), slope(counted) * 60].map((value) => value.toFixed(1)),
    ];
  });
  return table(
    ['resident memory, MiB', 'after the first minute', 'in the middle', 'at the end', 'slope a minute'],
    rows,
  );
}

/** @returns {number} MiB a second */
function slope(samples) {
  const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;
  const [x, y] = [mean(samples.map(({ seconds }) => seconds)), mean(samples.map(({ mib }) => mib))];
  const covariance = samples.reduce((sum, { seconds, mib }) => sum + (seconds - x) * (mib - y), 0);
  return covariance / samples.reduce((sum, { seconds }) => sum + (seconds - x) ** 2, 0);
}
