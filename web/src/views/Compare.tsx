import { Button, Select } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { useMutation } from '@tanstack/react-query';
import { useState } from 'react';
import { Link } from 'wouter';
import type {
  ArtifactSummary,
  DiffItem,
  DiffList,
  List,
  ScanFinding,
  ScanSummary,
} from '../../../src/schemas.ts';
import { get } from '../api.ts';
import { FixedVersion, Place, Text } from '../components/Cells.tsx';
import type { Column } from '../components/DataTable.tsx';
import { FilterBar } from '../components/FilterBar.tsx';
import { Icon } from '../components/Icon.tsx';
import { ListView } from '../components/ListView.tsx';
import { Page } from '../components/Page.tsx';
import { describeTotal } from '../components/Pager.tsx';
import { SEVERITY_KEYS, Severity } from '../components/Severity.tsx';
import { Await, Empty, Failure } from '../components/States.tsx';
import { useGet } from '../data.ts';
import { formatCount, formatDateTime, formatWord } from '../format.ts';
import { vulnerabilityHref } from '../links.ts';
import { diffParameters, type Query } from '../parameters.ts';
import { apiPath, filtersOf, type QueryState, useMemoryQuery, useUrlQuery } from '../url.ts';
import classes from './Compare.module.css';

/** Is it safe to ship this tag? */
export function Compare() {
  const state = useUrlQuery(diffParameters);
  const { query, update } = state;
  const base = query.base?.[0] ?? null;
  const head = query.head?.[0] ?? null;
  return (
    <Page title="Compare two scans" lead="What the second has that the first had not, and what is gone.">
      <div className={classes.pickers}>
        <ScanPicker label="Before" scanId={base} onPick={(id) => update({ base: [id] })} />
        <Button
          variant="default"
          leftSection={<Icon name="swap" />}
          disabled={!base && !head}
          onClick={() => update({ base: head ? [head] : [], head: base ? [base] : [] })}
        >
          Swap
        </Button>
        <ScanPicker label="After" scanId={head} onPick={(id) => update({ head: [id] })} />
      </div>
      {base && head ? (
        <Comparison key={`${base} ${head}`} base={base} head={head} state={state} />
      ) : (
        <Empty title="Choose two scans">
          <span>They may be of one artifact or of two: the tag that runs, and the one to ship.</span>
        </Empty>
      )}
    </Page>
  );
}

interface ScanPickerProps {
  label: string;
  scanId: string | null;
  onPick: (scanId: string) => void;
}

const scansOf = (artifact: string | number, limit: number) =>
  `/api/scan-results?artifact=${artifact}&limit=${limit}`;

/** Chooses an artifact, then one of its scans; the newest is chosen with the artifact. */
function ScanPicker({ label, scanId, onPick }: ScanPickerProps) {
  const picked = useGet<ScanSummary>(scanId && `/api/scan-results/${scanId}`).data?.body;
  const [search, setSearch] = useState('');
  const [asked] = useDebouncedValue(search.trim(), 200);
  const artifactId = picked?.artifact.id;
  const matches =
    asked.length >= 2 && asked !== picked?.artifact.name ? `&q=${encodeURIComponent(asked)}` : '';
  const found = useGet<List<ArtifactSummary>>(`/api/artifacts?limit=30&sort=lastSeenAt${matches}`, {
    keep: true,
  });
  const scans = useGet<List<ScanSummary>>(artifactId ? scansOf(artifactId, 100) : null);
  const pickNewest = useMutation({
    mutationFn: (artifact: string) => get<List<ScanSummary>>(scansOf(artifact, 1)),
    onSuccess: ({ body: { items } }) => items[0] && onPick(String(items[0].id)),
  });

  const artifacts = new Map((found.data?.body.items ?? []).map((item) => [String(item.id), item.name]));
  if (picked) artifacts.set(String(picked.artifact.id), picked.artifact.name);
  return (
    <fieldset className={classes.picker}>
      <legend>{label}</legend>
      <Select
        label="Artifact"
        placeholder="Search"
        searchable
        value={artifactId ? String(artifactId) : null}
        data={[...artifacts].map(([value, name]) => ({ value, label: name }))}
        filter={({ options }) => options}
        onSearchChange={setSearch}
        onChange={(value) => value && pickNewest.mutate(value)}
        nothingFoundMessage="Nothing matches"
        maxDropdownHeight={320}
      />
      <Select
        label="Scan"
        value={scanId}
        disabled={!artifactId}
        data={scans.data?.body.items.map((scan) => ({
          value: String(scan.id),
          label: `${formatDateTime(scan.scannedAt)}${scan.latest ? ' (latest)' : ''}`,
        }))}
        onChange={(value) => value && onPick(value)}
        allowDeselect={false}
      />
      {pickNewest.error && <Failure error={pickNewest.error} retry={() => pickNewest.reset()} />}
    </fieldset>
  );
}

