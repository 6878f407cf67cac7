import { spawn } from 'node:child_process';
import fs from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import os from 'node:os';
import path from 'node:path';
import { text } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { projectFile, startTrivet, type TestTrivet } from '../setup/process.ts';
import { freePort } from '../setup/redis.ts';

const folder = fs.mkdtempSync(path.join(os.tmpdir(), 'trivet-import-'));

interface Ended {
  status: number | null;
  stdout: string;
  stderr: string;
}

/** Runs the built command, in the folder of the reports. */
async function runImport(url: string, ...args: string[]): Promise<Ended> {
  const { PATH, HOME } = process.env;
  const child = spawn(process.execPath, [projectFile('dist/import.js'), ...args], {
    cwd: folder,
    env: { PATH, HOME, TRIVET_URL: url },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  const ended = new Promise<number | null>((resolve) => child.once('close', resolve));
  const [stdout, stderr, status] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { status, stdout, stderr };
}

function vulnerability(id: string, severity: string) {
  const [PkgName, InstalledVersion, FixedVersion] = ['openssl', '3.0.1', '3.0.2'];
  return {
    VulnerabilityID: id,
    Severity: severity,
    PkgName,
    InstalledVersion,
    FixedVersion,
    Status: 'fixed',
  };
}

function report(image: string, day: number, ...Vulnerabilities: object[]): string {
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: `2026-01-0${day}T00:00:00Z`,
    ArtifactName: image,
    ArtifactType: 'container_image',
    Results: [{ Target: `${image} (debian 12)`, Class: 'os-pkgs', Type: 'debian', Vulnerabilities }],
  });
}

function write(name: string, content: string | Buffer): void {
  const file = path.join(folder, name);
  fs.mkdirSync(path.dirname(file), { recursive: true });
  fs.writeFileSync(file, content);
}

afterAll(() => fs.rmSync(folder, { recursive: true, force: true }));

describe('npm run import', () => {
  it('ends with status 2 and says why when it is used wrongly', async () => {
    write('some/report.json', '{}');
    const url = 'http://localhost:1';
    const wrong: [string[], string][] = [
      [[], 'No file was named'],
      [['--fial-on', 'new:critical', 'some'], "Unknown option '--fial-on'"],
      [['--fail-on', 'new:terrible', 'some'], '"new:terrible" is not new:SEVERITY'],
      [['nowhere'], 'no such file'],
    ];
    for (const [args, message] of wrong) {
      const { status, stderr } = await runImport(url, ...args);
      expect(stderr).toContain(message);
      expect(status).toBe(2);
    }
  });

  it('ends with status 2 when Trivet cannot be reached', async () => {
    const { status, stderr } = await runImport(`http://127.0.0.1:${await freePort()}`, 'some');
    expect(stderr).toContain('cannot be reached: connect ECONNREFUSED');
    expect(status).toBe(2);
  });

  it('sends a report again after as long as a busy Trivet asks for', async () => {
    const requests: number[] = [];
    const server = createServer((request, response) => {
      request.resume();
      requests.push(Date.now());
      if (requests.length === 1) response.writeHead(429, { 'retry-after': '2' }).end('{}');
      else response.writeHead(201).end('{}');
    });
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as AddressInfo;
    const { status, stdout } = await runImport(`http://127.0.0.1:${port}`, 'some');
    server.close();
    expect(stdout).toContain('1 stored, 0 same, 0 refused');
    expect(status).toBe(0);
    expect((requests[1] ?? 0) - (requests[0] ?? 0)).toBeGreaterThanOrEqual(1_900);
  });
});

describe('npm run import, to a running Trivet', () => {
  let database: TestDatabase;
  let trivet: TestTrivet;

  beforeAll(async () => {
    database = await createDatabase();
    trivet = await startTrivet({ databaseUrl: database.url });
  });

  afterAll(async () => {
    await trivet.stop();
    await database.drop();
  });

  it('sends all reports of a folder, compressed ones too, and finds them there the second time', async () => {
    write('all/one.json', report('one:1', 1));
    write('all/deep/two.json.gz', gzipSync(report('two:1', 1)));
    write('all/notes.txt', 'not sent');
    const first = await runImport(trivet.url, '--label', 'team=blue', 'all');
    expect(first).toMatchObject({ status: 0, stderr: '' });
    expect(first.stdout).toContain('2 stored, 0 same, 0 refused');
    const second = await runImport(trivet.url, 'all');
    expect(second.stdout).toContain('0 stored, 2 same, 0 refused');
    const response = await fetch(`${trivet.url}/api/scan-results?label=team=blue`);
    expect(await response.json()).toMatchObject({ total: 2 });
  });

  it('names every refused file with the reason, and ends with status 1', async () => {
    write('mixed/broken.json', '{"SchemaVersion": 2,');
    write('mixed/sarif.json', JSON.stringify({ version: '2.1.0', runs: [] }));
    write('mixed/good.json', report('good:1', 1));
    const { status, stdout, stderr } = await runImport(trivet.url, 'mixed');
    expect(stdout).toContain('1 stored, 0 same, 2 refused');
    expect(stderr).toMatch(/^refused mixed\/broken\.json: \S/m);
    expect(stderr).toMatch(/^refused mixed\/sarif\.json: .*SARIF/m);
    expect(status).toBe(1);
  });

  it('ends with status 3 and shows what is new when --fail-on is met, and only then', async () => {
    write('gate1.json', report('app:1', 1, vulnerability('CVE-2026-0001', 'CRITICAL')));
    write('gate2.json', report('app:1', 2, vulnerability('CVE-2026-0001', 'CRITICAL')));
    const both = [vulnerability('CVE-2026-0001', 'CRITICAL'), vulnerability('CVE-2026-0002', 'HIGH')];
    write('gate3.json', report('app:1', 3, ...both));
    expect((await runImport(trivet.url, 'gate1.json')).status).toBe(0);
    expect((await runImport(trivet.url, '--fail-on', 'new:critical', 'gate2.json')).status).toBe(0);
    const rules = ['--fail-on', 'new:critical,new:high', 'gate3.json'];
    const third = await runImport(trivet.url, ...rules);
    expect(third.stdout).toContain('app:1: new:high 1');
    expect(third.stdout).toMatch(/HIGH +CVE-2026-0002 +openssl +3\.0\.1 +3\.0\.2/);
    expect(third.stdout).not.toContain('CVE-2026-0001');
    expect(third.status).toBe(3);
    expect((await runImport(trivet.url, ...rules)).status).toBe(3);
    expect((await runImport(trivet.url, '--fail-on', 'any:critical', 'gate2.json')).status).toBe(3);
  });
});
