/** Artifacts, scans and findings: what reports say, before anything is derived of it. */
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import type { Db } from '../db/pool.ts';

interface Extent {
  findings: number;
  /** Of an artifact. */
  scans: number;
  now: Date;
}

type Step = (text: string) => void;

/** Of an artifact's findings: those in all its scans, and those that came with a later one; the rest went away. */
const ALWAYS = 0.8;
const CAME = 0.13;
/** Part of the scans that a finding is in, on average: half of them where it came or went. */
const PRESENCE = ALWAYS + (1 - ALWAYS) / 2;

export async function storeReports(db: Db, { findings, scans, now }: Extent, step: Step): Promise<void> {
  step('which artifact has which finding, from which scan to which');
  await chooseFindings(db, findings / scans / PRESENCE, scans);
  const count = await planScans(db, scans, now);
  await storeArtifacts(db);
  step(`${count} documents`);
  await storeDocuments(db);
  step(`${count} scans`);
  await storeScans(db, scans);
  step('findings of all scans');
  await storeFindings(db);
}

/**
 * `seed_finding`: a row for each finding of an artifact, in its scans `first` to `last`. An entry's rank makes it
 * frequent or rare; the artifacts of a repository have nearly the same.
 */
async function chooseFindings(db: Db, count: number, scans: number): Promise<void> {
  await db.query(
    `INSERT INTO place (text)
     SELECT DISTINCT name || coalesce(' (' || (os->>'family') || ' ' || (os->>'name') || ')', '') FROM seed_artifact
     ON CONFLICT (hash) DO NOTHING`,
  );
  await db.query(
    `CREATE TEMPORARY TABLE seed_finding ON COMMIT DROP AS
     WITH share AS (
       SELECT *, greatest(1, round(size / sum(size) OVER () * $1::float8))::int AS findings,
         name || coalesce(' (' || (os->>'family') || ' ' || (os->>'name') || ')', '') AS target
       FROM seed_artifact
     )
     SELECT a.id AS artifact_id, e.definition_id, e.vulnerability_id, e.severity, e.fixable, t.id AS target_id,
       e.path_id, CASE WHEN NOT came THEN 1 ELSE 2 + floor(at * ($2::int - 1))::int END AS first,
       CASE WHEN came OR always THEN $2::int ELSE 1 + floor(at * ($2::int - 1))::int END AS last
     FROM share a CROSS JOIN LATERAL (
       SELECT *, pg_temp.chance(a.id * 1000003::bigint + definition_id, 2) AS fate,
         pg_temp.chance(a.id * 1000003::bigint + definition_id, 3) AS at
       FROM seed_entry WHERE stack = ANY (a.stacks) AND variant = a.variant
       -- as many as are wanted, drawn with the weight 1 / (rank + 40)
       ORDER BY (rank + 40) * -ln(1 - pg_temp.chance(a.repository_number * 1000003 + rank, stack)) LIMIT a.findings
     ) e
     CROSS JOIN LATERAL (SELECT fate < ${ALWAYS} OR $2::int = 1 AS always,
       fate BETWEEN ${ALWAYS} AND ${ALWAYS + CAME} AND $2::int > 1 AS came) fate
     -- now and then a report has an entry twice
     CROSS JOIN generate_series(1, CASE WHEN at < 0.004 THEN 2 ELSE 1 END)
     JOIN place t ON t.hash = text_hash(coalesce(e.target, a.target))`,
    [count, scans],
  );
  await db.query('ANALYZE seed_finding');
}

/** `seed_scan`: the scans of each artifact, numbered from 1, with times that rise with the number. */
async function planScans(db: Db, scans: number, now: Date): Promise<number> {
  const { rowCount } = await db.query(
    `CREATE TEMPORARY TABLE seed_scan ON COMMIT DROP AS
     SELECT nextval(pg_get_serial_sequence('scan', 'id')) AS id,
       nextval(pg_get_serial_sequence('document', 'id')) AS document_id, planned.*
     FROM (
       SELECT a.id AS artifact_id, a.type, a.name, number, scanned_at,
         scanned_at + (1 + floor(200 * pg_temp.chance(a.id * 1000 + number, 6))) * interval '1 second' AS received_at
       FROM seed_artifact a CROSS JOIN generate_series(1, $1::int) AS number
       CROSS JOIN LATERAL (SELECT date_trunc('second', $2::timestamptz - interval '5 minutes' - interval '1 day' *
         ("daysAgo" + "stepDays" * ($1 - number + 0.8 * pg_temp.chance(a.id * 1000 + number, 5)))) AS scanned_at) t
       ORDER BY received_at
     ) planned`,
    [scans, now.toISOString()],
  );
  await db.query('ANALYZE seed_scan');
  return rowCount ?? 0;
}

