import { readFileSync } from 'node:fs';
import { isIPv4 } from 'node:net';

/** Variables as they are given: `process.env`, or what `.env` holds. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** What a variable's text means; throws a `Complaint` where it means nothing. */
type Reader<T> = (text: string | undefined) => T;

/** What is wrong with a value, to follow the variable's name. It never repeats the value, which may be a secret. */
class Complaint extends Error {}

/** The settings are not acceptable: every problem, a sentence each. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(`The settings are not acceptable:\n${problems.map((problem) => `  ${problem}`).join('\n')}`);
    this.problems = problems;
  }
}

const LOG_LEVELS = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;

/** Every setting: its variable, and how that is read. */
const SETTINGS = {
  port: setting('PORT', integer(3000, 0, 65_535)),
  host: setting('HOST', text('127.0.0.1', /^[\w.:-]{1,255}$/, 'has to be an address or a name to listen on')),
  databaseUrl: setting('DATABASE_URL', databaseUrl),
  databasePoolMax: setting('DATABASE_POOL_MAX', integer(10, 2, 500)),
  databaseStatementTimeoutMs: setting('DATABASE_STATEMENT_TIMEOUT_MS', integer(15_000, 1_000, 600_000)),
  /** Null: without Redis. */
  redisUrl: setting('REDIS_URL', redisUrl),
  scanResultsTtlSeconds: setting('SCAN_RESULTS_TTL', integer(300, 1, 86_400)),
  vulnerabilitiesTtlSeconds: setting('VULNERABILITIES_TTL', integer(600, 1, 86_400)),
  cacheDeadlineMs: setting('CACHE_DEADLINE_MS', integer(50, 1, 10_000)),
  cacheLocalMb: setting('CACHE_LOCAL_MB', integer(64, 0, 16_384)),
  cacheNamespace: setting(
    'CACHE_NAMESPACE',
    text('trivet', /^[\w.-]{1,64}$/, 'has to be of letters, digits, ".", "_" and "-", at most 64'),
  ),
  cacheWarnHitRate: setting('CACHE_WARN_HIT_RATE', fraction(0.5)),
  maxBodyMb: setting('MAX_BODY_MB', integer(64, 1, 1_024)),
  // A text of V8 ends at 512 Mi characters.
  maxInflatedMb: setting('MAX_INFLATED_MB', integer(256, 1, 511)),
  uploadMemoryMb: setting('UPLOAD_MEMORY_MB', integer(512, 1, 65_536)),
  /** 0: nothing becomes stale. */
  staleDays: setting('STALE_DAYS', integer(30, 0, 3_650)),
  auth: setting('AUTH', auth),
  // All is over 10 s after the signal: some of that is for draining.
  shutdownDelayMs: setting('SHUTDOWN_DELAY_MS', integer(0, 0, 8_000)),
  logLevel: setting('LOG_LEVEL', oneOf('info', LOG_LEVELS)),
  adminToken: setting('ADMIN_TOKEN', unsupported()),
  publicUrl: setting('PUBLIC_URL', unsupported()),
  trustProxy: setting('TRUST_PROXY', unsupported()),
  metricsPort: setting('METRICS_PORT', unsupported()),
  retentionDays: setting('RETENTION_DAYS', unsupported()),
  retentionKeep: setting('RETENTION_KEEP', unsupported('1')),
} as const;

type Settings = { [Name in keyof typeof SETTINGS]: ReturnType<(typeof SETTINGS)[Name]['read']> };

/** The settings of a process, checked and complete. */
export type Config = Readonly<
  Omit<
    Settings,
    'adminToken' | 'publicUrl' | 'trustProxy' | 'metricsPort' | 'retentionDays' | 'retentionKeep'
  > & {
    /** What is to be said about the settings though nothing is wrong with them. */
    warnings: readonly string[];
  }
>;

/**
 * Reads and checks all settings.
 * @param environment the process's variables; an empty one is taken for unset
 * @param dotenv what the file `.env` holds; the process's variables win
 * @throws ConfigError with every problem
 */
export function readConfig(environment: Environment, dotenv: Environment = {}): Config {
  const problems: string[] = [];
  const complain = (name: string, error: unknown) => {
    if (!(error instanceof Complaint)) throw error;
    problems.push(`${name} ${error.message}.`);
  };
  const entries = Object.entries(SETTINGS).map(([key, { name, read }]) => {
    try {
      return [key, read(lookUp(name, environment) ?? lookUp(name, dotenv))];
    } catch (error) {
      complain(name, error);
      return [key, undefined];
    }
  });
  const settings = Object.fromEntries(entries) as Settings;
  problems.push(...contradictions(settings));
  if (problems.length > 0) throw new ConfigError(problems);
  const { adminToken, publicUrl, trustProxy, metricsPort, retentionDays, retentionKeep, ...supported } =
    settings;
  const warnings = [...Object.keys(environment), ...Object.keys(dotenv)].flatMap(misspelt);
  if (!lookUp('REDIS_URL', environment) && !lookUp('REDIS_URL', dotenv)) {
    warnings.push('REDIS_URL is not set: every read goes to PostgreSQL.');
  }
  return Object.freeze({ ...supported, warnings: Object.freeze(warnings) });
}

