import { Button } from '@mantine/core';
import { Fragment, type ReactNode, useEffect, useRef } from 'react';
import { Link } from 'wouter';
import type { DiffItem, DiffList, ScanFinding } from '../../../src/schemas.ts';
import { FixedVersion, Place, Text } from '../components/Cells.tsx';
import type { Column } from '../components/DataTable.tsx';
import { FilterBar } from '../components/FilterBar.tsx';
import { Icon } from '../components/Icon.tsx';
import { ListView } from '../components/ListView.tsx';
import { Page } from '../components/Page.tsx';
import { describeTotal } from '../components/Pager.tsx';
import { SEVERITY_KEYS, Severity } from '../components/Severity.tsx';
import { Await, Empty } from '../components/States.tsx';
import { useGet } from '../data.ts';
import { KIND_NOUNS } from '../filters.ts';
import { formatCount, formatWord } from '../format.ts';
import { ofSeverity, vulnerabilityHref } from '../links.ts';
import { diffParameters, type Query } from '../parameters.ts';
import {
  apiPath,
  filtersOf,
  type QueryState,
  toSearch,
  useMemoryQuery,
  useShow,
  useUrlQuery,
} from '../url.ts';
import classes from './Compare.module.css';
import { ScanPicker } from './ScanPicker.tsx';

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

function Comparison({ base, head, state }: { base: string; head: string; state: QueryState }) {
  const api = `/api/scan-results/${head}/diff`;
  const asked = { against: [base], ...filtersOf(state.query) };
  // The counts alone: each section reads its findings itself.
  const loaded = useGet<DiffList>(apiPath(api, asked, { limit: ['1'] }), { keep: true });
  return (
    <Await loaded={loaded} rows={4}>
      {(list) => (
        <>
          <Verdict list={list} query={state.query} />
          <div className={classes.filters}>
            <FilterBar
              parameters={diffParameters}
              state={state}
              timeLabel=""
              searchLabel=""
              total={describeTotal(list, ['finding', 'findings'])}
            />
          </div>
          {CHANGES.map((change) => (
            <Section key={change} change={change} count={list.counts[change]}>
              <Findings key={JSON.stringify(asked)} api={api} asked={asked} change={change} />
            </Section>
          ))}
        </>
      )}
    </Await>
  );
}

type Change = DiffItem['change'];
const CHANGES = ['new', 'gone', 'same'] as const satisfies Change[];

/** Each number leads to the section of as many. */
function Verdict({ list, query }: { list: DiffList; query: Query }) {
  const { counts, newBySeverity } = list;
  const found = SEVERITY_KEYS.filter((key) => newBySeverity[key] > 0);
  const link = (count: number, word: string, asked: Query) => {
    const text = `${formatCount(count)} ${word}`;
    return count > 0 ? <Link href={`/compare${toSearch({ ...query, ...asked })}`}>{text}</Link> : text;
  };
  return (
    <p className={classes.verdict} data-worse={newBySeverity.critical + newBySeverity.high > 0 || undefined}>
      {counts.new === 0 ? (
        'Nothing new'
      ) : (
        <>
          {link(counts.new, 'new', { show: ['new'] })} (
          {found.map((key, index) => (
            <Fragment key={key}>
              {index > 0 && ', '}
              {link(newBySeverity[key], key, { show: ['new'], ...ofSeverity(key) })}
            </Fragment>
          ))}
          )
        </>
      )}
      , {link(counts.gone, 'gone', { show: ['gone'] })}, {link(counts.same, 'the same', { show: ['same'] })}.
    </p>
  );
}

/** Findings that fared alike. Open is what the address asks for; where it asks for none, what changed. */
function Section({ change, count, children }: { change: Change; count: number; children: ReactNode }) {
  const shown = useShow(['all', ...CHANGES]);
  const element = useRef<HTMLDetailsElement>(null);
  useEffect(() => {
    if (shown === change) element.current?.scrollIntoView();
  }, [shown, change]);
  const open = shown === 'all' ? change !== 'same' && count > 0 : shown === change;
  return (
    <details ref={element} className={classes.section} open={open}>
      <summary>
        <h2>
          {formatWord(change)} <small>{formatCount(count)}</small>
        </h2>
      </summary>
      {children}
    </details>
  );
}

function Findings({ api, asked, change }: { api: string; asked: Query; change: Change }) {
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
  { label: 'Kind', spare: true, cell: (item) => formatWord(KIND_NOUNS[item.kind][0]) },
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
