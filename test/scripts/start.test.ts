import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase } from '../setup/database.ts';
import { projectFile } from '../setup/process.ts';
import { copyPostgres, copyProject, isOpen, portsOf, type Start, start } from './project.ts';

const isRoot = process.getuid?.() === 0;
const nobody = { uid: 65_534, gid: 65_534 };
const report = {
  SchemaVersion: 2,
  ArtifactName: 'alpine:3.20',
  ArtifactType: 'container_image',
  CreatedAt: '2026-01-01T00:00:00Z',
  Results: [],
};

const folders: string[] = [];
const starts: Start[] = [];

function newFolder(parent?: string): string {
  const folder = copyProject(parent);
  folders.push(folder);
  return folder;
}

async function run(...args: Parameters<typeof start>): Promise<Start> {
  const started = await start(...args);
  starts.push(started);
  return started;
}

async function scanCount({ url }: Start): Promise<number> {
  const response = await fetch(`${url}/api/scan-results`);
  const { total } = (await response.json()) as { total: number };
  return total;
}

async function store({ url }: Start): Promise<void> {
  const response = await fetch(`${url}/api/scan-results`, { method: 'POST', body: JSON.stringify(report) });
  expect(response.status).toBe(201);
}

function secondStart(folder: string, ...args: string[]) {
  return spawnSync(process.execPath, ['scripts/start.mjs', ...args], {
    cwd: folder,
    encoding: 'utf8',
    timeout: 20_000,
  });
}

async function expectClosed(ports: number[]): Promise<void> {
  for (const port of ports) {
    await expect.poll(() => isOpen(port), { timeout: 15_000, message: `port ${port} is open` }).toBe(false);
  }
}

afterAll(async () => {
  for (const started of starts) await started.end('SIGTERM');
  for (const folder of folders) fs.rmSync(folder, { recursive: true, force: true });
});

describe('npm start', () => {
  let folder: string;

  beforeAll(() => {
    folder = newFolder();
  });

  it('answers where it says, stops all that it started on Ctrl-C, and has its data at the next start', async () => {
    const first = await run(folder);
    await store(first);
    const ports = portsOf(first);
    expect(ports.length).toBeGreaterThanOrEqual(2);
    expect(await first.end('SIGINT')).toBe(0);
    await expectClosed(ports);

    const second = await run(folder);
    expect(await scanCount(second)).toBe(1);
    expect(await second.end('SIGTERM')).toBe(0);
  });

  it('runs once in a folder: a second start says where the first is, and leaves it alone', async () => {
    const first = await run(folder);
    const second = secondStart(folder);
    expect(second.status).toBe(1);
    expect(second.stderr).toContain(`already running in this folder: ${first.url}`);
    expect(await scanCount(first)).toBe(1);
    await first.end('SIGINT');
  });

  it('leaves nothing running when it is killed, and starts again on the same data', async () => {
    const first = await run(folder);
    const ports = portsOf(first);
    await first.end('SIGKILL');
    await expectClosed(ports);
    const second = await run(folder);
    expect(await scanCount(second)).toBe(1);
    await second.end('SIGINT');
  });

  it('takes the next free port when 3000 is taken, and says so; two folders run side by side', async () => {
    const blocker = createServer().on('error', () => {});
    await new Promise<void>((resolve) => {
      blocker.once('error', () => resolve()).listen(3000, '127.0.0.1', resolve);
    });
    const [first, second] = [await run(folder), await run(newFolder())];
    expect(first.progress()).toContain('Port 3000 is taken');
    expect(new Set([first.url, second.url, 'http://localhost:3000']).size).toBe(3);
    expect(await scanCount(first)).toBe(1);
    expect(await scanCount(second)).toBe(0);
    blocker.close();
    await Promise.all([first.end('SIGINT'), second.end('SIGINT')]);
  });

  it('uses the servers that variables name, and starts none beside them', async () => {
    const database = await createDatabase();
    const started = await run(newFolder(), { env: { DATABASE_URL: database.url, REDIS_URL: 'off' } });
    expect(await scanCount(started)).toBe(0);
    expect(started.progress()).not.toMatch(/PostgreSQL|Redis/);
    expect(await started.end('SIGINT')).toBe(0);
    await database.drop();
  });

  it('refuses an option that it does not know, and shows what there is', () => {
    const { status, stderr } = secondStart(folder, '--dmeo');
    expect(status).toBe(2);
    expect(stderr).toContain("Unknown option '--dmeo'");
    expect(stderr).toContain('Usage: npm start');
  });

  it.skipIf(!isRoot)('runs as root in a folder below a home that only root may enter', async () => {
    const home = fs.mkdtempSync(path.join(os.tmpdir(), 'trivet-home-'));
    folders.push(home);
    expect(fs.statSync(home).mode & 0o777).toBe(0o700);
    const inHome = newFolder(home);
    copyPostgres(inHome);
    const started = await run(inHome);
    expect(await scanCount(started)).toBe(0);
    expect(await started.end('SIGINT')).toBe(0);
  });

  it.skipIf(!isRoot || !isReadableBy(nobody))('runs as an ordinary user', async () => {
    const theirs = newFolder();
    spawnSync('chown', ['-R', `${nobody.uid}:${nobody.gid}`, theirs]);
    const started = await run(theirs, { user: nobody });
    expect(await scanCount(started)).toBe(0);
    expect(await started.end('SIGINT')).toBe(0);
  });
});

function isReadableBy(user: { uid: number; gid: number }): boolean {
  const { status } = spawnSync('cat', [projectFile('node_modules/.package-lock.json')], {
    ...user,
    stdio: 'ignore',
  });
  return status === 0;
}
