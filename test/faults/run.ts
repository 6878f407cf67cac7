import { setTimeout as sleep } from 'node:timers/promises';
import { send } from './client.ts';
import { FAULTS } from './faults.ts';
import { type Finding, History } from './history.ts';
import { Random } from './random.ts';
import { type Build, type Instance, System } from './system.ts';
import { Workload } from './workload.ts';

const HEAL_TIMEOUT_MS = 20_000;

export interface FaultFigures {
  count: number;
  /** The slowest write that was answered while it lasted, in ms. */
  writeMs: number;
  /** From its end until every instance answered from the cache again, in ms, at worst. */
  hitsBackMs: number;
}

export interface Result {
  seed: number;
  seconds: number;
  reads: number;
  stale: number;
  unwritten: number;
  lost: number;
  failedReads: number;
  calmHitShare: number;
  unequal: string[];
  findings: Finding[];
  failures: string[];
  faults: Record<string, FaultFigures>;
}

export interface RunOptions {
  seed: number;
  seconds: number;
  /** Names of the faults to choose from; default all. */
  only?: string[];
  build?: Build;
  /** Ends the run at the first stale read. */
  untilStale?: boolean;
}

/** One seed: calm, one or two faults, healed, again and again, with clients that never pause. */
export async function runSeed(options: RunOptions): Promise<Result> {
  const random = new Random(options.seed);
  const history = new History();
  const system = await System.start({ instances: 3, ...(options.build ? { build: options.build } : {}) });
  const faults: Record<string, FaultFigures> = {};
  const startedMs = performance.now();
  const over = () =>
    performance.now() - startedMs > options.seconds * 1000 ||
    (options.untilStale === true && history.count('stale') > 0);
  const workload = new Workload(system, history, random);
  try {
    const quietPath = await workload.prepare();
    await allActive(system, quietPath);
    workload.start();
    const choice = FAULTS.filter(({ name }) => !options.only || options.only.includes(name));
    while (!over()) {
      await sleep(random.between(800, 1_500));
      if (choice.length === 0) continue;
      const chosen = [
        ...new Set([random.pick(choice), ...(random.next() < 0.3 ? [random.pick(choice)] : [])]),
      ];
      await breakAndHeal({ system, workload, random, quietPath }, chosen, faults);
    }
    await workload.stop();
    const unequal = await compareAll(system, workload);
    const lost = await countLost(system, workload);
    const { calm } = history.outcomes;
    return {
      seed: options.seed,
      seconds: Math.round((performance.now() - startedMs) / 1000),
      reads: history.reads,
      stale: history.count('stale'),
      unwritten: history.count('unwritten'),
      lost,
      failedReads: history.failedReads,
      calmHitShare: calm.all === 0 ? 0 : calm.hits / calm.all,
      unequal,
      findings: history.findings.slice(0, 20),
      failures: history.failures,
      faults,
    };
  } finally {
    const stopped = workload.stop();
    await system.stop();
    await stopped;
  }
}

async function breakAndHeal(
  {
    system,
    workload,
    random,
    quietPath,
  }: { system: System; workload: Workload; random: Random; quietPath: string },
  chosen: typeof FAULTS,
  faults: Record<string, FaultFigures>,
): Promise<void> {
  workload.calm = false;
  workload.writeMs = [];
  const heals: (() => Promise<void>)[] = [];
  for (const fault of chosen) heals.push(await fault.begin(system, random));
  await sleep(random.between(200, 2_500));
  // At once: an instance starts again only when its links are whole.
  await Promise.all(heals.map((heal) => heal()));
  const hitsBackMs = await allActive(system, quietPath);
  for (const { name } of chosen) {
    const figures = figuresOf(faults, name);
    figures.count += 1;
    figures.writeMs = Math.max(figures.writeMs, ...workload.writeMs.map(Math.round));
    figures.hitsBackMs = Math.max(figures.hitsBackMs, Math.round(hitsBackMs));
  }
  await sleep(300);
  workload.calm = true;
}

/** The figures of one fault, to be added to. */
export function figuresOf(faults: Record<string, FaultFigures>, name: string): FaultFigures {
  faults[name] ??= { count: 0, writeMs: 0, hitsBackMs: 0 };
  return faults[name];
}

/** Waits until every instance answers from the cache. @returns how long it took */
export async function allActive(system: System, quietPath: string): Promise<number> {
  const startedMs = performance.now();
  await Promise.all(system.instances.map((instance) => untilHit(instance, quietPath, startedMs)));
  return performance.now() - startedMs;
}

async function untilHit(instance: Instance, quietPath: string, startedMs: number): Promise<void> {
  for (;;) {
    const reply = await send(instance.trivet.url + quietPath).catch(() => null);
    if (reply?.cacheStatus.startsWith('trivet; hit')) return;
    if (performance.now() - startedMs > HEAL_TIMEOUT_MS) {
      const { logs, stderr } = instance.trivet;
      const last = logs.slice(-10).map((line) => JSON.stringify(line));
      throw new Error(
        [
          `${instance.name} does not use the cache again: ${reply?.status} ${reply?.cacheStatus}`,
          ...last,
          stderr(),
        ].join('\n'),
      );
    }
    await sleep(20);
  }
}

/** At the end every instance answers as one without a cache does, byte for byte. */
async function compareAll(system: System, workload: Workload): Promise<string[]> {
  await sleep(1_500);
  const uncached = await system.uncached();
  const unequal: string[] = [];
  try {
    for (const { views } of workload.subjects) {
      for (const { path } of views) {
        const truth = await send(uncached.url + path);
        for (const instance of system.instances) {
          const reply = await send(instance.trivet.url + path);
          if (reply.text !== truth.text) unequal.push(`${path} on ${instance.name}`);
        }
      }
    }
  } finally {
    await uncached.stop();
  }
  return unequal;
}

/** Acknowledged writes that the database does not show. */
async function countLost(system: System, workload: Workload): Promise<number> {
  let lost = 0;
  const [instance] = system.instances;
  for (const { register, views } of workload.subjects) {
    const [view] = views;
    if (!instance || !view) continue;
    const reply = await send(instance.trivet.url + view.path);
    if ((view.value(JSON.parse(reply.text)) ?? 0) < register.acknowledged) lost += 1;
  }
  return lost;
}

/** What a run must show. */
export function problemsOf(result: Result): string[] {
  const problems: string[] = [];
  if (result.stale > 0) problems.push(`${result.stale} stale reads`);
  if (result.unwritten > 0) problems.push(`${result.unwritten} reads of what nobody wrote`);
  if (result.lost > 0) problems.push(`${result.lost} lost writes`);
  if (result.failedReads > 0) problems.push(`${result.failedReads} failed reads`);
  if (result.unequal.length > 0) problems.push(`${result.unequal.length} answers differ from the database's`);
  if (result.calmHitShare < 0.5)
    problems.push(`only ${Math.round(result.calmHitShare * 100)} % hits in calm stretches`);
  return problems;
}
