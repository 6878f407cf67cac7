import { useState } from 'react';
import type { List } from '../../../src/schemas.ts';
import type { Answer } from '../api.ts';
import type { Loaded } from '../data.ts';

/** What has changed since, while the old rows are still shown. */
interface Pending {
  /** How many rows are new. */
  added: number;
}

interface Held<T> {
  answer: Answer<List<T>> | undefined;
  pending: Pending | null;
  showPending: () => void;
}

/**
 * Keeps rows from jumping: an answer to the same question with the same rows replaces the old one in place, one with
 * other rows waits until it is asked for. What was kept from an earlier visit makes way at once.
 * @param question what was asked; the answer to another is shown at once
 */
export function useHeld<T>(
  question: string,
  loaded: Loaded<List<T>>,
  itemKey: (item: T) => string | number,
): Held<T> {
  const { data, isPlaceholderData } = loaded;
  const [openedAt] = useState(Date.now);
  const [held, setHeld] = useState({ question, answer: data });
  const answered = isPlaceholderData ? held.question : question;
  const isRead = held.answer && held.answer.at > openedAt && held.answer.body.items.length > 0;
  const pending =
    held.answer && isRead && data && held.question === answered
      ? compare(held.answer.body.items, data.body.items, itemKey)
      : null;
  const accept = pending === null;
  if (accept && data && (held.answer !== data || held.question !== answered)) {
    setHeld({ question: answered, answer: data });
  }
  return {
    answer: accept ? data : held.answer,
    pending,
    showPending: () => setHeld({ question: answered, answer: data }),
  };
}

/** Null where the rows are the same in the same order. */
function compare<T>(
  before: readonly T[],
  after: readonly T[],
  itemKey: (item: T) => string | number,
): Pending | null {
  const keys = before.map(itemKey);
  const present = new Set(keys);
  const added = after.filter((item) => !present.has(itemKey(item))).length;
  const same = before.length === after.length && after.every((item, row) => itemKey(item) === keys[row]);
  return same ? null : { added };
}
