import type { Column } from '../upload/columns.ts';
import {
  type DefinitionColumns,
  type Dictionary,
  VULNERABILITIES_A_PAGE,
  type VulnerabilityPage,
} from '../upload/dictionary.ts';
import type { Db } from './pool.ts';

/** Of vulnerabilities with their texts, sent at once. */
const PAGES_AT_ONCE = 40;

/**
 * Adds what the dictionaries do not know yet and takes over newer texts of vulnerabilities. All of a document always in
 * sorted order, first what is added and then what is renewed, so that two uploads never wait for each other in a circle.
 * @returns ids of vulnerabilities whose texts were changed, for the tables that copy from them.
 */
export async function storeDictionary(db: Db, dictionary: Dictionary): Promise<number[]> {
  const changed = await storeVulnerabilities(db, dictionary.vulnerabilities);
  await storeDefinitions(db, dictionary.definitions);
  await storePlaces(db, dictionary.places);
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

const INCOMING = `json_to_recordset($1) AS i(vulnerability_id text, natural_order text, title text, description text,
  "references" jsonb, cvss jsonb, vendor_severity jsonb, cvss_score real, cwe_ids jsonb, primary_url text,
  published_at timestamptz, modified_at timestamptz)`;

/** In the order in which every upload writes them. */
const IN_ORDER = 'ORDER BY i.vulnerability_id COLLATE "C"';

const IS_NEWER = `coalesce(i.modified_at, '-infinity') > coalesce(v.modified_at, '-infinity')`;

async function storeVulnerabilities(db: Db, pages: VulnerabilityPage[]): Promise<number[]> {
  if (pages.length === 0) return [];
  // Texts are most of a document and nearly always known: only pages are sent on which something is new.
  const { rows } = await db.query<{ page: number; missing: number; older: number }>(
    `SELECT page, count(*) FILTER (WHERE v.id IS NULL)::int AS missing,
       count(*) FILTER (WHERE v.id IS NOT NULL AND (${IS_NEWER} OR v.description IS NULL))::int AS older
     FROM (SELECT *, ((position - 1) / $3)::int AS page
       FROM unnest($1::text[], $2::timestamptz[]) WITH ORDINALITY AS i(vulnerability_id, modified_at, position)) i
     LEFT JOIN vulnerability v USING (vulnerability_id)
     GROUP BY page ORDER BY page`,
    [
      joinColumns(pages.map((page) => page.id)),
      joinColumns(pages.map((page) => page.modifiedAt)),
      VULNERABILITIES_A_PAGE,
    ],
  );
  const take = (wanted: { page: number }[]) => wanted.flatMap(({ page }) => pages[page] ?? []);
  const lacking = rows.filter((row) => row.missing > 0);
  let added = 0;
  for (const texts of batches(take(lacking))) added += await addVulnerabilities(db, texts);
  // Fewer added than missing: another upload was faster, perhaps with older texts.
  const missing = lacking.reduce((sum, row) => sum + row.missing, 0);
  const renewable = rows.filter((row) => row.older > 0 || (row.missing > 0 && added < missing));
  const renewed: number[] = [];
  for (const texts of batches(take(renewable))) renewed.push(...(await renewVulnerabilities(db, texts)));
  return renewed;
}

/** The texts of some pages at a time, as one list. */
function* batches(pages: VulnerabilityPage[]): Generator<string> {
  for (let at = 0; at < pages.length; at += PAGES_AT_ONCE) {
    const lists = pages.slice(at, at + PAGES_AT_ONCE).map((page) => page.texts.slice(1, -1));
    yield `[${lists.join(',')}]`;
  }
}

/** @param texts as `batches` gives them */
async function addVulnerabilities(db: Db, texts: string): Promise<number> {
  const { rowCount } = await db.query(
    `INSERT INTO vulnerability (vulnerability_id, natural_order, title, description, "references", cvss,
       vendor_severity, cvss_score, cwe_ids, primary_url, published_at, modified_at)
     SELECT i.* FROM ${INCOMING}
     WHERE NOT EXISTS (SELECT 1 FROM vulnerability v WHERE v.vulnerability_id = i.vulnerability_id)
     ${IN_ORDER}
     ON CONFLICT (vulnerability_id) DO NOTHING`,
    [texts],
  );
  return rowCount ?? 0;
}

/** Newer texts replace older ones, and any fill gaps: an operator's reports often come without descriptions. */
async function renewVulnerabilities(db: Db, texts: string): Promise<number[]> {
  const newer = (column: string) =>
    `${column} = CASE WHEN ${IS_NEWER} THEN coalesce(i.${column}, v.${column})
       ELSE coalesce(v.${column}, i.${column}) END`;
  const newerList = (column: string) =>
    `${column} = CASE WHEN i.${column} <> '[]' AND (${IS_NEWER} OR v.${column} = '[]')
       THEN i.${column} ELSE v.${column} END`;
  const { rows } = await db.query<{ id: number }>(
    `WITH incoming AS MATERIALIZED (
       SELECT * FROM ${INCOMING}
     ), renewable AS (
       SELECT v.id, v.vulnerability_id FROM vulnerability v JOIN incoming i USING (vulnerability_id)
       WHERE ${IS_NEWER} OR v.description IS NULL AND i.description IS NOT NULL
       ${IN_ORDER} FOR NO KEY UPDATE OF v
     )
     UPDATE vulnerability v SET ${newer('title')}, ${newer('description')}, ${newerList('"references"')},
       ${newer('cvss')}, ${newer('vendor_severity')}, ${newer('cvss_score')},
       ${newerList('cwe_ids')}, ${newer('primary_url')}, ${newer('published_at')}, ${newer('modified_at')}
     FROM renewable r JOIN incoming i USING (vulnerability_id)
     WHERE v.id = r.id
     RETURNING v.id`,
    [texts],
  );
  return rows.map((row) => row.id);
}

async function storeDefinitions(db: Db, pages: DefinitionColumns[]): Promise<void> {
  const packages: string[] = [];
  for (const page of pages) packages.push(...(await addDefinitions(db, page)));
  if (packages.length === 0) return;
  await db.query(
    `INSERT INTO package (name)
     SELECT DISTINCT i.name FROM unnest($1::text[]) AS i(name)
     WHERE NOT EXISTS (SELECT 1 FROM package p WHERE p.name = i.name)
     ORDER BY i.name
     ON CONFLICT (name) DO NOTHING`,
    [packages],
  );
}

/** @returns the packages of what was added */
async function addDefinitions(db: Db, columns: DefinitionColumns): Promise<string[]> {
  const { rows } = await db.query<{ package: string }>(
    `INSERT INTO finding_definition (hash, vulnerability_id, natural_order, package, installed_version, fixed_version,
       status, severity, severity_source, class, package_type, purl, primary_url)
     SELECT i.hash, v.id, v.natural_order, i.package, i.installed_version, i.fixed_version, i.status, i.severity,
       i.severity_source, i.class, i.package_type, i.purl, i.primary_url
     FROM unnest($1::bytea[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::smallint[], $8::text[],
       $9::text[], $10::text[], $11::text[], $12::text[])
       AS i(hash, vulnerability_id, package, installed_version, fixed_version, status, severity, severity_source,
         class, package_type, purl, primary_url)
     JOIN vulnerability v USING (vulnerability_id)
     WHERE NOT EXISTS (SELECT 1 FROM finding_definition d WHERE d.hash = i.hash)
     ORDER BY i.hash
     ON CONFLICT (hash) DO NOTHING
     RETURNING package`,
    [
      columns.hash,
      columns.vulnerability,
      columns.package,
      columns.installedVersion,
      columns.fixedVersion,
      columns.status,
      columns.severity,
      columns.severitySource,
      columns.class,
      columns.packageType,
      columns.purl,
      columns.primaryUrl,
    ],
  );
  return rows.map((row) => row.package);
}

async function storePlaces(db: Db, places: Column): Promise<void> {
  await db.query(
    `INSERT INTO place (text)
     SELECT i.text FROM unnest($1::text[]) AS i(text)
     WHERE NOT EXISTS (SELECT 1 FROM place p WHERE p.hash = sha256(convert_to(i.text, 'UTF8')))
     ORDER BY i.text
     ON CONFLICT (hash) DO NOTHING`,
    [places],
  );
}
