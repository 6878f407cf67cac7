import { UnstyledButton } from '@mantine/core';
import { type MouseEvent, type ReactNode, useState } from 'react';
import classes from './DataTable.module.css';
import { Icon } from './Icon.tsx';

export interface Column<T> {
  label: string;
  /** The first column of a table should hold a link: a click anywhere in the row follows it. */
  cell: (item: T) => ReactNode;
  /** The API's name of the order by this column. */
  sort?: string;
  /** Which way the API sorts it by itself. */
  descending?: boolean;
  align?: 'right';
  /** Left out where a table of many columns would be wider than its place. */
  spare?: boolean;
  /** Default: on one line. `text` may break; `wide` takes the room that is left; `name` too, and is cut in its middle. */
  fit?: 'text' | 'wide' | 'name';
}

interface Sorting {
  by: string | undefined;
  descending: boolean;
  onSort: (by: string, descending: boolean) => void;
}

interface DataTableProps<T> {
  caption: string;
  columns: readonly Column<T>[];
  items: readonly T[];
  itemKey: (item: T) => string | number;
  sorting?: Sorting;
  /** Rows of one group that follow each other get a heading, which closes them. */
  group?: (item: T) => string;
  /** More of an item, shown below its row when it is opened. Null: there is no more. */
  detail?: (item: T) => ReactNode;
  /** What a row's detail is, for its button: `versions`. */
  detailLabel?: string;
  dimmed?: boolean;
}

/** A table of answers. Long ones come in pages, so every row is in it. */
export function DataTable<T>(props: DataTableProps<T>) {
  const { caption, columns, items, itemKey, sorting, group, detail, dimmed } = props;
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const groups = group ? grouped(items, group) : [{ name: null, items }];
  const width = columns.length + (detail ? 1 : 0);
  return (
    <table
      className={classes.table}
      data-many={columns.length > 5 || undefined}
      data-dimmed={dimmed || undefined}
      aria-busy={dimmed || undefined}
    >
      <caption>{caption}</caption>
      <thead>
        <tr>
          {detail && <td className={classes.opener} />}
          {columns.map((column) => (
            <HeadCell key={column.label} column={column} sorting={sorting} />
          ))}
        </tr>
      </thead>
      {groups.map(({ name, items: members }) => (
        <tbody key={name ?? ''}>
          {name !== null && (
            <tr className={classes.group}>
              <th scope="rowgroup" colSpan={width}>
                <UnstyledButton
                  aria-expanded={!closed.has(name)}
                  onClick={() => setClosed(toggled(closed, name))}
                >
                  <Icon name={closed.has(name) ? 'right' : 'down'} size={14} />
                  <span>{name}</span>
                </UnstyledButton>
              </th>
            </tr>
          )}
          {(name === null || !closed.has(name)) &&
            keyed(members, itemKey).map(([key, item]) => (
              <Row key={key} item={item} width={width} {...props} />
            ))}
        </tbody>
      ))}
    </table>
  );
}

function HeadCell<T>({ column, sorting }: { column: Column<T>; sorting: Sorting | undefined }) {
  const { label, sort, descending = false } = column;
  const shared = {
    scope: 'col',
    'data-align': column.align,
    'data-fit': column.fit,
    'data-spare': column.spare || undefined,
  } as const;
  if (!sort || !sorting) return <th {...shared}>{label}</th>;
  const active = sorting.by === sort;
  const order = sorting.descending ? 'descending' : 'ascending';
  return (
    <th {...shared} aria-sort={active ? order : undefined}>
      <UnstyledButton onClick={() => sorting.onSort(sort, active ? !sorting.descending : descending)}>
        {label}
        <Icon name={active ? (sorting.descending ? 'down' : 'up') : 'sort'} size={12} />
      </UnstyledButton>
    </th>
  );
}

function Row<T>({
  item,
  columns,
  detail,
  detailLabel,
  width,
}: DataTableProps<T> & { item: T; width: number }) {
  const [open, setOpen] = useState(false);
  const more = detail?.(item);
  return (
    <>
      <tr onClick={followRow}>
        {detail && (
          <td className={classes.opener}>
            {more && (
              <UnstyledButton
                aria-expanded={open}
                aria-label={`${open ? 'Hide' : 'Show'} ${detailLabel ?? 'details'}`}
                onClick={() => setOpen(!open)}
              >
                <Icon name={open ? 'down' : 'right'} />
              </UnstyledButton>
            )}
          </td>
        )}
        {columns.map((column) => (
          <td
            key={column.label}
            data-label={column.label}
            data-align={column.align}
            data-fit={column.fit}
            data-spare={column.spare || undefined}
          >
            {column.cell(item)}
          </td>
        ))}
      </tr>
      {open && more && (
        <tr className={classes.detail}>
          <td colSpan={width}>{more}</td>
        </tr>
      )}
    </>
  );
}

/** A click beside the links and buttons of a row follows its first link, or else opens its detail. */
function followRow(event: MouseEvent<HTMLTableRowElement>): void {
  const target = event.target as Element;
  if (target.closest('a, button, input, summary, pre') || getSelection()?.toString()) return;
  const { ctrlKey, metaKey, shiftKey } = event;
  event.currentTarget
    .querySelector('a, button')
    ?.dispatchEvent(
      new window.MouseEvent('click', { bubbles: true, cancelable: true, ctrlKey, metaKey, shiftKey }),
    );
}

function grouped<T>(items: readonly T[], group: (item: T) => string): { name: string; items: T[] }[] {
  const groups = new Map<string, T[]>();
  for (const item of items) {
    const name = group(item);
    const members = groups.get(name);
    if (members) members.push(item);
    else groups.set(name, [item]);
  }
  return [...groups].map(([name, members]) => ({ name, items: members }));
}

/** Exact repeats among findings have the same key, and get their number as well. */
function keyed<T>(items: readonly T[], itemKey: (item: T) => string | number): [key: string, item: T][] {
  const seen = new Map<string, number>();
  return items.map((item) => {
    const key = String(itemKey(item));
    const repeat = seen.get(key) ?? 0;
    seen.set(key, repeat + 1);
    return [repeat === 0 ? key : `${key}\n${repeat}`, item];
  });
}

function toggled(set: ReadonlySet<string>, member: string): ReadonlySet<string> {
  const changed = new Set(set);
  if (!changed.delete(member)) changed.add(member);
  return changed;
}
