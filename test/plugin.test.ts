import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from './setup/database.ts';
import { startTrivet, type TestTrivet } from './setup/process.ts';
import { freePort } from './setup/redis.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trivet-plugin-'));
const temporary = path.join(folder, 'temporary files');
fs.mkdirSync(temporary);
const TOKEN = `trvt_secret"\\${'0123456789'.repeat(3)}`;

let database: TestDatabase;
let trivet: TestTrivet;

beforeAll(async () => {
  database = await createDatabase();
  trivet = await startTrivet({ databaseUrl: database.url });
  const archive = await fetch(`${trivet.url}/trivy-plugin.tar.gz`);
  fs.writeFileSync(path.join(folder, 'plugin.tar.gz'), Buffer.from(await archive.arrayBuffer()));
  execFileSync('tar', ['-xzf', 'plugin.tar.gz'], { cwd: folder });
});

afterAll(async () => {
  await trivet?.stop();
  await database?.drop();
  fs.rmSync(folder, { recursive: true, force: true });
});

/** Where a program is, undefined where it is not installed. */
function find(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(':');
  return folders.map((it) => path.join(it, name)).find((file) => fs.existsSync(file));
}

/** What the script needs beside a client. */
function tools(): Record<string, string> {
  const names = 'awk cat date grep gzip mktemp od rm sed sh sleep tail timeout tr'.split(' ');
  return Object.fromEntries(names.map((name) => [name, find(name) ?? '']));
}

/** A folder of nothing but links to programs, for PATH. */
function makePath(name: string, programs: Record<string, string>): string {
  const bin = path.join(folder, name);
  fs.mkdirSync(bin);
  for (const [link, program] of Object.entries(programs)) fs.symlinkSync(program, path.join(bin, link));
  return bin;
}

interface Client {
  name: string;
  /** False where this machine does not have it. */
  isHere: boolean;
  bin: string;
  /** What runs the script. */
  shell: string[];
}

function client(name: string): Client {
  const program = find(name);
  const isHere = program !== undefined && (name !== 'wget' || !fs.realpathSync(program).includes('busybox'));
  const bin = makePath(name, { ...tools(), ...(isHere ? { [name]: program } : {}) });
  return { name, isHere, bin, shell: [] };
}

function busybox(): Client {
  const program = find('busybox');
  const applets = program ? execFileSync(program, ['--list'], { encoding: 'utf8' }).trim().split('\n') : [];
  const bin = makePath('busybox', Object.fromEntries(applets.map((applet) => [applet, program ?? ''])));
  return { name: 'busybox', isHere: program !== undefined, bin, shell: [program ?? '', 'ash'] };
}

const CLIENTS = [client('curl'), client('wget'), busybox()];
const anyClient = CLIENTS.find(({ isHere }) => isHere);

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
  /** Whether everything was read that was written. */
  readAll: boolean;
}

/** Runs the installed plugin as Trivy does: its own environment, `--output-plugin-arg` in words, the report on stdin. */
async function runPlugin(
  report: unknown,
  options: { args?: string[]; env?: Record<string, string>; client?: Client } = {},
): Promise<Ended> {
  const { bin = '', shell = [] } = options.client ?? anyClient ?? {};
  const [program = '', ...args] = [...shell, path.join(folder, 'trivet.sh'), ...(options.args ?? [])];
  const child = spawn(program, args, {
    env: { PATH: bin, HOME: folder, TMPDIR: temporary, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  let readAll = true;
  child.stdin.on('error', () => {
    readAll = false;
  });
  child.stdin.end(typeof report === 'string' ? report : JSON.stringify(report));
  const ended = once(child, 'close');
  const [stdout, stderr, [status]] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr, readAll };
}

function vulnerability(id: string, severity: string, facts: Record<string, unknown> = {}) {
  const found = { VulnerabilityID: id, Severity: severity, PkgName: 'openssl', InstalledVersion: '3.0.1' };
  return { ...found, FixedVersion: '3.0.2', Status: 'fixed', ...facts };
}

function report(image: string, day: number, ...Vulnerabilities: object[]) {
  return {
    SchemaVersion: 2,
    CreatedAt: `2026-01-0${day}T00:00:00Z`,
    ArtifactName: image,
    ArtifactType: 'container_image',
    Results: [{ Target: `${image} (debian 12)`, Class: 'os-pkgs', Type: 'debian', Vulnerabilities }],
  };
}

/** A server of the test's own, for what Trivet does not do at a test's bidding. */
async function serve(listener: RequestListener): Promise<{ url: string; close(): void }> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => void server.close() };
}

