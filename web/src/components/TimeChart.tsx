import 'uplot/dist/uPlot.min.css';
import { type RefObject, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import { formatDateTime } from '../format.ts';
import { Legend, type Series, Swatch, ValueTable } from './ChartValues.tsx';
import classes from './TimeChart.module.css';

interface TimeChartProps {
  /** What the chart shows, for those who do not see it. */
  label: string;
  /** Seconds since 1970, ascending. */
  times: number[];
  series: Series[];
  /** Each series on top of the ones before it. */
  stacked?: boolean;
  /** A fixed axis. */
  range?: [number, number];
  format: (value: number) => string;
  formatTime?: (seconds: number) => string;
  height?: number;
  /** Charts of one name share their cursor. */
  sync?: string;
  /** Which steps of time are shaded, and why: `Not active`. */
  marked?: boolean[];
  markedLabel?: string;
}

/** Values over time as lines or as a stack, with the same as a table. */
export function TimeChart(props: TimeChartProps) {
  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot>(null);
  const latest = useRef(props);
  const scheme = useScheme();
  const [asTable, setAsTable] = useState(false);
  // biome-ignore lint/correctness/useExhaustiveDependencies: the colours are read from the style sheet of the scheme.
  useEffect(() => {
    const element = host.current;
    if (!element || asTable) return;
    const drawn = new uPlot(optionsFor(latest, element), dataFor(latest.current), element);
    const observer = new ResizeObserver(() => drawn.setSize(sizeOf(element, latest.current.height)));
    observer.observe(element);
    chart.current = drawn;
    return () => {
      observer.disconnect();
      drawn.destroy();
      chart.current = null;
    };
  }, [scheme, asTable]);
  useEffect(() => {
    if (latest.current === props) return;
    latest.current = props;
    chart.current?.setData(dataFor(props));
  }, [props]);
  return (
    <figure className={classes.chart}>
      {asTable ? (
        <ValueTable formatTime={formatSeconds} {...props} />
      ) : (
        <div ref={host} role="img" aria-label={props.label} />
      )}
      <figcaption>
        <ul>
          {[...props.series].reverse().map((series) => (
            <li key={series.label}>
              <Swatch color={series.color} dashed={series.dashed ?? false} />{' '}
              <Legend series={series} format={props.format} />
            </li>
          ))}
          {props.marked?.some(Boolean) && (
            <li>
              <Swatch color="--warn-ground" dashed={false} /> {props.markedLabel}
            </li>
          )}
        </ul>
        <button type="button" aria-pressed={asTable} onClick={() => setAsTable(!asTable)}>
          {asTable ? 'Show as chart' : 'Show as table'}
        </button>
      </figcaption>
    </figure>
  );
}

const formatSeconds = (seconds: number): string => formatDateTime(seconds * 1000);
const DEFAULT_HEIGHT = 180;
const sizeOf = (element: HTMLElement, height = DEFAULT_HEIGHT) => ({
  width: Math.max(element.clientWidth, 120),
  height,
});

/** Sums of each series and those before it, where stacked. */
function dataFor({ times, series, stacked }: TimeChartProps): uPlot.AlignedData {
  if (!stacked) return [times, ...series.map((one) => one.values)];
  const sums = times.map(() => 0);
  const layers = series.map((one) =>
    one.values.map((value, index) => {
      const sum = (sums[index] ?? 0) + (value ?? 0);
      sums[index] = sum;
      return sum;
    }),
  );
  return [times, ...layers];
}

/** @param latest the props as they are when something is drawn; the series stay the same for the chart's life */
function optionsFor(latest: RefObject<TimeChartProps>, element: HTMLElement): uPlot.Options {
  const props = latest.current;
  const style = getComputedStyle(element);
  const probe = document.createElement('span');
  element.append(probe);
  // light-dark() is only resolved where a property takes the colour.
  const colorOf = (name: string, share = 100) => {
    probe.style.color = `color-mix(in srgb, var(${name}) ${share}%, transparent)`;
    return getComputedStyle(probe).color;
  };
  const muted = colorOf('--muted');
  const line = colorOf('--line');
  const axis = {
    stroke: muted,
    grid: { stroke: line, width: 1 },
    ticks: { show: false },
    font: `11px ${style.fontFamily}`,
  };
  const { series, stacked, range, format, sync } = props;
  const options: uPlot.Options = {
    ...sizeOf(element, props.height),
    legend: { show: false },
    cursor: {
      y: false,
      points: { size: 6 },
      drag: { x: false, y: false },
      ...(sync ? { sync: { key: sync } } : {}),
    },
    scales: {
      x: { time: true },
      y: range ? { range } : { range: (_chart, _min, max) => [0, Math.max(max * 1.08, 1)] },
    },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 26,
        ...(props.formatTime ? { values: (_chart, splits) => splits.map(props.formatTime ?? String) } : {}),
      },
      { ...axis, size: 54, values: (_chart, splits) => splits.map(format) },
    ],
    series: [
      {},
      ...series.map((one) => {
        const color = colorOf(one.color);
        return {
          label: one.label,
          stroke: color,
          width: stacked ? 1 : 1.5,
          ...(one.dashed ? { dash: [5, 3] } : {}),
          ...(stacked ? { fill: colorOf(one.color, 70) } : {}),
          points: { show: false, filter: alone, size: 5, fill: color },
        };
      }),
    ],
    ...(stacked
      ? {
          bands: series
            .slice(1)
            .map((_one, index) => ({ series: [index + 2, index + 1] as [number, number] })),
        }
      : {}),
    plugins: [tooltip(latest), bands(latest, colorOf('--warn-ground'))],
  };
  probe.remove();
  return options;
}

