// npm start [-- --demo]: from a fresh clone to a running Trivet. Installs and builds what is missing, starts
// PostgreSQL and Redis unless variables name others, runs the program, and stops all of it on Ctrl-C.
import { accessSync, constants, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import readline from 'node:readline';
// Node.js 18 has no parseEnv: a named import would fail before we can say that it is too old.
import util from 'node:util';
import { ensureBuild, ensurePackages, requireNode } from './services/packages.mjs';
import { startPostgres } from './services/postgres.mjs';
import {
  all,
  endOf,
  freePort,
  isFree,
  launch,
  Problem,
  readText,
  root,
  runScript,
  step,
  stopChild,
} from './services/process.mjs';
import { findRedis, newPassword, redisUrl, startRedis } from './services/redis.mjs';

const usage = `Usage: npm start [-- --demo]
  --demo   also load sample reports
Settings come from the environment or the file .env: see .env.example.`;

const dataFolder = path.join(root, '.trivet');
const runningFile = path.join(dataFolder, 'running.json');

const options = readOptions();
if (options) await runScript((life) => start(options, life), { interrupted: 0 });

/** Reads the command line; prints and returns undefined where that is all there is to do. */
function readOptions() {
  try {
    const { values } = util.parseArgs({ options: { demo: { type: 'boolean' }, help: { type: 'boolean' } } });
    if (!values.help) return values;
    process.stdout.write(`${usage}\n`);
  } catch (error) {
    process.stderr.write(`${error.message}\n\n${usage}\n`);
    process.exitCode = 2;
  }
}

async function start({ demo }, life) {
  requireNode();
  const settings = { ...util.parseEnv(readText(path.join(root, '.env'))), ...process.env };
  const isSet = (name) => Boolean(settings[name] || settings[`${name}_FILE`]);

  makeDataFolder();
  await holdFolder(life);
  const redis = isSet('REDIS_URL') ? undefined : beginRedis(life);
  await ensurePackages(life);
  const [postgres] = await all([isSet('DATABASE_URL') ? undefined : startDatabase(life), ensureBuild(life)]);

  const environment = {};
  if (postgres) environment.DATABASE_URL = postgres.url;
  if (redis) environment.REDIS_URL = redis.url();
  if (!isSet('PORT')) environment.PORT = await nextFreePort(3000, settings.HOST || '127.0.0.1');
  const program = runProgram(environment, life, (url) => announce(url, { demo, environment, life }));

  const databaseEnded = postgres?.ended.then(() => {
    if (!life.signal.aborted) throw new Problem(`PostgreSQL has ended: see ${dataFolder}/postgres/log.`);
  });
  await Promise.race([endOf(program), life.over, ...(databaseEnded ? [databaseEnded] : [])]);
  if (!life.signal.aborted) step(`Trivet has ended (${program.signalCode ?? `status ${program.exitCode}`})`);
  return program.exitCode ?? 1;
}

function makeDataFolder() {
  try {
    mkdirSync(dataFolder, { recursive: true, mode: 0o700 });
    accessSync(dataFolder, constants.W_OK | constants.X_OK);
  } catch (error) {
    throw new Problem(`${error.message}: the folder belongs to another user (it was made as root?).`);
  }
}

/**
 * Makes this start the only one in the folder. A listening socket without a file is a lock that the kernel
 * releases, however its holder ends.
 */
async function holdFolder({ onEnd }) {
  if (process.platform !== 'linux') return;
  const { dev, ino } = statSync(dataFolder);
  const lock = net.createServer();
  const isHeld = await new Promise((resolve) => {
    lock.once('error', () => resolve(false));
    lock.listen(`\0trivet-${dev}-${ino}`, () => resolve(true));
  });
  if (isHeld) {
    onEnd(() => lock.close());
    // That of a start that was killed.
    rmSync(runningFile, { force: true });
    return;
  }
  const { url, pid } = JSON.parse(readText(runningFile) || '{}');
  throw new Problem(
    url
      ? `Trivet is already running in this folder: ${url} (process ${pid}).`
      : 'Trivet is already being started in this folder.',
  );
}

async function startDatabase(life) {
  const postgres = await startPostgres({ dir: path.join(dataFolder, 'postgres'), life });
  step(`PostgreSQL ${postgres.version} on port ${postgres.port}, data in ${dataFolder}/postgres`);
  return postgres;
}

/**
 * Finds, if need be downloads, and starts Redis while the rest goes on: nothing waits for it. Its address is
 * settled beforehand, and Trivet connects whenever it appears.
 */
function beginRedis(life) {
  const password = newPassword();
  let url;
  const begin = async () => {
    const port = await freePort();
    url = redisUrl(port, password);
    const store = path.join(dataFolder, 'redis-server');
    const { path: server, problem } = await findRedis({ store, signal: life.signal });
    if (problem) throw new Problem(problem);
    const redis = await startRedis({ server, dir: path.join(dataFolder, 'redis'), port, password, life });
    step(`Redis on port ${port} (${server})`);
    redis.ended.then(() => life.signal.aborted || step('Redis has ended: Trivet goes on without a cache'));
  };
  const begun = begin().catch((error) => {
    url = 'off';
    if (!life.signal.aborted) step(`No Redis, Trivet runs without a cache: ${error.message}`);
  });
  life.onEnd(() => begun);
  return { url: () => url };
}

async function nextFreePort(first, host) {
  // `localhost` may mean ::1 in a browser, where something else may listen.
  const isUsable = async (port) => (await isFree(port, host)) && (await isFree(port, '::1'));
  let port = first;
  while (!(await isUsable(port)) && port < first + 100) port += 1;
  if (port !== first) step(`Port ${first} is taken: using ${port}`);
  return String(port);
}

/** Runs the program; its log goes to stdout as it is, and `onListening` is told the address in it. */
function runProgram(environment, life, onListening) {
  const child = launch(process.execPath, [path.join(root, 'dist/main.js')], {
    cwd: root,
    env: { ...process.env, ...environment },
    stdio: ['ignore', 'pipe', 'inherit'],
    deathSignal: 'SIGTERM',
  });
  // The program drains its requests within 10 s.
  life.onEnd(() =>
    stopChild(child, [
      ['SIGTERM', 12_000],
      ['SIGKILL', 1_000],
    ]),
  );
  readline.createInterface({ input: child.stdout }).on('line', (line) => {
    process.stdout.write(`${line}\n`);
    const url = listeningUrl(line);
    if (url) onListening(url);
  });
  return child;
}

function listeningUrl(line) {
  if (!line.includes('"listening"')) return undefined;
  try {
    const { msg, url } = JSON.parse(line);
    return msg === 'listening' ? url.replace('//127.0.0.1', '//localhost').replace(/\/$/, '') : undefined;
  } catch {
    return undefined;
  }
}

/** Says where Trivet is, writes it down for other commands in this folder, and loads the sample reports. */
async function announce(url, { demo, environment, life }) {
  const running = {
    url,
    pid: process.pid,
    databaseUrl: environment.DATABASE_URL,
    redisUrl: environment.REDIS_URL,
  };
  writeFileSync(runningFile, JSON.stringify(running), { mode: 0o600 });
  life.onEnd(() => rmSync(runningFile, { force: true }));
  if (demo) {
    step(`Trivet is running, loading sample reports: ${url}`);
    const loading = launch(process.execPath, [path.join(root, 'dist/demo.js'), '--url', url], {
      cwd: root,
      stdio: ['ignore', 'inherit', 'inherit'],
      deathSignal: 'SIGTERM',
    });
    life.onEnd(() =>
      stopChild(loading, [
        ['SIGTERM', 2_000],
        ['SIGKILL', 1_000],
      ]),
    );
    await endOf(loading);
    if (life.signal.aborted) return;
    if (loading.exitCode !== 0) step('The sample reports could not all be loaded');
  }
  step(`Trivet is ready: ${url}   (Ctrl-C stops it)`);
}
