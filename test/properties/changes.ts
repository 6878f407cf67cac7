/** Changes of random rows by plain SQL, as anybody might make them with psql. */
import pg from 'pg';
import { copyIn } from '../db/copy.ts';
import { pick, type Random } from '../db/inventory.ts';
import { type Column, columnsOf, type Kept } from './data.ts';

export const STATEMENTS = ['UPDATE', 'INSERT', 'DELETE', 'COPY', 'MERGE'] as const;
export type Statement = (typeof STATEMENTS)[number];

/** What a column of this name holds the number of. */
const REFERENCES: Record<string, string> = {
  artifact_id: 'artifact',
  scan_id: 'scan',
  newest_scan_id: 'scan',
  vulnerability_scan_id: 'scan',
  document_id: 'document',
  definition_id: 'finding_definition',
  target_id: 'place',
  path_id: 'place',
  vulnerability_id: 'vulnerability',
};

/** By table, the column that makes a copied row another one. */
const KEYS: Record<Kept, string> = {
  document: 'sha256',
  artifact: 'name',
  artifact_workload: 'name',
  scan: 'report_id',
  vulnerability: 'vulnerability_id',
  finding_definition: 'hash',
  package: 'name',
  place: 'text',
  scan_finding: 'definition_id',
  other_finding: '"position"',
  artifact_vulnerability: 'vulnerability_id',
  current_finding: 'copy',
  vulnerability_summary: 'vulnerability_id',
  vulnerability_package: 'package',
  finding_count: 'severity',
  total_change: 'day',
};

/** Words that a column may hold; of others any text will do. */
const WORDS: Record<string, string[]> = {
  'artifact.type': ['image', 'sbom', 'vm'],
  'total_change.measure': ['vulnerabilities', 'findings', 'artifacts'],
  'other_finding.status': ['FAIL', 'PASS'],
};
const NUMBERS: Record<string, number[]> = {
  severity: [0, 1, 2, 3, 4],
  kind: [2, 4, 8, 16],
  kinds: [1, 2, 3, 8, 15],
  latest_kinds: [0, 1, 2, 4, 8, 15],
};

/**
 * Makes one change that has an effect, in a transaction of its own.
 * @returns the statement; null where the chosen one was refused (a constraint) or found no row
 */
export async function change(
  client: pg.Client,
  random: Random,
  table: Kept,
  statement: Statement,
): Promise<string | null> {
  const columns = await columnsOf(client, table);
  const { rows } = await client.query<{ count: number }>(`SELECT count(*)::int AS count FROM ${table}`);
  const count = rows[0]?.count ?? 0;
  if (count === 0) return null;
  const first = Math.floor(random() * count);
  const some = `FROM ${table} ORDER BY ${table}::text COLLATE "C" OFFSET ${first} LIMIT ${1 + Math.floor(random() * 3)}`;
  try {
    if (statement === 'COPY') return await copyRows(client, random, table, columns, some);
    const sql = statementOf(statement, random, table, columns, some);
    return (await client.query(sql)).rowCount ? sql : null;
  } catch (error) {
    // Class 23: a constraint. Class 22: a value that is none of the type.
    if (error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? '')) return null;
    throw error;
  }
}

/** Changes every row that can be changed, column by column. */
export async function changeAll(client: pg.Client, random: Random, table: Kept): Promise<void> {
  for (const column of await columnsOf(client, table)) {
    if (column.identity) continue;
    const sql = `UPDATE ${table} SET ${column.name} = ${otherValue(random, table, column)}`;
    await client.query(sql).catch((error: unknown) => {
      if (!(error instanceof pg.DatabaseError && /^2[23]/.test(error.code ?? ''))) throw error;
    });
  }
}

