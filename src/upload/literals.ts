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

/** True where PostgreSQL can hold every text and key in the value: without NUL, and surrogates in pairs alone. */
function isStorable(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed() && !value.includes('\0');
  if (typeof value !== 'object' || value === null) return true;
  if (Array.isArray(value)) return value.every(isStorable);
  const object = value as Record<string, unknown>;
  for (const key in object) if (!isStorable(key) || !isStorable(object[key])) return false;
  return true;
}

/** The value with what no text of PostgreSQL can hold replaced by U+FFFD; the same value where there is nothing. */
export function storable<T>(value: T): T {
  return isStorable(value) ? value : (replaceIn(value) as T);
}

function replaceIn(value: unknown): unknown {
  if (typeof value === 'string') return value.toWellFormed().replaceAll('\0', '\uFFFD');
  if (Array.isArray(value)) return value.map(replaceIn);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, inner]) => [String(replaceIn(key)), replaceIn(inner)]),
  );
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
