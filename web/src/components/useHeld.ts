import { useState } from 'react';
import type { List } from '../../../src/schemas.ts';
import type { Answer } from '../api.ts';
import type { Loaded } from '../data.ts';

interface Held<T> {
  answer: Answer<List<T>> | undefined;
  /** How many rows came or went since; the old ones are still shown. */
  pending: number;
  showPending: () => void;
}

/**
 * Keeps rows from jumping: an answer to the same question with the same rows replaces the old one in place, one with
 * other rows waits until it is asked for.
 * @param question what was asked; the answer to another is shown at once
 */
export function useHeld<T>(
  question: string,
  loaded: Loaded<List<T>>,
  itemKey: (item: T) => string | number,
): Held<T> {
  const { data, isPlaceholderData } = loaded;
  const [held, setHeld] = useState({ question, answer: data });
  const answered = isPlaceholderData ? held.question : question;
  const pending =
    held.answer && data && held.question === answered
      ? countChanged(held.answer.body.items, data.body.items, itemKey)
      : 0;
  const accept = pending === 0 || held.answer?.body.items.length === 0;
  if (accept && data && (held.answer !== data || held.question !== answered)) {
    setHeld({ question: answered, answer: data });
  }
  return {
    answer: accept ? data : held.answer,
    pending: accept ? 0 : pending,
    showPending: () => setHeld({ question: answered, answer: data }),
  };
}

/** Rows that are new or moved, or gone where none are new. */
function countChanged<T>(
  before: readonly T[],
  after: readonly T[],
  itemKey: (item: T) => string | number,
): number {
  const keys = before.map(itemKey);
  const present = new Set(keys);
  const added = after.filter((item) => !present.has(itemKey(item))).length;
  if (added > 0) return added;
  if (after.length !== before.length) return Math.abs(before.length - after.length);
  return after.filter((item, row) => itemKey(item) !== keys[row]).length;
}
