import { type ArtifactFilters, artifactConditions, choosesArtifacts, containsText } from './filters.ts';
import { Conditions } from './list.ts';
import type { Db } from './pool.ts';

/** Artifacts that filters choose. */
export interface SelectedArtifacts {
  ids: number[];
  /** Vulnerability findings in the latest scans of all of them. */
  findings: number;
}

/**
 * The artifacts that the filters choose among those that are not stale.
 * @returns null where that is all of them.
 */
export async function selectArtifacts(db: Db, filters: ArtifactFilters): Promise<SelectedArtifacts | null> {
  if (!choosesArtifacts(filters)) return null;
  const conditions = new Conditions().add('NOT artifact.stale');
  artifactConditions(conditions, filters);
  const { rows } = await db.query<SelectedArtifacts & { live: number }>(
    `SELECT coalesce(array_agg(id), '{}') AS ids,
       coalesce(sum(critical + high + medium + low + unknown), 0) AS findings, (SELECT count(*)::int FROM artifact WHERE NOT stale) AS live
     FROM artifact ${conditions}`,
    conditions.values,
  );
  const { ids = [], findings = 0, live = 0 } = rows[0] ?? {};
  // Where artifacts are named, an answer is cached as one about those alone: it is not computed from sums over all.
  return filters.artifact === undefined && ids.length === live && live > 0 ? null : { ids, findings };
}

/** Beyond this many values, planning with each of them takes longer than an index on them would save. */
const PLANNED_VALUES = 5_000;

/**
 * Binds values. Very many are put into a hash table: IS TRUE keeps PostgreSQL from making a join of it, in which it
 * might go through all of them for every row.
 * @param type SQL type of the column
 * @returns the condition that a column has one of them.
 */
export function oneOf(
  conditions: Conditions,
  column: string,
  type: 'integer' | 'text',
  values: readonly unknown[],
): string {
  const bound = `${conditions.bind(values)}::${type}[]`;
  if (values.length <= PLANNED_VALUES) return `${column} = ANY(${bound})`;
  return `(${column} IN (SELECT unnest(${bound}))) IS TRUE`;
}

/** Up to here what a query chooses is fetched; to send thousands of values back and forth takes longer than to ask again. */
const FETCHED_VALUES = 1_000;

/** Values of one column that a query chooses. */
export interface Chosen {
  /** SQL of the query, in which each `?` stands for the next of `values`. */
  sql: string;
  values: unknown[];
  /** What it chooses; null where that is much. */
  found: unknown[] | null;
}

/** @param most how many are fetched; null: all, where to ask again would take longer still */
export async function choose(
  db: Db,
  sql: string,
  values: unknown[],
  most: number | null = FETCHED_VALUES,
): Promise<Chosen> {
  const conditions = new Conditions();
  const { rows } = await db.query<{ found: unknown[] }>(
    `SELECT ARRAY(${conditions.text(sql, ...values)} ${most === null ? '' : `LIMIT ${most + 1}`}) AS found`,
    conditions.values,
  );
  const found = rows[0]?.found ?? [];
  return { sql, values, found: most !== null && found.length > most ? null : found };
}

/** The condition that a column has one of the chosen values, see `oneOf`. */
export function oneOfChosen(
  conditions: Conditions,
  column: string,
  type: 'integer' | 'text',
  { sql, values, found }: Chosen,
): string {
  if (found) return oneOf(conditions, column, type, found);
  return `(${column} IN (${conditions.text(sql, ...values)})) IS TRUE`;
}

/** The query for vulnerabilities whose id or title contains the text of a `likePattern`. */
export const NAMED_VULNERABILITIES = 'SELECT id FROM vulnerability WHERE search LIKE lower(?::text)';
/** The same for packages, by name. */
export const NAMED_PACKAGES = `SELECT name FROM package WHERE ${containsText('name')}`;
