// A private Redis server: one found on PATH, else one unpacked from the distribution's packages into a folder of
// our own, without root and without any change to the system.
import { spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { endOf, freePort, launch, readText, run, step, stopChild, untilReady, which } from './process.mjs';

const oldestMajor = 7;

/**
 * Finds a redis-server or valkey-server, of version 7.0 or newer; where PATH has none, downloads one.
 * @param {object} options
 * @param {string} options.store folder that keeps a downloaded server
 * @param {AbortSignal} [options.signal]
 * @returns {Promise<{path?: string, problem?: string}>} `problem` says in one sentence why there is none
 */
export async function findRedis({ store, signal }) {
  const downloaded = path.join(store, 'redis-server');
  const candidates = [which('redis-server'), which('valkey-server'), downloaded];
  const found = candidates.find((file) => file && majorVersion(file) >= oldestMajor);
  if (found) return { path: found };
  if (!which('apt-get') || !which('dpkg')) {
    return { problem: `there is no redis-server ${oldestMajor}.0 or newer, and no apt-get to download one` };
  }
  step('Downloading a private Redis server (nothing is installed on the system)');
  const problem = await download(store, signal);
  if (problem) return { problem };
  return majorVersion(downloaded) >= oldestMajor
    ? { path: downloaded }
    : { problem: "the distribution's redis-server is too old or does not run here" };
}

/** The N of "Redis server v=N.…" or "Valkey server v=N.…", 0 when the program does not run. */
function majorVersion(file) {
  const { stdout } = spawnSync(file, ['--version'], { encoding: 'utf8', timeout: 5_000 });
  return Number(stdout?.match(/v=(\d+)\./)?.[1] ?? 0);
}

/**
 * Downloads redis-server with the packages that it needs and the system lacks, checked by apt against the keys of
 * the distribution. apt's lists and caches are our own: as a user we could not write to the system's, and a
 * fresh image has none.
 * @returns {Promise<string | undefined>} why it failed
 */
async function download(store, signal) {
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'trivet-apt-'));
  try {
    for (const name of ['lists/partial', 'cache/archives/partial', 'debs', 'server']) {
      fs.mkdirSync(path.join(work, name), { recursive: true });
    }
    const options = [`Dir::State::Lists=${work}/lists`, `Dir::Cache=${work}/cache`, 'APT::Sandbox::User='];
    const apt = (args, timeoutMs) =>
      run(
        'apt-get',
        [...[...options, 'Acquire::Retries=1'].flatMap((option) => ['-o', option]), '-q', ...args],
        {
          cwd: path.join(work, 'debs'),
          env: { ...process.env, LC_ALL: 'C' },
          timeoutMs,
          signal,
        },
      );
    await apt(['update'], 60_000);
    // A dry run names what an installation would add. --reinstall: the two themselves even if installed.
    const plan = await apt(
      ['install', '--dry-run', '--no-install-recommends', '--reinstall', 'redis-server', 'redis-tools'],
      30_000,
    );
    const packages = [...plan.output.matchAll(/^Inst (\S+) .*?\((\S+)/gm)].map(
      ([, name, version]) => `${name}=${version}`,
    );
    if (packages.length === 0) return `apt-get offers no redis-server (${lastLine(plan.output)})`;
    const fetched = await apt(['download', ...packages], 120_000);
    if (fetched.status !== 0) return `apt-get could not download redis-server (${lastLine(fetched.output)})`;
    const server = path.join(work, 'server');
    for (const deb of fs.readdirSync(path.join(work, 'debs'))) {
      const unpacked = await run('dpkg', ['-x', path.join(work, 'debs', deb), server], {
        timeoutMs: 30_000,
        signal,
      });
      if (unpacked.status !== 0) return `dpkg could not unpack ${deb} (${lastLine(unpacked.output)})`;
    }
    keepServer(server, store);
  } finally {
    fs.rmSync(work, { recursive: true, force: true });
  }
}

const lastLine = (output) => output.trim().split('\n').at(-1);

/** Keeps the unpacked packages, with a script beside them that finds their libraries wherever the folder is. */
function keepServer(server, store) {
  fs.writeFileSync(
    path.join(server, 'redis-server'),
    `#!/bin/sh
here=$(dirname "$(readlink -f "$0")")
for folder in "$here"/usr/lib/*-linux-gnu* "$here"/lib/*-linux-gnu*; do
  LD_LIBRARY_PATH="$folder\${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
done
export LD_LIBRARY_PATH
exec "$here/usr/bin/redis-server" "$@"
`,
    { mode: 0o755 },
  );
  fs.rmSync(store, { recursive: true, force: true });
  fs.mkdirSync(path.dirname(store), { recursive: true, mode: 0o700 });
  fs.cpSync(server, store, { recursive: true, verbatimSymlinks: true });
}

/**
 * Starts a Redis server on 127.0.0.1 that keeps nothing on disk, with a random password.
 * @param {object} options
 * @param {string} options.server path of the program
 * @param {string} options.dir its working folder and log; made when missing
 * @param {number} [options.port] default: a free one
 * @param {string} [options.password]
 * @param {import('./process.mjs').Life} options.life stops it
 * @returns {Promise<{url: string, port: number, ended: Promise<void>}>}
 * @throws {import('./process.mjs').Problem} when it cannot start
 */
export async function startRedis({ server, dir, port, password = newPassword(), life }) {
  fs.mkdirSync(dir, { recursive: true, mode: 0o700 });
  const listen = port ?? (await freePort());
  const logFile = path.join(dir, 'log');
  const log = fs.openSync(logFile, 'w', 0o600);
  // The configuration comes by standard input: a command line could be read, password and all, by other users.
  const child = launch(server, ['-'], { cwd: dir, stdio: ['pipe', log, log], deathSignal: 'SIGTERM' });
  fs.closeSync(log);
  life.onEnd(() =>
    stopChild(child, [
      ['SIGTERM', 3_000],
      ['SIGKILL', 1_000],
    ]),
  );
  child.stdin.on('error', () => {});
  child.stdin.end(
    [
      'bind 127.0.0.1',
      `port ${listen}`,
      `requirepass ${password}`,
      'save ""',
      'appendonly no',
      'maxmemory 256mb',
      'maxmemory-policy allkeys-lru',
    ].join('\n'),
  );
  const isReady = () => /ready to accept connections/i.test(readText(logFile));
  await untilReady(child, isReady, { what: 'Redis', logFile, timeoutMs: 20_000, signal: life.signal });
  return { url: redisUrl(listen, password), port: listen, ended: endOf(child) };
}

/** @returns {string} a password for a private server */
export function newPassword() {
  return randomBytes(24).toString('hex');
}

/** @returns {string} the address of a private server that listens, or will listen, on this port */
export function redisUrl(port, password) {
  return `redis://:${password}@127.0.0.1:${port}`;
}
