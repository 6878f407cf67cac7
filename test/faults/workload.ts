import { setTimeout as sleep } from 'node:timers/promises';
import { type Reply, send } from './client.ts';
import { type History, Register } from './history.ts';
import type { Random } from './random.ts';
import type { Instance, System } from './system.ts';

const LABEL_REGISTERS = 8;
const REPORT_REGISTERS = 4;
const SQL_REGISTERS = 2;
/** A writer pauses for as long as it takes the readers to read so often. */
const READS_BETWEEN_WRITES = [200, 1_800] as const;
/** While something is broken, reads may stand still: writes go on. */
const PAUSE_AT_MOST_MS = 1_500;
/** Rows changed behind Trivet's back show within a second; while something is broken, within a lease more. */
const EXTERNAL_CALM_MS = 1_000;
const EXTERNAL_FAULTY_MS = 4_000;

/** A way to read a register: the address, and its value in the answer (null: nothing there). */
interface View {
  what: string;
  path: string;
  // biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
  value(body: any): number | null;
}

interface Subject {
  register: Register;
  views: View[];
  /** Sends the write of `value` to an instance; true when it was answered as done. */
  write(instance: Instance, value: number): Promise<boolean>;
  external: boolean;
}

/** How many read, and how long each pauses after an answer, in ms. */
export interface Pace {
  readers: number;
  pauseMs: number;
}

const WITHOUT_PAUSE: Pace = { readers: 24, pauseMs: 0 };

/** Clients that write and read, and judge what they read. */
export class Workload {
  readonly subjects: Subject[] = [];
  /** Whether nothing has been broken for a while. */
  calm = true;
  writeMs: number[] = [];
  readMs: number[] = [];
  externalMs: number[] = [];
  readonly #system: System;
  readonly #history: History;
  readonly #random: Random;
  #stopped = false;
  #running: Promise<void>[] = [];

  constructor(system: System, history: History, random: Random) {
    this.#system = system;
    this.#history = history;
    this.#random = random;
  }

