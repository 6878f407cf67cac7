// What it takes until a report is acknowledged, everything that it invalidates included, and what readers notice.
import { gzipSync } from 'node:zlib';
import { Problem, step } from '../scripts/services/process.mjs';
import { large, scan } from './scans.mjs';
import { startTrivet } from './setup.mjs';
import { number, table } from './table.mjs';
import { atRate, observe, quantile, send } from './traffic.mjs';

const MIB = 1_048_576;
/** That reports come of at a steady rate. */
const IMAGES = 60;

/** Prints its tables in Markdown, each as soon as it is known. */
export async function ingest(stores, program, quick) {
  const trivet = await startTrivet(stores, {}, program);
  await warmUp(trivet.url);
  tell(await reports(trivet.url, 900, quick ? 10 : 40));
  tell(await reports(trivet.url, 180, quick ? 10 : 40));
  tell(await deletionOfScans(trivet.url, quick ? 5 : 20));
  tell(await deletionOfArtifact(trivet.url, quick ? 100 : 1_000));
  tell(await sustained(trivet.url, quick ? 10 : 60));
  await trivet.stop();
  for (const mib of quick ? [25] : [25, 200]) tell(await documents(stores, program, mib));
}

function tell(text) {
  process.stdout.write(`${text}\n`);
}

/** @param {Buffer} body gzip @returns {Promise<{id: number, ms: number}>} */
export async function post(url, body) {
  const headers = { 'content-encoding': 'gzip' };
  const answer = await send(`${url}/api/scan-results`, { method: 'POST', headers, body });
  if (answer.status > 201) throw new Problem(`A report was refused: ${answer.text}`);
  return { ...JSON.parse(answer.text), ms: answer.ms };
}

async function remove(url, what, id) {
  const { status, ms } = await send(`${url}/api/${what}/${id}`, { method: 'DELETE' });
  if (status !== 204) throw new Problem(`DELETE /api/${what}/${id} was answered with ${status}.`);
  return ms;
}

/** Code is compiled, plans are made, the bases of images are known. */
async function warmUp(url) {
  for (let image = 0; image < 24; image++) {
    await post(url, scan({ name: `warm/${image}:1`, findings: image % 2 ? 900 : 180, base: image % 6 }));
  }
}

/** A report at a time, on a server that does nothing else. */
async function reports(url, findings, times) {
  step(`Reports of ${findings} findings`);
  const row = async (title, of) => {
    const bodies = Array.from({ length: times }, (_, index) => of(index));
    const ms = [];
    for (const body of bodies) ms.push((await post(url, body)).ms);
    return timesRow(`${findings} findings: ${title}`, ms);
  };
  const name = (index) => `${findings}/${index}:1`;
  return timesTable([
    await row('all of them never seen', (index) => scan({ name: `new/${name(index)}`, findings, own: 1 })),
    await row('a new image on a known base', (index) =>
      scan({ name: name(index), findings, base: index % 6 }),
    ),
    await row('scanned again, 2 % new, 2 % gone', (index) =>
      scan({ name: name(index), findings, base: index % 6, round: 1 }),
    ),
    await row('the same again', (index) => scan({ name: name(index), findings, base: index % 6, round: 1 })),
  ]);
}

function timesTable(rows) {
  return table(['until it is acknowledged', 'times', 'median, ms', 'p95, ms', 'longest, ms'], rows);
}

function timesRow(title, ms) {
  return [title, ms.length, ...[quantile(ms, 0.5), quantile(ms, 0.95), Math.max(...ms)].map(number)];
}

async function deletionOfScans(url, times) {
  const ms = [];
  for (let image = 0; image < times; image++) {
    const name = `gone/${image}:1`;
    await post(url, scan({ name, findings: 900, base: image % 6 }));
    const { id } = await post(url, scan({ name, findings: 900, base: image % 6, round: 1 }));
    ms.push(await remove(url, 'scan-results', id));
  }
  return timesTable([timesRow('deletion of the latest scan, of 900', ms)]);
}