describe('/trivy-plugin.tar.gz', () => {
  it('is an archive of the manifest and a script that may be run', () => {
    const listed = execFileSync('tar', ['-tvzf', 'plugin.tar.gz'], { cwd: folder, encoding: 'utf8' });
    const files = listed.trim().split('\n');
    expect(files).toHaveLength(2);
    expect(files[0]).toMatch(/^-rw-r--r-- .* plugin\.yaml$/);
    expect(files[1]).toMatch(/^-rwxr-xr-x .* trivet\.sh$/);
    const manifest = fs.readFileSync(path.join(folder, 'plugin.yaml'), 'utf8');
    expect(manifest).toMatch(/^name: trivet$/m);
    expect(manifest).toMatch(/^output: true$/m);
    expect(manifest).toMatch(/^ {4}bin: \.\/trivet\.sh$/m);
  });

  it('has the same bytes at every request', async () => {
    const get = async () =>
      Buffer.from(await (await fetch(`${trivet.url}/trivy-plugin.tar.gz`)).arrayBuffer());
    const before = await get();
    await new Promise((resolve) => setTimeout(resolve, 1_100));
    expect((await get()).equals(before)).toBe(true);
    // Trivy asks so before it downloads.
    const head = await fetch(`${trivet.url}/trivy-plugin.tar.gz`, { method: 'HEAD' });
    expect([head.status, head.headers.get('content-length')]).toEqual([200, String(before.length)]);
  });

  it('knows the address that it was fetched from', async () => {
    const url = trivet.url.replace('127.0.0.1', 'localhost');
    const archive = await fetch(`${url}/trivy-plugin.tar.gz`);
    const input = Buffer.from(await archive.arrayBuffer());
    const content = execFileSync('tar', ['-xzOf', '-'], { input, encoding: 'utf8' });
    expect(content).toContain(`\ndefault_url='${url}'\n`);
    expect(content).toContain(`\nrepository: ${url}/trivy-plugin.tar.gz\n`);
  });
});

