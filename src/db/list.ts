import { createHash } from 'node:crypto';
import type { List } from '../schemas.ts';
import type { Db } from './pool.ts';

/** Up to here a list's total is exact. */
export const TOTAL_LIMIT = 10_000;
const DEFAULT_LIMIT = 50;

/** A cursor that cannot be read (`cursor_invalid`) or belongs to other filters or another sort (`cursor_mismatch`). */
export class CursorError extends Error {
  readonly code: 'cursor_invalid' | 'cursor_mismatch';
  constructor(code: 'cursor_invalid' | 'cursor_mismatch') {
    super(
      code === 'cursor_invalid'
        ? 'The cursor cannot be read.'
        : 'The cursor belongs to other filters or another sort.',
    );
    this.code = code;
  }
}

/** A WHERE clause under construction: conditions joined by AND, their values as parameters. */
export class Conditions {
  readonly values: unknown[] = [];
  readonly #conditions: string[] = [];

  /** Adds a condition in which each `?` stands for the next of `values`. */
  add(condition: string, ...values: unknown[]): this {
    let next = 0;
    this.#conditions.push(condition.replace(/\?/g, () => this.bind(values[next++])));
    return this;
  }

  /** Binds a value outside a condition (a LIMIT, a column). @returns its `$n`. */
  bind(value: unknown): string {
    this.values.push(value);
    return `$${this.values.length}`;
  }

  get isEmpty(): boolean {
    return this.#conditions.length === 0;
  }

  /** Of the conditions, those that begin with one of the expressions: what an index on them can be searched by. */
  about(...expressions: string[]): Conditions {
    const some = new Conditions();
    some.#conditions.push(
      ...this.#conditions.filter((condition) =>
        expressions.some((begin) => condition.startsWith(`${begin} `)),
      ),
    );
    return some;
  }

  /** `WHERE …`, or nothing. */
  toString(): string {
    return this.#conditions.length === 0 ? '' : `WHERE ${this.#conditions.join(' AND ')}`;
  }
}

/** A column to sort by. Together with `id` it is a total order; neither may be NULL. */
export interface Sort {
  /** SQL expression over the list's tables. */
  expression: string;
  /** Its SQL type, to read a cursor's text back. */
  type: 'text' | 'timestamptz' | 'bytea' | 'integer' | 'bigint' | 'real' | 'smallint';
  /** The order where the request names none. */
  order: 'asc' | 'desc';
  /** A column by each value of which there is an index on the sort too. */
  within?: string;
}

/** What a list takes beside its filters. */
export interface ListRequest {
  limit?: number;
  cursor?: string;
  sort?: string;
  order?: 'asc' | 'desc';
}

export interface ListOptions {
  /** More than a request may ask for, for exports. */
  limit?: number;
  /** False where nobody reads the total: it is then 0. */
  total?: boolean;
}

export interface ListPlan<Row> {
  request: ListRequest;
  /** Everything that selects rows, to be hashed into the cursor; order of keys does not matter. */
  filters: Record<string, unknown>;
  sorts: Record<string, Sort>;
  defaultSort: string;
  /** SQL of the columns, without SELECT. */
  columns: string;
  /** SQL of the tables, without FROM; may end in joins that add columns to the rows of a page. */
  from: string;
  /** The tables that `conditions` need, where counting can do with fewer. */
  countFrom?: string;
  /**
   * Joins that add columns to the rows of a page. Where they are given, `from` is one table and its alias, with an
   * index for every sort, and filters may be of any kind: see `readPage`.
   */
  joins?: string;
  conditions: Conditions;
  /** SQL expression of the unique id (bigint or integer). */
  id: string;
  toItem(row: Row): unknown;
}

interface Position {
  value: string;
  id: number;
}

interface PageRow {
  cursor_value: string;
  cursor_id: number;
}

/** How many rows are looked at in the order of the sort before it is given up. */
const WALK_LIMIT = 10_000;

/**
 * Reads one page by keyset: the rows behind the cursor's position in a total order, and how many there are in all
 * (counted to TOTAL_LIMIT). Items whose sort key does not change between two pages come exactly once.
 * @throws CursorError
 */
