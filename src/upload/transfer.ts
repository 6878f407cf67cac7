/**
 * How a document's columns cross from a thread. Long ones are moved as bytes, which costs the main thread nothing,
 * and become text when they are read: most texts of a report are known to the database, and then never are.
 */
import type { Column, ScanRows, StoredDocument } from './columns.ts';

/** Shorter columns are copied: moving has a price of its own. */
const MIN_MOVED_LENGTH = 65_536;

const GROUPS = ['vulnerabilityColumns', 'definitionColumns', 'occurrenceColumns', 'otherColumns'] as const;
type Group = (typeof GROUPS)[number];
type Packed<T> = { [K in keyof T]: Column | Uint8Array<ArrayBuffer> };
type PackedScan = Omit<ScanRows, Group> & { [G in Group]: Packed<ScanRows[G]> };

export type PackedDocument = Omit<StoredDocument, 'scans'> & { scans: PackedScan[] };

function packGroup<T extends object>(group: T): Packed<T> {
  const entries = Object.entries<Column>(group as Record<string, Column>);
  return Object.fromEntries(
    entries.map(([name, column]) => [
      name,
      column.length < MIN_MOVED_LENGTH ? column : new TextEncoder().encode(column),
    ]),
  ) as Packed<T>;
}

function packScan(scan: ScanRows): PackedScan {
  return {
    ...scan,
    vulnerabilityColumns: packGroup(scan.vulnerabilityColumns),
    definitionColumns: packGroup(scan.definitionColumns),
    occurrenceColumns: packGroup(scan.occurrenceColumns),
    otherColumns: packGroup(scan.otherColumns),
  };
}

/** @returns the document, and the memory that is to be moved with it */
export function packDocument(document: StoredDocument): { packed: PackedDocument; moved: ArrayBufferLike[] } {
  const scans = document.scans.map(packScan);
  const columns = scans.flatMap((scan) => GROUPS.flatMap((group) => Object.values(scan[group])));
  const moved = columns.flatMap((column) => (typeof column === 'string' ? [] : [column.buffer]));
  return { packed: { ...document, scans }, moved: [document.gzip.buffer, ...moved] };
}

function unpackGroup<T extends object>(packed: Packed<T>): T {
  const group = {};
  for (const [name, column] of Object.entries<Column | Uint8Array>(packed)) {
    const read = typeof column === 'string' ? () => column : () => new TextDecoder().decode(column);
    Object.defineProperty(group, name, { get: read, enumerable: true });
  }
  return group as T;
}

function unpackScan(scan: PackedScan): ScanRows {
  return {
    ...scan,
    vulnerabilityColumns: unpackGroup(scan.vulnerabilityColumns),
    definitionColumns: unpackGroup(scan.definitionColumns),
    occurrenceColumns: unpackGroup(scan.occurrenceColumns),
    otherColumns: unpackGroup(scan.otherColumns),
  };
}

/** The document again; a column is decoded each time it is read. */
export function unpackDocument(packed: PackedDocument): StoredDocument {
  return { ...packed, scans: packed.scans.map(unpackScan) };
}
