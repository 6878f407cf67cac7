/**
 * What is derived of an artifact's scans, brought up to date after they changed. Everything goes by difference:
 * rows that stay the same are not written again, and the cost is that of the artifact's own findings, never that of
 * the other artifacts that have them too.
 *
 * First comes what belongs to the artifact alone (its caller has locked the artifact), then, under one lock that
 * writers share, what all artifacts add up to.
 */
import { findingsOf, joinedByHash } from './findings_of.ts';
import { markLatest } from './latest.ts';
import type { Db } from './pool.ts';
import { addToPackages, addToSummary, lockSums } from './sums.ts';
import { LONG_AGO, readTimelines, type Shift, shiftsBetween, trendHorizon } from './timeline.ts';
import { addToTotals, addToTrend, addToWorst } from './trend.ts';

/** An artifact, locked by the caller, of which something changed or is about to. */
export interface ChangedArtifact {
  id: number;
  /** Whether it was stale before the change, and is after it. */
  wasStale: boolean;
  stale: boolean;
}

export interface Change {
  artifacts: ChangedArtifact[];
  /** Scans that are stored already, with their findings. */
  added?: number[];
  /** Scans that the caller deletes afterwards. */
  removed?: number[];
  now: Date;
}

/** The latest scans for vulnerabilities of the artifacts $1. */
const LATEST_SCANS = `latest_scan AS MATERIALIZED (
       SELECT vulnerability_scan_id AS id, id AS artifact_id, name, stale FROM artifact
       WHERE id = ANY ($1::int[]) AND vulnerability_scan_id IS NOT NULL
     )`;

/** An array of one column as PostgreSQL printed it, to be handed back as it is. */
type Printed = string;

/** Differences of `vulnerability_summary`, a row per vulnerability. */
export interface SummaryDifferences {
  vulnerability: Printed;
  critical: Printed;
  high: Printed;
  medium: Printed;
  low: Printed;
  unknown: Printed;
  findings: Printed;
  fixable: Printed;
  /** The earliest time that the artifacts have now to say; null where they have nothing to say any more. */
  firstSeen: Printed;
  /** Whether an artifact with something to say no longer counts. */
  leaving: Printed;
}

/** Differences of `vulnerability_package`, and of `finding_count` in sum. */
export interface PackageDifferences {
  vulnerability: Printed;
  package: Printed;
  status: Printed;
  fixable: Printed;
  severity: Printed;
  findings: Printed;
}

/** Differences of `vulnerability_change`. On a day before its first they are of no row, but of what there is now. */
export interface TrendDifferences {
  vulnerability: Printed;
  day: Printed;
  severity: Printed;
  artifacts: Printed;
}

/** Brings everything derived of the artifacts up to date, as though removed scans were gone already. */
export async function maintain(db: Db, change: Change): Promise<void> {
  const { artifacts, added = [], removed = [] } = change;
  if (artifacts.length === 0) return;
  const shifts = await readShifts(db, change);
  const { trend, summary, packages } = await joinedByHash(db, async () => {
    const trend = await trendDifferences(db, shifts);
    await markLatest(db, artifacts, removed);
    const { summary, moved } = await updateVulnerabilities(db, artifacts, added);
    if (moved) await moveFirstSeen(db, artifacts);
    return { trend, summary, packages: await updateCurrentFindings(db, artifacts) };
  });

  if (!summary && !packages && shifts.length === 0) return;
  await lockSums(db);
  if (trend) await addToWorst(db, trend);
  if (summary) await addToSummary(db, summary);
  if (packages) await addToPackages(db, packages);
  if (trend) await addToTrend(db, trend);
  if (shifts.length > 0) await addToTotals(db, shifts);
}

