import { useCallback, useMemo, useState } from 'react';
import { useLocation, useSearch } from 'wouter';
import { useHistoryState } from 'wouter/use-browser-location';
import type { Parameters, Query } from './parameters.ts';

/** Parameters of the dashboard itself: which tab is shown, and what is compared. The API does not know them. */
const OWN = ['show', 'base', 'head'];
/** Parameters that are not filters. */
const POSITION = ['sort', 'order', 'limit', 'cursor', ...OWN];

/** The parameters of an address, and the names of those that mean nothing there. */
export function readQuery(search: string, parameters: Parameters): { query: Query; dropped: string[] } {
  const query: Record<string, string[]> = {};
  const dropped = new Set<string>();
  for (const [name, value] of new URLSearchParams(search)) {
    const accepted = OWN.includes(name) ? value : accept(parameters[name], value);
    if (accepted === null) dropped.add(name);
    else query[name] = [...(query[name] ?? []), accepted];
  }
  return { query, dropped: [...dropped] };
}

function accept(check: Parameters[string] | undefined, value: string): string | null {
  if (check === undefined || value === '') return null;
  if (check === 'text') return value;
  if (check === 'search') return value.length >= 2 ? value : null;
  if (check === 'flag') return value === 'true' || value === 'false' ? value : null;
  if (check === 'number') return /^[1-9]\d{0,8}$/.test(value) ? value : null;
  return check.find((allowed) => allowed.toLowerCase() === value.toLowerCase()) ?? null;
}

/** `?severity=CRITICAL&fixable=true`, or nothing at all. */
export function toSearch(query: Query): string {
  const search = new URLSearchParams(
    Object.entries(query).flatMap(([name, values]) => values.map((value): [string, string] => [name, value])),
  );
  return search.size > 0 ? `?${search}` : '';
}

/** The part of a query that selects: what "Clear" removes. */
export function filtersOf(query: Query): Query {
  return Object.fromEntries(Object.entries(query).filter(([name]) => !POSITION.includes(name)));
}

/** `/api/scans?severity=HIGH`: the question to the API that an address stands for. */
export function apiPath(path: string, ...queries: Query[]): string {
  const asked = Object.assign({}, ...queries) as Query;
  return path + toSearch(Object.fromEntries(Object.entries(asked).filter(([name]) => !OWN.includes(name))));
}

/** What to change in the query; an empty list removes the parameter. Anything but a new cursor starts at page one. */
export type Changes = Record<string, readonly string[]>;

export function changeQuery(query: Query, changes: Changes): Query {
  const changed = { ...query, ...('cursor' in changes ? {} : { cursor: [] }), ...changes };
  return Object.fromEntries(Object.entries(changed).filter(([, values]) => values.length > 0));
}

/** Where in a list a page lies: the cursors of the pages before it ('' is that of the first), and how many rows. */
export interface Position {
  before: readonly string[];
  offset: number;
}

export interface QueryState {
  query: Query;
  /** Names of parameters in the address that this view does not know. */
  dropped: readonly string[];
  /** Null where the address was opened in the middle of a list. */
  position: Position | null;
  /** @param options.replace without a step of its own in the history: while typing */
  update(changes: Changes, options?: { replace?: boolean; position?: Position | null }): void;
}

const START: Position = { before: [], offset: 0 };

/** The query in the address, the position in the history. */
export function useUrlQuery(parameters: Parameters): QueryState {
  const search = useSearch();
  const [path, navigate] = useLocation();
  const stored = useHistoryState<{ position?: Position } | null>();
  const read = useMemo(() => readQuery(search, parameters), [search, parameters]);
  const update = useCallback<QueryState['update']>(
    (changes, { replace = false, position } = {}) =>
      navigate(path + toSearch(changeQuery(read.query, changes)), { replace, state: { position } }),
    [navigate, path, read],
  );
  return { ...read, position: read.query.cursor ? (stored?.position ?? null) : START, update };
}

/** A query that the address does not know of: of the second list in a view. */
export function useMemoryQuery(): QueryState {
  const [state, setState] = useState<{ query: Query; position: Position }>({ query: {}, position: START });
  const update = useCallback<QueryState['update']>(
    (changes, { position } = {}) =>
      setState((old) => ({ query: changeQuery(old.query, changes), position: position ?? START })),
    [],
  );
  return { ...state, dropped: [], update };
}

/** Which of several tabs the address shows; the first where it names none. */
export function useShow<Choice extends string>(choices: readonly [Choice, ...Choice[]]): Choice {
  const show = new URLSearchParams(useSearch()).get('show');
  return choices.find((choice) => choice === show) ?? choices[0];
}