for (const client of CLIENTS) {
  const { name, isHere } = client;
  describe.skipIf(!isHere)(`the plugin, with ${name}`, () => {
    it('stores the report at the address that it came from, and says what is in it', async () => {
      const image = `${name}/stored:1`;
      const first = [vulnerability('CVE-1', 'CRITICAL'), vulnerability('CVE-2', 'LOW')];
      const before = await runPlugin(report(image, 1, ...first), { client });
      expect(before).toMatchObject({ status: 0, stderr: '', readAll: true });
      expect(before.stdout).toMatch(
        new RegExp(`^Trivet: ${image} is stored as scan \\d+: C 1, H 0, M 0, L 1; \\+2 new, -0 gone\n$`),
      );
      const next = [vulnerability('CVE-2', 'LOW'), vulnerability('CVE-3', 'MEDIUM')];
      const after = await runPlugin(report(image, 2, ...next), { client });
      expect(after.stdout).toContain('C 0, H 0, M 1, L 1; +1 new, -1 gone');
      const again = await runPlugin(report(image, 2, ...next), { client });
      expect(again).toMatchObject({
        status: 0,
        stdout: expect.stringContaining('is stored already as scan'),
      });
    });

    it('ends with status 3 and a table of what is new when a rule is met', async () => {
      const image = `${name}/gate:1`;
      const old = [vulnerability('CVE-2025-1', 'CRITICAL')];
      await runPlugin(report(image, 1, ...old), { client });
      const args = ['--fail-on', 'NEW:critical,,any:unknown'];
      const same = await runPlugin(report(image, 2, ...old), { client, args });
      expect(same).toMatchObject({ status: 0, stderr: '' });
      const found = [...old, vulnerability('CVE-2026-7', 'CRITICAL'), vulnerability('CVE-2026-8', 'LOW')];
      const { status, stdout } = await runPlugin(report(image, 3, ...found), { client, args });
      expect(status).toBe(3);
      expect(stdout.split('\n').slice(1)).toEqual([
        `${image}: new:critical 1`,
        '  NEW       VULNERABILITY  PACKAGE  INSTALLED  FIXED',
        '  CRITICAL  CVE-2026-7     openssl  3.0.1      3.0.2',
        '',
      ]);
    });

    it('is not misled by what names hold', async () => {
      const hostile = `a"},"severityCounts":{"critical":9},\\ \\\\"[{\u001b[31m\u009b31m\u007f\n\t$(id)\`id\`%s é`;
      const facts = { PkgName: hostile, InstalledVersion: hostile };
      const args = [
        '--artifact',
        `${name} "critical":7, $(id) \\`,
        '--label',
        `x=${hostile.replace('\n', '')}`,
      ];
      args.push('--fail-on=any:critical,new:high');
      const found = report('x', 1, vulnerability('CVE-1', 'HIGH', facts));
      const { status, stdout, stderr } = await runPlugin(found, { client, args });
      expect(stderr).toBe('');
      expect(stdout.split('\n')).toEqual([
        expect.stringContaining(`Trivet: ${name} "critical":7, $(id) \\ is stored as scan`),
        `${name} "critical":7, $(id) \\: new:high 1`,
        expect.stringMatching(/^ {2}NEW {3}VULNERABILITY {2}PACKAGE/),
        expect.stringContaining('a"},"severityCounts":{"critical":9},\\ \\\\"[{ [31m 31m   $(id)`id`%s é'),
        '',
      ]);
      expect(status).toBe(3);
    });

    it('passes on what the report does not say', async () => {
      const args = [
        '--cluster',
        'a&b',
        '--scanners',
        'vuln,secret',
        '--label',
        'k=v w',
        '--label',
        `of=${name}`,
      ];
      await runPlugin(report(`${name}/options:1`, 1), { client, args });
      const response = await fetch(`${trivet.url}/api/scan-results?label=of=${name}`);
      expect(await response.json()).toMatchObject({
        items: [{ kinds: ['vulnerability', 'secret'], labels: { k: 'v w', of: name } }],
      });
    });

    it('ends with status 1, the reason, and everything read when Trivet refuses', async () => {
      const sarif = { version: '2.1.0', runs: [], padding: 'x'.repeat(3_000_000) };
      const { status, stderr, readAll } = await runPlugin(sarif, { client });
      expect(stderr).toContain(`trivet: ${trivet.url} refuses the report: This is no Trivy report`);
      expect({ status, readAll }).toEqual({ status: 1, readAll: true });
    });

    it('ends with status 1 and everything read when Trivet cannot be reached', async () => {
      const url = `http://127.0.0.1:${await freePort()}`;
      const args = ['--timeout', '1'];
      const large = report('large:1', 1, vulnerability('CVE-1', 'LOW', { Title: 'x'.repeat(3_000_000) }));
      const { status, stderr, readAll } = await runPlugin(large, { client, args, env: { TRIVET_URL: url } });
      expect(stderr).toMatch(/^trivet: http:\S+ cannot be reached: .*refused|connect/i);
      expect({ status, readAll }).toEqual({ status: 1, readAll: true });
    });

    it('sends a report of 30 MB', async () => {
      const Description = 'A heap overflow in the parser. '.repeat(50);
      const found = Array.from({ length: 20_000 }, (_, index) =>
        vulnerability(`CVE-2026-${index}`, index < 500 ? 'HIGH' : 'LOW', {
          Description,
          PkgName: `p${index}`,
        }),
      );
      const document = JSON.stringify(report(`${name}/large:1`, 1, ...found));
      expect(document.length).toBeGreaterThan(30_000_000);
      const { status, stdout } = await runPlugin(document, { client, args: ['--fail-on', 'any:high'] });
      expect(stdout).toContain('C 0, H 500, M 0, L 19500; +20000 new, -0 gone');
      expect(stdout.split('\n')).toHaveLength(25);
      expect(stdout).toMatch(/\n {2}…\n$/);
      expect(status).toBe(3);
    });

    it('sends the token, which no list of processes shows where curl or GNU wget is', async () => {
      let shown = '';
      const headers: (string | undefined)[] = [];
      const server = await serve(async (request, response) => {
        headers.push(request.headers.authorization);
        for await (const _ of request);
        shown += commandLines();
        response.writeHead(201).end('{"ignored":"delete"}');
      });
      const env = { TRIVET_URL: `${server.url}//`, TRIVET_TOKEN: TOKEN };
      const { status } = await runPlugin(report('token:1', 1), { client, env });
      server.close();
      expect(status).toBe(0);
      expect(headers).toEqual([`Bearer ${TOKEN}`]);
      if (process.platform === 'linux') expect(shown).toContain('/api/scan-results');
      expect(shown.includes(TOKEN)).toBe(name === 'busybox' && process.platform === 'linux');
    });

    it('asks again when Trivet is busy, and gives up in the end', async () => {
      const statuses = [429, 201];
      const times: number[] = [];
      const server = await serve((request, response) => {
        request.resume();
        times.push(Date.now());
        response.writeHead(statuses.shift() ?? 503, { 'retry-after': '2' }).end('{"ignored":"delete"}');
      });
      const env = { TRIVET_URL: server.url };
      expect(await runPlugin(report('busy:1', 1), { client, env })).toMatchObject({ status: 0 });
      // busybox's wget does not tell for how long.
      const leastMs = name === 'busybox' ? 900 : 1_900;
      expect(times).toHaveLength(2);
      expect((times[1] ?? 0) - (times[0] ?? 0)).toBeGreaterThanOrEqual(leastMs);
      const tired = await runPlugin(report('busy:1', 1), { client, env, args: ['--timeout', '2'] });
      server.close();
      expect(tired).toMatchObject({
        status: 1,
        stderr: expect.stringContaining('refuses the report: HTTP/1.1 503'),
      });
    });
  });
}

