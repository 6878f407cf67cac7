import type { Db } from './pool.ts';

/**
 * The findings of scans, as `finding`. Tables are read by keys alone, and only what was read is joined: of scans that
 * were stored a moment ago the planner knows nothing, and joining tables it would go by way of a vulnerability's other
 * findings, of which there may be thousands.
 * @param scans SQL expression of an array.
 */
export const findingsOf = (scans: string) => `occurrence AS MATERIALIZED (
       SELECT scan_id, definition_id, target_id, path_id FROM scan_finding WHERE scan_id = ANY (${scans})
     ), definition AS MATERIALIZED (
       SELECT id, vulnerability_id, severity, fixable, status, package, class, package_type FROM finding_definition
       WHERE id = ANY (ARRAY(SELECT definition_id FROM occurrence))
     ), finding AS MATERIALIZED (
       SELECT o.*, d.vulnerability_id, d.severity, d.fixable, d.status, d.package, d.class, d.package_type
       FROM occurrence o JOIN definition d ON d.id = o.definition_id
     )`;

/**
 * Runs statements that join what they have read of scans. Their plans do not know how many rows that is; a hash join
 * is never far from the best, while a nested loop over 900 rows and 900 more took 90 ms. What such a statement reads or
 * writes of a table it has to name by keys: `id = ANY (…)`.
 */
export async function joinedByHash<T>(db: Db, work: () => Promise<T>): Promise<T> {
  await db.query('SET LOCAL enable_hashjoin = on; SET LOCAL enable_nestloop = off');
  const value = await work();
  await db.query('SET LOCAL enable_hashjoin = off; SET LOCAL enable_nestloop = on');
  return value;
}
