import { setTimeout as sleep } from 'node:timers/promises';
import { send } from './client.ts';
import { FAULTS, type Fault } from './faults.ts';
import { History } from './history.ts';
import { Random } from './random.ts';
import { allActive } from './run.ts';
import { System } from './system.ts';
import { Workload } from './workload.ts';

/** What one fault costs, alone, with few clients, so that nobody waits for the machine. All in ms. */
export interface Cost {
  fault: string;
  reads: Spread;
  /** The same reads of an instance without a cache, meanwhile. */
  uncached: Spread;
  writes: Spread;
  /** From its end until every instance answered from the cache again: at the median and at worst. */
  hitsBack: Spread;
}

interface Spread {
  median: number;
  worst: number;
}

const LASTS_MS = 4_000;
const PACE = { readers: 6, pauseMs: 10 };

/**
 * Measures faults one after the other, each `times` times.
 * @param only names of the faults; default all
 */
export async function costsOf(
  times: number,
  only: string[] | undefined,
  ended: (cost: Cost) => void,
): Promise<void> {
  const calm: Fault = { name: 'none', begin: async () => async () => {} };
  for (const fault of [calm, ...FAULTS].filter(({ name }) => !only || only.includes(name))) {
    ended(await costOf(fault, times));
  }
}

async function costOf(fault: Fault, times: number): Promise<Cost> {
  const random = new Random(1);
  const system = await System.start({ instances: 3, build: { env: { CACHE_DEADLINE_MS: '50' } } });
  const uncached = await system.uncached();
  const workload = new Workload(system, new History(), random);
  const samples = { reads: [] as number[], uncached: [] as number[], writes: [] as number[] };
  const hitsBack: number[] = [];
  let isMeasured = false;
  let isOver = false;
  try {
    const quietPath = await workload.prepare();
    await allActive(system, quietPath);
    workload.start(PACE);
    const beside = readBeside(
      () => random.pick(random.pick(workload.subjects).views).path,
      uncached.url,
      (ms) => isMeasured && samples.uncached.push(ms),
      () => isOver,
    );
    for (let time = 0; time < times; time += 1) {
      await sleep(1_000);
      workload.readMs = [];
      workload.writeMs = [];
      isMeasured = true;
      const heal = await fault.begin(system, random);
      await sleep(LASTS_MS);
      isMeasured = false;
      samples.reads.push(...workload.readMs);
      samples.writes.push(...workload.writeMs);
      await heal();
      hitsBack.push(await allActive(system, quietPath));
    }
    isOver = true;
    await Promise.all([workload.stop(), beside]);
    return {
      fault: fault.name,
      reads: spread(samples.reads),
      uncached: spread(samples.uncached),
      writes: spread(samples.writes),
      hitsBack: spread(hitsBack),
    };
  } finally {
    isOver = true;
    await uncached.stop();
    await system.stop();
  }
}

/** Reads an instance at the same pace as the workload's readers do. */
async function readBeside(
  path: () => string,
  url: string,
  took: (ms: number) => void,
  isOver: () => boolean,
): Promise<void> {
  while (!isOver()) {
    const beganMs = performance.now();
    await send(url + path()).catch(() => {});
    took(performance.now() - beganMs);
    await sleep(PACE.pauseMs);
  }
}

function spread(samples: number[]): Spread {
  const sorted = samples.toSorted((one, other) => one - other);
  return { median: sorted[Math.floor(sorted.length / 2)] ?? Number.NaN, worst: sorted.at(-1) ?? Number.NaN };
}
