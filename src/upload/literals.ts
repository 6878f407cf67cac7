/** Texts as PostgreSQL takes them. */
import type { Column } from './columns.ts';

const SPECIAL = /["\\]/;

/**
 * The values as one array literal (PostgreSQL documentation, 8.15.2). Every value is quoted, so that an empty text,
 * the word NULL and white space stay what they are.
 */
export function arrayLiteral(values: readonly (string | number | null)[]): Column {
  const elements = values.map((value) => {
    if (value === null) return 'NULL';
    const text = String(value);
    return `"${SPECIAL.test(text) ? text.replace(/["\\]/g, '\\$&') : text}"`;
  });
  return `{${elements.join(',')}}`;
}

/** Bytes as text that PostgreSQL casts to bytea, also inside an array: `unnest($1::bytea[])`. */
export function byteaText(bytes: Buffer): string {
  return `\\x${bytes.toString('hex')}`;
}

// With the flag u a surrogate matches only where it stands alone.
const NOT_STORABLE = /[\0\p{Surrogate}]/u;
const ALL_NOT_STORABLE = /[\0\p{Surrogate}]/gu;

/**
 * The value with what no text of PostgreSQL can hold (NUL, surrogates that stand alone) replaced by U+FFFD in all
 * its texts and keys; the same value where there is nothing to replace.
 */
export function wellFormed<T>(value: T): T;
export function wellFormed(value: unknown): unknown {
  if (typeof value === 'string') {
    return NOT_STORABLE.test(value) ? value.replace(ALL_NOT_STORABLE, '\uFFFD') : value;
  }
  if (Array.isArray(value)) {
    const replaced = value.map((entry: unknown) => wellFormed(entry));
    return replaced.some((entry, index) => entry !== value[index]) ? replaced : value;
  }
  if (typeof value !== 'object' || value === null) return value;
  let changed = false;
  const entries = Object.entries(value).map(([key, inner]: [string, unknown]) => {
    const entry: [string, unknown] = [wellFormed(key), wellFormed(inner)];
    if (entry[0] !== key || entry[1] !== inner) changed = true;
    return entry;
  });
  return changed ? Object.fromEntries(entries) : value;
}

/** The texts without repetition, sorted by their bytes in UTF-8, which is the order of PostgreSQL's collation C. */
export function inByteOrder(texts: Iterable<string>): string[] {
  const distinct = [...new Set(texts)];
  // Where no text has a surrogate pair, the order of UTF-16 units is the order of bytes.
  return distinct.some((text) => /[\ud800-\udfff]/.test(text))
    ? distinct
        .map((text) => ({ text, bytes: Buffer.from(text) }))
        .sort((a, b) => Buffer.compare(a.bytes, b.bytes))
        .map(({ text }) => text)
    : distinct.sort();
}

const PADDED_DIGITS = 12;
const MAX_NATURAL_ORDER = 512;

/** The text with every run of digits padded to 12: in byte order CVE-2024-10000 then comes after CVE-2024-9999. */
export function naturalOrder(text: string): string {
  return text.replace(/\d+/g, (digits) => digits.padStart(PADDED_DIGITS, '0')).slice(0, MAX_NATURAL_ORDER);
}