/** What the change does to the trend: an artifact that is stale has no part in it. */
async function readShifts(db: Db, { artifacts, added = [], removed = [], now }: Change): Promise<Shift[]> {
  const horizon = trendHorizon(now);
  const counting = (side: 'wasStale' | 'stale') => artifacts.filter((one) => !one[side]).map((one) => one.id);
  const before = await readTimelines(db, counting('wasStale'), added, horizon);
  const after = await readTimelines(db, counting('stale'), removed, horizon);
  return artifacts
    .flatMap(({ id }) => shiftsBetween(before.get(id) ?? [], after.get(id) ?? []))
    .map((shift) => (shift.day >= horizon ? shift : { ...shift, day: LONG_AGO }));
}

async function trendDifferences(db: Db, shifts: Shift[]): Promise<TrendDifferences | null> {
  if (shifts.length === 0) return null;
  const { rows } = await db.query<{ [Key in keyof TrendDifferences]: Printed | null }>(
    `WITH ${findingsOf('$3::bigint[] || $4::bigint[]')}, shift AS (
       SELECT * FROM unnest($1::date[], $2::int[], $3::bigint[], $4::bigint[]) AS s(day, sign, before, after)
     ), worst AS MATERIALIZED (
       SELECT scan_id, vulnerability_id, max(severity) AS severity FROM finding GROUP BY scan_id, vulnerability_id
     ), difference AS (
       SELECT vulnerability_id, day, severity, sum(artifacts) AS artifacts
       FROM (
         SELECT vulnerability_id, day, severity, sign AS artifacts FROM shift JOIN worst ON scan_id = after
         UNION ALL
         SELECT vulnerability_id, day, severity, -sign FROM shift JOIN worst ON scan_id = before
       ) part
       GROUP BY vulnerability_id, day, severity HAVING sum(artifacts) <> 0
     )
     SELECT array_agg(vulnerability_id)::text AS vulnerability, array_agg(day)::text AS day,
       array_agg(severity)::text AS severity, array_agg(artifacts)::text AS artifacts
     FROM difference`,
    [
      shifts.map((shift) => shift.day),
      shifts.map((shift) => shift.sign),
      shifts.map((shift) => shift.before),
      shifts.map((shift) => shift.after),
    ],
  );
  return complete<TrendDifferences>(rows[0], 'vulnerability');
}

/**
 * `artifact_vulnerability`: how each vulnerability stands in the latest scan, and the earliest time that an added
 * scan reports it.
 * @returns what this adds to the summary, and whether a vulnerability turned out to have been there earlier.
 */
