/** The command `npm run import`: sends report files to a running instance, several at once. */
import cliProgress from 'cli-progress';
import { findReports } from './import/files.ts';
import { explainBreach } from './import/gate.ts';
import { type Options, parseOptions, UsageError, usage } from './import/options.ts';
import { printable } from './import/printable.ts';
import { type Outcome, sendReport } from './import/send.ts';

const AT_ONCE = 4;

interface Screen {
  /** A line that stays, above the bar where there is one. */
  line(text: string): void;
  advance(): void;
  end(): void;
}

/** A progress bar on a terminal, else only the lines. */
function openScreen(total: number): Screen {
  if (!process.stderr.isTTY) {
    return { line: (text) => void process.stderr.write(`${text}\n`), advance: () => {}, end: () => {} };
  }
  const format = '{bar} {value}/{total} reports, {eta_formatted} left';
  const bars = new cliProgress.MultiBar({ format, hideCursor: false }, cliProgress.Presets.shades_classic);
  const bar = bars.create(total, 0);
  return { line: (text) => bars.log(`${text}\n`), advance: () => bar.increment(), end: () => bars.stop() };
}

async function sendAll(files: string[], options: Options, screen: Screen): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  const waiting = [...files];
  const work = async () => {
    for (let file = waiting.shift(); file !== undefined; file = waiting.shift()) {
      const outcome = await sendReport(file, options);
      if (outcome.outcome === 'refused') screen.line(printable(`refused ${file}: ${outcome.reason}`));
      for (const text of outcome.skipped) screen.line(printable(`skipped in ${file}: ${text}`));
      outcomes.push(outcome);
      screen.advance();
    }
  };
  try {
    await Promise.all(Array.from({ length: AT_ONCE }, work));
  } finally {
    waiting.length = 0;
    screen.end();
  }
  return outcomes;
}

function printCounts(outcomes: Outcome[]): void {
  const count = (outcome: Outcome['outcome']) => outcomes.filter((it) => it.outcome === outcome).length;
  process.stdout.write(`${count('stored')} stored, ${count('same')} same, ${count('refused')} refused\n`);
  const warnings = new Map<string, number>();
  for (const warning of outcomes.flatMap(({ scans }) => scans.flatMap((scan) => scan.warnings))) {
    warnings.set(warning, (warnings.get(warning) ?? 0) + 1);
  }
  for (const [warning, times] of warnings)
    process.stdout.write(`warning (${times}): ${printable(warning)}\n`);
}

/** @returns whether a rule of --fail-on is met; prints which, and by what */
async function printBreaches(outcomes: Outcome[], options: Options): Promise<boolean> {
  let isBroken = false;
  for (const scan of outcomes.flatMap(({ scans }) => scans)) {
    const breach = await explainBreach(scan, options);
    if (breach === undefined) continue;
    process.stdout.write(`\n${breach}`);
    isBroken = true;
  }
  return isBroken;
}

/** @returns the exit status, as the usage lists them */
async function main(): Promise<number> {
  const options = parseOptions(process.argv.slice(2), process.env);
  if (options === undefined) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const files = await findReports(options.paths);
  const outcomes = await sendAll(files, options, openScreen(files.length));
  printCounts(outcomes);
  if (await printBreaches(outcomes, options)) return 3;
  return outcomes.some(({ outcome }) => outcome === 'refused') ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UsageError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
