/**
 * How a document's columns cross from a thread. Long ones are moved as bytes, which costs the main thread nothing,
 * and become text when they are read: most texts of a report are known to the database, and then never are.
 */
import type { Column, ScanRows, StoredDocument } from './columns.ts';
import type { DefinitionColumns, VulnerabilityPage } from './dictionary.ts';

/** Shorter columns are copied: moving has a price of its own. */
const MIN_MOVED_LENGTH = 16_384;

type Packed<T> = { [K in keyof T]: Column | Uint8Array<ArrayBuffer> };
type PackedScan = Omit<ScanRows, 'occurrenceColumns' | 'otherColumns'> & {
  [G in 'occurrenceColumns' | 'otherColumns']: Packed<ScanRows[G]>;
};

export interface PackedDocument extends Omit<StoredDocument, 'scans' | 'dictionary'> {
  scans: PackedScan[];
  dictionary: {
    vulnerabilities: Packed<VulnerabilityPage>[];
    definitions: Packed<DefinitionColumns>[];
    places: Column;
  };
}

/** @returns the document, and the memory that is to be moved with it */
export function packDocument(document: StoredDocument): { packed: PackedDocument; moved: ArrayBufferLike[] } {
  const moved: ArrayBufferLike[] = [document.gzip.buffer];
  function pack<T extends object>(group: T): Packed<T> {
    const entries = Object.entries<Column>(group as Record<string, Column>).map(([name, column]) => {
      if (column.length < MIN_MOVED_LENGTH) return [name, column];
      const bytes = new TextEncoder().encode(column);
      moved.push(bytes.buffer);
      return [name, bytes];
    });
    return Object.fromEntries(entries) as Packed<T>;
  }
  const { vulnerabilities, definitions, places } = document.dictionary;
  const packed = {
    ...document,
    scans: document.scans.map((scan) => ({
      ...scan,
      occurrenceColumns: pack(scan.occurrenceColumns),
      otherColumns: pack(scan.otherColumns),
    })),
    dictionary: { vulnerabilities: vulnerabilities.map(pack), definitions: definitions.map(pack), places },
  };
  return { packed, moved };
}

function unpack<T extends object>(packed: Packed<T>): T {
  const group = {};
  for (const [name, column] of Object.entries<Column | Uint8Array>(packed)) {
    const read = typeof column === 'string' ? () => column : () => new TextDecoder().decode(column);
    Object.defineProperty(group, name, { get: read, enumerable: true });
  }
  return group as T;
}

/** The document again; a column is decoded each time it is read. */
export function unpackDocument(packed: PackedDocument): StoredDocument {
  const { vulnerabilities, definitions, places } = packed.dictionary;
  return {
    ...packed,
    scans: packed.scans.map((scan) => ({
      ...scan,
      occurrenceColumns: unpack(scan.occurrenceColumns),
      otherColumns: unpack(scan.otherColumns),
    })),
    dictionary: {
      vulnerabilities: vulnerabilities.map((page) => unpack(page)),
      definitions: definitions.map((page) => unpack(page)),
      places,
    },
  };
}
