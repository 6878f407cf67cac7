import { spawn } from 'node:child_process';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const program = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

/** A line of the program's log. */
export type LogLine = Record<string, unknown> & { msg?: string };

/** A running instance, as it runs in production: `node dist/main.js`. */
export interface TestTrivet {
  /** Where it listens, without a slash at the end. */
  url: string;
  pid: number;
  /** All that it has logged; a line that is not JSON is `{raw}`. */
  logs: LogLine[];
  /** All that it wrote to stderr. */
  stderr(): string;
  /** The first line that `predicate` accepts, logged already or within `timeoutMs` (5000). */
  waitForLog(predicate: (line: LogLine) => boolean, timeoutMs?: number): Promise<LogLine>;
  /** Settled with the exit status, or the signal that ended it. */
  ended: Promise<number | NodeJS.Signals>;
  /** Sends a signal (SIGKILL) and waits for the end. */
  kill(signal?: NodeJS.Signals): Promise<number | NodeJS.Signals>;
  /** SIGSTOP. */
  freeze(): void;
  /** SIGCONT. */
  thaw(): void;
  /** SIGTERM, SIGKILL after 15 s; waits for the end. */
  stop(): Promise<number | NodeJS.Signals>;
}

/** What an instance is started with. */
export interface TrivetOptions {
  databaseUrl?: string;
  /** Default `off`. */
  redisUrl?: string;
  /** More variables; an `undefined` one is left out. */
  env?: Record<string, string | undefined>;
  /** Arguments of the program, `['migrate']`. */
  args?: string[];
  /** Another build of the program. */
  program?: string;
}

/**
 * Starts an instance on a free port and waits until it listens.
 * @throws with its output when it ends first, or does not listen within 30 s
 */
export async function startTrivet(options: TrivetOptions): Promise<TestTrivet> {
  const trivet = spawnTrivet(options);
  const listening = trivet.waitForLog((line) => line.msg === 'listening', 30_000);
  const first = await Promise.race([
    listening.catch((error: Error) => error),
    trivet.ended.then((status) => new Error(`trivet ended with ${status}`)),
  ]);
  if (first instanceof Error) {
    await trivet.kill();
    const output = trivet.logs.map((line) => JSON.stringify(line)).join('\n');
    throw new Error(`${first.message}\n${output}\n${trivet.stderr()}`);
  }
  return { ...trivet, url: String(first.url).replace(/\/$/, '') };
}

/** Starts the program without waiting for anything: for starts that are to fail, and for its commands. */
export function spawnTrivet(options: TrivetOptions): TestTrivet {
  const { PATH, HOME } = process.env;
  const variables = { DATABASE_URL: options.databaseUrl, REDIS_URL: options.redisUrl ?? 'off', PORT: '0' };
  const child = spawn(process.execPath, [options.program ?? program, ...(options.args ?? [])], {
    // Not the project's folder, whose .env is for whoever works on it.
    cwd: os.tmpdir(),
    env: withoutUndefined({ PATH, HOME, ...variables, ...options.env }),
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const logs: LogLine[] = [];
  const waiting = new Set<(line: LogLine) => void>();
  createInterface({ input: child.stdout }).on('line', (text) => {
    const line = parseLine(text);
    logs.push(line);
    for (const check of waiting) check(line);
  });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    stderr += chunk;
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (status, signal) => resolve(signal ?? status ?? -1));
    child.once('error', () => resolve(-1));
  });

  const waitForLog = (predicate: (line: LogLine) => boolean, timeoutMs = 5000) =>
    new Promise<LogLine>((resolve, reject) => {
      const check = (line: LogLine) => {
        if (!predicate(line)) return;
        clearTimeout(timer);
        waiting.delete(check);
        resolve(line);
      };
      const timer = setTimeout(() => {
        waiting.delete(check);
        reject(new Error(`not logged within ${timeoutMs} ms: ${predicate}`));
      }, timeoutMs);
      waiting.add(check);
      for (const line of logs) check(line);
    });
  const kill = (signal: NodeJS.Signals = 'SIGKILL') => {
    child.kill(signal);
    return ended;
  };
  return {
    url: '',
    pid: child.pid ?? -1,
    logs,
    stderr: () => stderr,
    waitForLog,
    ended,
    kill,
    freeze: () => void child.kill('SIGSTOP'),
    thaw: () => void child.kill('SIGCONT'),
    stop: async () => {
      const timer = setTimeout(() => child.kill('SIGKILL'), 15_000);
      const status = await kill('SIGTERM');
      clearTimeout(timer);
      return status;
    },
  };
}

/** The path of a file of the project's root, for tests that read one. */
export function projectFile(...names: string[]): string {
  return path.join(path.dirname(program), '..', ...names);
}

function parseLine(text: string): LogLine {
  try {
    const line: unknown = JSON.parse(text);
    return typeof line === 'object' && line !== null ? (line as LogLine) : { raw: text };
  } catch {
    return { raw: text };
  }
}

function withoutUndefined(values: Record<string, string | undefined>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(values).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
