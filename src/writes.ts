/**
 * Every change of what Trivet keeps, on one page. Each is one transaction; the database itself records in it, by the
 * triggers of the tables it touched, which cached answers it puts out of service (`migrations/001_initial.sql`, "what a
 * change invalidates"). After COMMIT a write waits until no instance can serve an answer older than it: only then
 * may it be answered.
 */
import { type StoredItem, type StoreOptions, storeDocument } from './db/ingest.ts';
import { patchScanLabels } from './db/labels.ts';
import type { Database, Db } from './db/pool.ts';
import { deleteArtifact, deleteScan, markStaleBatch, purgeTrend } from './db/remove.ts';
import { insertUpload, purgeUploads, type UploadRow } from './db/upload_log.ts';
import type { StoredDocument } from './upload/columns.ts';

export { TooManyLabels } from './db/labels.ts';

export interface WritesOptions {
  database: Database;
  /** Resolved once no instance can serve an answer older than the transaction; null: than anything committed. */
  settled(txid: string | null, operation: string): Promise<void>;
  /** After how many days without a report an artifact is stale; 0: never. */
  staleDays: number;
}

export type Writes = ReturnType<typeof createWrites>;

const STALE_BATCH = 50;
const DAY_MS = 86_400_000;

/** The changes, each a plain function. All throw DatabaseUnavailable when the outcome is unknown. */
export function createWrites({ database, settled, staleDays }: WritesOptions) {
  /**
   * One transaction, then the wait. A transaction that recorded nothing found things as they are; its answer shows
   * what others committed, and so waits for theirs.
   * @param vouches whether the value shows what others wrote although something was changed.
   */
  async function write<T>(
    operation: string,
    work: (db: Db) => Promise<T>,
    vouches: (value: T) => boolean = () => false,
  ): Promise<T> {
    const { value, txid } = await database.transaction(async (db) => {
      const result = await work(db);
      const { rowCount } = await db.query(
        'SELECT FROM cache_change WHERE txid = pg_current_xact_id_if_assigned() LIMIT 1',
      );
      return { result, recorded: rowCount === 1 };
    });
    await settled(value.recorded && !vouches(value.result) ? txid : null, operation);
    return value.result;
  }

  return {
    /**
     * Stores a report, or finds it stored.
     * Invalidates `artifacts`, `artifact:<id>`, `scans`, `scan:<id>`, `vulnerabilities`, `trend`, and `dictionary`
     * where texts of a vulnerability changed; a report sent again nothing but what it adds.
     * @throws TooManyLabels
     */
    storeReport: (document: StoredDocument, options: StoreOptions): Promise<{ items: StoredItem[] }> =>
      write(
        'scan-results.create',
        (db) => storeDocument(db, document, options),
        ({ items }) => items.some((item) => !item.created),
      ),

    /**
     * Deletes a scan, and the artifact with the last of its scans. Invalidates what storing it did.
     * @returns false when there is no such scan.
     */
    deleteScan: (id: number): Promise<boolean> => write('scan-results.delete', (db) => deleteScan(db, id)),

    /**
     * Deletes an artifact with all its scans. Invalidates the same, for each of the scans.
     * @returns false when there is no such artifact.
     */
    deleteArtifact: (id: number): Promise<boolean> =>
      write('artifacts.delete', (db) => deleteArtifact(db, id)),

    /**
     * Changes a scan's labels by a merge patch (RFC 7396). Invalidates `scans`, `scan:<id>`, and `artifacts`,
     * `artifact:<id>` where it is the artifact's newest.
     * @returns the labels then; null when there is no such scan.
     * @throws TooManyLabels
     */
    patchLabels: (id: number, patch: Record<string, string | null>): Promise<Record<string, string> | null> =>
      write('scan-results.update', (db) => patchScanLabels(db, id, patch)),

    /**
     * The daily work: marks artifacts stale of which nothing came for so long (invalidates `artifacts`,
     * `artifact:<id>`, `vulnerabilities`, `trend`), and removes old days of the trend and of the upload log.
     * @returns how many artifacts became stale.
     */
    async markStale(now = new Date()): Promise<number> {
      let total = 0;
      if (staleDays > 0) {
        const before = new Date(now.getTime() - staleDays * DAY_MS);
        let marked: number;
        do {
          marked = await write('artifacts.stale', (db) => markStaleBatch(db, before, STALE_BATCH, now));
          total += marked;
        } while (marked === STALE_BATCH);
      }
      await write('trend.purge', (db) => purgeTrend(db, now));
      await purgeUploads(database);
      return total;
    },

    /** Adds to the upload log, which no cached answer shows. Best effort: an upload never fails for its log. */
    async recordUpload(row: UploadRow): Promise<void> {
      await insertUpload(database, row).catch(() => {});
    },
  };
}