function Comparison({ base, head, state }: { base: string; head: string; state: QueryState }) {
  const api = `/api/scan-results/${head}/diff`;
  const asked = { against: [base], ...filtersOf(state.query) };
  // The counts alone: each section reads its findings itself.
  const loaded = useGet<DiffList>(apiPath(api, asked, { limit: ['1'] }), { keep: true });
  return (
    <Await loaded={loaded} rows={4}>
      {(list) => (
        <>
          <Verdict list={list} />
          <div className={classes.filters}>
            <FilterBar
              parameters={diffParameters}
              state={state}
              timeLabel=""
              searchLabel=""
              total={describeTotal(list, ['finding', 'findings'])}
            />
          </div>
          {CHANGES.map(({ change, title, open }) => (
            <details key={change} className={classes.section} open={open && list.counts[change] > 0}>
              <summary>
                <h2>
                  {title} <small>{formatCount(list.counts[change])}</small>
                </h2>
              </summary>
              <Section key={JSON.stringify(asked)} api={api} asked={asked} change={change} />
            </details>
          ))}
        </>
      )}
    </Await>
  );
}

const CHANGES = [
  { change: 'new', title: 'New', open: true },
  { change: 'gone', title: 'Gone', open: true },
  { change: 'same', title: 'Same', open: false },
] as const;

function Verdict({ list }: { list: DiffList }) {
  const { counts, newBySeverity } = list;
  const found = SEVERITY_KEYS.filter((key) => newBySeverity[key] > 0);
  return (
    <p className={classes.verdict} data-worse={newBySeverity.critical + newBySeverity.high > 0 || undefined}>
      {counts.new === 0
        ? 'Nothing new'
        : `${formatCount(counts.new)} new (${found.map((key) => `${formatCount(newBySeverity[key])} ${key}`).join(', ')})`}
      , {formatCount(counts.gone)} gone, {formatCount(counts.same)} the same.
    </p>
  );
}

function Section({ api, asked, change }: { api: string; asked: Query; change: DiffItem['change'] }) {
  const state = useMemoryQuery();
  return (
    <ListView
      api={api}
      parameters={diffParameters}
      state={state}
      fixed={{ ...asked, change: [change] }}
      caption={`${formatWord(change)} findings`}
      noun={['finding', 'findings']}
      columns={columns}
      itemKey={(item: DiffItem) => JSON.stringify(item)}
      filterable={false}
      empty={<Empty title="None" />}
    />
  );
}

/** A field of a finding of any kind, as text. */
function field({ finding }: DiffItem, ...names: string[]): string | null {
  const value = names
    .map((name) => finding[name])
    .find((one) => one !== null && one !== undefined && one !== '');
  return value === undefined ? null : String(value);
}

const columns: Column<DiffItem>[] = [
  {
    label: 'Finding',
    cell: (item) => {
      const id = field(item, 'vulnerabilityId', 'id', 'ruleId', 'name') ?? '';
      return item.kind === 'vulnerability' ? <Link href={vulnerabilityHref(id)}>{id}</Link> : id;
    },
  },
  {
    label: 'Severity',
    cell: ({ finding }) => <Severity value={finding.severity as ScanFinding['severity']} />,
  },
  { label: 'Kind', spare: true, cell: (item) => formatWord(item.kind) },
  { label: 'Package', fit: 'text', cell: (item) => <Text value={field(item, 'package')} /> },
  {
    label: 'Version',
    fit: 'text',
    cell: ({ change, versionBefore, versionAfter }) =>
      change === 'same' && versionBefore !== versionAfter ? (
        <span className={classes.versions}>
          <del>{versionBefore}</del>
          <ins>{versionAfter}</ins>
        </span>
      ) : (
        <Text value={versionAfter ?? versionBefore} />
      ),
  },
  { label: 'Fixed in', fit: 'text', cell: (item) => <FixedVersion value={field(item, 'fixedVersion')} /> },
  { label: 'Title', fit: 'wide', cell: (item) => <Text value={field(item, 'title', 'message')} /> },
  {
    label: 'Where',
    fit: 'text',
    cell: (item) => (
      <Place path={field(item, 'path')} target={field(item, 'target')} kind={field(item, 'class')} />
    ),
  },
];
