// npm test [-- vitest arguments]: everything that the tests need, started on free ports in a temporary folder,
// then the tests, and, without arguments, the static checks. Nothing is left running.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { findChromium } from './services/browser.mjs';
import { ensureBuild, ensurePackages, requireNode } from './services/packages.mjs';
import { startPostgres } from './services/postgres.mjs';
import {
  all,
  launch,
  Problem,
  readText,
  root,
  run,
  runScript,
  step,
  stopChild,
} from './services/process.mjs';
import { findRedis, startRedis } from './services/redis.mjs';

const vitestArguments = process.argv.slice(2);
const counts = { passed: 0, failed: 0, skipped: 0 };

await runScript(main, { interrupted: 130 });
// Last, after everything has stopped: the line that scripts read.
const skipped = counts.skipped > 0 ? `, ${counts.skipped} skipped` : '';
process.stdout.write(
  `\n${counts.passed} passed, ${Math.max(counts.failed, process.exitCode ? 1 : 0)} failed${skipped}\n`,
);

async function main(life) {
  const { signal, onEnd } = life;
  requireNode();
  await ensurePackages({ signal });
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-test-'));
  onEnd(() => rmSync(folder, { recursive: true, force: true }));

  const [environment] = await all([startServices(folder, life), build(signal)]);
  await runTests(folder, environment, life);
  if (vitestArguments.length === 0) await runChecks(signal);
  return counts.failed > 0 ? 1 : 0;
}

/** Starts PostgreSQL, Redis and looks for a browser; returns what the tests learn of them. */
async function startServices(folder, life) {
  // A database that lives for minutes may forget everything in a crash.
  const settings = {
    fsync: 'off',
    full_page_writes: 'off',
    synchronous_commit: 'off',
    shared_buffers: '128MB',
  };
  const [postgres, redis, chromium] = await all([
    startPostgres({ dir: path.join(folder, 'postgres'), settings, life }),
    startTestRedis(folder, life),
    findChromium({ signal: life.signal }),
  ]);
  const url = new URL(postgres.url);
  url.pathname = '/postgres';
  step(`PostgreSQL ${postgres.version}, ${redis.path ?? 'no Redis'}, ${chromium ?? 'no Chromium'}`);
  return {
    TEST_DATABASE_URL: url.href,
    TEST_REDIS_URL: redis.url,
    TEST_REDIS_SERVER: redis.path,
    TEST_CHROMIUM: chromium,
  };
}

async function startTestRedis(folder, life) {
  const store = path.join(root, '.trivet/redis-server');
  const { path: server, problem } = await findRedis({ store, signal: life.signal });
  if (!server) throw new Problem(`The tests need Redis, and ${problem}.`);
  return { ...(await startRedis({ server, dir: path.join(folder, 'redis'), life })), path: server };
}

async function build(signal) {
  try {
    await ensureBuild({ signal });
    counts.passed += 1;
  } catch (error) {
    if (!(error instanceof Problem)) throw error;
    counts.failed += 1;
    process.stdout.write(`${error.message}\n`);
  }
}

/** Runs vitest; its JSON report is counted, not its text. */
async function runTests(folder, environment, { signal, over, onEnd }) {
  const report = path.join(folder, 'vitest.json');
  const vitest = path.join(root, 'node_modules/vitest/vitest.mjs');
  const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
  const child = launch(process.execPath, [vitest, 'run', ...reporters, ...vitestArguments], {
    cwd: root,
    env: { ...withoutSettings(process.env), ...environment },
    stdio: ['ignore', 'inherit', 'inherit'],
    deathSignal: 'SIGTERM',
  });
  // vitest leads a process group: the last signal ends whatever its tests left behind.
  const end = async () => {
    await stopChild(child, [['SIGTERM', 2_000]]);
    killGroup(child.pid);
  };
  onEnd(end);
  const status = await Promise.race([new Promise((resolve) => child.once('close', resolve)), over]);
  signal.throwIfAborted();
  await end();
  countTests(report, status);
}

function killGroup(pid) {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // All of it has ended.
  }
}

/** Settings of an instance, in the environment of whoever runs the tests, are not for the tests. */
function withoutSettings(environment) {
  const mine =
    /^(PORT|HOST|DATABASE_.*|REDIS_.*|CACHE_.*|AUTH|ADMIN_TOKEN.*|LOG_LEVEL|PUBLIC_URL|TRIVET_.*)$/;
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !mine.test(name)));
}

function countTests(report, status) {
  const results = JSON.parse(readText(report) || '{"testResults": []}').testResults;
  let ran = 0;
  for (const { status: fileStatus, assertionResults } of results) {
    const passed = assertionResults.filter((test) => test.status === 'passed').length;
    const failed = assertionResults.filter((test) => test.status === 'failed').length;
    counts.passed += passed;
    // A file that could not be loaded has no tests, and is a failure all the same.
    counts.failed += fileStatus === 'failed' ? Math.max(failed, 1) : failed;
    counts.skipped += assertionResults.length - passed - failed;
    ran += passed + failed;
  }
  if (ran === 0 || (status !== 0 && counts.failed === 0)) {
    counts.failed += 1;
    process.stdout.write(ran === 0 ? 'No test ran.\n' : `vitest ended with status ${status}.\n`);
  }
}

/** The checks of `npm run check`, one by one. */
async function runChecks(signal) {
  const checks = [
    ['biome', 'check', '.'],
    ['tsc', '-p', 'tsconfig.json'],
    ['tsc', '-p', 'web/tsconfig.json'],
    ['knip'],
  ];
  for (const [command, ...args] of checks) {
    const project = args.find((arg) => arg.endsWith('.json'));
    if (project && !existsSync(path.join(root, project))) continue;
    const program = path.join(root, 'node_modules/.bin', command);
    const { status, output } = await run(program, args, { cwd: root, timeoutMs: 180_000, signal });
    if (status === 0) counts.passed += 1;
    else {
      counts.failed += 1;
      process.stdout.write(`\n${output}`);
    }
    step(`${[command, ...args].join(' ')}: ${status === 0 ? 'passed' : 'FAILED'}`);
  }
}