/** Readers ask for lists, which the deletion puts out of service at its end, and for what it does not concern. */
async function deletionOfArtifact(url, scans) {
  step(`Deletion of an artifact with ${scans} scans`);
  let artifact;
  for (let round = 0; round < scans; round++) {
    const stored = await post(url, scan({ name: 'old/image:1', findings: 180, base: 1, round }));
    artifact = stored.artifact.id;
  }
  const read = async (into) => {
    for (const path of [
      '/api/scan-results',
      '/api/vulnerabilities',
      '/api/scan-results/1',
      '/api/findings',
    ]) {
      into.push((await send(`${url}${path}`)).ms);
    }
  };
  const [before, during] = [[], []];
  for (let round = 0; round < 50; round++) await read(before);
  let isOver = false;
  const readers = Array.from({ length: 2 }, async () => {
    while (!isOver) await read(during);
  });
  const tookMs = await remove(url, 'artifacts', artifact);
  isOver = true;
  await Promise.all(readers);
  return table(
    [
      'an artifact and its scans deleted',
      'took, ms',
      'longest read before, ms',
      'reads meanwhile',
      'longest, ms',
    ],
    [
      [
        `${scans} scans of 180`,
        ...[tookMs, Math.max(...before)].map(number),
        during.length,
        number(Math.max(...during)),
      ],
    ],
  );
}

/** Hits alone, then while reports come at a rate. */
async function sustained(url, seconds) {
  const { id } = await post(url, scan({ name: 'read/image:1', findings: 180, base: 2 }));
  const path = `${url}/api/scan-results/${id}/vulnerabilities?limit=100`;
  const hits = async (during) => {
    const [ms, missed] = [[], []];
    const over = new AbortController();
    const reading = atRate(
      200,
      3_600,
      async () => {
        const { cache, ms: took } = await send(path);
        (cache === 'hit' ? ms : missed).push(took);
      },
      over.signal,
    );
    const told = await during();
    over.abort();
    await reading;
    return {
      told,
      cells: [ms.length, ...[quantile(ms, 0.5), quantile(ms, 0.99)].map(number), missed.length],
    };
  };
  step('Hits while reports come');
  await hits(() => atRate(1, 5, () => send(path)));
  const rows = [
    ['no reports', '', '', ...(await hits(() => atRate(1, seconds / 3, () => send(path)))).cells],
  ];
  for (const [perSecond, findings] of [
    [50, 180],
    [10, 900],
  ]) {
    const rounds = Math.ceil((perSecond * seconds) / IMAGES);
    const bodies = Array.from({ length: IMAGES }, (_, image) =>
      Array.from({ length: rounds }, (_, round) =>
        scan({ name: `kept/${findings}/${image}:1`, findings, base: image % 6, round }),
      ),
    ).flat();
    const took = [];
    let next = 0;
    const { told, cells } = await hits(() =>
      atRate(perSecond, seconds, async () => {
        // One image after the other, then each scanned again.
        const body = bodies[(next % IMAGES) * rounds + Math.floor(next / IMAGES)];
        next++;
        took.push((await post(url, body)).ms);
      }),
    );
    rows.push([
      `${perSecond} reports of ${findings} a second`,
      `${number(told.answered / told.secondsTaken)} (${told.leftOut} left out)`,
      `${number(quantile(took, 0.5))} / ${number(quantile(took, 0.99))}`,
      ...cells,
    ]);
  }
  const head = ['for a minute each', 'stored a second, held or not', 'p50 / p99 to store, ms'];
  return table([...head, 'hits', 'p50, ms', 'p99, ms', 'others'], rows);
}

/** A fresh process for each document: what it takes, and what others notice. */
async function documents(stores, program, mib) {
  const rows = [];
  for (const kind of ['findings', 'packages']) {
    step(`A document of ${mib} MiB, ${kind}`);
    const body = gzipSync(Buffer.concat([...large(kind, mib * MIB)].map((text) => Buffer.from(text))));
    const trivet = await startTrivet(stores, { DATABASE_STATEMENT_TIMEOUT_MS: '120000' }, program);
    for (let image = 0; image < 5; image++) {
      await post(trivet.url, scan({ name: `before/${kind}/${mib}/${image}:1`, findings: 180 }));
    }
    const stop = await observe(trivet);
    const { ms } = await post(trivet.url, body);
    const { beforeMib, peakMib, loopMs, healthMs } = await stop();
    await trivet.stop();
    rows.push([
      `${mib} MiB, ${kind} (${number(body.length / MIB)} MiB gzip)`,
      ...[ms / 1000, beforeMib, peakMib, loopMs, quantile(healthMs, 0.99), Math.max(...healthMs)].map(number),
    ]);
  }
  const memory = ['memory before, MiB', 'at its peak, MiB'];
  return table(
    ['a large document', 's', ...memory, 'longest delay of the loop, ms', '/healthz p99, ms', 'longest, ms'],
    rows,
  );
}