/** Values between gaps, of which no line can be drawn. */
const alone: uPlot.Series.Points.Filter = (chart, series) => {
  const values = chart.data[series] ?? [];
  return [...values.keys()].filter(
    (index) => values[index] != null && values[index - 1] == null && values[index + 1] == null,
  );
};

/** Follows the cursor with the values at it. */
function tooltip(latest: RefObject<TimeChartProps>): uPlot.Plugin {
  const box = document.createElement('div');
  box.className = classes.tooltip ?? '';
  return {
    hooks: {
      init: (chart) => chart.over.append(box),
      setCursor: (chart) => {
        const { idx, left = -1 } = chart.cursor;
        box.hidden = idx == null || left < 0;
        if (idx == null || left < 0) return;
        const { series, times, format, formatTime = formatSeconds } = latest.current;
        const lines = [...series]
          .reverse()
          .map((one) => `${one.label} ${one.values[idx] == null ? '–' : format(one.values[idx])}`);
        box.textContent = [formatTime(times[idx] ?? 0), ...lines].join('\n');
        const side = left > chart.over.clientWidth / 2;
        box.style.left = side ? 'auto' : `${left + 12}px`;
        box.style.right = side ? `${chart.over.clientWidth - left + 12}px` : 'auto';
      },
    },
  };
}

/** Shades the steps that are marked. */
function bands(latest: RefObject<TimeChartProps>, color: string): uPlot.Plugin {
  return {
    hooks: {
      drawClear: (chart) => {
        const { ctx, bbox } = chart;
        ctx.fillStyle = color;
        latest.current.marked?.forEach((isMarked, index) => {
          const from = chart.data[0][index];
          const to = chart.data[0][index + 1] ?? from;
          if (!isMarked || from === undefined || to === undefined) return;
          const left = chart.valToPos(from, 'x', true);
          ctx.fillRect(left, bbox.top, Math.max(chart.valToPos(to, 'x', true) - left, 2), bbox.height);
        });
      },
    },
  };
}

const readScheme = () => document.documentElement.getAttribute('data-mantine-color-scheme');

/** Changes when the colours do. */
function useScheme(): string | null {
  const [scheme, setScheme] = useState(readScheme);
  useEffect(() => {
    const observer = new MutationObserver(() => setScheme(readScheme()));
    observer.observe(document.documentElement, { attributeFilter: ['data-mantine-color-scheme'] });
    return () => observer.disconnect();
  }, []);
  return scheme;
}
