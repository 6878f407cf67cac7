import {
  type ArtifactFilters,
  artifactConditions,
  choosesArtifacts,
  containsText,
  likePattern,
} from './filters.ts';
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

/** What a searched text is found in. */
export interface Found {
  /** Vulnerabilities whose id or title contains it. */
  vulnerabilities: number[];
  /** Packages whose name contains it. */
  packages: string[];
}

/** Looks a text up in the dictionaries, which are small beside the findings. */
export async function findText(db: Db, text: string): Promise<Found> {
  const pattern = likePattern(text);
  if (pattern === null) return { vulnerabilities: [], packages: [] };
  const { rows } = await db.query<{ vulnerabilities: number[]; packages: string[] }>(
    `SELECT ARRAY(SELECT id FROM vulnerability WHERE search LIKE lower($1::text)) AS vulnerabilities,
       ARRAY(SELECT name FROM package WHERE ${containsText('name').replace('?', '$1')}) AS packages`,
    [pattern],
  );
  return rows[0] ?? { vulnerabilities: [], packages: [] };
}

/** Beyond this many values, planning with each of them takes longer than an index on them would save. */
const PLANNED_VALUES = 5_000;
/** In sums, which are few, all rows are gone through more quickly than a thousand values are planned with. */
export const PLANNED_VALUES_OF_SUMS = 1_000;

/**
 * Binds values. Very many are put into a hash table: IS TRUE keeps PostgreSQL from making a join of it, in which it
 * might go through all of them for every row.
 * @param type SQL type of the column
 * @param most how many are not very many
 * @returns the condition that a column has one of them.
 */
export function oneOf(
  conditions: Conditions,
  column: string,
  type: 'integer' | 'text',
  values: readonly unknown[],
  most = PLANNED_VALUES,
): string {
  const bound = `${conditions.bind(values)}::${type}[]`;
  if (values.length <= most) return `${column} = ANY(${bound})`;
  return `(${column} IN (SELECT unnest(${bound}))) IS TRUE`;
}
