import { useMemo } from 'react';
import type { CacheStatistics } from '../../../src/schemas.ts';
import type { Series } from '../components/ChartValues.tsx';
import { Panel } from '../components/Page.tsx';
import { TimeChart } from '../components/TimeChart.tsx';
import { formatCount, formatMs } from '../format.ts';
import classes from './Cache.module.css';

type Minute = CacheStatistics['history'][number];

const SYNC = 'cache';
const percent = (value: number) => `${Math.round(value)} %`;
const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit' });
const formatTime = (seconds: number): string => clock.format(new Date(seconds * 1000));
const HEIGHT = 190;

/** The last hour: hit ratio, requests by outcome, latency. The cursor moves in all three. */
export function CacheCharts({ history }: { history: Minute[] }) {
  const charts = useMemo(() => describe(history), [history]);
  const shared = {
    times: charts.times,
    marked: charts.troubled,
    markedLabel: 'Not active, or a warning',
    formatTime,
    sync: SYNC,
    height: HEIGHT,
  };
  return (
    <div className={classes.charts}>
      <Panel title="Hit ratio">
        <TimeChart
          {...shared}
          label="Hit ratio over the last hour"
          series={charts.ratio}
          range={[0, 100]}
          format={percent}
        />
      </Panel>
      <Panel title="Requests per minute">
        <TimeChart
          {...shared}
          label="Requests by outcome over the last hour"
          series={charts.outcomes}
          stacked
          format={formatCount}
        />
      </Panel>
      <Panel title="Latency">
        <TimeChart {...shared} label="Latency over the last hour" series={charts.latency} format={formatMs} />
      </Panel>
    </div>
  );
}

function describe(history: Minute[]) {
  const series = (label: string, color: string, value: (minute: Minute) => number | null): Series => ({
    label,
    color,
    values: history.map(value),
  });
  const share = (part: number, minute: Minute) => {
    const all = minute.hits + minute.misses;
    return all === 0 ? null : (part / all) * 100;
  };
  return {
    times: history.map(({ minute }) => Date.parse(minute) / 1000),
    troubled: history.map(({ bypass, degraded }) => bypass || degraded),
    ratio: [
      { ...series('Local', '--chart-low', (minute) => share(minute.localHits, minute)), dashed: true },
      series('All hits', '--good', (minute) => share(minute.hits, minute)),
    ],
    outcomes: [
      series('Miss', '--chart-high', (minute) => minute.misses - minute.collapsed),
      series('Collapsed', '--chart-medium', (minute) => minute.collapsed),
      series('Bypassed', '--chart-critical', (minute) => minute.bypasses),
      series('Hit', '--good', (minute) => minute.hits - minute.localHits),
      series('Local hit', '--chart-low', (minute) => minute.localHits),
    ],
    latency: [
      { ...series('Hit, median', '--chart-low', (minute) => minute.redisMsP50), dashed: true },
      series('Hit, p99', '--good', (minute) => minute.redisMsP99),
      series('Load from PostgreSQL, p99', '--chart-high', (minute) => minute.loadMsP99),
    ],
  };
}
