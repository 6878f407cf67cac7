/** What seeded reports are made of, as temporary tables: `seed_entry`, `seed_artifact`, `seed_other`. */
import { storeDictionary } from '../db/dictionaries.ts';
import type { Db } from '../db/pool.ts';
import { emptyScan } from '../trivy/cli.ts';
import type { ParsedScan } from '../trivy/report.ts';
import { toRows } from '../upload/columns.ts';
import { seedArtifacts } from './artifacts.ts';
import { catalogue, type Entry } from './catalogue.ts';
import { otherFindings } from './others.ts';

/** Entries that are stored at once. */
const BATCH = 4_000;

/** Stores the dictionaries, through the functions that store those of reports. */
export async function loadCatalogue(db: Db, vulnerabilities: number, now: Date): Promise<void> {
  await db.query(`
    CREATE FUNCTION pg_temp.chance(key bigint, salt bigint) RETURNS float8 LANGUAGE sql IMMUTABLE
    RETURN (hashint8extended(key, salt) & 2147483647) / 2147483648::float8;
    CREATE TEMPORARY TABLE seed_entry (stack int, variant int, rank int, definition_id int, vulnerability_id int,
      severity smallint, fixable boolean, target text, path_id int) ON COMMIT DROP`);
  let batch: Entry[] = [];
  for (const entry of catalogue(vulnerabilities, now)) {
    if (batch.push(entry) < BATCH) continue;
    await storeEntries(db, batch);
    batch = [];
  }
  if (batch.length > 0) await storeEntries(db, batch);
  await db.query('ANALYZE seed_entry');
}

async function storeEntries(db: Db, entries: Entry[]): Promise<void> {
  const vulnerabilities = entries.map((entry) => entry.finding);
  const { scans, dictionary } = toRows([{ ...NO_SCAN, vulnerabilities }]);
  await storeDictionary(db, dictionary);
  await db.query(
    `INSERT INTO seed_entry
     SELECT i.stack, i.variant, i.rank, d.id, d.vulnerability_id, d.severity, d.fixable, nullif(i.target, ''), p.id
     FROM unnest($1::int[], $2::int[], $3::int[], $4::bytea[], $5::text[], $6::text[])
       AS i(stack, variant, rank, hash, target, path)
     JOIN finding_definition d ON d.hash = i.hash JOIN place p ON p.hash = text_hash(i.path)`,
    [
      entries.map((entry) => entry.stack),
      entries.map((entry) => entry.variant),
      entries.map((entry) => entry.rank),
      scans[0]?.occurrenceColumns.hash,
      scans[0]?.occurrenceColumns.target,
      scans[0]?.occurrenceColumns.path,
    ],
  );
}

/** The rest of a report: only its findings are asked for. */
const NO_SCAN: Omit<ParsedScan, 'vulnerabilities'> = {
  artifact: {
    type: 'image',
    name: '',
    repository: '',
    version: null,
    cluster: null,
    namespace: null,
    resourceKind: null,
    resourceName: null,
  },
  ...emptyScan(),
  kinds: ['vulnerability'],
  warnings: [],
  others: [],
};

/** Numbers the artifacts and says what their reports are like; in `artifact` they are when their scans are known. */
export async function loadArtifacts(db: Db, count: number): Promise<void> {
  await db.query(
    `CREATE TEMPORARY TABLE seed_artifact ON COMMIT DROP AS
     SELECT nextval(pg_get_serial_sequence('artifact', 'id'))::int AS id,
       dense_rank() OVER (ORDER BY i.repository) AS repository_number, i.*
     FROM json_to_recordset($1) AS i(type text, name text COLLATE "C", repository text COLLATE "C", version text,
       cluster text, namespace text, "resourceKind" text, "resourceName" text, stacks int[], variant int, size float8,
       kinds smallint, "daysAgo" float8, "stepDays" float8, stale boolean, os jsonb, digest text, labels jsonb,
       workloads jsonb)`,
    [JSON.stringify(seedArtifacts(count))],
  );
  await db.query(
    `CREATE TEMPORARY TABLE seed_other ON COMMIT DROP AS
     SELECT position, CASE i.kind WHEN 'misconfiguration' THEN 2 ELSE 4 END AS kind,
       array_position('{UNKNOWN,LOW,MEDIUM,HIGH,CRITICAL}', i.severity) - 1 AS severity, i.status, i.code, i.title,
       i.target, i.package, i.detail
     FROM ROWS FROM (json_to_recordset($1) AS (kind text, severity text, status text, code text, title text,
       target text, package text, detail jsonb)) WITH ORDINALITY
       AS i(kind, severity, status, code, title, target, package, detail, position)`,
    [JSON.stringify(otherFindings())],
  );
  await db.query('ANALYZE seed_artifact; ANALYZE seed_other');
}