function statementOf(
  statement: Exclude<Statement, 'COPY'>,
  random: Random,
  table: Kept,
  columns: Column[],
  some: string,
): string {
  const isSome = `${table}.ctid = ANY (ARRAY(SELECT ctid ${some}))`;
  switch (statement) {
    case 'UPDATE':
      return `UPDATE ${table} SET ${assignments(random, table, columns)} WHERE ${isSome}`;
    case 'DELETE':
      return `DELETE FROM ${table} WHERE ${isSome}`;
    case 'INSERT': {
      const { names, values } = copied(random, table, columns);
      return `INSERT INTO ${table} (${names}) SELECT ${values} ${some} ON CONFLICT DO NOTHING`;
    }
    case 'MERGE': {
      const { names, values } = copied(random, table, columns);
      const merge = `MERGE INTO ${table} USING (SELECT ctid AS spot ${some}) chosen ON ${table}.ctid = chosen.spot`;
      return pick(random, [
        `${merge} WHEN MATCHED THEN UPDATE SET ${assignments(random, table, columns)}`,
        `${merge} WHEN MATCHED THEN DELETE`,
        `MERGE INTO ${table} USING (SELECT ${values} ${some}) chosen (${names}) ON false
         WHEN NOT MATCHED THEN INSERT (${names}) VALUES (${names.map((name) => `chosen.${name}`)})`,
      ]);
    }
  }
}

function assignments(random: Random, table: Kept, columns: Column[]): string {
  const open = columns.filter((column) => !column.identity);
  const references = open.filter((column) => isReference(column));
  // A row that moves from one artifact or scan to another concerns both.
  const chosen = new Set([pick(random, references.length > 0 ? references : open), pick(random, open)]);
  return [...chosen].map((column) => `${column.name} = ${otherValue(random, table, column)}`).join(', ');
}

/** A row like another one, but for its key and perhaps more. */
function copied(random: Random, table: Kept, columns: Column[]): { names: string[]; values: string[] } {
  const open = columns.filter((column) => !column.identity);
  return {
    names: open.map((column) => column.name),
    values: open.map((column) =>
      column.name === KEYS[table] || random() < 0.2
        ? `(${otherValue(random, table, column)})::${column.type}`
        : column.name,
    ),
  };
}

function isReference({ name, type }: Pick<Column, 'name' | 'type'>): boolean {
  return REFERENCES[name] !== undefined && type !== 'text';
}

/** SQL of a value that the column may hold, as a rule another one than it holds. */
function otherValue(random: Random, table: Kept, { name, type, nullable }: Column): string {
  const number = 1 + Math.floor(random() * 9);
  if (nullable && random() < 0.15) return 'NULL';
  const words = WORDS[`${table}.${name}`];
  if (words) return `'${pick(random, words)}'`;
  if (isReference({ name, type }))
    return `(SELECT id FROM ${REFERENCES[name]} ORDER BY id OFFSET ${number % 5} LIMIT 1)`;
  switch (type) {
    case 'smallint':
    case 'integer':
    case 'bigint':
      return NUMBERS[name] ? String(pick(random, NUMBERS[name])) : `coalesce(${name}, 0) + ${number}`;
    case 'real':
      return `coalesce(${name}, 0) / 2 + ${number}`;
    case 'text':
      return `coalesce(${name}, '') || '${number}'`;
    case 'boolean':
      return `NOT coalesce(${name}, false)`;
    case 'date':
      return `${name} + ${number}`;
    case 'timestamp with time zone':
      return `coalesce(${name}, '2026-03-01') + interval '${number * 7} hours'`;
    case 'bytea':
      return `sha256(${name} || '${number}')`;
    case 'jsonb':
      return `CASE jsonb_typeof(${name}) WHEN 'array' THEN ${name} || '["${number}"]'
        ELSE coalesce(${name}, '{}') || '{"team": "${pick(random, ['red', 'blue', 'green'])}${number}"}' END`;
    default:
      throw new Error(`no values of ${type} for ${table}.${name}`);
  }
}

async function copyRows(
  client: pg.Client,
  random: Random,
  table: Kept,
  columns: Column[],
  some: string,
): Promise<string> {
  const { names, values } = copied(random, table, columns);
  const { rows } = await client.query<(string | null)[]>({
    text: `SELECT ${values.map((value) => `(${value})::text`)} ${some}`,
    rowMode: 'array',
  });
  const escaped = (value: string | null) =>
    value === null ? '\\N' : value.replace(/[\\\t\n\r]/g, (letter) => `\\${letter}`);
  const lines = rows.map((row) => `${row.map(escaped).join('\t')}\n`);
  const sql = `COPY ${table} (${names}) FROM STDIN`;
  await copyIn(client, sql, lines.join(''));
  return `${sql}\n${lines.join('')}`;
}
