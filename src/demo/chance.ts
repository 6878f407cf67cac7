import { createHash } from 'node:crypto';

/** The SHA-256 of a key in hexadecimal: what looks random in the sample reports, and is the same every time. */
export function hashOf(...key: (string | number)[]): string {
  return createHash('sha256').update(key.join('\0')).digest('hex');
}

/** A number from 0 to below 1 that depends on the key alone, so that no order of calls matters. */
export function chance(...key: (string | number)[]): number {
  return Number.parseInt(hashOf(...key).slice(0, 8), 16) / 2 ** 32;
}

/** One of the values, chosen by the key. */
export function pick<const T extends readonly [unknown, ...unknown[]]>(
  values: T,
  ...key: (string | number)[]
): T[number] {
  return values[Math.floor(chance(...key) * values.length)] ?? values[0];
}

/** A UUID of the shape of version 7, of the key. */
export function uuidOf(...key: (string | number)[]): string {
  return hashOf(...key).replace(/^(.{8})(.{4}).(.{3}).(.{3})(.{12}).*$/, '$1-$2-7$3-8$4-$5');
}
