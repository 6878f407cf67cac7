import type { Column, ScanRows } from '../upload/columns.ts';
import type { Db } from './pool.ts';

/**
 * Adds what the dictionaries do not know yet and takes over newer texts of vulnerabilities. All scans of a document
 * at once and always in sorted order, so that two uploads never wait for each other in a circle.
 * @returns ids of vulnerabilities whose texts were changed, for the tables that copy from them.
 */
export async function storeDictionaries(db: Db, scans: ScanRows[]): Promise<number[]> {
  if (scans.length === 0) return [];
  const changed = await storeVulnerabilities(db, scans);
  await storeDefinitions(db, scans);
  await storePlaces(db, scans);
  return changed;
}

/** Several array literals as one: `{a,b}` and `{c}` are `{a,b,c}`. */
export function joinColumns(columns: Column[]): Column {
  if (columns.length === 1 && columns[0] !== undefined) return columns[0];
  return `{${columns
    .map((column) => column.slice(1, -1))
    .filter((values) => values !== '')
    .join(',')}}`;
}

const INCOMING = `unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
  $8::real[], $9::text[], $10::text[], $11::timestamptz[], $12::timestamptz[])
  AS i(vulnerability_id, natural_order, title, description, "references", cvss, vendor_severity, cvss_score,
    cwe_ids, primary_url, published_at, modified_at)`;

// A vulnerability is in a document as often as it has scans with it: its newest texts are taken.
const NEWEST_FIRST = 'ORDER BY vulnerability_id, modified_at DESC NULLS LAST';

const IS_NEWER = `coalesce(i.modified_at, '-infinity') > coalesce(v.modified_at, '-infinity')`;

async function storeVulnerabilities(db: Db, scans: ScanRows[]): Promise<number[]> {
  const column = (name: keyof ScanRows['vulnerabilityColumns']) =>
    joinColumns(scans.map((scan) => scan.vulnerabilityColumns[name]));
  const ids = column('id');
  const modifiedAt = column('modifiedAt');

  // Texts are most of a document and nearly always known: they are sent only where something is new.
  const known = await db.query<{ missing: number; older: number }>(
    `SELECT count(*) FILTER (WHERE v.id IS NULL)::int AS missing,
       count(*) FILTER (WHERE v.id IS NOT NULL AND (${IS_NEWER} OR v.description IS NULL))::int AS older
     FROM (SELECT vulnerability_id, max(modified_at) AS modified_at
       FROM unnest($1::text[], $2::timestamptz[]) AS i(vulnerability_id, modified_at) GROUP BY 1) i
     LEFT JOIN vulnerability v USING (vulnerability_id)`,
    [ids, modifiedAt],
  );
  const { missing = 0, older = 0 } = known.rows[0] ?? {};
  if (missing === 0 && older === 0) return [];

  const values = [
    ids,
    column('naturalOrder'),
    column('title'),
    column('description'),
    column('references'),
    column('cvss'),
    column('vendorSeverity'),
    column('cvssScore'),
    column('cweIds'),
    column('primaryUrl'),
    column('publishedAt'),
    modifiedAt,
  ];
  const added = missing === 0 ? 0 : await addVulnerabilities(db, values);
  // Fewer added than missing: another upload was faster, perhaps with older texts.
  return older > 0 || added < missing ? renewVulnerabilities(db, values) : [];
}

async function addVulnerabilities(db: Db, values: Column[]): Promise<number> {
  const { rowCount } = await db.query(
    `INSERT INTO vulnerability (vulnerability_id, natural_order, title, description, "references", cvss,
       vendor_severity, cvss_score, cwe_ids, primary_url, published_at, modified_at)
     SELECT DISTINCT ON (vulnerability_id) vulnerability_id, natural_order, title, description,
       coalesce("references"::jsonb, '[]'), cvss::jsonb, vendor_severity::jsonb, cvss_score,
       coalesce(cwe_ids::jsonb, '[]'), primary_url, published_at, modified_at
     FROM ${INCOMING}
     WHERE NOT EXISTS (SELECT 1 FROM vulnerability v WHERE v.vulnerability_id = i.vulnerability_id)
     ${NEWEST_FIRST}
     ON CONFLICT (vulnerability_id) DO NOTHING`,
    values,
  );
  return rowCount ?? 0;
}

