import { Suspense, useMemo, useState } from 'react';
import type { SeverityCounts, Summary } from '../../../src/schemas.ts';
import { Panel } from '../components/Page.tsx';
import { Toggles } from '../components/Toggles.tsx';
import { artifactsHref, ofSeverity, vulnerabilitiesHref } from '../links.ts';
import type { Query } from '../parameters.ts';
import { early } from '../parts.ts';
import classes from './Overview.module.css';

const SeverityChart = early('SeverityChart', () => import('../components/SeverityChart.tsx'));

/** What the trend counts, with the list of today's. */
const MEASURES = {
  vulnerabilities: { label: 'Vulnerabilities', list: vulnerabilitiesHref },
  findings: {
    label: 'Findings',
    list: (query: Query) => vulnerabilitiesHref({ show: ['findings'], ...query }),
  },
  artifacts: {
    label: 'Artifacts',
    list: ({ severity = [] }: Query) => artifactsHref({ worst: severity, stale: ['false'] }),
  },
} as const;
type Measure = keyof typeof MEASURES;

/** How it stood on each of the last days. */
export function Trend({ summary }: { summary: Summary }) {
  const [measure, setMeasure] = useState<Measure>('vulnerabilities');
  const points = useMemo(
    () =>
      summary.trend.map((point) => ({
        day: point.day,
        counts: point[measure],
        // Of the days before there is no list: what was found then is not kept, only how much.
        ...(point.day === summary.day
          ? { href: (key: keyof SeverityCounts) => MEASURES[measure].list(ofSeverity(key)) }
          : {}),
      })),
    [summary, measure],
  );
  return (
    <Panel
      title="The last 30 days"
      actions={
        <Toggles
          label="What the chart counts"
          toggles={(Object.keys(MEASURES) as Measure[]).map((one) => ({
            key: one,
            label: MEASURES[one].label,
            pressed: one === measure,
            onPress: () => setMeasure(one),
          }))}
        />
      }
    >
      <Suspense fallback={<div className={classes.chartPlace} role="status" aria-label="Loading" />}>
        <SeverityChart
          label={`${MEASURES[measure].label} by severity at the end of each of the last 30 UTC days`}
          points={points}
        />
      </Suspense>
    </Panel>
  );
}
