// Samples of several rounds, as tables in Markdown.
import { BASELINE, DRESSED } from './contestants.mjs';

/** @param {number[]} values @returns {number} */
export function median(values) {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/**
 * Processor time for each request, and the ratio to the constant of the same round: median, lowest and highest.
 * Trivet a second time, beside the constant that sends the same headers and does the same checks.
 * @param {Map<string, Map<string, import('./measure.mjs').Sample[]>>} results by contestant, then by scenario
 * @param {{title: string, key: string}[]} scenarios the columns
 */
export function cpuTables(results, scenarios) {
  const names = [...results.keys()];
  const hits = names.filter((name) => /hit$/.test(name));
  return [
    ratioTable(results, scenarios, names, BASELINE, 'CPU per request, µs (ratio, lowest to highest)'),
    ratioTable(results, scenarios, hits, DRESSED, `beside the constant ${DRESSED.slice(2)}`),
  ].join('\n');
}

function ratioTable(results, scenarios, names, baseline, title) {
  const rows = names.map((name) => [
    name,
    ...scenarios.map(({ key }) => cpuCell(results.get(name).get(key), results.get(baseline).get(key))),
  ]);
  return table([title, ...scenarios.map((scenario) => scenario.title)], rows);
}

function cpuCell(samples, baseline) {
  const ratios = samples.map(({ cpuUs }, round) => cpuUs / baseline[round].cpuUs);
  const spread = `${number(Math.min(...ratios))}–${number(Math.max(...ratios))}`;
  return `${number(median(samples.map(({ cpuUs }) => cpuUs)))} (**${number(median(ratios))}**, ${spread})`;
}

/** Requests a second and latencies, medians of the rounds. */
export function speedTable(results, scenarios) {
  const cell = (samples) => {
    const [perSecond, p50, p99] = ['perSecond', 'p50Ms', 'p99Ms'].map((field) =>
      number(median(samples.map((sample) => sample[field]))),
    );
    return `${perSecond} / ${p50} / ${p99}`;
  };
  const rows = [...results].map(([name, byScenario]) => [
    name,
    ...scenarios.map(({ key }) => cell(byScenario.get(key))),
  ]);
  return table(['requests a second / p50 / p99 in ms', ...scenarios.map(({ title }) => title)], rows);
}

/** What Redis used for each request in one scenario, and resident memory. */
export function costTable(results, key, memory) {
  const rows = [...results].map(([name, byScenario]) => [
    name,
    number(median(byScenario.get(key).map(({ redisUs }) => redisUs))),
    number(memory.get(name)),
  ]);
  return table(['beside that', 'CPU of Redis per request, µs', 'memory at the end, MiB'], rows);
}

export function herdTable(loads) {
  const rows = Object.entries(loads).map(([name, count]) => [name, String(count)]);
  return table(['1,000 requests at once over 4 processes', 'times that PostgreSQL was asked'], rows);
}

export function table(head, rows) {
  const lines = [head, head.map((_, index) => (index === 0 ? '---' : '---:')), ...rows];
  return `${lines.map((cells) => `| ${cells.join(' | ')} |`).join('\n')}\n`;
}

/** Three digits, or all before the point. */
export function number(value) {
  if (value >= 100) return String(Math.round(value));
  if (value >= 10) return value.toFixed(1);
  return value.toFixed(2);
}
