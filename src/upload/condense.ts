/** What is kept of a large document while the rest of it is read. */
import { ENTRIES_READ, UNREAD } from '../trivy/unread.ts';

/** Shorter texts cost less than finding out whether they are known. */
const MIN_SHARED_LENGTH = 16;

export interface Condenser {
  /**
   * Makes a value smaller, in place where it can.
   * @param key under which it stands; of an entry of a list, the list's
   */
  condense(value: unknown, key: string): unknown;
  /** How many entries are kept of a list under this key. */
  entriesKept(key: string): number;
}

/**
 * What nobody reads of a report becomes null, lists end where readers stop, and equal texts become one text: a report
 * tells the same of a vulnerability again and again.
 */
export function createCondenser(): Condenser {
  const known = new Map<string, string>();

  function shared(text: string): string {
    if (text.length < MIN_SHARED_LENGTH) return text;
    const same = known.get(text);
    if (same === undefined) known.set(text, text);
    return same ?? text;
  }

  function condense(value: unknown, key: string): unknown {
    if (typeof value === 'string') return shared(value);
    if (typeof value !== 'object' || value === null) return value;
    if (Array.isArray(value)) {
      return value.slice(0, ENTRIES_READ.get(key)).map((entry: unknown) => condense(entry, key));
    }
    const object = value as Record<string, unknown>;
    for (const name of Object.keys(object)) {
      // What JSON.parse made is the object's own, also under the name __proto__, which must not be assigned to.
      if (name !== '__proto__') object[name] = UNREAD.has(name) ? null : condense(object[name], name);
    }
    return object;
  }

  const entriesKept = (key: string) =>
    UNREAD.has(key) ? 0 : (ENTRIES_READ.get(key) ?? Number.POSITIVE_INFINITY);
  return { condense, entriesKept };
}
