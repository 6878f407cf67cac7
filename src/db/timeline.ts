import type { Db } from './pool.ts';

/** How an artifact stood at the end of a UTC day (`YYYY-MM-DD`): as its last scan for vulnerabilities says. */
export interface Point {
  day: string;
  scan: number;
}

/** From `day` on, `sign` (1 or -1) times the difference between the scans `before` and `after` (null: nothing). */
export interface Shift {
  day: string;
  sign: 1 | -1;
  before: number | null;
  after: number | null;
}

/** Days that the trend keeps; it shows 30 of them. */
export const TREND_DAYS = 40;

/** Stands for every day before the horizon of the trend. */
export const LONG_AGO = '-infinity';

/** The first day that the trend keeps. */
export function trendHorizon(now: Date): string {
  return new Date(now.getTime() - TREND_DAYS * 86_400_000).toISOString().slice(0, 10);
}

/**
 * What turns one timeline into another. A timeline is a step function over days: wherever the two differ, the
 * difference begins on that day and ends where the next step begins.
 * @param before and `after`, oldest first, at most one point a day.
 */
export function shiftsBetween(before: Point[], after: Point[]): Shift[] {
  const days = [...new Set([...before, ...after].map((point) => point.day))].sort();
  return days.flatMap((day, index): Shift[] => {
    const from = stateAt(before, day);
    const to = stateAt(after, day);
    if (from === to) return [];
    const next = days[index + 1];
    const begin: Shift = { day, sign: 1, before: from, after: to };
    return next === undefined ? [begin] : [begin, { ...begin, day: next, sign: -1 }];
  });
}

function stateAt(timeline: Point[], day: string): number | null {
  return timeline.findLast((point) => point.day <= day)?.scan ?? null;
}

/**
 * The timelines of artifacts, from the last point before the horizon on.
 * @param without scans that are to be looked through.
 */
export async function readTimelines(
  db: Db,
  artifacts: number[],
  without: number[],
  horizon: string,
): Promise<Map<number, Point[]>> {
  const { rows } = await db.query<Point & { artifact_id: number }>(
    `SELECT a.id AS artifact_id, point.day::text, point.scan FROM unnest($1::int[]) AS a(id)
     CROSS JOIN LATERAL (
       (SELECT (scanned_at AT TIME ZONE 'UTC')::date AS day, id AS scan FROM scan
        WHERE artifact_id = a.id AND kinds & 1 <> 0 AND id <> ALL ($2::bigint[])
          AND scanned_at < $3::date::timestamp AT TIME ZONE 'UTC'
        ORDER BY scanned_at DESC, received_at DESC, id DESC LIMIT 1)
       UNION ALL
       (SELECT DISTINCT ON (day) (scanned_at AT TIME ZONE 'UTC')::date AS day, id AS scan FROM scan
        WHERE artifact_id = a.id AND kinds & 1 <> 0 AND id <> ALL ($2::bigint[])
          AND scanned_at >= $3::date::timestamp AT TIME ZONE 'UTC'
        ORDER BY day, scanned_at DESC, received_at DESC, id DESC)
     ) point
     ORDER BY a.id, point.day`,
    [artifacts, without, horizon],
  );
  const timelines = new Map<number, Point[]>(artifacts.map((id) => [id, []]));
  for (const row of rows) timelines.get(row.artifact_id)?.push({ day: row.day, scan: row.scan });
  return timelines;
}
