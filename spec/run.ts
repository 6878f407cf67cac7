import { fork } from 'node:child_process';
import { once } from 'node:events';
import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import type { Result } from './checker.ts';
import { RULES } from './rules.ts';
import { FULL_RUNS, MUTANTS, RUNS, type Run } from './runs.ts';
import type { State } from './state.ts';

/*
 * npm run spec             every run complete and without a violation, every mutant caught
 * npm run spec:full        the large runs, as far as their limits let them
 * tsx spec/run.ts WORD…    the runs and mutants whose names contain a word
 */

const COLUMNS = [58, 11, 6, 10, 8, 8] as const;

function line(cells: readonly string[]): string {
  return cells
    .map((cell, i) => (i === 0 ? cell.padEnd(COLUMNS[i]) : cell.padStart(COLUMNS[i] ?? 8)))
    .join(' ');
}

function describe(run: Run, result: Result<State>): string {
  const caught = result.counterexample !== undefined;
  const verdict = run.without
    ? caught
      ? 'caught'
      : 'MISSED'
    : caught
      ? 'VIOLATED'
      : result.complete
        ? 'yes'
        : 'no';
  return line([
    run.name,
    result.states.toLocaleString('en'),
    String(result.depth),
    verdict,
    result.cpuSeconds.toFixed(1),
    `${Math.ceil(result.bytes / 2 ** 20)}`,
  ]);
}

function trace(run: Run, result: Result<State>): string[] {
  const rule = RULES.find(({ name }) => name === run.without);
  const steps =
    result.counterexample?.trace.map(({ name }, i) => `  ${String(i).padStart(2)}  ${name}`) ?? [];
  return [
    '',
    `${run.name}${rule ? `: ${rule.mutant}` : ''}`,
    ...(rule ? [`  (the rule: ${rule.why})`] : []),
    ...steps,
    `      ${result.counterexample?.reason ?? ''}`,
  ];
}

/** Runs them all, `parallel` at a time, and calls back as each one ends. */
async function all(
  runs: readonly Run[],
  parallel: number,
  ended: (run: Run, result: Result<State>) => void,
): Promise<void> {
  const waiting = [...runs];
  const work = async () => {
    // A process, not a thread: it inherits the TypeScript loader, and its memory is its own.
    const child = fork(fileURLToPath(new URL('./worker.ts', import.meta.url)), { serialization: 'advanced' });
    const exited = once(child, 'exit');
    for (let run = waiting.shift(); run !== undefined; run = waiting.shift()) {
      child.send(run);
      const answer = await Promise.race([once(child, 'message'), exited]);
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error(`the explorer of "${run.name}" ended early`);
      ended(run, answer[0] as Result<State>);
    }
    child.kill();
    await exited;
  };
  await Promise.all(Array.from({ length: Math.min(parallel, runs.length) }, work));
}

async function main(args: readonly string[]): Promise<boolean> {
  const words = args.filter((arg) => !arg.startsWith('--'));
  const suite = args.includes('--full') ? FULL_RUNS : [...RUNS, ...MUTANTS];
  const named = [...RUNS, ...FULL_RUNS, ...MUTANTS].filter(({ name }) =>
    words.some((word) => name.includes(word)),
  );
  const runs = words.length === 0 ? suite : named;
  const mayStopEarly = new Set<Run>(FULL_RUNS);
  const traces: string[] = [];
  let good = 0;
  const started = performance.now();
  console.log(line(['run', 'states', 'depth', 'complete', 'CPU s', 'MiB']));
  await all(runs, Math.min(2, availableParallelism()), (run, result) => {
    const caught = result.counterexample !== undefined;
    if (run.without ? caught : !caught && (result.complete || mayStopEarly.has(run))) good += 1;
    console.log(describe(run, result));
    if (caught) traces.push(...trace(run, result));
  });
  console.log(traces.join('\n'));
  const seconds = Math.round((performance.now() - started) / 1000);
  console.log(`\n${good} of ${runs.length} as they should be, in ${seconds} s`);
  return good === runs.length;
}

process.exitCode = (await main(process.argv.slice(2))) ? 0 : 1;
