import type { SeverityCounts, SeverityDifferences, Summary } from '../schemas.ts';
import { SEVERITIES } from '../trivy/report.ts';
import type { Db } from './pool.ts';

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
       FROM (SELECT *, ${worst((name) => name)} AS worst FROM artifact) artifact
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

/**
 * What changed on each day after `since`, latest first: of vulnerabilities, how many came to have a severity as the
 * worst at which any artifact has them, less how many ceased to.
 */
async function readChanges(db: Db, since: string): Promise<Change[]> {
  const today = (name: string) => `coalesce(s.${name}, 0) AS ${name}`;
  const gained = (name: string, level: number) =>
    `coalesce(sum(artifacts) FILTER (WHERE c.severity = ${level}), 0)::integer AS ${name}_gained`;
  // At the end of the day, and of the day before it: what there is today without all that was gained since.
  const after = (name: string) => `${name} - sum(${name}_gained) OVER since + ${name}_gained`;
  const before = (name: string) => `${name} - sum(${name}_gained) OVER since`;
  const { rows } = await db.query<Change>(
    `WITH changed AS (
       SELECT vulnerability_id, max(severity) AS severity, sum(greatest(artifacts, 0)) AS gained
       FROM vulnerability_change WHERE day > $1::date GROUP BY vulnerability_id
     ), unsteady AS MATERIALIZED (
       -- Left out are those that had today's worst severity on every day: nothing worse changed, and more artifacts
       -- have it today than were gained. That leaves few to sort, as a rule.
       SELECT vulnerability_id, ${NAMES.map(today).join(', ')}
       FROM changed c LEFT JOIN vulnerability_summary s USING (vulnerability_id)
       WHERE s.severity IS NULL OR c.severity > s.severity
         OR c.gained >= CASE s.severity ${NAMES.map((name, level) => `WHEN ${level} THEN s.${name}`).join(' ')} END
     ), day AS (
       SELECT vulnerability_id, day, ${NAMES.map(gained).join(', ')}
       FROM vulnerability_change c
       WHERE day > $1::date AND vulnerability_id IN (SELECT vulnerability_id FROM unsteady)
       GROUP BY vulnerability_id, day
     ), state AS (
       SELECT day, ${worst(after)} AS after, ${worst(before)} AS before
       FROM day JOIN unsteady USING (vulnerability_id)
       WINDOW since AS (PARTITION BY vulnerability_id ORDER BY day DESC)
     )
     SELECT to_char(day, 'YYYY-MM-DD') AS day, measure, severity, delta FROM (
       SELECT day, 'vulnerabilities' AS measure, severity, sum(delta) AS delta
       FROM state CROSS JOIN LATERAL (VALUES (after, 1), (before, -1)) AS worst(severity, delta)
       WHERE after IS DISTINCT FROM before
       GROUP BY day, severity
       UNION ALL
       SELECT day, measure, severity, delta FROM total_change WHERE day > $1::date
     ) change WHERE severity IS NOT NULL ORDER BY day DESC`,
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

/** SQL of the worst severity that has a count above zero; NULL where none has. */
function worst(count: (name: string) => string): string {
  const cases = NAMES.map((name, level) => `WHEN ${count(name)} > 0 THEN ${level}`);
  return `CASE ${cases.reverse().join(' ')} END`;
}

function startOf(day: string): Date {
  return new Date(`${day}T00:00:00Z`);
}

/** @param days negative for later days */
function dayBefore(day: string, days: number): string {
  return new Date(startOf(day).getTime() - days * DAY_MS).toISOString().slice(0, 10);
}
