import type { List, RepositoriesQuery, Repository } from '../schemas.ts';
import { artifactListConditions } from './artifacts.ts';
import { selection } from './filters.ts';
import { Conditions, type ListPlan, readList } from './list.ts';
import type { Db } from './pool.ts';
import { severityCounts } from './scans.ts';

interface RepositoryRow {
  id: number;
  repository: string;
  type: Repository['type'];
  artifact_count: number;
  stale_count: number;
  last_seen_at: Date;
}

const SORTS: ListPlan<never>['sorts'] = {
  severity: { expression: 'repository.severity_order', type: 'text', order: 'desc' },
  name: { expression: 'repository.repository', type: 'text', order: 'asc' },
  lastSeenAt: { expression: 'repository.last_seen_at', type: 'timestamptz', order: 'desc' },
};

/**
 * The artifacts that the filters select, one row per repository and type; its id is that of its first artifact.
 * It sorts by its worst artifact that is not stale; one without comes last. (PostgreSQL has max(bytea) from 18 on
 * only; hexadecimal digits sort as the bytes do.)
 */
function repositoryTables(where: Conditions): string {
  return `(
    SELECT min(id) AS id, repository, type, count(*)::int AS artifact_count,
      (count(*) FILTER (WHERE stale))::int AS stale_count, max(last_seen_at) AS last_seen_at,
      coalesce(max(encode(severity_order, 'hex') COLLATE "C") FILTER (WHERE NOT stale), '') AS severity_order
    FROM artifact ${where} GROUP BY repository, type
  ) repository`;
}

/**
 * Repositories with their worst and their newest version, of the artifacts that the filters select.
 * @throws CursorError, FilterError
 */
export async function listRepositories(db: Db, query: RepositoriesQuery): Promise<List<Repository>> {
  const selected = artifactListConditions(query);
  const conditions = new Conditions();
  // The same values under the same numbers: the page's conditions stand outside of the groups.
  for (const value of selected.values) conditions.bind(value);
  const plan: ListPlan<RepositoryRow> = {
    request: query,
    filters: { ...selection(query), list: 'repositories' },
    sorts: SORTS,
    defaultSort: 'severity',
    columns: 'repository.*',
    from: repositoryTables(selected),
    computed: true,
    conditions,
    id: 'repository.id',
    toItem: (row) => row,
  };
  const list = await readList<RepositoryRow>(db, plan);
  const versions = await readVersions(db, selected, list.items);
  return { ...list, items: list.items.map((row) => toRepository(row, versions.get(row.id) ?? [])) };
}

interface VersionRow {
  group_id: number;
  worst: boolean;
  newest: boolean;
  id: number;
  name: string;
  version: string | null;
  critical: number;
  high: number;
  medium: number;
  low: number;
  unknown: number;
  fixable: number;
}

/** The worst and the newest selected version of each of the repositories: one row or two. */
async function readVersions(
  db: Db,
  selected: Conditions,
  repositories: RepositoryRow[],
): Promise<Map<number, VersionRow[]>> {
  const bound = [repositories.map((row) => row.id), repositories.map((row) => row.repository)];
  const [ids, names, types] = [...bound, repositories.map((row) => row.type)].map((value) =>
    selected.bind(value),
  );
  selected.add(`(artifact.repository, artifact.type) = (page.repository, page.type)`);
  const { rows } = await db.query<VersionRow>(
    `SELECT * FROM (
       SELECT page.id AS group_id, artifact.id, artifact.name, artifact.version, artifact.critical, artifact.high,
         artifact.medium, artifact.low, artifact.unknown, artifact.fixable,
         NOT artifact.stale AND row_number() OVER (PARTITION BY page.id
           ORDER BY artifact.stale, artifact.severity_order DESC, artifact.id DESC) = 1 AS worst,
         row_number() OVER (PARTITION BY page.id
           ORDER BY scan.scanned_at DESC NULLS LAST, scan.received_at DESC, scan.id DESC, artifact.id DESC) = 1 AS newest
       FROM unnest(${ids}::int[], ${names}::text[], ${types}::text[]) AS page (id, repository, type), artifact
       LEFT JOIN scan ON scan.id = artifact.newest_scan_id ${selected}
     ) version WHERE worst OR newest`,
    selected.values,
  );
  const versions = new Map<number, VersionRow[]>();
  for (const row of rows) versions.set(row.group_id, [...(versions.get(row.group_id) ?? []), row]);
  return versions;
}

function toRepository(row: RepositoryRow, versions: VersionRow[]): Repository {
  const worst = versions.find((version) => version.worst);
  const newest = versions.find((version) => version.newest);
  if (!newest) throw new Error(`repository ${row.id} has no artifact in this snapshot`);
  return {
    repository: row.repository,
    type: row.type,
    artifactCount: row.artifact_count,
    staleCount: row.stale_count,
    lastSeenAt: row.last_seen_at.toISOString(),
    worst: worst ? { ...version(worst), severityCounts: severityCounts(worst) } : null,
    newest: { ...version(newest), severityCounts: severityCounts(newest), fixableCount: newest.fixable },
  };
}

function version({ id, name, version }: VersionRow): Pick<VersionRow, 'id' | 'name' | 'version'> {
  return { id, name, version };
}
