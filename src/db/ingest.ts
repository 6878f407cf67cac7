/**
 * A document's way into the database, in one transaction. Everyone takes locks in one order, each kind sorted, so
 * that uploads at the same time never wait in a circle: artifacts, dictionaries, sums.
 */
import type { ScanRows, StoredDocument } from '../upload/columns.ts';
import { storeDictionary } from './dictionaries.ts';
import { joinedByHash } from './findings_of.ts';
import { storeChanges } from './gate.ts';
import { insertScans, type NewScan } from './insert.ts';
import { type LockedArtifact, lockArtifacts, touchArtifacts } from './lock.ts';
import { maintain } from './maintain.ts';
import type { Db } from './pool.ts';
import { addLabels, findSame, identityOf } from './resend.ts';
import { lockSums, renewSummary } from './sums.ts';

export interface StoreOptions {
  /** Added to the labels of every scan of the document, also where it is stored already. */
  labels: Record<string, string>;
  /** Name of the token it was sent with. */
  uploadedBy: string | null;
  /** The time of receipt; now where it is not given. */
  now?: Date;
}

export interface StoredItem {
  /** Of the scan. */
  id: number;
  /** False where the same report is there already. */
  created: boolean;
}

const CLOCK_TOLERANCE_MS = 5 * 60_000;

/**
 * Stores every scan of a document, or finds it stored. To be run in a transaction of its own.
 * @returns one item per scan, in the document's order.
 * @throws TooManyLabels
 */
export async function storeDocument(
  db: Db,
  document: StoredDocument,
  options: StoreOptions,
): Promise<{ items: StoredItem[] }> {
  if (document.scans.length === 0) return { items: [] };
  const now = options.now ?? new Date();
  const artifacts = await lockArtifacts(db, document.scans, now);
  const found = await findSame(db, document, artifacts);

  // A list may hold one report twice: the second is the first sent again.
  const fresh = new Map<string, NewScan>();
  document.scans.forEach((rows, index) => {
    const artifact = at(artifacts, index);
    const { same, reused } = at(found, index);
    const key = identityOf(rows, artifact.id, index);
    if (same === null && !fresh.has(key)) fresh.set(key, newScan(rows, artifact, reused, now));
  });
  const scans = [...fresh.values()];
  const renewed = scans.length === 0 ? [] : await storeDictionary(db, document.dictionary);
  const created = await joinedByHash(db, async () => {
    const ids = await insertScans(db, document, scans, options, now);
    await storeChanges(db, ids);
    return ids;
  });

  const idByKey = new Map([...fresh.keys()].map((key, index) => [key, at(created, index)]));
  const items = document.scans.map((rows, index): StoredItem => {
    const key = identityOf(rows, at(artifacts, index).id, index);
    const id = at(found, index).same ?? idByKey.get(key);
    if (id === undefined) throw new Error('a scan is neither new nor stored');
    return { id, created: fresh.get(key)?.rows === rows };
  });

  await addLabels(
    db,
    items.filter((item) => !item.created).map((item) => item.id),
    options.labels,
  );
  const renewedArtifacts = new Set(scans.map((scan) => scan.artifact.id));
  await touchArtifacts(db, document.scans, artifacts, renewedArtifacts, now);
  const changed = new Map(
    artifacts.filter((one) => one.stale || renewedArtifacts.has(one.id)).map((one) => [one.id, one.stale]),
  );
  await maintain(db, {
    artifacts: [...changed].map(([id, wasStale]) => ({ id, wasStale, stale: false })),
    added: created,
    now,
  });
  if (renewed.length > 0) {
    await lockSums(db);
    await renewSummary(db, renewed);
  }
  return { items };
}

function newScan(rows: ScanRows, artifact: LockedArtifact, reused: boolean, now: Date): NewScan {
  const warnings = [...rows.warnings];
  const told = rows.scannedAt === null ? Number.NaN : Date.parse(rows.scannedAt);
  let scannedAt = rows.scannedAt;
  if (scannedAt === null || Number.isNaN(told)) {
    scannedAt = now.toISOString();
    warnings.push(
      'scanned_at_missing: The report does not say when it was made; the time of receipt is taken.',
    );
  } else if (told > now.getTime() + CLOCK_TOLERANCE_MS) {
    warnings.push(`scanned_at_future: The report says ${scannedAt}; the time of receipt is taken.`);
    scannedAt = now.toISOString();
  }
  // An operator resource keeps its uid while its report changes.
  if (reused && rows.reportHash === null) {
    warnings.push(
      'report_id_reused: Another report of this artifact has the same ReportID and other findings.',
    );
  }
  return { rows, artifact, scannedAt, warnings };
}

/** An element that is known to be there. */
function at<T>(values: readonly T[], index: number): T {
  const value = values[index];
  if (value === undefined) throw new RangeError(`no element ${index} of ${values.length}`);
  return value;
}