/** Newer texts replace older ones, and any fill gaps: an operator's reports often come without descriptions. */
async function renewVulnerabilities(db: Db, values: Column[]): Promise<number[]> {
  const newer = (column: string, type = '') =>
    `${column} = CASE WHEN ${IS_NEWER} THEN coalesce(i.${column}${type}, v.${column})
       ELSE coalesce(v.${column}, i.${column}${type}) END`;
  const newerList = (column: string) =>
    `${column} = CASE WHEN i.${column} <> '[]' AND (${IS_NEWER} OR v.${column} = '[]')
       THEN i.${column}::jsonb ELSE v.${column} END`;
  const { rows } = await db.query<{ id: number }>(
    `WITH incoming AS MATERIALIZED (
       SELECT DISTINCT ON (vulnerability_id) * FROM ${INCOMING} ${NEWEST_FIRST}
     ), renewable AS (
       SELECT v.id, v.vulnerability_id FROM vulnerability v JOIN incoming i USING (vulnerability_id)
       WHERE ${IS_NEWER} OR v.description IS NULL AND i.description IS NOT NULL
       ORDER BY v.id FOR NO KEY UPDATE OF v
     )
     UPDATE vulnerability v SET ${newer('title')}, ${newer('description')}, ${newerList('"references"')},
       ${newer('cvss', '::jsonb')}, ${newer('vendor_severity', '::jsonb')}, ${newer('cvss_score')},
       ${newerList('cwe_ids')}, ${newer('primary_url')}, ${newer('published_at')}, ${newer('modified_at')}
     FROM renewable r JOIN incoming i USING (vulnerability_id)
     WHERE v.id = r.id
     RETURNING v.id`,
    values,
  );
  return rows.map((row) => row.id);
}

async function storeDefinitions(db: Db, scans: ScanRows[]): Promise<void> {
  const column = (name: keyof ScanRows['definitionColumns']) =>
    joinColumns(scans.map((scan) => scan.definitionColumns[name]));
  const { rowCount } = await db.query(
    `INSERT INTO finding_definition (hash, vulnerability_id, package, installed_version, fixed_version, status,
       severity, severity_source, class, package_type, purl, primary_url)
     SELECT DISTINCT ON (i.hash) i.hash, v.id, i.package, i.installed_version, i.fixed_version,
       i.status, i.severity, i.severity_source, i.class, i.package_type, i.purl, i.primary_url
     FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[],
       $9::text[], $10::text[], $11::text[], $12::text[])
       AS i(hash, vulnerability_id, package, installed_version, fixed_version, status, severity, severity_source,
         class, package_type, purl, primary_url)
     JOIN vulnerability v USING (vulnerability_id)
     WHERE NOT EXISTS (SELECT 1 FROM finding_definition d WHERE d.hash = i.hash)
     ORDER BY i.hash
     ON CONFLICT (hash) DO NOTHING`,
    [
      column('hash'),
      column('vulnerability'),
      column('package'),
      column('installedVersion'),
      column('fixedVersion'),
      column('status'),
      column('severity'),
      column('severitySource'),
      column('class'),
      column('packageType'),
      column('purl'),
      column('primaryUrl'),
    ],
  );
  if (rowCount === 0) return;
  await db.query(
    `INSERT INTO package (name)
     SELECT DISTINCT i.name FROM unnest($1::text[]) AS i(name)
     WHERE NOT EXISTS (SELECT 1 FROM package p WHERE p.name = i.name)
     ORDER BY i.name
     ON CONFLICT (name) DO NOTHING`,
    [column('package')],
  );
}

async function storePlaces(db: Db, scans: ScanRows[]): Promise<void> {
  await db.query(
    `INSERT INTO place (text)
     SELECT DISTINCT i.text FROM unnest($1::text[]) AS i(text)
     WHERE NOT EXISTS (SELECT 1 FROM place p WHERE p.hash = sha256(convert_to(i.text, 'UTF8')))
     ORDER BY i.text
     ON CONFLICT (hash) DO NOTHING`,
    [joinColumns(scans.map((scan) => scan.texts))],
  );
}
