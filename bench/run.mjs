// npm run bench: what a hit costs, beside constants and beside others, in one run; with --only other questions.
import { existsSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { ensureBuild, ensurePackages } from '../scripts/services/packages.mjs';
import { Problem, run, runScript, step } from '../scripts/services/process.mjs';

const usage = `Usage: npm run bench [-- OPTIONS]
  --quick          fewer rounds, and 10 and 50 connections alone
  --only hit       Trivet and constants alone
  --only scale     every list without the cache, of the database DATABASE_URL, which is filled if it is empty,
                   or of one of its own
  --only browser   how soon the dashboard shows something, in a Chromium
  --findings N     how many that database is filled with (500000)
  --only ingest    what it takes to store and delete reports, and what readers notice
  --only load      three instances under everything at once
  --minutes N      of load (10)
  --rounds N       how often everything is measured (5, lists 20)
  --program FILE   another build of Trivet than dist/main.js
`;
/** Of load for each sample. */
const SECONDS = 1;
const WARM = { connections: 50, seconds: 1 };
const folder = import.meta.dirname;

const options = readOptions();
if (options) await runScript((life) => bench(options, life), { interrupted: 130 });

function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        quick: { type: 'boolean', default: false },
        only: { type: 'string' },
        findings: { type: 'string', default: '500000' },
        rounds: { type: 'string' },
        minutes: { type: 'string', default: '10' },
        program: { type: 'string' },
      },
    });
    const { only, quick } = values;
    const known = [undefined, 'hit', 'scale', 'browser', 'ingest', 'load'];
    if (!known.includes(only)) throw new Error(`--only ${only}`);
    const rounds = Number(values.rounds ?? (only === 'scale' ? 20 : quick ? 3 : 5));
    return { ...values, rounds };
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}`);
    process.exitCode = 2;
  }
}

async function bench(options, life) {
  const { only, program } = options;
  if (process.platform !== 'linux') throw new Problem('Processor time is read from /proc: this needs Linux.');
  await ensurePackages(life);
  if (program === undefined || only === 'scale') await ensureBuild(life);
  if (only === 'scale') {
    const { scale } = await import('./scale.mjs');
    process.stdout.write(await scale(options, life));
    return 0;
  }
  if (only === 'browser') {
    const { browse } = await import('./browser.mjs');
    process.stdout.write(await browse(program, life));
    return 0;
  }
  await ensureOwnPackages(life);
  const { startStores } = await import('./setup.mjs');
  const started = await startStores(life);
  if (only === 'ingest' || only === 'load') return writes(started, options);
  return hits(started, options, life);
}

/** What is not about hits alone. */
async function writes(stores, { only, quick, minutes, program }) {
  process.stdout.write(`${machine()}, load average ${os.loadavg()[0].toFixed(1)} before\n\n`);
  const measuring =
    only === 'ingest'
      ? import('./ingest.mjs').then(({ ingest }) => ingest(stores, program, quick))
      : import('./load.mjs').then(({ load }) => load(stores, program, Number(minutes)));
  await Promise.race([measuring, stores.life.over]);
  stores.life.signal.throwIfAborted();
  process.stdout.write(`load average ${os.loadavg()[0].toFixed(1)} at the end\n`);
  return 0;
}

function machine() {
  return `${os.cpus().length} x ${os.cpus()[0].model}, Node.js ${process.version}`;
}

async function hits(started, { quick, only, rounds, program }, life) {
  const { constants, peers, trivets } = await import('./contestants.mjs');
  const { answersOf, fill, startTrivet } = await import('./setup.mjs');
  const { databaseUrl, redisUrl } = started;
  const stores = { ...started, addresses: { databaseUrl, redisUrl } };
  const local = await startTrivet(stores, {}, program);
  await fill(local.url);
  const answers = await answersOf(local.url);
  const contestants = [
    ...(await constants(stores, answers)),
    ...(await trivets(stores, local, answers, program)),
    ...(only === 'hit' ? [] : await peers(stores)),
  ];
  const scenarios = scenariosOf(quick);
  const results = await measureAll(contestants, scenarios, rounds, stores.redisPid, life);
  await print(contestants, scenarios, results);
  if (only === 'hit') return 0;
  const { herds } = await import('./herd.mjs');
  const { herdTable } = await import('./table.mjs');
  process.stdout.write(`\n${herdTable(await herds(stores, program))}`);
  return 0;
}

async function ensureOwnPackages({ signal }) {
  if (existsSync(path.join(folder, 'node_modules/.package-lock.json'))) return;
  step('Installing what the bench compares with (npm ci in bench/)');
  const { status, output } = await run('npm', ['ci'], { cwd: folder, timeoutMs: 300_000, signal });
  if (status !== 0) throw new Problem(`npm ci failed:\n${output}`);
}

function scenariosOf(quick) {
  const scenario = (body, connections, title) => ({
    body,
    connections,
    title,
    key: `${body} ${connections}`,
  });
  const ordinary = (quick ? [10, 50] : [1, 10, 50, 200]).map((connections) =>
    scenario('50 KB', connections, connections === 1 ? '1 connection' : `${connections} connections`),
  );
  return quick
    ? ordinary
    : [...ordinary, scenario('2 KB', 50, '2 KB, 50'), scenario('500 KB', 50, '500 KB, 50')];
}

/**
 * Measures everyone in every scenario, side by side, round after round; every other round the other way round.
 * @returns {Promise<Map<string, Map<string, object[]>>>} samples by contestant and scenario
 */
async function measureAll(contestants, scenarios, rounds, redisPid, { signal }) {
  const { measure } = await import('./measure.mjs');
  const results = new Map(
    contestants.map(({ name }) => [name, new Map(scenarios.map(({ key }) => [key, []]))]),
  );
  for (const body of new Set(scenarios.map((scenario) => scenario.body))) {
    for (const { pids, request } of contestants) await measure({ ...request(body), pids }, redisPid, WARM);
  }
  for (let round = 0; round < rounds; round += 1) {
    step(`Round ${round + 1} of ${rounds}, load ${os.loadavg()[0].toFixed(1)}`);
    for (const { body, connections, key } of scenarios) {
      for (const { name, pids, request } of round % 2 ? contestants.toReversed() : contestants) {
        signal.throwIfAborted();
        const target = { ...request(body), pids };
        results
          .get(name)
          .get(key)
          .push(await measure(target, redisPid, { connections, seconds: SECONDS }));
      }
    }
  }
  return results;
}

async function print(contestants, scenarios, results) {
  const { generator, residentMib } = await import('./measure.mjs');
  const { costTable, cpuTables, speedTable } = await import('./table.mjs');
  const memory = new Map(contestants.map(({ name, pids }) => [name, residentMib(pids[0])]));
  const tables = [
    cpuTables(results, scenarios),
    speedTable(results, scenarios),
    costTable(results, '50 KB 50', memory),
  ];
  process.stdout.write(
    `${machine()}, load by ${generator}; 50 KB where nothing is said\n\n${tables.join('\n')}`,
  );
}
