/**
 * npm run faults -- [--minutes N] [--seed S] [--seconds N] [--only FAULT …]   reads are judged while things break
 * npm run faults -- --mutants                                    every missing rule has to show a stale read
 * npm run faults -- --costs [--times N] [--only FAULT …]         what each fault costs, one at a time, in figures
 */
import { parseArgs } from 'node:util';
import { costsOf } from './costs.ts';
import { findsStaleReads, MUTANTS } from './mutants.ts';
import { costOfRest } from './rest.ts';
import { type FaultFigures, figuresOf, problemsOf, type Result, runSeed } from './run.ts';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: '1' },
    seconds: { type: 'string', default: '20' },
    only: { type: 'string', multiple: true },
    mutants: { type: 'boolean', default: false },
    costs: { type: 'boolean', default: false },
    times: { type: 'string', default: '3' },
  },
});
const REST_SECONDS = 30;

process.env.TEST_REDIS_SERVER ??= 'redis-server';
const say = (line: string) => void process.stdout.write(`${line}\n`);
const run = values.mutants ? runMutants : values.costs ? runCosts : runSeeds;
process.exitCode = (await run()) ? 0 : 1;

async function runCosts(): Promise<boolean> {
  say('ms, median / worst: | fault | reads | without a cache | writes | hits back |\n|---|---|---|---|---|');
  const told = ({ median, worst }: { median: number; worst: number }) =>
    Number.isNaN(median) ? '–' : `${median.toFixed(1)} / ${Math.round(worst)}`;
  await costsOf(Number(values.times), values.only, ({ fault, reads, uncached, writes, hitsBack }) =>
    say(`| ${fault} | ${told(reads)} | ${told(uncached)} | ${told(writes)} | ${told(hitsBack)} |`),
  );
  if (values.only) return true;
  const percent = await costOfRest(REST_SECONDS);
  say(`\nten instances at rest cost PostgreSQL ${percent.toFixed(2)} % of a core each`);
  return true;
}

/** Every mutant must show a stale read. */
async function runMutants(): Promise<boolean> {
  let all = true;
  for (const mutant of MUTANTS) {
    const startedMs = performance.now();
    const caught = await findsStaleReads(mutant, Number(values.seed));
    all &&= caught;
    say(
      `${caught ? 'caught' : 'NOT CAUGHT'} after ${Math.round((performance.now() - startedMs) / 1000)} s: ${mutant.name}`,
    );
  }
  return all;
}

/** Seed after seed, until the time is over. */
async function runSeeds(): Promise<boolean> {
  const endMs = performance.now() + Number(values.minutes) * 60_000;
  const totals = { reads: 0, seeds: 0, bad: 0 };
  const faults: Record<string, FaultFigures> = {};
  for (let seed = Number(values.seed); performance.now() < endMs; seed += 1) {
    const only = values.only ? { only: values.only } : {};
    const result = await runSeed({ seed, seconds: Number(values.seconds), ...only });
    totals.reads += result.reads;
    totals.seeds += 1;
    if (!report(result)) totals.bad += 1;
    for (const [name, figures] of Object.entries(result.faults)) {
      const sum = figuresOf(faults, name);
      sum.count += figures.count;
      sum.writeMs = Math.max(sum.writeMs, figures.writeMs);
      sum.hitsBackMs = Math.max(sum.hitsBackMs, figures.hitsBackMs);
    }
  }
  say(`\n${totals.seeds} seeds, ${totals.reads} reads, ${totals.bad} seeds with problems\n`);
  say('| fault | times | slowest write, ms | hits back after at most, ms |\n|---|---|---|---|');
  for (const [name, { count, writeMs, hitsBackMs }] of Object.entries(faults)) {
    say(`| ${name} | ${count} | ${writeMs} | ${hitsBackMs} |`);
  }
  return totals.bad === 0;
}

function report(result: Result): boolean {
  const problems = problemsOf(result);
  const hits = `${Math.round(result.calmHitShare * 100)} % hits when calm`;
  say(
    `seed ${result.seed}: ${result.reads} reads, ${result.seconds} s, ${hits}, ${problems.join(', ') || 'ok'}`,
  );
  for (const finding of result.findings.slice(0, 5)) say(`  ${JSON.stringify(finding)}`);
  for (const failure of [...result.failures, ...result.unequal].slice(0, 5))
    say(`  ${failure.slice(0, 600)}`);
  return problems.length === 0;
}
