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
    this.#conditions.push(this.text(condition, ...values));
    return this;
  }

  /** @returns SQL with the values bound, of which each `?` stands for the next. */
  text(sql: string, ...values: unknown[]): string {
    let next = 0;
    return sql.replace(/\?/g, () => this.bind(values[next++]));
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

  /** `WHERE …` of these conditions and more, or nothing. */
  where(...more: string[]): string {
    const all = [...this.#conditions, ...more];
    return all.length === 0 ? '' : `WHERE ${all.join(' AND ')}`;
  }

  /** `WHERE …`, or nothing. */
  toString(): string {
    return this.where();
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
  /** SQL of one table, or of a subquery, and its alias, without FROM. */
  from: string;
  /**
   * True where `from` is a subquery whose rows are made from others (grouped, numbered), of which all have to be made
   * to know one. Else it is a table, with an index on its id and on every sort.
   */
  computed?: boolean;
  /** Of what is computed: SQL of aggregates over all that the conditions select, for `readCounted`. */
  aggregates?: string;
  /** Of what is computed: which of the selected are shown; the values have to be bound by the conditions. */
  shown?: string;
  /** Joins that add columns to the rows of a page. */
  joins?: string;
  conditions: Conditions;
  /** How many rows the conditions select, where that is known without counting. */
  total?: number | null;
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
  return (await readCounted<Item, unknown>(db, plan, options)).list;
}

/** The same with the aggregates of a plan that has some. */
export async function readCounted<Item, Aggregates>(
  db: Db,
  plan: ListPlan<never>,
  options: ListOptions = {},
): Promise<{ list: List<Item>; aggregates: Aggregates }> {
  const { conditions, request } = plan;
  const sortName = request.sort ?? plan.defaultSort;
  const sort = plan.sorts[sortName];
  if (!sort) throw new Error(`no sort named ${sortName}`);
  const order = request.order ?? sort.order;
  const fingerprint = hash([sortName, order, sortedEntries(plan.filters)]);
  const position = request.cursor === undefined ? null : readCursor(request.cursor, fingerprint);
  const limit = options.limit ?? request.limit ?? DEFAULT_LIMIT;

  const unfiltered = conditions.isEmpty && !plan.computed;
  const counted = unfiltered && options.total !== false ? await countRows(db, plan) : 0;
  const rowCount = conditions.bind(limit + 1);
  const start = position && [
    `${conditions.bind(position.value)}::text::${sort.type}`,
    `${conditions.bind(position.id)}::bigint`,
  ];
  const page: PageStatement = {
    sort,
    limit,
    rowCount,
    order: (value, id) => `ORDER BY ${value} ${order}, ${id} ${order}`,
    beyond: (value, id) => (start ? [`(${value}, ${id}) ${order === 'asc' ? '>' : '<'} (${start})`] : []),
  };
  const { rows, total, aggregates } = await (unfiltered
    ? walk(db, plan, page, rowCount).then((rows) => ({ rows, total: counted, aggregates: {} }))
    : readSelected(db, plan, page)
  ).catch((error: unknown) => {
    // Class 22: the forged or damaged value of a cursor is no value of the column's type.
    if (position && /^22/.test(String((error as { code?: unknown }).code)))
      throw new CursorError('cursor_invalid');
    throw error;
  });

  const shown = rows.slice(0, limit);
  const last = shown.at(-1);
  const list = {
    items: shown.map((row) => (plan.toItem as (row: unknown) => unknown)(row) as Item),
    nextCursor:
      rows.length > limit && last
        ? writeCursor(fingerprint, { value: last.cursor_value, id: last.cursor_id })
        : null,
    total: options.total === false ? 0 : Math.min(total, TOTAL_LIMIT),
    totalIsExact: total <= TOTAL_LIMIT,
  };
  return { list, aggregates: aggregates as Aggregates };
}

/** The parts of a page's statement. */
interface PageStatement {
  sort: Sort;
  /** Of a page; `rowCount` is the parameter that asks for one more. */
  limit: number;
  rowCount: string;
  /** The order, by expressions of the sort and the id. */
  order(value: string, id: string): string;
  /** The condition that a row comes after the cursor's, as a list of one or none. */
  beyond(value: string, id: string): string[];
}

/**
 * Reads a page of what filters select, or what is computed. The planner knows neither how many rows a combination of
 * filters selects nor where in the order of the sort they lie, and would now and then walk an index of a million rows
 * for fifty that stand at its end. So a page is chosen before anything is joined to it, in one of two ways:
 * - gather: all that is selected, by whatever index suits the filters, then count and sort. Right for few rows.
 * - walk: in the order of the sort, through at most WALK_LIMIT rows, those that the filters select. Right for many,
 *   which as a rule are found within the first hundreds; where they are not, the rows are gathered after all.
 */
async function readSelected(db: Db, plan: ListPlan<never>, page: PageStatement): Promise<Gathered> {
  const known = plan.total ?? 0;
  const gathered = known > TOTAL_LIMIT ? null : await gather(db, plan, page, TOTAL_LIMIT);
  if (gathered && (plan.computed || gathered.total <= TOTAL_LIMIT)) return gathered;
  const total = gathered?.total ?? known;
  const walked = await walk(db, plan, page, WALK_LIMIT);
  if (walked.length > page.limit) return { rows: walked, total, aggregates: {} };
  return { ...(await gather(db, plan, page, null)), total };
}

interface Gathered {
  rows: PageRow[];
  total: number;
  aggregates: unknown;
}

/** @param most rows from which on they are no longer sorted, and only known to be more */
async function gather(
  db: Db,
  plan: ListPlan<never>,
  page: PageStatement,
  most: number | null,
): Promise<Gathered> {
  const { from, conditions, id, computed } = plan;
  const alias = aliasOf(from);
  const { expression } = page.sort;
  const capped = most !== null && !computed;
  // What was computed is kept; of a table the rows of the page are read again.
  const [selected, value, key, source] = computed
    ? [`${alias}.*`, expression, id, `chosen ${alias}`]
    : [`${id} AS key, ${expression} AS value`, 'value', 'key', `chosen JOIN ${from} ON ${id} = chosen.key`];
  const enough = capped ? [`(SELECT total FROM counted) <= ${most}`] : [];
  const { rows } = await db.query<PageRow & { total: number; sort_id: number | null }>(
    `WITH selected AS MATERIALIZED (
       SELECT ${selected} FROM ${from} ${conditions} ${capped ? `LIMIT ${most + 1}` : ''}
     ), counted AS MATERIALIZED (
       SELECT count(*)::int AS total ${plan.aggregates ? `, ${plan.aggregates}` : ''} FROM selected
     ), chosen AS MATERIALIZED (
       SELECT * FROM selected ${alias} ${new Conditions().where(...enough, ...(plan.shown ? [plan.shown] : []), ...page.beyond(value, key))}
       ${page.order(value, key)} LIMIT ${page.rowCount}
     )
     SELECT counted.*, page.* FROM counted LEFT JOIN (
       SELECT ${columnsOf(plan, page)}, ${value} AS sort_value, ${key} AS sort_id FROM ${source} ${plan.joins ?? ''}
     ) page ON true ${page.order('sort_value', 'sort_id')}`,
    conditions.values,
  );
  return {
    rows: rows.filter((row) => row.sort_id !== null),
    total: rows[0]?.total ?? 0,
    aggregates: rows[0],
  };
}

/** @param steps SQL of the number of rows that are looked at */
async function walk(
  db: Db,
  plan: ListPlan<never>,
  page: PageStatement,
  steps: number | string,
): Promise<PageRow[]> {
  const { from, conditions, id } = plan;
  const alias = aliasOf(from);
  const { expression, within } = page.sort;
  const order = page.order(expression, id);
  const beyond = page.beyond(expression, id);
  // What the index of the sort can be searched by, beside the position.
  const bounds = conditions.about(expression, ...(within ? [within] : []));
  const { rows } = await db.query<PageRow>(
    `SELECT ${columnsOf(plan, page)}
     FROM (
       SELECT ${alias}.* FROM (SELECT * FROM ${from} ${bounds.where(...beyond)} ${order} LIMIT ${steps}) ${alias}
       ${conditions} ${order} LIMIT ${page.rowCount}
     ) ${alias} ${plan.joins ?? ''} ${order}`,
    conditions.values,
  );
  return rows;
}

function columnsOf({ columns, id }: ListPlan<never>, { sort }: PageStatement): string {
  return `${columns}, (${sort.expression})::text AS cursor_value, ${id} AS cursor_id`;
}

function aliasOf(from: string): string {
  return from.slice(from.lastIndexOf(' ') + 1);
}

async function countRows(db: Db, plan: ListPlan<never>): Promise<number> {
  const { rows } = await db.query<{ total: number }>(
    `SELECT count(*)::int AS total FROM (SELECT 1 FROM ${plan.from} LIMIT ${TOTAL_LIMIT + 1}) counted`,
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