async function updateVulnerabilities(
  db: Db,
  artifacts: ChangedArtifact[],
  added: number[],
): Promise<{ summary: SummaryDifferences | null; moved: boolean }> {
  const { rows } = await db.query<{ [Key in keyof SummaryDifferences]: Printed | null } & { moved: boolean }>(
    `WITH ${LATEST_SCANS}, ${findingsOf('ARRAY(SELECT id FROM latest_scan) || $4::bigint[]')}, artifacts AS (
       SELECT * FROM unnest($1::int[], $2::boolean[], $3::boolean[]) AS c(id, was_stale, stale)
     ), reporting AS MATERIALIZED (
       SELECT id, artifact_id, scanned_at, id IN (SELECT id FROM latest_scan) AS latest
       FROM scan WHERE id = ANY (ARRAY(SELECT id FROM latest_scan) || $4::bigint[])
     ), latest AS (
       SELECT artifact_id, vulnerability_id, max(severity) AS severity, count(*)::int AS findings,
         (count(*) FILTER (WHERE fixable))::int AS fixable, min(scanned_at) AS first_seen_at
       FROM finding JOIN reporting ON id = scan_id WHERE latest GROUP BY artifact_id, vulnerability_id
     ), late AS (
       SELECT artifact_id, vulnerability_id, min(scanned_at) AS first_seen_at
       FROM finding JOIN reporting ON id = scan_id WHERE NOT latest GROUP BY artifact_id, vulnerability_id
     ), state AS MATERIALIZED (
       SELECT artifact_id, vulnerability_id, old.first_seen_at AS old_first_seen_at, old.severity AS old_severity,
         coalesce(old.findings, 0) AS old_findings, coalesce(old.fixable, 0) AS old_fixable,
         least(old.first_seen_at, latest.first_seen_at, late.first_seen_at) AS first_seen_at, latest.severity,
         coalesce(latest.findings, 0) AS findings, coalesce(latest.fixable, 0) AS fixable
       FROM (SELECT * FROM artifact_vulnerability WHERE artifact_id = ANY ($1)) old
       FULL JOIN latest USING (artifact_id, vulnerability_id)
       FULL JOIN late USING (artifact_id, vulnerability_id)
     ), inserted AS (
       INSERT INTO artifact_vulnerability (artifact_id, vulnerability_id, first_seen_at, severity, findings, fixable)
       SELECT artifact_id, vulnerability_id, first_seen_at, severity, findings, fixable FROM state
       WHERE old_first_seen_at IS NULL
     ), updated AS (
       UPDATE artifact_vulnerability v SET first_seen_at = state.first_seen_at, severity = state.severity,
         findings = state.findings, fixable = state.fixable
       FROM state
       WHERE v.artifact_id = ANY ($1) AND v.artifact_id = state.artifact_id
         AND v.vulnerability_id = state.vulnerability_id
         AND (old_first_seen_at, old_severity, old_findings, old_fixable)
         IS DISTINCT FROM (state.first_seen_at, state.severity, state.findings, state.fixable)
     ), part AS (
       -- what the artifact adds to the sums, before and after
       SELECT vulnerability_id, 1 AS sign, severity, findings, fixable, first_seen_at, false AS leaving
       FROM state JOIN artifacts a ON a.id = artifact_id WHERE NOT a.stale AND (a.was_stale OR
         (old_first_seen_at, old_severity, old_findings, old_fixable)
         IS DISTINCT FROM (first_seen_at, severity, findings, fixable))
       UNION ALL
       SELECT vulnerability_id, -1, old_severity, old_findings, old_fixable, NULL, a.stale
       FROM state JOIN artifacts a ON a.id = artifact_id
       WHERE NOT a.was_stale AND old_first_seen_at IS NOT NULL AND (a.stale OR
         (old_first_seen_at, old_severity, old_findings, old_fixable)
         IS DISTINCT FROM (first_seen_at, severity, findings, fixable))
     ), difference AS (
       SELECT vulnerability_id,
         coalesce(sum(sign) FILTER (WHERE severity = 4), 0) AS critical,
         coalesce(sum(sign) FILTER (WHERE severity = 3), 0) AS high,
         coalesce(sum(sign) FILTER (WHERE severity = 2), 0) AS medium,
         coalesce(sum(sign) FILTER (WHERE severity = 1), 0) AS low,
         coalesce(sum(sign) FILTER (WHERE severity = 0), 0) AS unknown,
         sum(sign * findings) AS findings, sum(sign * fixable) AS fixable, min(first_seen_at) AS first_seen_at,
         bool_or(leaving) AS leaving
       FROM part GROUP BY vulnerability_id
     )
     SELECT array_agg(vulnerability_id)::text AS vulnerability, array_agg(critical)::text AS critical,
       array_agg(high)::text AS high, array_agg(medium)::text AS medium, array_agg(low)::text AS low,
       array_agg(unknown)::text AS unknown, array_agg(findings)::text AS findings,
       array_agg(fixable)::text AS fixable, array_agg(first_seen_at)::text AS "firstSeen",
       array_agg(leaving)::text AS leaving,
       (SELECT coalesce(bool_or(first_seen_at < old_first_seen_at), false) FROM state) AS moved
     FROM difference`,
    [
      artifacts.map((one) => one.id),
      artifacts.map((one) => one.wasStale),
      artifacts.map((one) => one.stale),
      added,
    ],
  );
  return { summary: complete<SummaryDifferences>(rows[0], 'vulnerability'), moved: rows[0]?.moved === true };
}

