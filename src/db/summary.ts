import type { SeverityCounts, SeverityDifferences, Summary } from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import type { Db } from './pool.ts';
import { worstOf } from './trend.ts';

/** Days that the trend shows, today's included. */
const TREND_DAYS = 30;
const DAY_MS = 86_400_000;

/** Names of the counts, by the severity's number. */
const NAMES = SEVERITIES.map((severity) => severity.toLowerCase() as keyof SeverityCounts);

interface Totals {
  vulnerabilities: SeverityCounts;
  findings: SeverityCounts;
  artifacts: SeverityCounts;
}

interface Now extends Totals {
  fixable_vulnerabilities: SeverityCounts;
  fixable_findings: number;
  live: number;
  stale: number;
  scans: number;
  scans_today: number;
  last_received_at: Date | null;
}

interface Change {
  /** UTC day as YYYY-MM-DD. */
  day: string;
  measure: keyof Totals;
  severity: number;
  delta: number;
}

/**
 * What there is now, how it differs from a week ago, and the trend. Artifacts that are stale count in `stale` alone.
 * @param today UTC day as YYYY-MM-DD, with which the trend ends
 */
export async function getSummary(db: Db, today: string): Promise<Summary> {
  const now = await readNow(db, today);
  const trend = trendOf(now, await readChanges(db, dayBefore(today, TREND_DAYS - 1)), today);
  const weekAgo = trend.at(-1 - 7) ?? now;
  const withVulnerabilities = NAMES.reduce((sum, name) => sum + now.artifacts[name], 0);
  return {
    day: today,
    vulnerabilities: now.vulnerabilities,
    findings: now.findings,
    artifacts: { ...now.artifacts, none: now.live - withVulnerabilities, live: now.live, stale: now.stale },
    fixable: { vulnerabilities: now.fixable_vulnerabilities, findings: now.fixable_findings },
    scans: {
      total: now.scans,
      today: now.scans_today,
      lastReceivedAt: now.last_received_at?.toISOString() ?? null,
    },
    since7Days: {
      vulnerabilities: difference(now.vulnerabilities, weekAgo.vulnerabilities),
      findings: difference(now.findings, weekAgo.findings),
      artifacts: difference(now.artifacts, weekAgo.artifacts),
    },
    trend,
  };
}

async function readNow(db: Db, today: string): Promise<Now> {
  const { rows } = await db.query<Now>(
    `SELECT v.*, a.*, s.* FROM (
       SELECT ${counts((level) => `count(*) FILTER (WHERE severity = ${level})`)} AS vulnerabilities,
         ${counts((level) => `count(*) FILTER (WHERE severity = ${level} AND fixable > 0)`)}
           AS fixable_vulnerabilities
       FROM vulnerability_summary
     ) v, (
       SELECT ${counts((_, name) => `coalesce(sum(${name}) FILTER (WHERE NOT stale), 0)`)} AS findings,
         ${counts((level) => `count(*) FILTER (WHERE NOT stale AND worst = ${level})`)} AS artifacts,
         coalesce(sum(fixable) FILTER (WHERE NOT stale), 0) AS fixable_findings,
         count(*) FILTER (WHERE NOT stale) AS live, count(*) FILTER (WHERE stale) AS stale
       FROM (SELECT *, ${worstOf((name) => name)} AS worst FROM artifact) artifact
     ) a, (
       SELECT (SELECT count(*) FROM scan) AS scans,
         (SELECT count(*) FROM scan WHERE received_at >= $1 AND received_at < $2) AS scans_today,
         (SELECT max(received_at) FROM scan) AS last_received_at
     ) s`,
    [startOf(today), startOf(dayBefore(today, -1))],
  );
  if (!rows[0]) throw new Error('aggregates without a row');
  return rows[0];
}

/** What changed on each day after `since`, latest first. */
async function readChanges(db: Db, since: string): Promise<Change[]> {
  const { rows } = await db.query<Change>(
    `SELECT day::text, measure, severity, delta FROM total_change
     WHERE day > $1::date AND severity IS NOT NULL ORDER BY total_change.day DESC`,
    [since],
  );
  return rows;
}

/** Goes back from today's state. Changes of later days, by clocks that differ, are part of it. */
function trendOf(now: Now, changes: Change[], today: string): Summary['trend'] {
  const { vulnerabilities, findings, artifacts } = now;
  const state = structuredClone<Totals>({ vulnerabilities, findings, artifacts });
  const trend: Summary['trend'] = [];
  let next = 0;
  for (let ago = 0; ago < TREND_DAYS; ago += 1) {
    const day = dayBefore(today, ago);
    trend.unshift({ day, ...structuredClone(state) });
    for (let change = changes[next]; change && change.day >= day; next += 1, change = changes[next]) {
      const name = NAMES[change.severity];
      if (name) state[change.measure][name] -= change.delta;
    }
  }
  return trend;
}

function difference(now: SeverityCounts, then: SeverityCounts): SeverityDifferences {
  const { critical, high, medium, low, unknown } = now;
  return {
    critical: critical - then.critical,
    high: high - then.high,
    medium: medium - then.medium,
    low: low - then.low,
    unknown: unknown - then.unknown,
  };
}

/** SQL of an object of counts by severity. */
function counts(count: (level: number, name: string) => string): string {
  const members = NAMES.map((name, level) => `'${name}', ${count(level, name)}`);
  return `json_build_object(${members.reverse().join(', ')})`;
}

function startOf(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}

/** @param days negative for later days */
function dayBefore(day: string, days: number): string {
  return new Date(startOf(day).getTime() - days * DAY_MS).toISOString().slice(0, 10);
}