async function storeArtifacts(db: Db): Promise<void> {
  await db.query(
    `INSERT INTO artifact (id, type, name, repository, version, cluster, namespace, resource_kind, resource_name,
       created_at, last_seen_at, stale) OVERRIDING SYSTEM VALUE
     SELECT a.id, a.type, a.name, a.repository, version, cluster, namespace, "resourceKind", "resourceName",
       min(s.received_at), max(s.received_at), stale
     FROM seed_artifact a JOIN seed_scan s ON s.artifact_id = a.id
     GROUP BY a.id, a.type, a.name, a.repository, version, cluster, namespace, "resourceKind", "resourceName", stale`,
  );
  await db.query(
    `INSERT INTO artifact_workload
     SELECT DISTINCT a.id, w.cluster, w.namespace, w.kind, w.name, w.container, artifact.last_seen_at
     FROM seed_artifact a JOIN artifact USING (id) CROSS JOIN LATERAL jsonb_to_recordset(a.workloads)
       AS w(cluster text, namespace text, kind text, name text, container text)`,
  );
}

/** A document says what was scanned and when, but not its findings: no list reads them there, and they are gigabytes. */
async function storeDocuments(db: Db): Promise<void> {
  const { rows } = await db.query<{ id: number; name: string; scanned_at: Date }>(
    'SELECT document_id AS id, name, scanned_at FROM seed_scan ORDER BY document_id',
  );
  for (let from = 0; from < rows.length; from += 2_000) {
    const documents = rows.slice(from, from + 2_000).map(({ id, name, scanned_at }) => {
      const report = { SchemaVersion: 2, CreatedAt: scanned_at.toISOString(), ArtifactName: name };
      const bytes = Buffer.from(JSON.stringify(report));
      return {
        id,
        sha256: createHash('sha256').update(bytes).digest(),
        bytes: bytes.length,
        gzip: gzipSync(bytes),
      };
    });
    await db.query(
      `INSERT INTO document (id, sha256, bytes, gzip) OVERRIDING SYSTEM VALUE
       SELECT * FROM unnest($1::bigint[], $2::bytea[], $3::bigint[], $4::bytea[])`,
      [
        documents.map((document) => document.id),
        documents.map((document) => document.sha256),
        documents.map((document) => document.bytes),
        documents.map((document) => document.gzip),
      ],
    );
  }
}

const LEVELS = [4, 3, 2, 1, 0];

/** Of each scan, what came with it and went with it, by severity; what there is in it adds up from these. */
const COUNTED = `SELECT artifact_id, number, ${LEVELS.map((level) => `came${level}`)},
    ${LEVELS.map((level) => `sum(came${level} - went${level}) OVER scans AS found${level}`)},
    sum(fixable) OVER scans AS fixable, ${LEVELS.map((level) => `came${level}`).join(' + ')} AS came,
    ${LEVELS.map((level) => `went${level}`).join(' + ')} AS went
  FROM (
    SELECT artifact_id, number,
      ${LEVELS.map((level) => `coalesce(sum(came) FILTER (WHERE severity = ${level}), 0) AS came${level}`)},
      ${LEVELS.map((level) => `coalesce(sum(went) FILTER (WHERE severity = ${level}), 0) AS went${level}`)},
      coalesce(sum(came - went) FILTER (WHERE fixable), 0) AS fixable
    FROM seed_scan LEFT JOIN (
      SELECT artifact_id, first AS number, severity, fixable, 1 AS came, 0 AS went FROM seed_finding
      UNION ALL SELECT artifact_id, last + 1, severity, fixable, 0, 1 FROM seed_finding
    ) event USING (artifact_id, number)
    GROUP BY artifact_id, number
  ) scan WINDOW scans AS (PARTITION BY artifact_id ORDER BY number)`;

