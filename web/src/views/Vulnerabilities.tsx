import type { Summary } from '../../../src/schemas.ts';
import { ListView } from '../components/ListView.tsx';
import { Page } from '../components/Page.tsx';
import { Segments } from '../components/Segments.tsx';
import { useGet } from '../data.ts';
import { carryOver } from '../filters.ts';
import { findingsParameters, type Query, vulnerabilitiesParameters } from '../parameters.ts';
import { toSearch, useShow, useUrlQuery } from '../url.ts';
import { NoData } from './NoData.tsx';
import { findingColumns, findingList, vulnerabilityColumns } from './vulnerabilityColumns.tsx';

/** What is present now, how bad, how wide, fixable? */
export function Vulnerabilities() {
  const show = useShow(['vulnerabilities', 'findings']);
  return show === 'findings' ? <EveryFinding /> : <Grouped />;
}

function Grouped() {
  const state = useUrlQuery(vulnerabilitiesParameters);
  const summary = useGet<Summary>('/api/summary');
  return (
    <Page title="Vulnerabilities" lead={LEAD} actions={<Grain query={state.query} show="vulnerabilities" />}>
      <ListView
        api="/api/vulnerabilities"
        parameters={vulnerabilitiesParameters}
        state={state}
        caption="Vulnerabilities"
        noun={['vulnerability', 'vulnerabilities']}
        columns={vulnerabilityColumns(state.query)}
        itemKey={(item) => item.id}
        defaultSort="severity"
        timeLabel="First seen"
        searchLabel="Search id, title, package"
        counts={summary.data?.body.vulnerabilities}
        csv
        empty={<NoData what="vulnerabilities" />}
      />
    </Page>
  );
}

function EveryFinding() {
  const state = useUrlQuery(findingsParameters);
  const summary = useGet<Summary>('/api/summary');
  return (
    <Page title="Findings" lead={LEAD} actions={<Grain query={state.query} show="findings" />}>
      <ListView
        {...findingList}
        parameters={findingsParameters}
        state={state}
        caption="Findings"
        columns={findingColumns}
        defaultSort="severity"
        searchLabel="Search id, title, package"
        counts={summary.data?.body.findings}
        empty={<NoData what="findings" />}
      />
    </Page>
  );
}

const LEAD = 'In the latest scan of every artifact that is not stale.';

function Grain({ query, show }: { query: Query; show: 'vulnerabilities' | 'findings' }) {
  const grouped = toSearch(carryOver(query, vulnerabilitiesParameters));
  const every = toSearch({ show: ['findings'], ...carryOver(query, findingsParameters) });
  return (
    <Segments
      label="Rows"
      items={[
        {
          label: 'By vulnerability',
          href: `/vulnerabilities${grouped}`,
          current: show === 'vulnerabilities',
        },
        { label: 'Every finding', href: `/vulnerabilities${every}`, current: show === 'findings' },
      ]}
    />
  );
}
