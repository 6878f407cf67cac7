import { setTimeout as wait } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { allPages, CSV_COLUMNS, csvRows, streamCsv } from '../src/csv.ts';
import { ArtifactSummary, Finding, type List, ScanSummary, Vulnerability } from '../src/schemas.ts';

const rows = (values: unknown[]) =>
  csvRows(
    ['value'],
    values.map((value) => ({ value })),
    { header: false },
  );

async function textOf(stream: AsyncIterable<Buffer>): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of stream) chunks.push(chunk);
  return Buffer.concat(chunks).toString('utf8');
}

/** Reads CSV as RFC 4180 says, and nothing more lenient. */
function parse(text: string): string[][] {
  const lines: string[][] = [];
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/gy;
  let line: string[] = [];
  let consumed = 0;
  for (let match = cell.exec(text); match; match = cell.exec(text)) {
    const [whole, content = '', separator] = match;
    consumed += whole.length;
    line.push(content.startsWith('"') ? content.slice(1, -1).replaceAll('""', '"') : content);
    if (separator === '\r\n') {
      lines.push(line);
      line = [];
    }
  }
  if (consumed !== text.length)
    throw new Error(`not CSV at ${consumed}: ${text.slice(consumed, consumed + 20)}`);
  return lines;
}

/** Paths of all values of a schema's objects: nested ones by dots, arrays and maps as one value. */
function pathsOf(schema: unknown, prefix = ''): string[] {
  const { properties, anyOf } = schema as { properties?: Record<string, unknown>; anyOf?: unknown[] };
  const inside = properties ?? (anyOf?.[0] as { properties?: Record<string, unknown> })?.properties;
  if (!inside) return [prefix];
  return Object.entries(inside).flatMap(([name, value]) =>
    pathsOf(value, prefix ? `${prefix}.${name}` : name),
  );
}

describe('columns', () => {
  it('are all fields of the items, in their order', () => {
    expect(CSV_COLUMNS.scans).toEqual(pathsOf(ScanSummary));
    expect(CSV_COLUMNS.vulnerabilities).toEqual(pathsOf(Vulnerability));
    expect(CSV_COLUMNS.findings).toEqual(pathsOf(Finding));
  });

  it('of artifacts name the latest scans instead of repeating them', () => {
    const own = pathsOf(ArtifactSummary).filter((path) => !path.startsWith('latestScans.'));
    expect(CSV_COLUMNS.artifacts.filter((path) => !path.startsWith('latestScans.'))).toEqual(own);
    const item = { id: 1, latestScans: { vulnerability: { id: 7, scannedAt: '2026-01-01T00:00:00.000Z' } } };
    const [header = [], cells = []] = parse(csvRows(CSV_COLUMNS.artifacts, [item], { header: true }));
    expect(cells[header.indexOf('latestScans.vulnerability.id')]).toBe('7');
    expect(cells[header.indexOf('latestScans.secret.id')]).toBe('');
  });
});

describe('cells', () => {
  it('flatten nested objects by their paths', () => {
    const item = { severities: { critical: 2 }, packages: ['a', 'b'] };
    expect(csvRows(['severities.critical', 'packages'], [item], { header: true })).toBe(
      'severities.critical,packages\r\n2,a; b\r\n',
    );
  });

  it('are empty where there is no value', () => {
    expect(csvRows(['a', 'b', 'os.name'], [{ a: null, b: undefined, os: null }], { header: false })).toBe(
      ',,\r\n',
    );
  });

  it('hold booleans as words, numbers as digits, labels as name=value', () => {
    expect(rows([true, false, 0, 9.8, { team: 'red', env: 'prod' }])).toBe(
      'true\r\nfalse\r\n0\r\n9.8\r\nteam=red; env=prod\r\n',
    );
  });

  it.each(['=', '+', '-', '@', '\t', '\r'])('that begin with %j get a leading apostrophe', (start) => {
    expect(parse(rows([`${start}1+1`, `a${start}`]))).toEqual([[`'${start}1+1`], [`a${start}`]]);
  });

  it('of several values get it too', () => {
    expect(parse(rows([['=1', 'b'], { '=x': '1' }]))).toEqual([["'=1; b"], ["'=x=1"]]);
  });

  it.each(['a,b', 'say "hi"', 'a\r\nb', 'a\nb', 'a\rb', 'a\r', '"', ' a ', 'ünï 🚀', '\u0000', 'a;b'])(
    'hold %j as it is',
    (text) => {
      expect(parse(rows([text]))).toEqual([[text]]);
    },
  );

  it('are quoted together with the apostrophe', () => {
    expect(rows(['=HYPERLINK("http://x","y")'])).toBe(`"'=HYPERLINK(""http://x"",""y"")"\r\n`);
  });
});

describe('streams', () => {
  async function* pagesOf(...pages: object[][]): AsyncGenerator<object[]> {
    yield* pages;
  }

  it('work: one header line, then every item', async () => {
    const stream = streamCsv(
      ['id', 'name'],
      pagesOf(
        [
          { id: 1, name: 'é' },
          { id: 2, name: 'b' },
        ],
        [{ id: 3, name: '' }],
      ),
    );
    expect(await textOf(stream)).toBe('id,name\r\n1,é\r\n2,b\r\n3,\r\n');
  });

  it('of nothing are a header line', async () => {
    expect(await textOf(streamCsv(['id'], pagesOf([])))).toBe('id\r\n');
  });

  it('ask for no more pages than their reader takes', async () => {
    let asked = 0;
    let closed = false;
    async function* endless(): AsyncGenerator<object[]> {
      try {
        for (;;) {
          asked += 1;
          yield Array.from({ length: 1_000 }, (_, id) => ({ id, name: 'x'.repeat(200) }));
        }
      } finally {
        closed = true;
      }
    }
    const stream = streamCsv(['id', 'name'], endless());
    const reader = stream[Symbol.asyncIterator]();
    for (let page = 1; page <= 3; page += 1) {
      await reader.next();
      await wait(20);
      // One that is being read, one that waits.
      expect(asked).toBeLessThanOrEqual(page + 1);
    }
    const before = asked;
    stream.destroy();
    await wait(20);
    expect(asked).toBe(before);
    expect(closed).toBe(true);
  });

  it('fail with their pages', async () => {
    async function* broken(): AsyncGenerator<object[]> {
      yield [{ id: 1 }];
      throw new Error('the database went away');
    }
    await expect(textOf(streamCsv(['id'], broken()))).rejects.toThrow('the database went away');
  });
});

describe('all pages', () => {
  it('follow the cursors to the last page', async () => {
    const cursors: (string | undefined)[] = [];
    const list = async (cursor: string | undefined): Promise<List<number>> => {
      cursors.push(cursor);
      const page = Number(cursor ?? 0);
      return { items: [page], nextCursor: page < 2 ? String(page + 1) : null, total: 0, totalIsExact: true };
    };
    const pages: number[][] = [];
    for await (const page of allPages(list)) pages.push(page);
    expect(pages).toEqual([[0], [1], [2]]);
    expect(cursors).toEqual([undefined, '1', '2']);
  });
});
