// How long every list of the API takes when there is very much of everything, without the cache.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import pg from 'pg';
import { startPostgres } from '../scripts/services/postgres.mjs';
import { Problem, readText, root, step } from '../scripts/services/process.mjs';
import { cpuUs } from './cpu.mjs';
import { questionsOf } from './questions.mjs';
import { startTrivet } from './setup.mjs';
import { quantile } from './traffic.mjs';

/** In ms: what a question may take, and one that groups what it selects of more than 100,000 findings. */
const TARGET = { median: 20, worst: 100 };
const GROUPED_TARGET = { median: 1_000, worst: 1_000 };
const GROUPED_FINDINGS = 100_000;

/**
 * Fills a database unless it is full, and asks everything, round after round, one question at a time.
 * @param {{findings: number, rounds: number, program?: string}} options
 * @returns {Promise<string>} a table
 */
export async function scale({ findings, rounds, program }, life) {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-bench-'));
  life.onEnd(() => rmSync(folder, { recursive: true, force: true }));
  const databaseUrl = process.env.DATABASE_URL || (await startOwn(folder, life));
  await ensureFilled(databaseUrl, findings);
  const trivet = await startTrivet({ databaseUrl, redisUrl: 'off', folder, life }, {}, program);
  const observer = new pg.Client({ connectionString: databaseUrl });
  await observer.connect();
  life.onEnd(() => observer.end());
  const ask = (target) => askFor(`${trivet.url}${target}`);
  const questions = await questionsOf(async (target) => (await ask(target)).body);
  const samples = questions.map(() => []);
  const answers = [];
  // The first round reads from the disk what the others find in memory, and is not counted.
  for (let round = 0; round <= rounds; round += 1) {
    step(round === 0 ? 'Warming up' : `Round ${round} of ${rounds}, load ${os.loadavg()[0].toFixed(1)}`);
    for (const [index, { target }] of questions.entries()) {
      life.signal.throwIfAborted();
      const pids = [trivet.pid, ...(await backendsOf(observer))];
      const cpuMs = cpuSince(pids);
      const { body, ms } = await ask(target);
      answers[index] = body;
      if (round > 0) samples[index].push({ ms, cpuMs: cpuMs() });
    }
  }
  return `${await describe(databaseUrl)}\n\n${table(questions, samples, answers)}`;
}

async function startOwn(folder, life) {
  const settings = { shared_buffers: '1GB', max_wal_size: '8GB' };
  return (await startPostgres({ dir: path.join(folder, 'postgres'), settings, life })).url;
}

async function ensureFilled(databaseUrl, findings) {
  if ((await countOf(databaseUrl, 'artifact').catch(() => 0)) > 0) return;
  const seed = spawn(process.execPath, [path.join(root, 'dist/seed.js'), '--findings', String(findings)], {
    env: { ...process.env, DATABASE_URL: databaseUrl },
    stdio: ['ignore', 2, 2],
  });
  const [status] = await once(seed, 'exit');
  if (status !== 0) throw new Problem('The database could not be filled.');
}

async function countOf(databaseUrl, table) {
  const rows = await query(databaseUrl, `SELECT count(*)::int AS count FROM ${table}`);
  return rows[0].count;
}

/** @returns the processes of PostgreSQL that answer Trivet, where they are on this machine */
async function backendsOf(observer) {
  const { rows } = await observer.query(`SELECT pid FROM pg_stat_activity WHERE application_name = 'trivet'`);
  return rows.map(({ pid }) => pid).filter((pid) => readText(`/proc/${pid}/comm`).startsWith('postgres'));
}

/** @returns a function that tells what the processes have used since, in ms; those that have ended are left out */
function cpuSince(pids) {
  const read = (pid) => {
    try {
      return cpuUs([pid]);
    } catch {
      return undefined;
    }
  };
  const before = new Map(pids.map((pid) => [pid, read(pid)]));
  return () => {
    const used = pids.map((pid) => read(pid) - before.get(pid));
    return used.reduce((sum, us) => sum + (us || 0), 0) / 1_000;
  };
}

async function query(databaseUrl, sql) {
  const client = new pg.Client({ connectionString: databaseUrl });
  await client.connect();
  try {
    return (await client.query(sql)).rows;
  } finally {
    await client.end();
  }
}

async function describe(databaseUrl) {
  const tables = ['artifact', 'scan', 'scan_finding', 'current_finding', 'vulnerability'];
  const counts = await Promise.all(tables.map((name) => countOf(databaseUrl, name)));
  return tables.map((name, index) => `${counts[index].toLocaleString('en')} rows of ${name}`).join(', ');
}

/** @returns what was answered, and the time until the last byte of it, in ms */
async function askFor(url) {
  const startedMs = performance.now();
  const response = await fetch(url);
  const text = await response.text();
  const ms = performance.now() - startedMs;
  if (!response.ok) throw new Problem(`${url} was answered with ${response.status}: ${text}`);
  return { body: text.startsWith('{') ? JSON.parse(text) : {}, ms };
}

function table(questions, samples, answers) {
  const rows = questions.map(({ name, grouped }, index) => {
    const ms = samples[index].map((sample) => sample.ms);
    const [median, p95, worst] = [quantile(ms, 0.5), quantile(ms, 0.95), quantile(ms, 1)];
    const cpu = quantile(
      samples[index].map(({ cpuMs }) => cpuMs),
      0.5,
    );
    const target = grouped > GROUPED_FINDINGS ? GROUPED_TARGET : TARGET;
    const missed = median > target.median || worst > target.worst;
    const { total, totalIsExact } = answers[index];
    const found = total === undefined ? '' : `${total.toLocaleString('en')}${totalIsExact ? '' : '+'}`;
    const times = [cpu, median, p95, worst].map((time) => time.toFixed(time < 10 ? 1 : 0)).join(' | ');
    return { text: `| ${name} | ${found} | ${times} | ${missed ? 'no' : ''} |`, missed };
  });
  const missed = rows.filter((row) => row.missed).length;
  return `| question | items | CPU, ms | median, ms | p95 | worst | within the target |
| --- | ---: | ---: | ---: | ---: | ---: | --- |
${rows.map((row) => row.text).join('\n')}

${questions.length - missed} of ${questions.length} within ${TARGET.median} ms at the median and ${TARGET.worst} ms at
the worst, or ${GROUPED_TARGET.worst} ms where more than ${GROUPED_FINDINGS.toLocaleString('en')} findings are grouped.
`;
}