/** A late report of earlier times moves the findings that are shown too. */
async function moveFirstSeen(db: Db, artifacts: ChangedArtifact[]): Promise<void> {
  await db.query(
    `UPDATE current_finding c SET first_seen_at = v.first_seen_at FROM artifact_vulnerability v
     WHERE c.artifact_id = ANY ($1::int[]) AND v.artifact_id = c.artifact_id
       AND v.vulnerability_id = c.vulnerability_id AND v.first_seen_at <> c.first_seen_at`,
    [artifacts.map((one) => one.id)],
  );
}

/** `current_finding`: the findings of the latest scan, none where the artifact is stale. @returns differences. */
async function updateCurrentFindings(
  db: Db,
  artifacts: ChangedArtifact[],
): Promise<PackageDifferences | null> {
  const { rows } = await db.query<{ [Key in keyof PackageDifferences]: Printed | null }>(
    `WITH ${LATEST_SCANS}, wanted AS (
       SELECT l.artifact_id, f.definition_id, f.target_id, f.path_id, (row_number() OVER (
         PARTITION BY l.artifact_id, f.definition_id, f.target_id, f.path_id))::int AS copy
       FROM scan_finding f JOIN latest_scan l ON l.id = f.scan_id AND NOT l.stale
       WHERE f.scan_id = ANY (ARRAY(SELECT id FROM latest_scan))
     ), difference AS MATERIALIZED (
       SELECT old.id AS old_id, wanted.*
       FROM (SELECT id, artifact_id, definition_id, target_id, path_id, copy FROM current_finding WHERE artifact_id = ANY ($1::int[])) old
       FULL JOIN wanted USING (artifact_id, definition_id, target_id, path_id, copy)
       WHERE old.id IS NULL OR wanted.artifact_id IS NULL
     ), definition AS MATERIALIZED (
       SELECT id, vulnerability_id, severity, fixable, status, package FROM finding_definition
       WHERE id = ANY (ARRAY(SELECT definition_id FROM difference WHERE old_id IS NULL))
     ), lacking AS MATERIALIZED (
       SELECT w.artifact_id, w.definition_id, w.target_id, w.path_id, w.copy, d.vulnerability_id, d.severity, d.fixable,
         d.status, d.package
       FROM difference w JOIN definition d ON d.id = w.definition_id WHERE w.old_id IS NULL
     ), known AS MATERIALIZED (
       SELECT artifact_id, vulnerability_id, first_seen_at FROM artifact_vulnerability
       WHERE artifact_id = ANY ($1::int[])
     ), gone AS (
       DELETE FROM current_finding WHERE id = ANY (ARRAY(SELECT old_id FROM difference WHERE old_id IS NOT NULL))
       RETURNING vulnerability_id, package, status, fixable, severity
     ), fresh AS (
       INSERT INTO current_finding (artifact_id, definition_id, target_id, path_id, copy, vulnerability_id, severity,
         fixable, status, package, artifact_name, first_seen_at)
       SELECT artifact_id, definition_id, target_id, path_id, copy, vulnerability_id, severity, fixable, status, package,
         name, first_seen_at
       FROM lacking JOIN known USING (artifact_id, vulnerability_id) JOIN latest_scan USING (artifact_id)
       RETURNING vulnerability_id, package, status, fixable, severity
     ), sums AS (
       SELECT vulnerability_id, package, status, fixable, severity, sum(findings) AS findings
       FROM (SELECT *, 1 AS findings FROM fresh UNION ALL SELECT *, -1 FROM gone) part
       GROUP BY vulnerability_id, package, status, fixable, severity HAVING sum(findings) <> 0
     )
     SELECT array_agg(vulnerability_id)::text AS vulnerability, array_agg(package)::text AS package,
       array_agg(status)::text AS status, array_agg(fixable)::text AS fixable, array_agg(severity)::text AS severity,
       array_agg(findings)::text AS findings
     FROM sums`,
    [artifacts.map((one) => one.id)],
  );
  return complete<PackageDifferences>(rows[0], 'vulnerability');
}

/** An aggregate over no rows is null in every column. */
function complete<Differences>(
  row: { [Key in keyof Differences]: Printed | null } | undefined,
  key: keyof Differences,
): Differences | null {
  return row && row[key] !== null ? (row as Differences) : null;
}
