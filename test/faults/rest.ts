import { readdirSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { History } from './history.ts';
import { Random } from './random.ts';
import { allActive } from './run.ts';
import { System } from './system.ts';
import { Workload } from './workload.ts';

const INSTANCES = 10;
/** What the kernel counts processor time in. */
const TICKS_PER_SECOND = 100;

/**
 * What instances at rest cost PostgreSQL: renewals, ticks and the publishing of their statistics. Linux only.
 * @param seconds of measuring, with them and without
 * @returns the share of one core that each takes, in percent
 */
export async function costOfRest(seconds: number): Promise<number> {
  const system = await System.start({ instances: INSTANCES });
  try {
    await allActive(system, await new Workload(system, new History(), new Random(1)).prepare());
    const withInstances = await share(system.database.pid, seconds);
    await Promise.all(system.instances.map((instance) => system.kill(instance)));
    const without = await share(system.database.pid, seconds);
    return ((withInstances - without) / INSTANCES) * 100;
  } finally {
    await system.stop();
  }
}

/** Processor time that a process and its children use, in cores. */
async function share(pid: number, seconds: number): Promise<number> {
  const beganMs = performance.now();
  const before = ticks(pid);
  await sleep(seconds * 1000);
  return (ticks(pid) - before) / TICKS_PER_SECOND / ((performance.now() - beganMs) / 1000);
}

/** Of the processes that live, and of those that have ended and were waited for. */
function ticks(ancestor: number): number {
  const parents = new Map<number, { parent: number; ticks: number }>();
  for (const name of readdirSync('/proc').filter((entry) => /^\d+$/.test(entry))) {
    const stat = statOf(name);
    if (stat) parents.set(Number(name), stat);
  }
  const descends = (pid: number): boolean =>
    pid === ancestor || (parents.has(pid) && descends(parents.get(pid)?.parent ?? 0));
  return [...parents].reduce((sum, [pid, stat]) => sum + (descends(pid) ? stat.ticks : 0), 0);
}

function statOf(pid: string): { parent: number; ticks: number } | null {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // After the name, which may hold anything: state, parent, … utime, stime, cutime, cstime (fields 14 to 17).
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
    const used = fields.slice(11, 15).reduce((sum, field) => sum + Number(field), 0);
    return { parent: Number(fields[1]), ticks: used };
  } catch {
    return null;
  }
}
