import { Button } from '@mantine/core';
import { type ReactNode, useRef } from 'react';
import type { List, SeverityCounts } from '../../../src/schemas.ts';
import { addressOf } from '../api.ts';
import { useGet } from '../data.ts';
import { type Noun, plural } from '../format.ts';
import { useReturnFocus } from '../navigation.ts';
import type { Parameters, Query } from '../parameters.ts';
import { apiPath, filtersOf, type QueryState } from '../url.ts';
import { type Column, DataTable } from './DataTable.tsx';
import { FilterBar } from './FilterBar.tsx';
import { Freshness } from './Freshness.tsx';
import { Icon } from './Icon.tsx';
import classes from './ListView.module.css';
import { describeTotal, FirstPage, Pager } from './Pager.tsx';
import { Empty, Failure, Skeleton } from './States.tsx';
import { useHeld } from './useHeld.ts';

export interface ListViewProps<T> {
  /** Path of the list's API: `/api/scan-results`. */
  api: string;
  parameters: Parameters;
  /** `useUrlQuery(parameters)`, or `useMemoryQuery()` for a second list of a view. */
  state: QueryState;
  /** Part of every question, and no filter for the reader: of the list of one artifact. */
  fixed?: Query;
  /** A heading above the filters, in a view of several parts. */
  title?: string;
  caption: string;
  noun: Noun;
  columns: readonly Column<T>[];
  itemKey: (item: T) => string | number;
  /** The order where the address names none. */
  defaultSort?: string;
  group?: (item: T) => string;
  detail?: (item: T) => ReactNode;
  detailLabel?: string;
  timeLabel?: string;
  searchLabel?: string;
  counts?: SeverityCounts | undefined;
  csv?: boolean;
  filterable?: boolean;
  /** Shown where there is nothing at all. */
  empty: ReactNode;
}

/** A list of the API: filters, table, pages and where the answer came from. All lists of the dashboard are this. */
export function ListView<T>(props: ListViewProps<T>) {
  const { api, parameters, state, fixed = {}, caption, noun, itemKey, filterable = true } = props;
  const { query, dropped } = state;
  const path = apiPath(api, query, fixed);
  const loaded = useGet<List<T>>(path, { keep: true });
  const { answer, pending, showPending } = useHeld(path, loaded, itemKey);
  const section = useRef<HTMLElement>(null);
  useReturnFocus(answer !== undefined);
  const csv = apiPath(api, query, fixed, { format: ['csv'], cursor: [], limit: [] });
  return (
    <section className={classes.list} ref={section} aria-label={caption}>
      {props.title && <h2 className={classes.title}>{props.title}</h2>}
      {filterable && (
        <FilterBar
          parameters={parameters}
          state={state}
          timeLabel={props.timeLabel ?? 'Scanned'}
          searchLabel={props.searchLabel ?? 'Search by name'}
          counts={props.counts}
          total={answer ? describeTotal(answer.body, noun) : ''}
        >
          {props.csv && <CsvLink path={csv} />}
        </FilterBar>
      )}
      {dropped.length > 0 && (
        <p className={classes.notice} role="status">
          Unknown in this list, and ignored: <code>{dropped.join(', ')}</code>
        </p>
      )}
      {loaded.error && (
        <Failure error={loaded.error} retry={() => void loaded.refetch()} shownSince={answer?.at}>
          {query.cursor && <FirstPage state={state} />}
        </Failure>
      )}
      {!answer && !loaded.error && <Skeleton rows={12} />}
      <div role="status" className={classes.pending}>
        {pending && (
          <Button size="compact-sm" onClick={showPending}>
            {pending.added > 0 ? plural(pending.added, newOf(noun)) : 'The list has changed'} – show
          </Button>
        )}
      </div>
      {answer && <Rows {...props} items={answer.body.items} dimmed={loaded.isPlaceholderData} />}
      {answer && (
        <Pager
          caption={caption}
          list={answer.body}
          state={state}
          onTurn={() => section.current?.scrollIntoView()}
        >
          <Freshness answer={answer} />
        </Pager>
      )}
    </section>
  );
}

/** The table, or why there is none. */
function Rows<T>(props: ListViewProps<T> & { items: readonly T[]; dimmed: boolean }) {
  const { state, items, columns, defaultSort, noun, empty } = props;
  const { query, update } = state;
  if (items.length === 0) {
    if (Object.keys(filtersOf(query)).length > 0) return <NothingMatches state={state} noun={noun} />;
    if (!query.cursor) return empty;
    return (
      <Empty title="Nothing is left on this page">
        <FirstPage state={state} />
      </Empty>
    );
  }
  const by = query.sort?.[0] ?? defaultSort;
  const descending = query.order
    ? query.order[0] === 'desc'
    : (columns.find(({ sort }) => sort === by)?.descending ?? false);
  const onSort = (sort: string, down: boolean) => update({ sort: [sort], order: [down ? 'desc' : 'asc'] });
  return <DataTable {...props} sorting={{ by, descending, onSort }} />;
}

const newOf = ([one, many]: Noun): Noun => [`new ${one}`, `new ${many}`];

function CsvLink({ path }: { path: string }) {
  return (
    <Button
      component="a"
      href={addressOf(path)}
      download
      size="xs"
      variant="default"
      leftSection={<Icon name="download" size={14} />}
      title="All rows that the filters select, not only this page"
    >
      Export CSV
    </Button>
  );
}

function NothingMatches({ state, noun }: { state: QueryState; noun: Noun }) {
  const names = Object.keys(filtersOf(state.query));
  return (
    <Empty title="Nothing matches">
      <span>No {noun[1]} with these filters.</span>
      <Button size="xs" onClick={() => state.update(Object.fromEntries(names.map((name) => [name, []])))}>
        Clear filters
      </Button>
    </Empty>
  );
}