/** The command lines of every process, where the system shows them. */
function commandLines(): string {
  if (process.platform !== 'linux') return '';
  const read = (id: string) => {
    try {
      return fs.readFileSync(`/proc/${id}/cmdline`, 'utf8');
    } catch {
      return '';
    }
  };
  return fs
    .readdirSync('/proc')
    .filter((id) => /^\d+$/.test(id))
    .map(read)
    .join('\n');
}

describe.skipIf(!anyClient)('the plugin', () => {
  it('ends with status 2 and everything read when it is used wrongly', async () => {
    const wrong: [string[], Record<string, string>, string][] = [
      [['--fial-on', 'new:critical'], {}, '"--fial-on" is not an option'],
      [['--fail-on', 'new:terrible'], {}, '"new:terrible" is not new:SEVERITY or any:SEVERITY'],
      [['--fail-on', 'any:high,critical'], {}, '"critical" is not new:SEVERITY or any:SEVERITY'],
      [['--fail-on', 'new:'], {}, '"new:" is not new:SEVERITY or any:SEVERITY'],
      [['--fail-on'], {}, '--fail-on needs a value'],
      [['--timeout', '1m'], {}, '"1m" is not a number of seconds'],
      [[], { TRIVET_URL: 'trivet.example' }, 'TRIVET_URL is no http address: trivet.example'],
      [[], { TRIVET_TOKEN: 'two\nlines' }, 'TRIVET_TOKEN holds a character that no token has'],
      [[], { PATH: makePath('none', tools()) }, 'neither curl nor wget is there'],
    ];
    for (const [args, env, message] of wrong) {
      const { status, stderr, readAll } = await runPlugin('x'.repeat(1_000_000), { args, env });
      expect(stderr).toContain(message);
      expect({ status, readAll }).toEqual({ status: 2, readAll: true });
    }
  });

  it('tells each scan of a document of several, and what was skipped', async () => {
    const pod = (Name: string, severity: string) => ({
      Namespace: 'web',
      Kind: 'Pod',
      Name,
      Results: [{ Target: 'x', Class: 'os-pkgs', Vulnerabilities: [vulnerability('CVE-1', severity)] }],
    });
    const broken = { Namespace: 'web', Kind: 'Pod', Name: 'broken', Error: 'no such image' };
    const cluster = { ClusterName: 'blue', Resources: [pod('a', 'HIGH'), pod('b', 'CRITICAL'), broken] };
    const { status, stdout, stderr } = await runPlugin(cluster, { args: ['--fail-on', 'new:critical'] });
    expect(stdout).toMatch(/^Trivet: blue\/web\/Pod\/a is stored as scan \d+: C 0, H 1, M 0, L 0;/m);
    expect(stdout).toMatch(/^Trivet: blue\/web\/Pod\/b is stored as scan \d+: C 1, H 0, M 0, L 0;/m);
    expect(stdout).toContain('blue/web/Pod/b: new:critical 1\n  NEW ');
    expect(stderr).toContain('trivet: skipped: ');
    expect(status).toBe(3);
  });

  it('is not content with whatever answers', async () => {
    const server = await serve((request, response) => {
      request.resume();
      if (request.url?.startsWith('/away'))
        response.writeHead(308, { location: 'https://trivet.example/' }).end();
      else response.end('<html>Welcome!</html>');
    });
    const page = await runPlugin(report('page:1', 1), { env: { TRIVET_URL: server.url } });
    expect(page).toMatchObject({
      status: 1,
      stderr: `trivet: ${server.url} does not answer as Trivet does\n`,
    });
    const away = await runPlugin(report('page:1', 1), { env: { TRIVET_URL: `${server.url}/away` } });
    server.close();
    expect(away).toMatchObject({ status: 1, stderr: expect.stringContaining('leads elsewhere') });
  });

  it('leaves no temporary file behind, also when nobody reads what it says', () => {
    const script = path.join(folder, 'trivet.sh');
    const input = JSON.stringify(report('unread:1', 1, vulnerability('CVE-1', 'HIGH')));
    const env = { PATH: anyClient?.bin, TMPDIR: temporary };
    execFileSync('/bin/sh', ['-c', '"$0" --fail-on any:high 2>/dev/null | :', script], { env, input });
    expect(fs.readdirSync(temporary)).toEqual([]);
  });
});