  /** Makes what is written and read. @returns an address whose answer nobody changes */
  async prepare(): Promise<string> {
    for (let number = 0; number < LABEL_REGISTERS; number += 1)
      this.subjects.push(await this.#labelled(`label-${number}`, false));
    for (let number = 0; number < SQL_REGISTERS; number += 1)
      this.subjects.push(await this.#labelled(`sql-${number}`, true));
    for (let number = 0; number < REPORT_REGISTERS; number += 1)
      this.subjects.push(await this.#reported(`report-${number}`));
    const { artifactId } = await this.#store('quiet', 1, [1]);
    return `/api/artifacts/${artifactId}`;
  }

  start({ readers, pauseMs }: Pace = WITHOUT_PAUSE): void {
    this.#running = [
      ...this.subjects.map((subject) => this.#writer(subject)),
      ...Array.from({ length: readers }, () => this.#reader(pauseMs)),
    ];
  }

  async stop(): Promise<void> {
    this.#stopped = true;
    await Promise.all(this.#running);
  }

  /** A scan whose label is written, by PATCH or by SQL. */
  async #labelled(name: string, external: boolean): Promise<Subject> {
    const { scanId, artifactId } = await this.#store(name, 1, [1]);
    // biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
    const label = (labelled: any) => (labelled?.labels?.v === undefined ? null : Number(labelled.labels.v));
    // biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
    const first = (list: any) => label(list.items[0]);
    const views: View[] = [
      { what: 'scan', path: `/api/scan-results/${scanId}`, value: label },
      { what: 'scans of the artifact', path: `/api/scan-results?artifact=${artifactId}`, value: first },
      { what: 'scans by name', path: `/api/scan-results?artifact=${name}:1`, value: first },
      { what: 'scans', path: `/api/scan-results?q=${name}&limit=10`, value: first },
    ];
    if (!external) views.push({ what: 'artifact', path: `/api/artifacts/${artifactId}`, value: label });
    return {
      register: new Register(name),
      views,
      external,
      write: async (instance, value) => {
        const labels = { v: String(value) };
        if (external) {
          await this.#system.database.sql('UPDATE scan SET labels = $2 WHERE id = $1', [scanId, labels]);
          return true;
        }
        return this.#send(instance, `/api/scan-results/${scanId}`, 'PATCH', JSON.stringify({ labels }));
      },
    };
  }

  /** An artifact whose newest report is written. */
  async #reported(name: string): Promise<Subject> {
    const { artifactId } = await this.#store(name, 1, [0]);
    const id = (text: string | undefined) => (text === undefined ? null : Number(text.split('-')[2]));
    // biome-ignore lint/suspicious/noExplicitAny: answers of several kinds
    const value = (list: any) => id(list.items[0]?.vulnerabilityId ?? list.items[0]?.id);
    return {
      register: new Register(name),
      external: false,
      views: [
        { what: 'findings of the artifact', path: `/api/findings?artifact=${artifactId}`, value },
        { what: 'findings', path: `/api/findings?package=${name}`, value },
        {
          what: 'vulnerabilities of the artifact',
          path: `/api/vulnerabilities?artifact=${artifactId}`,
          value,
        },
        { what: 'vulnerabilities', path: `/api/vulnerabilities?package=${name}`, value },
      ],
      write: async (instance, written) => {
        const body = report(name, written + 1, [written]);
        const sent = this.#send(instance, '/api/scan-results', 'POST', body);
        if (this.#random.next() < 0.7) return sent;
        // The same again to another one, which may find nothing to do while the first is still pending: whichever
        // answers vouches for it.
        const other = this.#random.pick(this.#system.running);
        return either(sent, this.#send(other, '/api/scan-results', 'POST', body));
      },
    };
  }

  /** @returns true when it was answered as done */
  async #send(instance: Instance | undefined, path: string, method: string, body: string): Promise<boolean> {
    if (!instance) return false;
    instance.writes += 1;
    try {
      const { status } = await send(instance.trivet.url + path, { method, body });
      return status === 200 || status === 201;
    } catch {
      return false;
    } finally {
      instance.writes -= 1;
    }
  }

  async #store(
    name: string,
    version: number,
    ids: number[],
  ): Promise<{ scanId: number; artifactId: number }> {
    const [instance] = this.#system.instances;
    const reply = await send(`${instance?.trivet.url}/api/scan-results`, {
      method: 'POST',
      body: report(name, version, ids),
    });
    const stored = JSON.parse(reply.text) as { id: number; artifact: { id: number } };
    return { scanId: stored.id, artifactId: stored.artifact.id };
  }

  /** One write after the other; one whose outcome is not known is sent again, to another instance. */
  async #writer({ register, write, external }: Subject): Promise<void> {
    while (!this.#stopped) {
      const value = register.invoked + 1;
      register.invoked = value;
      for (;;) {
        const up = this.#system.running;
        const beganMs = performance.now();
        const done = up.length > 0 && (await write(this.#random.pick(up), value).catch(() => false));
        if (done) {
          if (!external) this.writeMs.push(performance.now() - beganMs);
          break;
        }
        if (this.#stopped) return;
        await sleep(20);
      }
      if (external) await this.#visibleLater(register, value);
      else register.acknowledged = value;
      await this.#othersHaveRead(this.#random.between(...READS_BETWEEN_WRITES));
    }
  }

  /** So that a slow machine writes as often for each read as a fast one. */
  async #othersHaveRead(reads: number): Promise<void> {
    const until = this.#history.reads + reads;
    const endMs = performance.now() + PAUSE_AT_MOST_MS;
    const isLate = () => !this.calm && performance.now() > endMs;
    while (this.#history.reads < until && !isLate() && !this.#stopped) await sleep(20);
  }

  async #visibleLater(register: Register, value: number): Promise<void> {
    await sleep(this.calm ? EXTERNAL_CALM_MS : EXTERNAL_FAULTY_MS);
    // What began calm may have been broken since: then the longer time counts.
    if (!this.calm) await sleep(EXTERNAL_FAULTY_MS - EXTERNAL_CALM_MS);
    register.acknowledged = value;
  }

  async #reader(pauseMs: number): Promise<void> {
    while (!this.#stopped) {
      const subject = this.#random.pick(this.subjects);
      const view = this.#random.pick(subject.views);
      const up = this.#system.running;
      if (up.length === 0) {
        await sleep(10);
        continue;
      }
      const beganMs = performance.now();
      await this.#read(this.#random.pick(up), subject, view);
      if (pauseMs === 0) continue;
      this.readMs.push(performance.now() - beganMs);
      await sleep(pauseMs);
    }
  }

  async #read(instance: Instance, { register }: Subject, view: View): Promise<void> {
    const trouble = instance.trouble;
    const excused = () =>
      instance.trouble !== trouble ||
      performance.now() < instance.excusedUntilMs ||
      !instance.up ||
      !instance.toDatabase.passes ||
      !this.#system.database.up ||
      this.#stopped;
    const wasExcused = excused();
    const judge = this.#history.begin(register, `${view.what} on ${instance.name}`);
    let reply: Reply;
    try {
      reply = await send(instance.trivet.url + view.path);
    } catch (error) {
      if (!wasExcused && !excused()) this.#history.failed(`${view.path} on ${instance.name}: ${error}`);
      return;
    }
    if (reply.status !== 200) {
      if (!wasExcused && !excused())
        this.#history.failed(
          `${view.path} on ${instance.name}: ${reply.status} ${await reasonOf(instance, reply)}`,
        );
      return;
    }
    this.#history.outcome(this.calm, reply.cacheStatus);
    judge(view.value(JSON.parse(reply.text)));
  }
}

/** What the instance logged of a request that failed. */
async function reasonOf({ trivet }: Instance, { text }: Reply): Promise<string> {
  // The log takes another way than the answer.
  await sleep(200);
  const { requestId } = JSON.parse(text) as { requestId: string };
  return JSON.stringify(trivet.logs.find((line) => line.requestId === requestId) ?? text);
}

/** True as soon as one is true; false when none is. */
async function either(...answers: Promise<boolean>[]): Promise<boolean> {
  const done = answers.map(async (answer) => (await answer) || Promise.reject(new Error('not done')));
  return Promise.any(done).catch(() => false);
}

/** A report as Trivy prints it, of a build `version` of an image, later than every earlier version. */
function report(name: string, version: number, ids: number[]): string {
  return JSON.stringify({
    SchemaVersion: 2,
    CreatedAt: new Date(Date.UTC(2026, 0, 1) + version * 1_000).toISOString(),
    ArtifactName: `${name}:1`,
    ArtifactType: 'container_image',
    Results: [
      {
        Target: `${name} (debian 12.1)`,
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: ids.map((id) => ({
          VulnerabilityID: `CVE-7000-${id}`,
          PkgName: name,
          InstalledVersion: '1.0',
          Severity: 'HIGH',
          Title: `${name} ${id}`,
        })),
      },
    ],
  });
}
