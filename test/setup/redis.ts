import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';

/** A Redis server of one test's own, to be killed, frozen and started again. */
export interface TestRedis {
  /** The address, the same after a restart. */
  url: string;
  port: number;
  /** SIGKILL: connections are reset, everything in it is lost. */
  kill(): Promise<void>;
  /** SIGSTOP: connections stay, nothing is answered. */
  freeze(): void;
  /** SIGCONT: what was sent meanwhile is answered now. */
  thaw(): void;
  /** Kills it if it still runs, and starts an empty one on the same port. */
  restart(): Promise<void>;
  /** Ends it for good. */
  stop(): Promise<void>;
}

/**
 * Starts a Redis server without a password that keeps nothing on disk.
 * @param options.port default: a free one
 * @param options.args more options of the command line, `['--maxmemory', '5mb']`
 * @throws when the tests were not started by `npm test`, or the server does not start within 10 s
 */
export async function startTestRedis(options: { port?: number; args?: string[] } = {}): Promise<TestRedis> {
  const program = process.env.TEST_REDIS_SERVER;
  if (!program) throw new Error('TEST_REDIS_SERVER is not set: run the tests with `npm test -- FILE`.');
  const port = options.port ?? (await freePort());
  const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-redis-'));
  const args = [
    '--bind',
    '127.0.0.1',
    '--port',
    String(port),
    '--save',
    '',
    '--appendonly',
    'no',
    '--dir',
    folder,
  ];
  const start = () => startServer(program, [...args, ...(options.args ?? [])]);
  let server = await start();

  const kill = async () => {
    if (server.exitCode !== null || server.signalCode !== null) return;
    const ended = once(server, 'exit');
    server.kill('SIGKILL');
    await ended;
  };
  return {
    url: `redis://127.0.0.1:${port}`,
    port,
    kill,
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    restart: async () => {
      await kill();
      server = await start();
    },
    stop: async () => {
      await kill();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** A TCP port of the loopback address that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  if (address === null || typeof address === 'string') throw new Error('no TCP port');
  return address.port;
}

function startServer(program: string, args: string[]): Promise<ChildProcess> {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, { stdio: ['ignore', 'pipe', 'pipe'] });
    let log = '';
    const fail = (why: string) => {
      child.kill('SIGKILL');
      reject(new Error(`redis-server ${why}\n${log}`));
    };
    const timer = setTimeout(fail, 10_000, 'was not ready within 10 s');
    const read = (chunk: Buffer) => {
      log = (log + chunk).slice(-4000);
      if (!/ready to accept connections/i.test(log)) return;
      clearTimeout(timer);
      child.removeListener('exit', onExit);
      resolve(child);
    };
    const onExit = (status: number | null) => {
      clearTimeout(timer);
      fail(`ended with status ${status}`);
    };
    child.stdout.on('data', read);
    child.stderr.on('data', read);
    child.once('error', (error) => fail(error.message));
    child.once('exit', onExit);
  });
}
