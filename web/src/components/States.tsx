import { Button } from '@mantine/core';
import type { ReactNode } from 'react';
import { ApiError, particulars } from '../api.ts';
import type { Loaded } from '../data.ts';
import { formatClock } from '../format.ts';
import { Copy } from './Copy.tsx';
import classes from './States.module.css';

/** Grey lines in the height of what is awaited; they appear only when it takes longer than a blink. */
export function Skeleton({ rows, tall = false }: { rows: number; tall?: boolean }) {
  return (
    <div className={classes.skeleton} role="status" aria-label="Loading" data-tall={tall || undefined}>
      {Array.from({ length: rows }, (_, row) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: the rows are all the same.
        <div key={row} />
      ))}
    </div>
  );
}

interface FailureProps {
  error: Error;
  retry: () => void;
  /** When the old answer came that is still shown, in ms since 1970. */
  shownSince?: number | undefined;
  /** Further ways out. */
  children?: ReactNode;
}

/** What went wrong, with what a person who looks into it needs to know. */
export function Failure({ error, retry, shownSince, children }: FailureProps) {
  const problem = error instanceof ApiError ? error.problem : null;
  return (
    <div className={classes.failure} role="alert">
      <strong>{problem?.title ?? 'Something went wrong in the dashboard'}</strong>
      <p>{problem?.detail ?? error.message}</p>
      {problem &&
        particulars(problem).map((one) => (
          <p key={`${one.parameter ?? one.pointer} ${one.detail}`}>
            <code>{one.parameter ?? one.pointer}</code> {one.detail}
          </p>
        ))}
      {shownSince !== undefined && <p>What you see below is from {formatClock(shownSince)}.</p>}
      <div className={classes.actions}>
        <Button size="compact-sm" variant="default" onClick={retry}>
          Try again
        </Button>
        {children}
        {problem?.requestId && (
          <span>
            Request <code>{problem.requestId}</code> <Copy value={problem.requestId} what="request id" />
          </span>
        )}
      </div>
    </div>
  );
}

/** Nothing to show, and why, and what to do. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className={classes.empty} data-words>
      <strong>{title}</strong>
      {children}
    </div>
  );
}

/** What the address names is not there, or not any more. */
function Missing({ error }: { error: ApiError }) {
  return (
    <Empty title={error.message}>
      <span>
        It may have been deleted. Press <kbd>/</kbd> to search.
      </span>
    </Empty>
  );
}

/** Shows an answer once it is there; until then what is awaited, and when it fails the failure, above the old one. */
export function Await<T>({
  loaded,
  rows = 8,
  children,
}: {
  loaded: Loaded<T>;
  rows?: number;
  children: (body: T) => ReactNode;
}) {
  const { data, error, refetch } = loaded;
  if (error instanceof ApiError && error.problem.status === 404) return <Missing error={error} />;
  return (
    <>
      {error && <Failure error={error} retry={() => void refetch()} shownSince={data?.at} />}
      {data ? children(data.body) : !error && <Skeleton rows={rows} />}
    </>
  );
}
