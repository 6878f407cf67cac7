import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import pg from 'pg';
import { projectFile, startTrivet, type TestTrivet } from '../setup/process.ts';
import { freePort, startTestRedis, type TestRedis } from '../setup/redis.ts';
import { Link } from './proxy.ts';

/** After its link to PostgreSQL is whole again, an instance has this long to notice it. */
const EXCUSED_MS = 3_000;
/** Patient, for tests share the machine: a missed deadline is not what they look for. */
const DEADLINE_MS = '250';

/** One instance of the built program behind links of its own. */
export interface Instance {
  name: string;
  trivet: TestTrivet;
  toDatabase: Link;
  toRedis: Link;
  /** False while it is killed, frozen or starting: nobody expects an answer then. */
  up: boolean;
  /** Sent and not yet answered. */
  writes: number;
  /** Changes with every fault that excuses a failed request. */
  trouble: number;
  /** Until then requests that need PostgreSQL may fail. */
  excusedUntilMs: number;
}

/** Another build of the program, and settings of its own. */
export interface Build {
  program?: string;
  env?: Record<string, string>;
}

/** PostgreSQL, Redis (and a second one for failovers), and instances, all real, all to be broken. */
export class System {
  readonly instances: Instance[] = [];
  readonly redis: TestRedis;
  readonly otherRedis: TestRedis;
  readonly database: Postgres;
  readonly #build: Build;

  private constructor(database: Postgres, redis: TestRedis, otherRedis: TestRedis, build: Build) {
    this.database = database;
    this.redis = redis;
    this.otherRedis = otherRedis;
    this.#build = build;
  }

  static async start(options: { instances: number; build?: Build }): Promise<System> {
    const database = await Postgres.start();
    const [redis, otherRedis] = await Promise.all([startTestRedis(), startTestRedis()]);
    const system = new System(database, redis, otherRedis, options.build ?? {});
    for (let number = 0; number < options.instances; number += 1) {
      const toDatabase = await Link.to(database.port);
      const toRedis = await Link.to(redis.port);
      const trivet = await system.#launch(toDatabase, toRedis);
      system.instances.push({
        name: `instance ${number}`,
        trivet,
        toDatabase,
        toRedis,
        up: true,
        writes: 0,
        trouble: 0,
        excusedUntilMs: 0,
      });
    }
    return system;
  }

  #launch(toDatabase: Link, toRedis: Link): Promise<TestTrivet> {
    return startTrivet({
      databaseUrl: this.database.urlAt(toDatabase.port),
      redisUrl: `redis://127.0.0.1:${toRedis.port}`,
      ...this.#build,
      env: { DATABASE_POOL_MAX: '10', STALE_DAYS: '0', CACHE_DEADLINE_MS: DEADLINE_MS, ...this.#build.env },
    });
  }

  /** Instances that are neither killed nor frozen. */
  get running(): Instance[] {
    return this.instances.filter(({ up }) => up);
  }

  /** An instance that only asks the database. */
  uncached(): Promise<TestTrivet> {
    return startTrivet({ databaseUrl: this.database.url, redisUrl: 'off' });
  }

  /** Marks an instance as troubled: what fails on it now is not held against it. */
  trouble(instance: Instance, up = instance.up): void {
    instance.up = up;
    instance.trouble += 1;
    instance.excusedUntilMs = performance.now() + EXCUSED_MS;
  }

  async kill(instance: Instance): Promise<void> {
    this.trouble(instance, false);
    await instance.trivet.kill();
  }

  async restart(instance: Instance): Promise<void> {
    instance.trivet = await this.#launch(instance.toDatabase, instance.toRedis);
    this.trouble(instance, true);
  }

  async stop(): Promise<void> {
    await Promise.allSettled(this.instances.map(({ trivet }) => trivet.kill()));
    for (const { toDatabase, toRedis } of this.instances) {
      await toDatabase.close();
      await toRedis.close();
    }
    await Promise.allSettled([this.redis.stop(), this.otherRedis.stop()]);
    await this.database.stop();
  }
}

/** A PostgreSQL server of the test's own, that can be restarted. */
export class Postgres {
  readonly port: number;
  readonly #folder: string;
  #child: ChildProcess | undefined;
  url = '';
  up = true;

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  static async start(): Promise<Postgres> {
    const postgres = new Postgres(mkdtempSync(path.join(os.tmpdir(), 'trivet-faults-')), await freePort());
    await postgres.#launch();
    return postgres;
  }

  /** Of the process that all of its processes descend from. */
  get pid(): number {
    return this.#child?.pid ?? -1;
  }

  urlAt(port: number): string {
    const url = new URL(this.url);
    url.port = String(port);
    return url.href;
  }

  async restart(): Promise<void> {
    this.up = false;
    await this.#end();
    await this.#launch();
    this.up = true;
  }

  /** Runs statements as another program would. */
  async sql<Row extends pg.QueryResultRow>(statement: string, values: unknown[] = []): Promise<Row[]> {
    const client = new pg.Client({ connectionString: this.url, application_name: 'somebody else' });
    client.on('error', () => {});
    await client.connect();
    try {
      return (await client.query<Row>(statement, values)).rows;
    } finally {
      await client.end();
    }
  }

  async stop(): Promise<void> {
    await this.#end();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #launch(): Promise<void> {
    const script = projectFile('test/faults/postgres.mjs');
    const child = spawn(process.execPath, [script, this.#folder, String(this.port)], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    this.#child = child;
    for await (const line of createInterface({ input: child.stdout })) {
      if (!line.startsWith('{')) continue;
      this.url = (JSON.parse(line) as { url: string }).url;
      child.stdout.resume();
      return;
    }
    throw new Error('PostgreSQL did not start');
  }

  async #end(): Promise<void> {
    const child = this.#child;
    if (!child || child.exitCode !== null) return;
    const ended = once(child, 'exit');
    child.kill('SIGTERM');
    await ended;
  }
}
