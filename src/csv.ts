/** Lists as CSV (RFC 4180), page by page. */
import { Readable } from 'node:stream';
import { stringify } from 'csv-stringify/sync';
import type { ListOptions } from './db/list.ts';
import type { List } from './schemas.ts';

const SEVERITY_COUNTS = ['critical', 'high', 'medium', 'low', 'unknown'].map(
  (name) => `severityCounts.${name}`,
);
const OS = ['os.family', 'os.name', 'os.eosl'];

/** The columns of each list: paths into its items, which are the names in the header line too. */
export const CSV_COLUMNS = {
  scans: [
    'id',
    ...['id', 'type', 'name', 'repository', 'version', 'digest', 'cluster', 'namespace', 'kind'].map(
      (name) => `artifact.${name}`,
    ),
    'kinds',
    'scannedAt',
    'receivedAt',
    'latest',
    ...SEVERITY_COUNTS,
    'fixableCount',
    'misconfigurationCount',
    'secretCount',
    'licenseCount',
    'suppressedCount',
    'labels',
    'trivyVersion',
    ...OS,
    'uploadedBy',
    'warnings',
    'changes.against',
    'changes.new',
    'changes.gone',
    'changes.same',
    ...['critical', 'high', 'medium', 'low', 'unknown'].map((name) => `changes.newBySeverity.${name}`),
  ],
  artifacts: [
    'id',
    'type',
    'name',
    'repository',
    'version',
    'digest',
    'cluster',
    'namespace',
    'kind',
    'stale',
    'lastSeenAt',
    'labels',
    ...OS,
    ...SEVERITY_COUNTS,
    'fixableCount',
    'misconfigurationCount',
    'secretCount',
    'licenseCount',
    'scanCount',
    'workloadCount',
    ...['vulnerability', 'misconfiguration', 'secret', 'license'].flatMap((kind) => [
      `latestScans.${kind}.id`,
      `latestScans.${kind}.scannedAt`,
    ]),
  ],
  vulnerabilities: [
    'id',
    'severity',
    ...['critical', 'high', 'medium', 'low', 'unknown'].map((name) => `severities.${name}`),
    'title',
    'cvss',
    'fixable',
    'packages',
    'packageCount',
    'affectedArtifacts',
    'firstSeenAt',
    'publishedAt',
    'primaryUrl',
  ],
  findings: [
    'vulnerabilityId',
    'severity',
    'package',
    'installedVersion',
    'fixedVersion',
    'status',
    'path',
    'target',
    'class',
    'packageType',
    'purl',
    'title',
    'cvss',
    'primaryUrl',
    'artifact.id',
    'artifact.type',
    'artifact.name',
    'artifact.workloadCount',
    'scanId',
    'scannedAt',
    'firstSeenAt',
  ],
} as const satisfies Record<string, readonly string[]>;

/** How an export reads a list: many rows at a time, and no totals. */
export const EXPORT_PAGE: ListOptions = { limit: 1_000, total: false };

/**
 * Rows of CSV, each ended by CRLF. Absent values are empty, several are joined by "; ", labels are `name=value`. What
 * a spreadsheet would take for a formula (it begins with `= + - @`, TAB or CR) gets a leading apostrophe.
 * @param columns paths into the items
 * @param options.header puts the columns' names into a first row
 */
export function csvRows(
  columns: readonly string[],
  items: readonly object[],
  options: { header: boolean },
): string {
  return stringify([...items], {
    columns: [...columns],
    header: options.header,
    record_delimiter: 'windows',
    escape_formulas: true,
    // Either half of a CRLF alone ends a row for some readers.
    quoted_match: /[\r\n]/,
    cast: { boolean: String, object: joined },
  });
}

function joined(value: object): string {
  if (Array.isArray(value)) return value.join('; ');
  return Object.entries(value)
    .map(([name, content]) => `${name}=${content}`)
    .join('; ');
}

/**
 * A header line and every item of the pages, as UTF-8. A page is asked for when the reader of the stream has taken the
 * one before it; an error of the pages destroys the stream, and a stream destroyed early ends the pages.
 * @param columns of `CSV_COLUMNS`
 */
export function streamCsv(columns: readonly string[], pages: AsyncIterable<readonly object[]>): Readable {
  async function* chunks(): AsyncGenerator<string> {
    yield csvRows(columns, [], { header: true });
    for await (const items of pages) yield csvRows(columns, items, { header: false });
  }
  return Readable.from(chunks(), { objectMode: false });
}

/**
 * All items of a list, page by page, in its order. From one snapshot where `list` reads from one.
 * @param list reads the page at a cursor, with `EXPORT_PAGE` as its options
 */
export async function* allPages<Item>(
  list: (cursor: string | undefined) => Promise<List<Item>>,
): AsyncGenerator<Item[]> {
  let cursor: string | undefined;
  do {
    const page = await list(cursor);
    yield page.items;
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
}
