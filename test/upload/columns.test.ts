import fc from 'fast-check';
import pg from 'pg';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ParsedScan } from '../../src/trivy/report.ts';
import { toRows } from '../../src/upload/columns.ts';
import { VULNERABILITIES_A_PAGE } from '../../src/upload/dictionary.ts';
import { arrayLiteral, inByteOrder } from '../../src/upload/literals.ts';
import { parseScan, report, result, vulnerability } from '../trivy/samples.ts';

let client: pg.Client;

beforeAll(async () => {
  const connectionString = process.env.TEST_DATABASE_URL;
  if (!connectionString)
    throw new Error('TEST_DATABASE_URL is not set: run the tests with `npm test -- FILE`.');
  client = new pg.Client({ connectionString });
  await client.connect();
});

afterAll(() => client.end());

async function unnest(column: string, type = 'text'): Promise<unknown[]> {
  const { rows } = await client.query<{ value: unknown }>(`SELECT * FROM unnest($1::${type}[]) AS value`, [
    column,
  ]);
  return rows.map((row) => row.value);
}

/** A column of the texts of vulnerabilities, as PostgreSQL reads them. */
async function textsOf(texts: string, column: string, type = 'text'): Promise<unknown[]> {
  const { rows } = await client.query<{ value: unknown }>(
    `SELECT "${column}" AS value FROM json_to_recordset($1) AS i("${column}" ${type})`,
    [texts],
  );
  return rows.map((row) => row.value);
}

/** A scan's rows, with the first page of each of its dictionaries. */
function rowsOf(entries: unknown[], facts: Record<string, unknown> = {}) {
  return rowsOfScan(parseScan(report({ Results: [result({ ...facts, Vulnerabilities: entries })] })));
}

/** The first page, or one whose columns are all empty. */
function columnsOf<Columns extends object>(pages: Columns[]): Columns {
  return pages[0] ?? new Proxy({} as Columns, { get: () => '{}' });
}

function rowsOfScan(scan: ParsedScan) {
  const { scans, dictionary } = toRows([scan]);
  const [rows] = scans;
  if (rows === undefined) throw new Error('no scan');
  return {
    ...rows,
    vulnerabilityPage: dictionary.vulnerabilities[0] ?? { id: '{}', modifiedAt: '{}', texts: '[]' },
    definitionColumns: columnsOf(dictionary.definitions),
    places: dictionary.places,
  };
}

/** Any text, with what is awkward in arrays and encodings more often than by chance. */
const awkward = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc
    .array(
      fc.constantFrom(
        '"',
        '\\',
        '{',
        '}',
        ',',
        'NULL',
        '\n',
        '\r',
        '\t',
        ' ',
        "'",
        '\0',
        '\ud800',
        '\udfff',
        'é',
        '😀',
        '\u2028',
      ),
    )
    .map((parts) => parts.join('')),
);

/** What is stored of a text. */
function stored(text: string): string {
  return text.replace(/[\0\p{Surrogate}]/gu, '\uFFFD');
}