async function storeScans(db: Db, scans: number): Promise<void> {
  await db.query(
    `CREATE TEMPORARY TABLE seed_other_finding ON COMMIT DROP AS
     SELECT s.id AS scan_id, o.kind, row_number() OVER (PARTITION BY s.id ORDER BY o.position)::int AS position,
       o.severity, CASE WHEN o.kind = 2 THEN CASE WHEN fails THEN 'FAIL' ELSE 'PASS' END END AS status, o.code, o.title,
       o.target, o.package, CASE WHEN o.kind = 2
         THEN o.detail || jsonb_build_object('status', CASE WHEN fails THEN 'FAIL' ELSE 'PASS' END) ELSE o.detail END AS detail
     FROM seed_scan s JOIN seed_artifact a ON a.id = s.artifact_id JOIN seed_other o ON a.kinds & o.kind <> 0
     -- with every scan some more are put right
     CROSS JOIN LATERAL (SELECT pg_temp.chance(a.id * 1000::bigint + o.position, 7)
       > 0.2 + 0.6 * number / $1::int AS fails) f
     WHERE o.kind = 2 OR fails`,
    [scans],
  );
  await db.query(
    `INSERT INTO scan (id, artifact_id, artifact_name, document_id, kinds, latest_kinds, scanned_at, received_at,
       report_id, document_sha256, findings_sha256, digest, trivy_version, os_family, os_name, os_eosl, critical, high,
       medium, low, unknown, fixable, misconfigurations, secrets, licenses, suppressed, labels, metadata, changes)
     OVERRIDING SYSTEM VALUE
     SELECT s.id, a.id, a.name, s.document_id, a.kinds, CASE WHEN number = $1::int THEN a.kinds ELSE 0 END, scanned_at,
       received_at, gen_random_uuid(), d.sha256, text_hash(s.id::text), digest, '0.70.0', os->>'family', os->>'name',
       (os->>'eosl')::boolean, ${LEVELS.map((level) => `found${level}`)}, c.fixable, coalesce(o.misconfigurations, 0),
       coalesce(o.secrets, 0), 0, 0, labels, '{}',
       jsonb_build_object('against', lag(s.id) OVER scans, 'new', came, 'gone', went,
         'same', ${LEVELS.map((level) => `found${level}`).join(' + ')} - came, 'newBySeverity',
         jsonb_build_object('critical', came4, 'high', came3, 'medium', came2, 'low', came1, 'unknown', came0))
     FROM seed_scan s JOIN seed_artifact a ON a.id = s.artifact_id JOIN document d ON d.id = s.document_id
     JOIN (${COUNTED}) c USING (artifact_id, number)
     LEFT JOIN (
       SELECT scan_id, count(*) FILTER (WHERE status = 'FAIL') AS misconfigurations,
         count(*) FILTER (WHERE kind = 4) AS secrets
       FROM seed_other_finding GROUP BY scan_id
     ) o ON o.scan_id = s.id
     WINDOW scans AS (PARTITION BY a.id ORDER BY number)
     ORDER BY s.id`,
    [scans],
  );
  await db.query('INSERT INTO other_finding SELECT * FROM seed_other_finding');
}

/** The one large table: its index is made when all rows are there, which is many times quicker. */
async function storeFindings(db: Db): Promise<void> {
  const { rows } = await db.query<{ name: string; definition: string }>(
    `SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition FROM pg_index
     WHERE indrelid = 'scan_finding'::regclass`,
  );
  for (const { name } of rows) await db.query(`DROP INDEX ${name}`);
  await db.query(
    `INSERT INTO scan_finding (scan_id, definition_id, target_id, path_id)
     SELECT s.id, definition_id, target_id, path_id
     FROM seed_scan s JOIN seed_finding f ON f.artifact_id = s.artifact_id AND s.number BETWEEN f.first AND f.last
     ORDER BY s.id`,
  );
  for (const { definition } of rows) await db.query(definition);
}