function setting<T>(name: string, read: Reader<T>): { name: string; read: Reader<T> } {
  return { name, read };
}

/** The variable's value, or the content of the file that `NAME_FILE` names, without the end of its last line. */
function lookUp(name: string, environment: Environment): string | undefined {
  const value = environment[name] || undefined;
  const file = environment[`${name}_FILE`] || undefined;
  if (file === undefined) return value;
  if (value !== undefined) throw new Complaint(`and ${name}_FILE are both set: set one of them`);
  try {
    return readFileSync(file, 'utf8').replace(/\r?\n$/, '') || undefined;
  } catch (error) {
    throw new Complaint(
      `cannot be read from the file in ${name}_FILE (${(error as { code?: string }).code})`,
    );
  }
}

function integer(fallback: number, least: number, most: number): Reader<number> {
  return (value) => {
    if (value === undefined) return fallback;
    const number = /^\d{1,9}$/.test(value) ? Number(value) : -1;
    if (number < least || number > most)
      throw new Complaint(`has to be a whole number from ${least} to ${most}`);
    return number;
  };
}

function fraction(fallback: number): Reader<number> {
  return (value) => {
    if (value === undefined) return fallback;
    if (!/^(0(\.\d+)?|1(\.0+)?)$/.test(value)) throw new Complaint('has to be a number from 0 to 1');
    return Number(value);
  };
}

function text(fallback: string, pattern: RegExp, complaint: string): Reader<string> {
  return (value = fallback) => {
    if (!pattern.test(value)) throw new Complaint(complaint);
    return value;
  };
}

function oneOf<const Word extends string>(fallback: Word, words: readonly Word[]): Reader<Word> {
  return (value = fallback) => {
    const found = words.find((word) => word === value);
    if (found === undefined) throw new Complaint(`has to be one of: ${words.join(', ')}`);
    return found;
  };
}

function auth(value = 'loopback'): 'loopback' {
  if (value === 'loopback') return value;
  throw new Complaint('has to be loopback: this version supports nothing else');
}

/** A setting that a later version understands: ignoring it could leave open what somebody meant to close. */
function unsupported(...harmless: string[]): Reader<undefined> {
  return (value) => {
    if (value === undefined || harmless.includes(value)) return undefined;
    throw new Complaint('is not supported by this version: leave it unset');
  };
}

function databaseUrl(value: string | undefined): string {
  if (value === undefined) {
    throw new Complaint(
      'is not set: it has to be postgres://USER:PASSWORD@HOST:PORT/DATABASE (`npm start` brings a PostgreSQL of its own)',
    );
  }
  if (!/^postgres(ql)?:$/.test(protocolOf(value))) {
    throw new Complaint('has to be postgres://USER:PASSWORD@HOST:PORT/DATABASE');
  }
  return value;
}

function redisUrl(value: string | undefined): string | null {
  if (value === undefined || value === 'off') return null;
  if (value.includes(',') || value.startsWith('redis+sentinel:')) {
    throw new Complaint('names a Redis Cluster or Sentinel, which this version does not support');
  }
  if (!/^rediss?:$/.test(protocolOf(value))) {
    throw new Complaint('has to be redis://HOST:PORT, rediss://HOST:PORT or off');
  }
  return value;
}

function protocolOf(address: string): string {
  return URL.canParse(address) ? new URL(address).protocol : '';
}

/** Problems of settings that do not go together; one that could not be read is undefined, and told already. */
function contradictions(settings: Partial<Settings>): string[] {
  const { auth, host, maxBodyMb, maxInflatedMb, uploadMemoryMb } = settings;
  const problems: string[] = [];
  if (auth === 'loopback' && host !== undefined && !isLoopback(host)) {
    problems.push('HOST has to be a loopback address (127.0.0.1, ::1, localhost) with AUTH=loopback.');
  }
  if (uploadMemoryMb !== undefined && uploadMemoryMb < Math.max(maxBodyMb ?? 0, maxInflatedMb ?? 0)) {
    problems.push('UPLOAD_MEMORY_MB has to be at least MAX_BODY_MB and MAX_INFLATED_MB.');
  }
  return problems;
}

function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || (isIPv4(host) && host.startsWith('127.'));
}

const NAMES = Object.values(SETTINGS).flatMap(({ name }) => [name, `${name}_FILE`]);

/** A warning where a variable is nearly one of ours. Names of one word are too common to tell. */
function misspelt(variable: string): string[] {
  if (NAMES.includes(variable) || !variable.includes('_')) return [];
  const near = NAMES.find(
    (name) => name.includes('_') && (name.startsWith(variable) || distance(variable, name) <= 2),
  );
  return near === undefined ? [] : [`${variable} is not a setting: did you mean ${near}?`];
}

/** Levenshtein's distance: how many letters have to be put in, taken out or replaced. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      const replaced = (row[j] ?? 0) + (letter === other ? 0 : 1);
      next.push(Math.min(replaced, (row[j + 1] ?? 0) + 1, (next[j] ?? 0) + 1));
    }
    row = next;
  }
  return row[b.length] ?? 0;
}