describe('columns are read by PostgreSQL as they were written', () => {
  test('texts, empty ones, the word NULL, and NULL', async () => {
    const texts = ['', 'NULL', null, ' ', 'a"b', 'a\\b', '\\"', '{a,b}', 'a\nb', "a'b", 'é😀'];
    expect(await unnest(arrayLiteral(texts))).toEqual(texts);
    expect(await unnest(arrayLiteral([]))).toEqual([]);
  });

  test('any text', async () => {
    const texts = fc.array(fc.option(awkward.map(stored)), { maxLength: 30 });
    await fc.assert(
      fc.asyncProperty(texts, async (values) => {
        expect(await unnest(arrayLiteral(values))).toEqual(values);
      }),
      { numRuns: 300 },
    );
  });

  test('sorted as the collation C sorts', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(awkward.map(stored)), async (texts) => {
        const { rows } = await client.query<{ value: string }>(
          'SELECT DISTINCT value COLLATE "C" AS value FROM unnest($1::text[]) AS value ORDER BY 1',
          [arrayLiteral(texts)],
        );
        expect(inByteOrder(texts)).toEqual(rows.map((row) => row.value));
      }),
      { numRuns: 100 },
    );
  });

  test('a whole scan with hostile texts everywhere', async () => {
    // Names that cannot be stored are refused before.
    const name = awkward.map((text) => text.replace(/[\0\p{Cs}]/gu, ''));
    const finding = fc.record({
      VulnerabilityID: name,
      PkgName: name,
      InstalledVersion: name,
      FixedVersion: name,
      PkgPath: awkward,
      Title: awkward,
      Description: awkward,
      CweIDs: fc.array(name, { maxLength: 2 }),
      CVSS: fc.dictionary(awkward, fc.record({ V3Vector: name, V3Score: fc.integer({ min: 0, max: 10 }) }), {
        maxKeys: 2,
      }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(finding, { maxLength: 8 }), awkward, async (entries, target) => {
        const rows = rowsOf(entries, { Target: target, Secrets: [{ RuleID: 'rule', Match: target }] });
        const { id, texts } = rows.vulnerabilityPage;
        const ids = await unnest(id);
        const expected = entries.map((entry) => stored(entry.VulnerabilityID) || 'UNKNOWN');
        expect(ids).toEqual(inByteOrder(expected));
        expect(await textsOf(texts, 'vulnerability_id')).toEqual(ids);
        expect(await textsOf(texts, 'natural_order')).toHaveLength(ids.length);
        for (const key of ['references', 'cvss', 'vendor_severity', 'cwe_ids']) {
          expect(await textsOf(texts, key, 'jsonb')).toHaveLength(ids.length);
        }
        expect(await textsOf(texts, 'cvss_score', 'real')).toHaveLength(ids.length);
        const targets = await unnest(rows.occurrenceColumns.target);
        expect(targets).toEqual(entries.map(() => stored(target)));
        const places = new Set(await unnest(rows.places));
        const paths = await unnest(rows.occurrenceColumns.path);
        expect(paths).toEqual(entries.map((entry) => stored(entry.PkgPath)));
        expect([...targets, ...paths].every((text) => places.has(text))).toBe(true);
        expect(await unnest(rows.otherColumns.detail, 'jsonb')).toMatchObject([
          { match: stored(target) || null },
        ]);
      }),
      { numRuns: 150 },
    );
  });

  test('hashes are bytea of 16 bytes, severities numbers, times timestamps', async () => {
    const rows = rowsOf([
      vulnerability({ PublishedDate: '2024-01-02T03:04:05Z' }),
      vulnerability({ PkgName: 'b', Severity: '' }),
    ]);
    const hashes = await unnest(rows.definitionColumns.hash, 'bytea');
    expect(hashes.map((hash) => (hash as Buffer).length)).toEqual([16, 16]);
    expect(Buffer.compare(hashes[0] as Buffer, hashes[1] as Buffer)).toBe(-1);
    expect(new Set(await unnest(rows.definitionColumns.severity, 'smallint'))).toEqual(new Set([3, 0]));
    expect(await textsOf(rows.vulnerabilityPage.texts, 'published_at', 'timestamptz')).toEqual([
      new Date('2024-01-02T03:04:05Z'),
    ]);
  });
});

describe('what is distinct', () => {
  test('a definition is everything of a finding but where it is', async () => {
    const rows = rowsOf([
      vulnerability(),
      vulnerability({ PkgPath: 'a' }),
      vulnerability({ Title: 'other' }),
      vulnerability({ InstalledVersion: '2' }),
    ]);
    expect(await unnest(rows.definitionColumns.hash)).toHaveLength(2);
    const occurrences = await unnest(rows.occurrenceColumns.hash);
    expect(occurrences).toHaveLength(4);
    expect(new Set(occurrences.slice(0, 3)).size).toBe(1);
    expect(await unnest(rows.occurrenceColumns.path)).toEqual(['', 'a', '', '']);
    expect(await unnest(rows.places)).toEqual(['', 'a', 'nginx:1.25 (debian 12.5)']);
  });

  test.each<[string, Record<string, unknown>]>([
    ['VulnerabilityID', { VulnerabilityID: 'x' }],
    ['PkgName', { PkgName: 'x' }],
    ['InstalledVersion', { InstalledVersion: 'x' }],
    ['FixedVersion', { FixedVersion: 'x' }],
    ['Status', { Status: 'affected' }],
    ['Severity', { Severity: 'LOW' }],
    ['SeveritySource', { SeveritySource: 'x' }],
    ['PURL', { PkgIdentifier: { PURL: 'x' } }],
    ['PrimaryURL', { PrimaryURL: 'https://x.example' }],
  ])('another %s is another definition', async (_name, facts) => {
    const rows = rowsOf([vulnerability(), vulnerability(facts)]);
    expect(await unnest(rows.definitionColumns.hash)).toHaveLength(2);
  });

  test('the hash of a definition never changes: it is stored', async () => {
    const [hash] = await unnest(rowsOf([vulnerability()]).definitionColumns.hash);
    expect(hash).toBe('\\xb0e334be65bc1a6da2e1a9d2f8c4d602');
  });

  test('of several entries about one vulnerability the newest tells', async () => {
    const old = vulnerability({ Title: 'old', LastModifiedDate: '2024-01-01T00:00:00Z' });
    const recent = vulnerability({ Title: 'recent', LastModifiedDate: '2024-06-01T00:00:00Z', PkgName: 'b' });
    for (const entries of [
      [old, recent],
      [recent, old],
    ]) {
      expect(await textsOf(rowsOf(entries).vulnerabilityPage.texts, 'title')).toEqual(['recent']);
    }
    const untitled = vulnerability({ Title: '' });
    expect(await textsOf(rowsOf([untitled, vulnerability()]).vulnerabilityPage.texts, 'title')).toEqual([
      'openssl: a hole',
    ]);
  });

  test('an id that cannot be stored is refused', () => {
    expect(() => rowsOf([vulnerability({ VulnerabilityID: 'a\0' })])).toThrow(
      '/Vulnerabilities/0/VulnerabilityID',
    );
    expect(() => rowsOf([vulnerability({ PkgName: 'a\ud800' })])).toThrow('/Vulnerabilities/0/PkgName');
  });
});

