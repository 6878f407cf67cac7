import { useSyncExternalStore } from 'react';
import { formatAgo, formatDateTime } from '../format.ts';

const TICK_MS = 15_000;
let now = Date.now();
const listeners = new Set<() => void>();
setInterval(() => {
  now = Date.now();
  for (const listener of listeners) listener();
}, TICK_MS);

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

/** The time in ms since 1970, renewed every 15 s. */
export function useNow(): number {
  return useSyncExternalStore(subscribe, () => now);
}

/** `3 h ago`, with the time itself as title, or beside it where `absolute`. */
export function Time({ value, absolute = false }: { value: string; absolute?: boolean }) {
  const ago = formatAgo(value, useNow());
  const written = formatDateTime(value);
  return (
    <time dateTime={value} title={written}>
      {absolute ? `${ago} · ${written}` : ago}
    </time>
  );
}
