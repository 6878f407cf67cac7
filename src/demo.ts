/** The command behind `npm start -- --demo`: fills a new Trivet with sample reports, all of them invented. */
import { parseArgs } from 'node:util';
import cliProgress from 'cli-progress';
import { type SampleUpload, sampleUploads } from './demo/reports.ts';
import { hasScans, type Server, send, UnusableError } from './demo/send.ts';
import { printable } from './import/printable.ts';

const AT_ONCE = 4;

const usage = `Usage: node dist/demo.js [--url http://localhost:3000] [--force]
Fills a new Trivet with sample reports, all of them invented.
  --url URL   its address
  --force     even if it has scans already
TRIVET_TOKEN is the token, if it asks for one.
Exit status: 0 all is in or there were scans already, 1 something was refused, 2 usage or unreachable.`;

interface Options {
  server: Server;
  force: boolean;
}

/** @returns undefined where only the usage was asked for */
function readOptions(): Options | undefined {
  const { values } = parseOptions();
  if (values.help) return undefined;
  const text = values.url ?? 'http://localhost:3000';
  if (!URL.canParse(text) || !/^https?:/i.test(text))
    throw new UnusableError(`--url is no http address: ${text}`);
  const url = new URL(text);
  if (!url.pathname.endsWith('/')) url.pathname += '/';
  return { server: { url, token: process.env.TRIVET_TOKEN || undefined }, force: values.force ?? false };
}

function parseOptions() {
  try {
    return parseArgs({
      options: { url: { type: 'string' }, force: { type: 'boolean' }, help: { type: 'boolean' } },
    });
  } catch (error) {
    throw new UnusableError(`${error instanceof Error ? error.message : error}\n\n${usage}`);
  }
}

/** Sends one round after the other, several reports of a round at once. */
async function sendAll(
  server: Server,
  rounds: SampleUpload[][],
): Promise<{ scans: number; refused: string[] }> {
  const format = 'Sample reports {bar} {value}/{total}';
  const progress = new cliProgress.SingleBar(
    { format, hideCursor: null },
    cliProgress.Presets.shades_classic,
  );
  const refused: string[] = [];
  let scans = 0;
  progress.start(rounds.flat().length, 0);
  try {
    for (const round of rounds) {
      const waiting = [...round];
      const work = async () => {
        for (let upload = waiting.shift(); upload !== undefined; upload = waiting.shift()) {
          const stored = await send(server, upload);
          if (typeof stored === 'number') scans += stored;
          else refused.push(`${upload.name}: Trivet ${stored}`);
          progress.increment();
        }
      };
      await Promise.all(Array.from({ length: AT_ONCE }, work));
    }
  } finally {
    progress.stop();
  }
  return { scans, refused };
}

/** @returns the exit status, as the usage lists them */
async function main(): Promise<number> {
  const options = readOptions();
  if (options === undefined) {
    process.stdout.write(`${usage}\n`);
    return 0;
  }
  const { server, force } = options;
  if (!force && (await hasScans(server))) {
    process.stdout.write(
      'There are scans already: no sample reports were loaded (--force loads them all the same).\n',
    );
    return 0;
  }
  const rounds = sampleUploads(new Date());
  const { scans, refused } = await sendAll(server, rounds);
  for (const line of refused) process.stderr.write(`refused ${printable(line)}\n`);
  process.stdout.write(
    `${rounds.flat().length - refused.length} sample reports loaded, with ${scans} scans\n`,
  );
  return refused.length > 0 ? 1 : 0;
}

try {
  process.exitCode = await main();
} catch (error) {
  if (!(error instanceof UnusableError)) throw error;
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 2;
}
