// Processes, ports and the lines of progress that start, test and import share. Node built-ins only.
import { spawn } from 'node:child_process';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import net from 'node:net';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** The folder of the project. */
export const root = fileURLToPath(new URL('../..', import.meta.url)).replace(/\/$/, '');

/** A failure that the user can act on: its message is printed alone, without a stack. */
export class Problem extends Error {}

const startedAt = Date.now();

/**
 * Prints one line of progress with the seconds since the script began, on stderr: stdout belongs to the
 * program's own log.
 * @param {string} text
 */
export function step(text) {
  const seconds = ((Date.now() - startedAt) / 1000).toFixed(1).padStart(5);
  process.stderr.write(`trivet ${seconds} s  ${text}\n`);
}

/**
 * @param {string} name of a program
 * @returns {string | undefined} its path, the first on PATH that can be executed
 */
export function which(name) {
  return (process.env.PATH ?? '')
    .split(path.delimiter)
    .filter(Boolean)
    .map((folder) => path.join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK);
        return statSync(file).isFile();
      } catch {
        return false;
      }
    });
}

/** @returns {Promise<number>} a TCP port of the loopback address that was free a moment ago */
export function freePort() {
  return new Promise((resolve, reject) => {
    const server = net.createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address();
      server.close(() => resolve(port));
    });
  });
}

/**
 * Whether a server could listen here now. An address family that the machine does not have is no obstacle.
 * @param {number} port
 * @param {string} host
 * @returns {Promise<boolean>}
 */
export function isFree(port, host) {
  return new Promise((resolve) => {
    const server = net.createServer();
    server.once('error', (error) => resolve(error.code !== 'EADDRINUSE'));
    server.listen({ port, host }, () => server.close(() => resolve(true)));
  });
}

/**
 * Starts a long-lived child in a session of its own, so that Ctrl-C reaches it only through us and in order.
 * Where `setpriv` exists, the kernel sends it `deathSignal` if we are killed ourselves.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & {deathSignal: string}} options
 */
export function launch(command, args, { deathSignal, ...options }) {
  const setpriv = which('setpriv');
  const [program, ...rest] = setpriv
    ? [setpriv, '--pdeathsig', deathSignal.replace('SIG', ''), '--', command, ...args]
    : [command, ...args];
  const child = spawn(program, rest, { ...options, detached: true });
  child.on('error', (error) => process.stderr.write(`${command}: ${error.message}\n`));
  return child;
}

/** @param {import('node:child_process').ChildProcess} child */
function hasEnded(child) {
  return child.pid === undefined || child.exitCode !== null || child.signalCode !== null;
}

/**
 * @param {import('node:child_process').ChildProcess} child
 * @returns {Promise<void>} settled when it has ended
 */
export function endOf(child) {
  return hasEnded(child) ? Promise.resolve() : new Promise((resolve) => child.once('exit', () => resolve()));
}

/**
 * Sends the signals one after another, each with its time in ms, until the child has ended.
 * @param {import('node:child_process').ChildProcess} child
 * @param {[NodeJS.Signals, number][]} signals
 */
export async function stopChild(child, signals) {
  for (const [signal, graceMs] of signals) {
    if (hasEnded(child)) return;
    child.kill(signal);
    await Promise.race([endOf(child), sleep(graceMs, undefined, { ref: false })]);
  }
}

/**
 * Waits until a child that was just launched is ready.
 * @param {import('node:child_process').ChildProcess} child
 * @param {() => boolean} isReady asked every 20 ms
 * @param {{what: string, logFile: string, timeoutMs: number, signal?: AbortSignal}} options
 * @throws {Problem} with the end of its log when it ended or took too long
 */
export async function untilReady(child, isReady, { what, logFile, timeoutMs, signal }) {
  const deadline = Date.now() + timeoutMs;
  while (!isReady()) {
    if (hasEnded(child) || Date.now() > deadline) {
      const why = hasEnded(child) ? 'ended at once' : `was not ready within ${timeoutMs / 1000} s`;
      throw new Problem(`${what} ${why}. The end of ${logFile}:\n${readText(logFile).slice(-2000)}`);
    }
    await sleep(20, undefined, { signal });
  }
}

/** @param {string} file @returns {string} its text, empty when it cannot be read */
export function readText(file) {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

/**
 * Runs a command to its end and keeps what it prints.
 * @param {string} command
 * @param {string[]} args
 * @param {import('node:child_process').SpawnOptions & {timeoutMs: number, input?: string}} options
 * @returns {Promise<{status: number | null, output: string}>} status null: killed, timed out or not startable
 */
export function run(command, args, { timeoutMs, input = '', ...options }) {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { ...options, timeout: timeoutMs, stdio: 'pipe' });
    let output = '';
    const keep = (chunk) => {
      output += chunk;
    };
    child.stdout.setEncoding('utf8').on('data', keep);
    child.stderr.setEncoding('utf8').on('data', keep);
    child.stdin.on('error', () => {}).end(input);
    child.once('error', (error) =>
      error.name === 'AbortError' ? reject(error) : resolve({ status: null, output: error.message }),
    );
    child.once('close', (status) => resolve({ status, output }));
  });
}

/**
 * Like Promise.all, but waits for all of them before it throws, so that nothing is left half started.
 * @template T
 * @param {Promise<T>[]} promises
 */
export async function all(promises) {
  const results = await Promise.allSettled(promises);
  const failed = results.filter((result) => result.status === 'rejected').map((result) => result.reason);
  if (failed.length > 0) throw failed.find((error) => error.name !== 'AbortError') ?? failed[0];
  return results.map((result) => result.value);
}

/**
 * What a script has begun. `signal` is aborted, and `over` settled, when it is to end; what `onEnd` was given
 * then runs, the last first.
 * @typedef {{signal: AbortSignal, over: Promise<void>, onEnd: (stop: () => unknown) => void}} Life
 */

/**
 * Runs the body of a script. SIGINT, SIGTERM and SIGHUP end its life; whatever happens, what it has begun is
 * stopped before the process exits with the status that the body returned.
 * @param {(life: Life) => Promise<number>} body
 * @param {{interrupted: number}} statuses exit status after a signal
 */
export async function runScript(body, { interrupted }) {
  const controller = new AbortController();
  let wasInterrupted = false;
  // A terminal that was closed, or a pipe that nobody reads, must not keep us from stopping what we began.
  for (const stream of [process.stdout, process.stderr]) stream.on('error', () => {});
  // npm passes Ctrl-C on to a child that already had it from the terminal: repeated signals count once.
  for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    process.on(name, () => {
      if (!wasInterrupted) step('Stopping');
      wasInterrupted = true;
      controller.abort();
    });
  }
  const { signal } = controller;
  const over = new Promise((resolve) => signal.addEventListener('abort', () => resolve()));
  const stops = [];
  let status = 1;
  try {
    status = await body({ signal, over, onEnd: (stop) => stops.unshift(stop) });
  } catch (error) {
    if (!wasInterrupted) complain(error);
  }
  controller.abort();
  while (stops.length > 0) await Promise.resolve().then(stops.shift()).catch(complain);
  process.exitCode = wasInterrupted ? interrupted : status;
}

function complain(error) {
  process.stderr.write(`\n${error instanceof Problem ? error.message : error.stack}\n`);
}
