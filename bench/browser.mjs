// How soon a person sees something: the overview of a large installation, and a Redis that freezes.
import { chromium } from 'playwright-core';
import { findChromium } from '../scripts/services/browser.mjs';
import { Problem, step } from '../scripts/services/process.mjs';
import { startStores, startTrivet } from './setup.mjs';
import { table } from './table.mjs';
import { quantile } from './traffic.mjs';

const ARTIFACTS = 2_000;
const ARTIFACTS_PER_REPORT = 500;
/** Of an artifact, and different ones in all. */
const FINDINGS = 100;
const VULNERABILITIES = 3_000;
const SEVERITIES = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'LOW'];
const ROUNDS = 9;
const FREEZES = 5;
const TIMEOUT_MS = 30_000;

/**
 * Measures in a browser.
 * @param {string} [program] another build of Trivet
 * @returns {Promise<string>} a table
 */
export async function browse(program, life) {
  const executablePath = await findChromium(life);
  if (!executablePath) throw new Problem('The bench needs Chromium: CHROMIUM_PATH names it.');
  const stores = await startStores(life);
  const { url } = await startTrivet(stores, {}, program);
  step(`Sending ${ARTIFACTS} artifacts with ${FINDINGS} findings each`);
  await fill(url);
  const args = ['--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run', '--disable-sync'];
  const browser = await chromium.launch({ executablePath, args });
  life.onEnd(() => browser.close());
  const warm = [];
  const cold = [];
  // The first of each is for the machine to wake up.
  for (let round = 0; round <= ROUNDS; round += 1) {
    life.signal.throwIfAborted();
    step(`Overview, round ${round} of ${ROUNDS}`);
    await fetch(`${url}/api/cache/clear`, { method: 'POST' });
    const first = await overview(browser, url);
    const second = await overview(browser, url);
    if (round > 0) cold.push(first) && warm.push(second);
  }
  const frozen = [];
  for (let round = 1; round <= FREEZES; round += 1) {
    step(`Frozen Redis, round ${round} of ${FREEZES}`);
    frozen.push(await freeze(browser, url, stores.redisPid));
  }
  return tableOf({ warm, cold, frozen });
}

/** Sends reports of a cluster, in which every resource has findings of its own among those of all. */
async function fill(url) {
  for (let from = 0; from < ARTIFACTS; from += ARTIFACTS_PER_REPORT) {
    const Resources = Array.from({ length: ARTIFACTS_PER_REPORT }, (_, index) => resource(from + index));
    const body = JSON.stringify({ ClusterName: 'bench', Resources });
    const response = await fetch(`${url}/api/scan-results`, { method: 'POST', body });
    if (!response.ok) throw new Problem(`A report was refused: ${await response.text()}`);
  }
}

function resource(number) {
  const Vulnerabilities = Array.from({ length: FINDINGS }, (_, index) => {
    const id = (number * 7 + index * 13) % VULNERABILITIES;
    return {
      VulnerabilityID: `CVE-2026-${10_000 + id}`,
      PkgName: `package-${id % 300}`,
      InstalledVersion: `1.${number % 5}`,
      ...(id % 3 ? { FixedVersion: '2.0' } : {}),
      Severity: SEVERITIES[id % SEVERITIES.length],
      Title: `package-${id % 300}: something that can be done to it by someone from elsewhere`,
    };
  });
  const Results = [{ Target: 'debian', Class: 'os-pkgs', Type: 'debian', Vulnerabilities }];
  return {
    Namespace: `namespace-${number % 40}`,
    Kind: 'Deployment',
    Name: `application-${number}`,
    Results,
  };
}

/** In a browser that has nothing yet. @returns ms since the address was opened until figures and tables were there */
async function overview(browser, url) {
  const context = await browser.newContext({ viewport: { width: 1440, height: 900 } });
  const page = await context.newPage();
  await page.goto(url);
  const at = async (isShown) => {
    const options = { polling: 'raf', timeout: TIMEOUT_MS };
    await page.waitForFunction(isShown, null, options);
    return page.evaluate(() => performance.now());
  };
  const figures = await at(() => /\d/.test(document.querySelector('main a b')?.textContent ?? ''));
  const all = await at(
    () => document.querySelectorAll('main table').length === 3 && document.querySelector('main canvas'),
  );
  await context.close();
  return { figures, all };
}

/** @returns ms until the cache view told that Redis froze, and that it is back */
async function freeze(browser, url, redisPid) {
  const context = await browser.newContext();
  const page = await context.newPage();
  await page.goto(`${url}/cache`);
  const told = async (words) => {
    const startedMs = performance.now();
    await page.getByText(words).waitFor({ timeout: TIMEOUT_MS });
    return performance.now() - startedMs;
  };
  await told(/^Active since/);
  process.kill(redisPid, 'SIGSTOP');
  const gone = await told(/^Bypass since/).finally(() => process.kill(redisPid, 'SIGCONT'));
  const back = await told(/^Active since/);
  await context.close();
  return { gone, back };
}

function tableOf({ warm, cold, frozen }) {
  const row = (name, values) => {
    const [lowest, middle, highest] = [0, 0.5, 1].map((share) => Math.round(quantile(values, share)));
    return [name, middle, `${lowest}–${highest}`];
  };
  const of = (samples, field) => samples.map((sample) => sample[field]);
  return table(
    ['ms in the browser', 'median', 'lowest–highest'],
    [
      row('overview, cache warm: its figures', of(warm, 'figures')),
      row('overview, cache warm: all of it', of(warm, 'all')),
      row('overview, cache cleared: its figures', of(cold, 'figures')),
      row('overview, cache cleared: all of it', of(cold, 'all')),
      row('Redis frozen, until the cache view says so', of(frozen, 'gone')),
      row('Redis back, until the cache view says so', of(frozen, 'back')),
    ],
  );
}
