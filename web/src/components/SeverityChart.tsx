import { useMemo } from 'react';
import type { SeverityCounts } from '../../../src/schemas.ts';
import { formatCount, formatDay } from '../format.ts';
import { SEVERITY_KEYS } from './Severity.tsx';
import { TimeChart } from './TimeChart.tsx';

export interface DayPoint {
  /** A UTC day. */
  day: string;
  counts: SeverityCounts;
  /** The list of as many, where there is one. */
  href?: (key: keyof SeverityCounts) => string;
}

const formatTime = (seconds: number): string =>
  formatDay(new Date(seconds * 1000).toISOString().slice(0, 10));

/** Counts by severity over days, the most severe at the bottom, where its size can be read off. */
export function SeverityChart({
  label,
  points,
  height = 200,
}: {
  label: string;
  points: DayPoint[];
  height?: number;
}) {
  const series = useMemo(
    () =>
      SEVERITY_KEYS.map((key) => ({
        label: key.charAt(0).toUpperCase() + key.slice(1),
        color: `--chart-${key}`,
        values: points.map(({ counts }) => counts[key]),
        hrefs: points.map(({ href }) => href?.(key)),
      })),
    [points],
  );
  const times = useMemo(() => points.map(({ day }) => Date.parse(`${day}T00:00:00Z`) / 1000), [points]);
  return (
    <TimeChart
      label={label}
      times={times}
      series={series}
      stacked
      height={height}
      format={formatCount}
      formatTime={formatTime}
    />
  );
}
