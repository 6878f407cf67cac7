import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import type { List } from '../../../src/schemas.ts';
import { formatCount, type Noun } from '../format.ts';
import type { Position, QueryState } from '../url.ts';
import classes from './Pager.module.css';

/** Rows of a page where the address names no other number. */
const PAGE_ROWS = 50;

/** The way back to where a list begins. */
export function FirstPage({ state }: { state: QueryState }) {
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
export function Pager({ caption, list, state, onTurn, children }: PagerProps) {
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

/** `1,234 vulnerabilities`. */
export const describeTotal = (list: List<unknown>, [one, many]: Noun) =>
  `${totalOf(list)} ${list.total === 1 ? one : many}`;

/** Empty where all rows are shown. @param offset undefined where it is not known */
function describeRange(list: List<unknown>, offset: number | undefined): string {
  const rows = list.items.length;
  if (rows === list.total || rows === 0) return '';
  if (offset === undefined) return `Showing ${rows} of ${totalOf(list)}`;
  return `Showing ${formatCount(offset + 1)}–${formatCount(offset + rows)} of ${totalOf(list)}`;
}
