import { badParameter, HttpError } from '../errors.ts';

/** PostgreSQL's jsonb holds neither NUL nor half of a surrogate pair. */
function isStorable(text: string): boolean {
  return !text.includes('\0') && !/\p{Surrogate}/u.test(text);
}

/**
 * Labels as they are given in an address: `name=value`, the last of a name counts.
 * @throws HttpError 400 `bad_parameter`
 */
export function labelsOf(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text) => {
    const end = text.indexOf('=');
    const pair = [text.slice(0, end), text.slice(end + 1)] as const;
    if (pair.some((part) => part.length > 256))
      throw badParameter('label', 'has to have a name and a value of at most 256 characters each');
    if (!isStorable(text)) throw badParameter('label', 'has characters that cannot be stored');
    return pair;
  });
  return Object.fromEntries(pairs);
}

/** @throws HttpError 400 `bad_parameter` where a name or value of a merge patch cannot be stored */
export function checkPatch(labels: Record<string, string | null>): void {
  const wrong = Object.entries(labels).find(([name, value]) => !isStorable(`${name}${value ?? ''}`));
  if (!wrong) return;
  const detail = 'A label has characters that cannot be stored.';
  throw new HttpError('bad_parameter', detail, { errors: [{ pointer: '/labels', detail }] });
}
