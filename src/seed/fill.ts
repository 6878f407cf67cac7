/** Fills a database with generated reports, by statements over all of them at once. */
import type { Db } from '../db/pool.ts';
import { storeDerived } from './derived.ts';
import { loadArtifacts, loadCatalogue } from './load.ts';
import { storeReports } from './reports.ts';

/** How much there is to be. */
export interface SeedOptions {
  /** Vulnerability findings of all scans together, about. */
  findings: number;
  /** Of an artifact. */
  scans?: number;
  /** The newest reports are some days older. */
  now?: Date;
  /** Told what comes next. */
  step?(text: string): void;
}

/** Findings of a report, on average. */
const FINDINGS_PER_SCAN = 500;
/** At this size; an eighth of the findings have half of the vulnerabilities, as dictionaries grow. */
const LARGE = { findings: 20_000_000, vulnerabilities: 25_000 };

/**
 * Stores artifacts, scans and findings as ingest would have done, and all that is maintained. In one transaction:
 * whoever reads meanwhile sees nothing of it, and an interrupted run leaves nothing.
 * @param db a connection of its own, to a migrated database without artifacts
 */
export async function fill(db: Db, options: SeedOptions): Promise<void> {
  const { findings, scans = 20, now = new Date(), step = () => {} } = options;
  const artifacts = Math.max(1, Math.round(findings / scans / FINDINGS_PER_SCAN));
  const vulnerabilities = Math.round(LARGE.vulnerabilities * Math.cbrt(findings / LARGE.findings));
  await db.query('BEGIN');
  await db.query(`SET LOCAL work_mem = '256MB'; SET LOCAL maintenance_work_mem = '512MB'; SET LOCAL jit = off;
    SET LOCAL synchronous_commit = off`);
  try {
    await withoutTriggers(db, async () => {
      step(`${vulnerabilities} vulnerabilities`);
      await loadCatalogue(db, vulnerabilities, now);
      step(`${artifacts} artifacts`);
      await loadArtifacts(db, artifacts);
      await storeReports(db, { findings, scans, now }, step);
      await storeDerived(db, { scans, now }, step);
    });
    await db.query('COMMIT');
  } catch (error) {
    await db.query('ROLLBACK').catch(() => {});
    throw error;
  }
  step('VACUUM ANALYZE');
  await db.query('VACUUM ANALYZE');
}

/** The triggers that record what a change invalidates: here that is everything, one `*`. */
const RECORDERS = `SELECT tgrelid::regclass::text AS name, tgname AS trigger FROM pg_trigger
  WHERE tgname LIKE 'cache\\_%' AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = current_schema::regnamespace)`;

async function withoutTriggers(db: Db, work: () => Promise<void>): Promise<void> {
  const { rows } = await db.query<{ name: string; trigger: string }>(RECORDERS);
  const alter = (how: string) =>
    db.query(rows.map(({ name, trigger }) => `ALTER TABLE ${name} ${how} TRIGGER ${trigger}`).join(';'));
  await alter('DISABLE');
  await work();
  await alter('ENABLE ALWAYS');
  await db.query(`INSERT INTO cache_change (tag) VALUES ('*')`);
}
