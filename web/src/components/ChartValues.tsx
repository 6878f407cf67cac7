import { Link } from 'wouter';
import { Scrollable } from './Scrollable.tsx';
import classes from './TimeChart.module.css';

export interface Series {
  label: string;
  /** A custom property of a colour: `--chart-high`. */
  color: string;
  values: (number | null)[];
  /** Of each value the list that it counts; the last one's stands in the legend. */
  hrefs?: (string | undefined)[];
  dashed?: boolean;
}

/** What a series is, with its last value where that is a link. */
export function Legend({ series, format }: { series: Series; format: (value: number) => string }) {
  const { label, values, hrefs } = series;
  const last = values.at(-1);
  const href = hrefs?.at(-1);
  if (last == null || !href) return label;
  const text = `${label} ${format(last)}`;
  return last > 0 ? <Link href={href}>{text}</Link> : text;
}

interface ValueProps {
  value: number | null | undefined;
  href: string | undefined;
  format: (value: number) => string;
}

function Value({ value, href, format }: ValueProps) {
  if (value == null) return '–';
  return href && value > 0 ? <Link href={href}>{format(value)}</Link> : format(value);
}

export function Swatch({ color, dashed }: { color: string; dashed: boolean }) {
  return (
    <svg width="14" height="10" aria-hidden="true">
      <path
        d="M0 5h14"
        stroke={`var(${color})`}
        strokeWidth={dashed ? 2 : 8}
        strokeDasharray={dashed ? '4 2' : undefined}
      />
    </svg>
  );
}

interface ValueTableProps {
  label: string;
  /** Seconds since 1970. */
  times: number[];
  series: Series[];
  format: (value: number) => string;
  formatTime: (seconds: number) => string;
}

/** The values of a chart as a table. */
export function ValueTable({ label, times, series, format, formatTime }: ValueTableProps) {
  return (
    <Scrollable label={label} className={classes.table}>
      <table>
        <caption>{label}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((one) => (
              <th key={one.label} scope="col">
                {one.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times.map((time, row) => (
            <tr key={time}>
              <th scope="row">{formatTime(time)}</th>
              {series.map((one) => (
                <td key={one.label}>
                  <Value value={one.values[row]} href={one.hrefs?.[row]} format={format} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </Scrollable>
  );
}
