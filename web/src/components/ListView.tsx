import { Button } from '@mantine/core';
import { type ReactNode, useRef } from 'react';
import type { List, SeverityCounts } from '../../../src/schemas.ts';
import { addressOf } from '../api.ts';
import { useGet } from '../data.ts';
import { formatCount, type Noun, plural } from '../format.ts';
import { useReturnFocus } from '../navigation.ts';
import type { Parameters, Query } from '../parameters.ts';
import { apiPath, filtersOf, type Position, type QueryState } from '../url.ts';
import { type Column, DataTable } from './DataTable.tsx';
import { FilterBar } from './FilterBar.tsx';
import { Freshness } from './Freshness.tsx';
import { Icon } from './Icon.tsx';
import classes from './ListView.module.css';
import { Empty, Failure, Skeleton } from './States.tsx';
import { useHeld } from './useHeld.ts';

const PAGE_ROWS = 50;

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
  defaultSort?: { by: string; descending: boolean };
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
  const { api, parameters, state, fixed = {}, noun, itemKey, filterable = true } = props;
  const { query, dropped, update } = state;
  const path = apiPath(api, query, fixed);
  const loaded = useGet<List<T>>(path, { keep: true });
  const { answer, pending, showPending } = useHeld(path, loaded, itemKey);
  const section = useRef<HTMLElement>(null);
  useReturnFocus(answer !== undefined);

  const filtered = Object.keys(filtersOf(query)).length > 0;
  const { defaultSort } = props;
  const by = query.sort?.[0] ?? defaultSort?.by;
  const column = props.columns.find((one) => one.sort === by);
  const descending = query.order
    ? query.order[0] === 'desc'
    : (column?.descending ?? defaultSort?.descending ?? false);
  const items = answer?.body.items;

  return (
    <section className={classes.list} ref={section} aria-label={props.caption}>
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
          {props.csv && (
            <CsvLink path={apiPath(api, query, fixed, { format: ['csv'], cursor: [], limit: [] })} />
          )}
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
            {pending.added > 0
              ? `${plural(pending.added, newOf(noun))} – show`
              : 'The list has changed – show'}
          </Button>
        )}
      </div>
      {items && items.length > 0 && (
        <DataTable
          {...props}
          items={items}
          sorting={{
            by,
            descending,
            onSort: (sort, down) => update({ sort: [sort], order: [down ? 'desc' : 'asc'] }),
          }}
          dimmed={loaded.isPlaceholderData}
        />
      )}
      {items?.length === 0 &&
        (filtered ? (
          <NothingMatches state={state} noun={noun} />
        ) : query.cursor ? (
          <Empty title="Nothing is left on this page">
            <FirstPage state={state} />
          </Empty>
        ) : (
          props.empty
        ))}
      {answer && (
        <Pager
          caption={props.caption}
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

function FirstPage({ state }: { state: QueryState }) {
  return (
    <Button size="compact-sm" variant="default" onClick={() => state.update({ cursor: [] })}>
      First page
    </Button>
  );
}

interface PagerProps {
  caption: string;
  list: List<unknown>;
  state: QueryState;
  onTurn: () => void;
  children: ReactNode;
}

/** "Showing 51–100 of 10,000+" and the steps to the pages beside. */
function Pager({ caption, list, state, onTurn, children }: PagerProps) {
  const { query, position, update } = state;
  const cursor = query.cursor?.[0] ?? '';
  const rows = list.items.length;
  const turn = (to: string, reached: Position | null) => {
    update({ cursor: to ? [to] : [] }, { position: reached });
    onTurn();
  };
  const back = position?.before.at(-1);
  return (
    <footer className={classes.pager}>
      <span>{describeRange(list, position?.offset)}</span>
      {children}
      <nav aria-label={`Pages: ${caption}`}>
        {cursor && position === null && <FirstPage state={state} />}
        {position && back !== undefined && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() =>
              turn(back, {
                before: position.before.slice(0, -1),
                offset: Math.max(0, position.offset - Number(query.limit?.[0] ?? PAGE_ROWS)),
              })
            }
          >
            Previous
          </Button>
        )}
        {list.nextCursor !== null && (
          <Button
            size="compact-sm"
            variant="default"
            onClick={() =>
              turn(
                list.nextCursor ?? '',
                position && { before: [...position.before, cursor], offset: position.offset + rows },
              )
            }
          >
            Next
          </Button>
        )}
      </nav>
    </footer>
  );
}

const totalOf = ({ total, totalIsExact }: List<unknown>) => `${formatCount(total)}${totalIsExact ? '' : '+'}`;

const describeTotal = (list: List<unknown>, [one, many]: Noun) =>
  `${totalOf(list)} ${list.total === 1 ? one : many}`;

/** Empty where all rows are shown. @param offset undefined where it is not known */
function describeRange(list: List<unknown>, offset: number | undefined): string {
  const rows = list.items.length;
  if (rows === list.total || rows === 0) return '';
  if (offset === undefined) return `Showing ${rows} of ${totalOf(list)}`;
  return `Showing ${formatCount(offset + 1)}–${formatCount(offset + rows)} of ${totalOf(list)}`;
}
