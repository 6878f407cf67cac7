import { imageIdentity } from '../trivy/artifact.ts';
import { ReportError } from '../trivy/problem.ts';
import { KINDS, type Kind, SEVERITIES, type Severity } from '../trivy/report.ts';
import type { Conditions } from './list.ts';

/** A filter whose value means nothing. */
export class FilterError extends Error {
  readonly parameter: string;
  readonly detail: string;
  constructor(parameter: string, detail: string) {
    super(`${parameter}: ${detail}`);
    this.parameter = parameter;
    this.detail = detail;
  }
}

/** Filters that choose artifacts: any of the values of one, all of the filters; `label` all of. */
export interface ArtifactFilters {
  artifact?: string[];
  repository?: string[];
  type?: string[];
  cluster?: string[];
  namespace?: string[];
  /** `name=value` each. */
  label?: string[];
}

/** True where one of the filters that choose artifacts is given. */
export function choosesArtifacts(filters: ArtifactFilters): boolean {
  const { artifact, repository, type, cluster, namespace, label } = filters;
  return [artifact, repository, type, cluster, namespace, label].some((values) => values !== undefined);
}

/** Adds what the filters ask of the table `artifact`. */
export function artifactConditions(conditions: Conditions, filters: ArtifactFilters): void {
  if (filters.artifact) nameCondition(conditions, filters.artifact);
  for (const column of ['repository', 'type'] as const) {
    const values = filters[column];
    if (values) conditions.add(`artifact.${column} = ANY(?::text[])`, storable(values));
  }
  placeCondition(conditions, filters);
  labelConditions(conditions, filters.label, 'artifact.labels');
}

/**
 * Adds that a row has all of the labels.
 * @param labels `name=value` each
 * @param column of labels, as jsonb
 */
export function labelConditions(conditions: Conditions, labels: string[] | undefined, column: string): void {
  for (const label of labels ?? []) {
    const [name = '', ...rest] = label.split('=');
    const pair = storable([name, rest.join('=')]);
    if (pair.length === 2) conditions.add(`${column} @> jsonb_build_object(?::text, ?::text)`, ...pair);
    else conditions.add('false');
  }
}

/** Digits are an id; all else is a name as it stands, or an image's in any of its forms. */
function nameCondition(conditions: Conditions, texts: string[]): void {
  const ids = texts.filter((text) => /^\d{1,15}$/.test(text)).map(Number);
  const names = storable(texts.filter((text) => !/^\d+$/.test(text)));
  const images = names.map(familiarForm).filter((name) => name !== null);
  conditions.add(
    `(artifact.id = ANY(?::bigint[]) OR artifact.name = ANY(?::text[])
      OR (artifact.type = 'image' AND artifact.name = ANY(?::text[])))`,
    ids,
    names,
    images,
  );
}

function familiarForm(text: string): string | null {
  try {
    return imageIdentity(text)?.name ?? null;
  } catch (error) {
    // Too long for a name.
    if (error instanceof ReportError) return null;
    throw error;
  }
}

/**
 * An artifact is in a cluster or namespace itself, or one of its workloads is: with both filters, both of the same
 * one. A union rather than an OR, so that either half has its index.
 */
function placeCondition(conditions: Conditions, filters: ArtifactFilters): void {
  const places = (['cluster', 'namespace'] as const).flatMap((column) => {
    const values = filters[column];
    return values ? [`${column} = ANY(${conditions.bind(storable(values))}::text[])`] : [];
  });
  if (places.length === 0) return;
  const where = places.join(' AND ');
  conditions.add(`artifact.id IN (SELECT id FROM artifact WHERE ${where}
    UNION ALL SELECT artifact_id FROM artifact_workload WHERE ${where})`);
}

/**
 * What PostgreSQL cannot hold (NUL, half a surrogate pair) is in no column, and so matches nothing.
 * @returns the texts that can be bound.
 */
export function storable(texts: string[]): string[] {
  return texts.filter((text) => !text.includes('\0') && !/\p{Surrogate}/u.test(text));
}

/**
 * The pattern of LIKE for a substring. Compare as `lower(column) LIKE lower(?)`, with the collation of the column on
 * the right side too (`containsText`), so that both sides lower the same letters.
 * @returns null, which matches nothing, for a text that no column can hold.
 */
export function likePattern(text: string): string | null {
  return storable([text]).length === 0 ? null : `%${text.replace(/[%_\\]/g, '\\$&')}%`;
}

/** The condition that a column of names (collation "C") contains the text whose `likePattern` is bound. */
export function containsText(column: string): string {
  return `lower(${column}) LIKE lower(?::text COLLATE "C")`;
}

const DAY = /^\d{4}-\d\d-\d\d$/;
const INSTANT = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d(?:\.\d+)?)([Zz]|[+ -]\d\d:\d\d)$/;
const DAY_MS = 86_400_000;

/**
 * Reads a time (RFC 3339) or a UTC day. Answers show milliseconds, and so compare by them.
 * @returns for `since` and `receivedSince` the first moment inside; for `until`, which includes its millisecond or day, the first outside.
 * @throws FilterError
 */
export function moment(parameter: 'since' | 'until' | 'receivedSince', text: string): Date {
  const [, day = text, time = '00:00:00', zone = 'Z'] = INSTANT.exec(text) ?? [];
  // A "+" that was not encoded in the address arrives as a space.
  const found = new Date(`${day}T${time}${zone.replace(' ', '+')}`.toUpperCase());
  // A day that its month does not have would silently be one of the next month.
  const midnight = new Date(`${day}T00:00:00Z`);
  if (!DAY.test(day) || Number.isNaN(found.getTime()) || midnight.toISOString().slice(0, 10) !== day) {
    throw new FilterError(parameter, 'has to be a time as 2026-01-31T12:00:00Z, or a day as 2026-01-31');
  }
  if (parameter !== 'until') return found;
  return new Date(found.getTime() + (DAY.test(text) ? DAY_MS : 1));
}

/**
 * Adds `since` and `until`.
 * @param expression of a timestamptz
 * @throws FilterError
 */
export function timeConditions(
  conditions: Conditions,
  filters: { since?: string; until?: string },
  expression: string,
): void {
  if (filters.since !== undefined) conditions.add(`${expression} >= ?`, moment('since', filters.since));
  if (filters.until !== undefined) conditions.add(`${expression} < ?`, moment('until', filters.until));
}

/** Severities as the database has them. */
export function severityLevels(severities: readonly Severity[]): number[] {
  return severities.map((severity) => SEVERITIES.indexOf(severity));
}

/** The condition that a table's counts (columns `critical` to `unknown`) have one of the severities. */
export function hasSeverity(alias: string, severities: readonly Severity[]): string {
  const columns = SEVERITIES.filter((severity) => severities.includes(severity));
  if (columns.length === 0) return 'false';
  return `(${columns.map((severity) => `${alias}.${severity.toLowerCase()} > 0`).join(' OR ')})`;
}

/** Kinds as a set of bits. */
export function kindBits(kinds: readonly Kind[]): number {
  return kinds.reduce((bits, kind) => bits | (1 << KINDS.indexOf(kind)), 0);
}

/** The kinds of a set of bits. */
export function kindsOf(bits: number): Kind[] {
  return KINDS.filter((_, index) => bits & (1 << index));
}

/** A query without what pages and presents it: all that selects rows, to be hashed into cursors. */
export function selection(query: object): Record<string, unknown> {
  const { limit, cursor, sort, order, format, ...filters } = query as Record<string, unknown>;
  return filters;
}