test('over its pages a dictionary is sorted and distinct, for all scans of the document', async () => {
  const scan = (from: number) =>
    parseScan(
      report({
        Results: [
          result({
            Vulnerabilities: Array.from({ length: VULNERABILITIES_A_PAGE * 2 }, (_, index) =>
              vulnerability({ VulnerabilityID: `CVE-2024-${from + index}` }),
            ),
          }),
        ],
      }),
    );
  const { vulnerabilities } = toRows([scan(VULNERABILITIES_A_PAGE), scan(0)]).dictionary;
  const pages: unknown[][] = [];
  for (const page of vulnerabilities) pages.push(await unnest(page.id));
  expect(pages.map((page) => page.length)).toEqual(new Array(3).fill(VULNERABILITIES_A_PAGE));
  expect(pages.flat()).toEqual(inByteOrder(pages.flat() as string[]));
});

describe('the hash of the findings', () => {
  const other = vulnerability({ VulnerabilityID: 'CVE-2024-0002' });

  test('is equal for the same findings in any order and spelling of JSON', () => {
    const { findingsHash } = rowsOf([vulnerability(), other]);
    expect(findingsHash).toMatch(/^[0-9a-f]{64}$/);
    expect(rowsOf([other, vulnerability()]).findingsHash).toBe(findingsHash);
    const reversed = Object.fromEntries(Object.entries(vulnerability()).reverse());
    expect(rowsOf([reversed, { ...other, Future: 1 }]).findingsHash).toBe(findingsHash);
    expect(
      rowsOfScan(
        parseScan(
          report({ CreatedAt: undefined, Results: [result({ Vulnerabilities: [vulnerability(), other] })] }),
        ),
      ).findingsHash,
    ).toBe(findingsHash);
  });

  test('differs with a finding more, a repeated one, another place, another kind', () => {
    const hashes = [
      rowsOf([]),
      rowsOf([vulnerability()]),
      rowsOf([vulnerability(), vulnerability()]),
      rowsOf([vulnerability({ PkgPath: 'a' })]),
      rowsOf([vulnerability()], { Target: 'other' }),
      rowsOf([vulnerability()], { Secrets: [{ RuleID: 'a' }] }),
      rowsOf([vulnerability()], { Licenses: [{ Name: 'a' }] }),
      rowsOf([vulnerability()], { Secrets: [{ RuleID: 'a', StartLine: 1 }] }),
    ].map((rows) => rows.findingsHash);
    expect(new Set(hashes).size).toBe(hashes.length);
  });
});

test('counts are of findings, repeated ones too; misconfigurations count where they failed', () => {
  const suppressed = [{ Type: 'vulnerability', Status: 'ignored', Finding: vulnerability() }];
  const rows = rowsOf(
    [
      vulnerability(),
      vulnerability(),
      vulnerability({ Severity: 'CRITICAL', FixedVersion: '' }),
      vulnerability({ Severity: undefined }),
    ],
    {
      Misconfigurations: [{ Status: 'FAIL' }, { Status: 'PASS' }, { Status: 'EXCEPTION' }],
      Secrets: [{}],
      Licenses: [{}, {}],
      ExperimentalModifiedFindings: suppressed,
    },
  );
  expect(rows).toMatchObject({
    severityCounts: { critical: 1, high: 2, medium: 0, low: 0, unknown: 1 },
    fixableCount: 3,
    misconfigurationCount: 1,
    secretCount: 1,
    licenseCount: 2,
    suppressedCount: 1,
  });
  expect(rows).not.toHaveProperty('vulnerabilities');
  expect(rows).not.toHaveProperty('others');
});

test('the name of a scanned thing, as somebody typed it, is replaced where it cannot be stored', () => {
  const scan = parseScan(report({ ArtifactType: 'vm', ArtifactName: 'disk\0' }));
  expect(rowsOfScan(scan)).toMatchObject({ artifact: { name: 'disk\uFFFD' } });
});

test('no findings are empty columns', async () => {
  const rows = rowsOf([]);
  const columns = [rows.occurrenceColumns, rows.otherColumns];
  expect(columns.flatMap((group) => Object.values(group)).every((column) => column === '{}')).toBe(true);
  const { dictionary } = toRows([parseScan(report({ Results: [] }))]);
  expect(dictionary).toEqual({ vulnerabilities: [], definitions: [], places: '{}' });
});