export async function readList<Item>(
  db: Db,
  plan: ListPlan<never>,
  options: ListOptions = {},
): Promise<List<Item>> {
  const { conditions, request } = plan;
  const sortName = request.sort ?? plan.defaultSort;
  const sort = plan.sorts[sortName];
  if (!sort) throw new Error(`no sort named ${sortName}`);
  const order = request.order ?? sort.order;
  const fingerprint = hash([sortName, order, sortedEntries(plan.filters)]);
  const position = request.cursor === undefined ? null : readCursor(request.cursor, fingerprint);
  const limit = options.limit ?? request.limit ?? DEFAULT_LIMIT;

  // Where the page is chosen first, the number of rows decides how, also for who does not ask for it.
  const counted = options.total !== false || (plan.joins !== undefined && !conditions.isEmpty);
  const total = counted ? await countRows(db, plan) : 0;
  const page: PageStatement = {
    order: `ORDER BY ${sort.expression} ${order}, ${plan.id} ${order}`,
    columns: `${plan.columns}, (${sort.expression})::text AS cursor_value, ${plan.id} AS cursor_id`,
    // What the index of the sort can be searched by, beside the position.
    bounds: conditions.about(sort.expression, ...(sort.within ? [sort.within] : [])),
    rows: conditions.bind(limit + 1),
    way: conditions.isEmpty ? 'walk' : total > TOTAL_LIMIT ? 'walk or gather' : 'gather',
  };
  if (counted && total === 0) page.way = 'none';
  if (position) {
    const beyond = `(${sort.expression}, ${plan.id}) ${order === 'asc' ? '>' : '<'} (
      ${conditions.bind(position.value)}::text::${sort.type}, ${conditions.bind(position.id)}::bigint)`;
    conditions.add(beyond);
    page.bounds.add(beyond);
  }
  const rows = await readPage(db, plan, page, limit).catch((error: unknown) => {
    // Class 22: the forged or damaged value of a cursor is no value of the column's type.
    if (position && /^22/.test(String((error as { code?: unknown }).code)))
      throw new CursorError('cursor_invalid');
    throw error;
  });

  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  return {
    items: shown.map((row) => (plan.toItem as (row: unknown) => unknown)(row) as Item),
    nextCursor:
      rows.length > limit && last
        ? writeCursor(fingerprint, { value: last.cursor_value, id: last.cursor_id })
        : null,
    total: options.total === false ? 0 : Math.min(total, TOTAL_LIMIT),
    totalIsExact: total <= TOTAL_LIMIT,
  };
}

/** The parts of a page's statement. */
interface PageStatement {
  order: string;
  columns: string;
  bounds: Conditions;
  rows: string;
  way: 'walk' | 'walk or gather' | 'gather' | 'none';
}

/**
 * Where `joins` are given, a page is chosen before anything is joined to it, in one of two ways. The planner knows
 * neither how many rows a combination of filters selects nor where in the order of the sort they lie, and so would
 * now and then walk an index of a million rows for fifty that stand at its end.
 * - gather: all that is selected, by whatever index suits the filters, then sort. Right for few rows.
 * - walk: in the order of the sort, through at most WALK_LIMIT rows, those that the filters select. Right for many,
 *   which as a rule are found within the first hundreds; where they are not, the rows are gathered after all.
 */
async function readPage(
  db: Db,
  plan: ListPlan<never>,
  page: PageStatement,
  limit: number,
): Promise<PageRow[]> {
  if (page.way === 'none') return [];
  const { conditions, from, joins } = plan;
  const read = async (sql: string) => (await db.query<PageRow>(sql, conditions.values)).rows;
  if (joins === undefined)
    return read(`SELECT ${page.columns} FROM ${from} ${conditions} ${page.order} LIMIT ${page.rows}`);

  const alias = from.slice(from.lastIndexOf(' ') + 1);
  const choose = (rows: string, where: string) =>
    read(`SELECT ${page.columns}
      FROM (SELECT ${alias}.* FROM (${rows}) ${alias} ${where} ${page.order} LIMIT ${page.rows}) ${alias}
      ${joins} ${page.order}`);
  // Without filters each row is one of the page.
  const steps = page.way === 'walk' ? page.rows : WALK_LIMIT;
  const walk = () =>
    choose(`SELECT * FROM ${from} ${page.bounds} ${page.order} LIMIT ${steps}`, `${conditions}`);
  // OFFSET 0 keeps the order, and with it the index of the sort, out of what PostgreSQL plans inside.
  const gather = () => choose(`SELECT * FROM ${from} ${conditions} OFFSET 0`, '');

  if (page.way !== 'gather') {
    const rows = await walk();
    if (page.way === 'walk' || rows.length > limit) return rows;
  }
  return gather();
}

async function countRows(db: Db, plan: ListPlan<never>): Promise<number> {
  const { rows } = await db.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM (SELECT 1 FROM ${plan.countFrom ?? plan.from} ${plan.conditions} LIMIT ${TOTAL_LIMIT + 1}) counted`,
    [...plan.conditions.values],
  );
  return rows[0]?.total ?? 0;
}

function sortedEntries(filters: Record<string, unknown>): unknown[] {
  return Object.entries(filters)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => [name, Array.isArray(value) ? [...value].sort() : value])
    .sort(([a], [b]) => (String(a) < String(b) ? -1 : 1));
}

function hash(value: unknown): string {
  return createHash('sha256').update(JSON.stringify(value)).digest('base64url').slice(0, 16);
}

function writeCursor(fingerprint: string, position: Position): string {
  return Buffer.from(JSON.stringify([fingerprint, position.value, position.id])).toString('base64url');
}

function readCursor(cursor: string, fingerprint: string): Position {
  let parsed: unknown;
  try {
    parsed = JSON.parse(Buffer.from(cursor, 'base64url').toString());
  } catch {
    throw new CursorError('cursor_invalid');
  }
  if (!Array.isArray(parsed) || parsed.length !== 3) throw new CursorError('cursor_invalid');
  const [found, value, id] = parsed as unknown[];
  if (typeof found !== 'string' || typeof value !== 'string' || !Number.isSafeInteger(id))
    throw new CursorError('cursor_invalid');
  if (found !== fingerprint) throw new CursorError('cursor_mismatch');
  return { value, id: id as number };
}
