import { Link } from 'wouter';
import type { ArtifactSummary, List, Repository } from '../../../src/schemas.ts';
import { Count, Text } from '../components/Cells.tsx';
import { type Column, DataTable } from '../components/DataTable.tsx';
import { ListView } from '../components/ListView.tsx';
import { Page } from '../components/Page.tsx';
import { Reference } from '../components/Reference.tsx';
import { Segments } from '../components/Segments.tsx';
import { SeverityBar } from '../components/Severity.tsx';
import { Await } from '../components/States.tsx';
import { Time } from '../components/Time.tsx';
import { useGet } from '../data.ts';
import { carryOver, typeName } from '../filters.ts';
import { formatCount, plural } from '../format.ts';
import { artifactHref, artifactsHref, ofSeverity } from '../links.ts';
import { artifactsParameters, type Query } from '../parameters.ts';
import { apiPath, filtersOf, toSearch, useShow, useUrlQuery } from '../url.ts';
import classes from './Artifacts.module.css';
import { artifactColumns } from './artifactColumns.tsx';
import { NoData } from './NoData.tsx';

/** Which of my things are worst, and which are not scanned any more? */
export function Artifacts() {
  const show = useShow(['repositories', 'artifacts']);
  const state = useUrlQuery(artifactsParameters);
  const shared = {
    parameters: artifactsParameters,
    state,
    defaultSort: 'severity',
    timeLabel: 'Last seen',
    empty: <NoData what="artifacts" />,
  };
  return (
    <Page
      title="Artifacts"
      lead="What has been scanned, with the findings of its latest scans."
      actions={<Grain query={state.query} show={show} />}
    >
      {show === 'artifacts' ? (
        <ListView
          {...shared}
          api="/api/artifacts"
          caption="Artifacts"
          noun={['artifact', 'artifacts']}
          columns={EVERY}
          itemKey={(item: ArtifactSummary) => item.id}
          csv
        />
      ) : (
        <ListView
          {...shared}
          api="/api/repositories"
          caption="Artifacts by repository"
          noun={['repository', 'repositories']}
          columns={repositoryColumns(filtersOf(state.query))}
          itemKey={(item: Repository) => `${item.type} ${item.repository}`}
          detail={(item) => <Versions repository={item} query={filtersOf(state.query)} />}
          detailLabel="versions"
        />
      )}
    </Page>
  );
}

function Grain({ query, show }: { query: Query; show: string }) {
  const kept = carryOver(query, artifactsParameters);
  return (
    <Segments
      label="Rows"
      items={[
        { label: 'By repository', href: `/artifacts${toSearch(kept)}`, current: show === 'repositories' },
        {
          label: 'Every artifact',
          href: `/artifacts${toSearch({ show: ['artifacts'], ...kept })}`,
          current: show === 'artifacts',
        },
      ]}
    />
  );
}

const EVERY = artifactColumns();
const VERSIONS = artifactColumns(true);
const VERSIONS_SHOWN = 50;

/** @param query the filters of the list: the versions counted are those that they select */
const repositoryColumns = (query: Query): Column<Repository>[] => [
  {
    label: 'Repository',
    sort: 'name',
    fit: 'name',
    cell: (item) =>
      item.artifactCount === 1 ? (
        <Link href={artifactHref(item.newest.id)}>
          <Reference name={item.newest.name} />
        </Link>
      ) : (
        <Reference name={item.repository} />
      ),
  },
  { label: 'Type', spare: true, cell: (item) => typeName(item.type) },
  {
    label: 'Versions',
    align: 'right',
    cell: (item) => (
      <>
        <Count value={item.artifactCount} href={artifactsHref(versionsOf(item, query))} />
        {item.staleCount > 0 && (
          <small>
            {' '}
            (
            <Link href={artifactsHref({ ...versionsOf(item, query), stale: ['true'] })}>
              {formatCount(item.staleCount)} stale
            </Link>
            )
          </small>
        )}
      </>
    ),
  },
  {
    label: 'Worst version',
    sort: 'severity',
    descending: true,
    cell: ({ worst }) => (worst ? <Version version={worst} /> : <Text value={null} />),
  },
  {
    label: 'Newest version',
    cell: ({ newest, worst }) =>
      newest.id === worst?.id ? <span className={classes.same}>the same</span> : <Version version={newest} />,
  },
  {
    label: 'Fixable',
    spare: true,
    align: 'right',
    cell: ({ newest }) => (
      <Count value={newest.fixableCount} href={artifactHref(newest.id, { fixable: ['true'] })} />
    ),
  },
  {
    label: 'Last seen',
    sort: 'lastSeenAt',
    descending: true,
    cell: (item) => <Time value={item.lastSeenAt} />,
  },
];

function Version({ version }: { version: Repository['newest'] | NonNullable<Repository['worst']> }) {
  return (
    <span className={classes.version}>
      <SeverityBar
        counts={version.severityCounts}
        href={(key) => artifactHref(version.id, ofSeverity(key))}
      />
      {version.version !== null && (
        <Link href={artifactHref(version.id)} title={version.name}>
          {version.version}
        </Link>
      )}
    </span>
  );
}

const versionsOf = ({ repository, type }: Repository, query: Query): Query => ({
  ...query,
  repository: [repository],
  type: [type],
});

/** The versions of a repository that the same filters select. */
function Versions({ repository, query }: { repository: Repository; query: Query }) {
  const asked = { ...versionsOf(repository, query), sort: ['lastSeenAt'] };
  const loaded = useGet<List<ArtifactSummary>>(
    apiPath('/api/artifacts', asked, { limit: [`${VERSIONS_SHOWN}`] }),
  );
  return (
    <Await loaded={loaded} rows={Math.min(repository.artifactCount, VERSIONS_SHOWN)}>
      {(list) => (
        <>
          <DataTable
            caption={`Versions of ${repository.repository}`}
            columns={VERSIONS}
            items={list.items}
            itemKey={(item) => item.id}
          />
          {list.nextCursor && (
            <p>
              <Link href={artifactsHref(asked)}>Show all {plural(list.total, ['version', 'versions'])}</Link>
            </p>
          )}
        </>
      )}
    </Await>
  );
}
