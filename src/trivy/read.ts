/**
 * Reading values of unknown type out of a parsed JSON document. Every function answers what is there or refuses
 * with a JSON pointer. `null` is read like an absent key, as Go prints empty lists and maps as `null`.
 */
import { ReportError } from './problem.ts';

export type JsonObject = Record<string, unknown>;

/** Where a value stands in the document; the pointer is spelled out only when something is wrong there. */
export interface Place {
  parent: Place | null;
  key: string | number;
}

/** Longest texts in bytes of UTF-8. Names are indexed by the database, whose index rows end at 2,700 bytes. */
export const MAX_BYTES = { word: 64, id: 256, label: 253, name: 1024, line: 4096, text: 262_144 } as const;

const MAX_LIST = 5_000;

/** What no name may hold: NUL, and surrogates that stand alone. */
const UNSTORABLE = /[\0\p{Cs}]/u;

export function at(parent: Place | null, key: string | number): Place {
  return { parent, key };
}

function pointerOf(place: Place | null): string {
  const keys: string[] = [];
  for (let step = place; step !== null; step = step.parent) {
    keys.push(String(step.key).replaceAll('~', '~0').replaceAll('/', '~1'));
  }
  return keys
    .reverse()
    .map((key) => `/${key}`)
    .join('');
}

function nameOfType(value: unknown): string {
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  return `a ${typeof value}`;
}

export function invalid(place: Place | null, complaint: string): ReportError {
  const pointer = pointerOf(place);
  return new ReportError(422, 'invalid_report', `${pointer || 'The document'} ${complaint}`, { pointer });
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

export function asObject(value: unknown, place: Place | null): JsonObject {
  if (isObject(value)) return value;
  throw invalid(place, `is ${value === null ? 'null' : nameOfType(value)}; it has to be an object`);
}

function has(object: JsonObject, key: string): boolean {
  return Object.hasOwn(object, key) && object[key] !== null && object[key] !== undefined;
}

export function objectAt(object: JsonObject, key: string, place: Place | null): JsonObject | null {
  return has(object, key) ? asObject(object[key], at(place, key)) : null;
}

export function listAt(object: JsonObject, key: string, place: Place | null): unknown[] {
  if (!has(object, key)) return [];
  const value = object[key];
  if (!Array.isArray(value)) throw invalid(at(place, key), `is ${nameOfType(value)}; it has to be a list`);
  return value;
}

/** The text at the key; null where it is absent or empty. */
export function textAt(
  object: JsonObject,
  key: string,
  place: Place | null,
  maxBytes: number = MAX_BYTES.line,
): string | null {
  if (!has(object, key)) return null;
  return asText(object[key], at(place, key), maxBytes) || null;
}

function asText(value: unknown, place: Place, maxBytes: number): string {
  if (typeof value !== 'string') throw invalid(place, `is ${nameOfType(value)}; it has to be a string`);
  if (value.length * 3 > maxBytes && Buffer.byteLength(value) > maxBytes) {
    throw invalid(place, `is longer than ${maxBytes} bytes`);
  }
  // What only people read is stored with U+FFFD in their place: a report is not lost for a byte in a line of code.
  if (maxBytes <= MAX_BYTES.name && UNSTORABLE.test(value)) {
    throw invalid(place, 'is a name, and holds NUL or half a surrogate pair');
  }
  return value;
}

/** The texts of a list, without empty and null ones. */
export function textsAt(
  object: JsonObject,
  key: string,
  place: Place | null,
  maxBytes: number = MAX_BYTES.line,
): string[] {
  const list = listAt(object, key, place);
  if (list.length > MAX_LIST) throw invalid(at(place, key), `has more than ${MAX_LIST} entries`);
  const here = at(place, key);
  const texts: string[] = [];
  for (const [index, entry] of list.entries()) {
    if (entry !== null && entry !== '') texts.push(asText(entry, at(here, index), maxBytes));
  }
  return texts;
}

export function numberAt(object: JsonObject, key: string, place: Place | null): number | null {
  if (!has(object, key)) return null;
  const value = object[key];
  if (typeof value !== 'number' || !Number.isFinite(value)) {
    throw invalid(at(place, key), `is ${nameOfType(value)}; it has to be a number`);
  }
  return value;
}

/** A line number: whole and small enough for an integer column. */
export function integerAt(object: JsonObject, key: string, place: Place | null): number | null {
  const value = numberAt(object, key, place);
  if (value !== null && !(Number.isInteger(value) && Math.abs(value) <= 2_147_483_647)) {
    throw invalid(at(place, key), 'has to be a whole number of at most 2147483647');
  }
  return value;
}

export function booleanAt(object: JsonObject, key: string, place: Place | null): boolean {
  if (!has(object, key)) return false;
  const value = object[key];
  if (typeof value !== 'boolean') {
    throw invalid(at(place, key), `is ${nameOfType(value)}; it has to be true or false`);
  }
  return value;
}

const TIME = /^\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?([Zz]|[+-]\d{2}:\d{2})$/;

/**
 * The time at the key in UTC with milliseconds; null where it is absent, unreadable, or before 1971: Go prints a
 * time that was never set as year 1.
 */
export function timeAt(object: JsonObject, key: string, place: Place | null): string | null {
  const text = textAt(object, key, place);
  if (text === null || !TIME.test(text)) return null;
  const time = new Date(text.toUpperCase().replace(' ', 'T'));
  const year = time.getUTCFullYear();
  return year > 1970 && year <= 9999 ? time.toISOString() : null;
}

/** An address a reader may follow: http or https only, for it becomes a link. */
function isWebAddress(text: string): boolean {
  return /^https?:\/\/[^\s/]/i.test(text) && text.length <= 2048;
}

export function webAddressAt(object: JsonObject, key: string, place: Place | null): string | null {
  const text = textAt(object, key, place, MAX_BYTES.text);
  return text !== null && isWebAddress(text) ? text : null;
}

export function webAddressesAt(object: JsonObject, key: string, place: Place | null): string[] {
  return [...new Set(textsAt(object, key, place, MAX_BYTES.text).filter(isWebAddress))];
}
