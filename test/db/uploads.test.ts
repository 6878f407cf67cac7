import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Database, openDatabase } from '../../src/db/pool.ts';
import { listUploads } from '../../src/db/uploads.ts';
import type { UploadsQuery } from '../../src/schemas.ts';
import { createDatabase, type TestDatabase } from '../setup/database.ts';
import { insertRows, walk } from './inventory.ts';

const NOW = new Date('2026-02-08T12:00:00Z');
const OUTCOMES = ['stored', 'same', 'refused'] as const;

const uploads = Array.from({ length: 40 }, (_, index) => ({
  id: index + 1,
  // Two at a time, nine hours apart, the last two now.
  received_at: new Date(NOW.getTime() - (19 - Math.floor(index / 2)) * 9 * 3_600_000).toISOString(),
  outcome: OUTCOMES[index % 3] ?? 'stored',
  code: index % 3 === 2 ? 'not_json' : null,
  scan_ids: index % 3 === 2 ? [] : [index, 9_007_199_254_740_991],
  bytes: index * 1_000_000_000,
}));

let database: TestDatabase;
let db: Database;
beforeAll(async () => {
  database = await createDatabase();
  db = openDatabase({ url: database.url, poolMax: 2, statementTimeoutMs: 10_000 });
  await insertRows(db, 'upload', uploads);
});
afterAll(async () => {
  await db.close();
  await database.drop();
});

const list = (query: UploadsQuery) => db.snapshot((snapshot) => listUploads(snapshot, query, NOW));

function expected(query: UploadsQuery): number[] {
  const ids = uploads
    .filter((upload) => Date.parse(upload.received_at) >= NOW.getTime() - 7 * 86_400_000)
    .filter((upload) => query.outcome?.includes(upload.outcome) ?? true)
    .filter(({ received_at: at }) => Date.parse(at) >= Date.parse(query.receivedSince ?? at))
    .map((upload) => upload.id);
  return query.order === 'asc' ? ids : ids.reverse();
}

describe('the list of uploads', () => {
  it('shows the last 7 days, the newest first', async () => {
    const { items, total } = await list({ limit: 200 });
    expect(items.map((item) => item.id)).toEqual(expected({}));
    expect(total).toBe(expected({}).length);
    expect(total).toBeLessThan(uploads.length);
    expect(items[0]).toEqual({
      id: 40,
      receivedAt: NOW.toISOString(),
      outcome: 'stored',
      code: null,
      detail: null,
      looksLike: null,
      artifact: null,
      scanIds: [39, 9_007_199_254_740_991],
      token: null,
      bytes: 39_000_000_000,
      requestId: null,
    });
  });

  it('pages by time, both ways', async () => {
    for (const order of ['asc', 'desc'] as const) {
      const { items } = await walk(list, { order, limit: 3 });
      expect(items.map((item) => item.id)).toEqual(expected({ order }));
    }
  });

  it('filters by outcome', async () => {
    for (const outcome of [['refused'], ['stored', 'same']] as UploadsQuery['outcome'][]) {
      const { items, totals } = await walk(list, { ...(outcome ? { outcome } : {}), limit: 4 });
      expect(items.map((item) => item.id)).toEqual(expected({ ...(outcome ? { outcome } : {}) }));
      expect(new Set(totals)).toEqual(new Set([items.length]));
    }
  });

  it('filters by the time of receipt, within the 7 days', async () => {
    const counts: number[] = [];
    for (const receivedSince of ['2026-02-07T12:00:00Z', '2026-02-07', '2026-01-01']) {
      const { items, total } = await list({ receivedSince, limit: 200 });
      expect(items.map((item) => item.id)).toEqual(expected({ receivedSince }));
      counts.push(total);
    }
    expect(counts).toEqual([6, 10, expected({}).length]);
    await expect(() => list({ receivedSince: 'tomorrow' })).rejects.toMatchObject({
      parameter: 'receivedSince',
    });
  });

  it('has a cursor of its filter', async () => {
    const { nextCursor } = await list({ limit: 1 });
    await expect(list({ cursor: nextCursor ?? '', outcome: ['same'] })).rejects.toMatchObject({
      code: 'cursor_mismatch',
    });
    await expect(list({ cursor: 'nonsense' })).rejects.toMatchObject({ code: 'cursor_invalid' });
  });
});
