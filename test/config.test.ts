import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { parseEnv } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';
import { ConfigError, type Environment, readConfig } from '../src/config.ts';
import { projectText } from './routes/project.ts';

const DATABASE_URL = 'postgres://trivet:secret@localhost/trivet';
const folder = mkdtempSync(path.join(os.tmpdir(), 'trivet-config-'));
afterAll(() => rmSync(folder, { recursive: true }));

function problemsOf(environment: Environment, dotenv: Environment = {}): readonly string[] {
  try {
    readConfig({ DATABASE_URL, ...environment }, dotenv);
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
  return [];
}

describe('settings', () => {
  it('have the defaults that are promised', () => {
    expect(readConfig({ DATABASE_URL, REDIS_URL: 'off' })).toEqual({
      port: 3000,
      host: '127.0.0.1',
      databaseUrl: DATABASE_URL,
      databasePoolMax: 10,
      databaseStatementTimeoutMs: 15_000,
      redisUrl: null,
      scanResultsTtlSeconds: 300,
      vulnerabilitiesTtlSeconds: 600,
      cacheDeadlineMs: 50,
      cacheLocalMb: 64,
      cacheNamespace: 'trivet',
      cacheWarnHitRate: 0.5,
      maxBodyMb: 64,
      maxInflatedMb: 256,
      uploadMemoryMb: 512,
      staleDays: 30,
      auth: 'loopback',
      shutdownDelayMs: 0,
      logLevel: 'info',
      warnings: [],
    });
  });

  it('cannot be changed afterwards', () => {
    expect(Object.isFrozen(readConfig({ DATABASE_URL }))).toBe(true);
  });

  it('are taken from the environment before .env, and an empty one is unset', () => {
    const config = readConfig({ DATABASE_URL, PORT: '1', HOST: '' }, { PORT: '2', HOST: '::1' });
    expect(config).toMatchObject({ port: 1, host: '::1' });
  });

  it('may come from a file', () => {
    const file = path.join(folder, 'url');
    writeFileSync(file, `${DATABASE_URL}\n`);
    const config = readConfig({ DATABASE_URL_FILE: file, PORT_FILE: '' });
    expect(config.databaseUrl).toBe(DATABASE_URL);
  });

  it('in a file of the environment win over a value of .env', () => {
    const file = path.join(folder, 'port');
    writeFileSync(file, '4000');
    expect(readConfig({ DATABASE_URL, PORT_FILE: file }, { PORT: '5000' }).port).toBe(4000);
  });

  it('cannot be given both ways, nor come from a file that is not there', () => {
    expect(problemsOf({ PORT: '1', PORT_FILE: '/nowhere' })).toEqual([
      'PORT and PORT_FILE are both set: set one of them.',
    ]);
    expect(problemsOf({ PORT_FILE: path.join(folder, 'missing') })).toEqual([
      'PORT cannot be read from the file in PORT_FILE (ENOENT).',
    ]);
  });

  it('are checked all at once', () => {
    const problems = problemsOf({
      DATABASE_URL: 'mysql://root:hunter2@db',
      PORT: '70000',
      CACHE_WARN_HIT_RATE: '50%',
      LOG_LEVEL: 'loud',
      CACHE_NAMESPACE: 'a b',
      REDIS_URL: 'http://cache',
    });
    expect(problems.map((problem) => problem.split(' ')[0])).toEqual([
      'PORT',
      'DATABASE_URL',
      'REDIS_URL',
      'CACHE_NAMESPACE',
      'CACHE_WARN_HIT_RATE',
      'LOG_LEVEL',
    ]);
    expect(problems.join()).not.toContain('hunter2');
  });

  it.each([
    ['PORT', '-1', '1e3', '0x10', ' 1', 'abc'],
    ['SCAN_RESULTS_TTL', '0', '86401'],
    ['CACHE_DEADLINE_MS', '0', '10001'],
    ['MAX_INFLATED_MB', '0', '512'],
    ['SHUTDOWN_DELAY_MS', '8001'],
    ['CACHE_WARN_HIT_RATE', '1.1', '-0.1', '.'],
    ['HOST', 'my host'],
  ])('%s is refused out of bounds', (name, ...values) => {
    for (const value of values) expect(problemsOf({ [name]: value })).toHaveLength(1);
  });

  it('without a database are refused, with the way out', () => {
    expect(problemsOf({ DATABASE_URL: undefined }).join()).toContain('npm start');
  });

  it('that contradict each other are refused', () => {
    expect(problemsOf({ HOST: '0.0.0.0' }).join()).toContain('loopback address');
    expect(problemsOf({ UPLOAD_MEMORY_MB: '100' }).join()).toContain('at least MAX_BODY_MB');
    expect(problemsOf({ HOST: '127.0.0.2' })).toEqual([]);
  });

  it.each([
    ['AUTH', 'token'],
    ['AUTH', 'off'],
    ['ADMIN_TOKEN', 'a'.repeat(32)],
    ['RETENTION_DAYS', '90'],
    ['RETENTION_KEEP', '2'],
    ['METRICS_PORT', '9090'],
    ['PUBLIC_URL', 'https://trivet.example.org'],
    ['TRUST_PROXY', '10.0.0.0/8'],
    ['REDIS_URL', 'redis://a:6379,redis://b:6379'],
    ['REDIS_URL', 'redis+sentinel://a:26379,b:26379/main'],
  ])('%s=%s is refused rather than ignored', (name, value) => {
    const [problem = ''] = problemsOf({ [name]: value });
    expect(problem).toMatch(new RegExp(`^${name} `));
    expect(problem).not.toContain(value === 'off' ? 'AUTH=off' : value);
  });

  it('warn of a name that is nearly one of theirs, and ignore all others', () => {
    const { warnings } = readConfig({
      DATABASE_URL,
      REDIS_URL: 'off',
      CACHE_DEADLINE: '20',
      MAX_BODY_MBS: '1',
      HOSTNAME: 'here',
      REDIS_PORT_6379_TCP: 'x',
      PATH: '/bin',
    });
    expect(warnings).toEqual([
      'CACHE_DEADLINE is not a setting: did you mean CACHE_DEADLINE_MS?',
      'MAX_BODY_MBS is not a setting: did you mean MAX_BODY_MB?',
    ]);
  });

  it('say where nothing is cached', () => {
    expect(readConfig({ DATABASE_URL }).warnings.join()).toContain('REDIS_URL is not set');
  });
});

describe('.env.example', () => {
  const example = projectText('.env.example');

  it('shows every setting with its default', () => {
    const shown = parseEnv(example.replace(/^# ?(?=[A-Z_]+=)/gm, ''));
    const { warnings, ...config } = readConfig({ DATABASE_URL }, { ...shown, DATABASE_URL: '' });
    const { warnings: _, ...defaults } = readConfig({ DATABASE_URL });
    expect({ ...config, redisUrl: null }).toEqual(defaults);
    expect(warnings).toEqual([]);
    expect(Object.keys(shown)).toHaveLength(Object.keys(defaults).length);
  });

  it('changes nothing when it is copied as it is', () => {
    expect(parseEnv(example)).toEqual({});
  });
});
