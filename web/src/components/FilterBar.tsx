import { Button, CloseButton, TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { SeverityCounts } from '../../../src/schemas.ts';
import { type Filter, filtersFor, QUICK } from '../filters.ts';
import { formatCount, formatWord } from '../format.ts';
import { type Parameters, SEVERITIES } from '../parameters.ts';
import { filtersOf, type QueryState } from '../url.ts';
import { AddFilter } from './AddFilter.tsx';
import classes from './FilterBar.module.css';
import { Icon } from './Icon.tsx';
import type { SeverityKey } from './Severity.tsx';
import { Toggles } from './Toggles.tsx';

const TYPING_MS = 250;
interface FilterBarProps {
  parameters: Parameters;
  state: QueryState;
  /** What `since` and `until` are about: `First seen`. */
  timeLabel: string;
  searchLabel: string;
  /** How many there are of each severity while nothing is filtered. */
  counts?: SeverityCounts | undefined;
  /** How many rows the filters select: `62 vulnerabilities`. */
  total: string;
  children?: ReactNode;
}

/** What selects the rows of a list: all of it is in the address. */
export function FilterBar(props: FilterBarProps) {
  const { parameters, state, timeLabel, searchLabel, counts, total, children } = props;
  const { query, update } = state;
  const filters = filtersFor(parameters, timeLabel);
  const active = filtersOf(query);
  const clear = () => update(Object.fromEntries(Object.keys(active).map((name) => [name, []])));
  const unfiltered = Object.keys(active).length === 0;
  return (
    <search className={classes.bar} aria-label="Filters">
      <div className={classes.row}>
        {'q' in parameters && <SearchInput state={state} label={searchLabel} />}
        {'severity' in parameters && (
          <SeverityToggles state={state} counts={unfiltered ? counts : undefined} />
        )}
        <QuickToggles filters={filters} state={state} />
        <AddFilter filters={filters} state={state} />
      </div>
      <div className={classes.row}>
        <output className={classes.total}>{total}</output>
        <Chips filters={filters} state={state} />
        {!unfiltered && (
          <Button size="compact-sm" variant="subtle" onClick={clear}>
            Clear filters
          </Button>
        )}
        <span className={classes.right}>{children}</span>
      </div>
    </search>
  );
}

function SearchInput({ state, label }: { state: QueryState; label: string }) {
  const { query, update } = state;
  const asked = query.q?.[0] ?? '';
  const [text, setText] = useState(asked);
  const latest = useRef(update);
  latest.current = update;
  useEffect(() => setText((typed) => (asked === '' && typed.length < 2 ? typed : asked)), [asked]);
  useEffect(() => {
    if (text.trim() === asked) return;
    const wanted = text.trim().length >= 2 ? [text.trim()] : [];
    if (wanted.length === 0 && asked === '') return;
    const timer = setTimeout(() => latest.current({ q: wanted }, { replace: true }), TYPING_MS);
    return () => clearTimeout(timer);
  }, [text, asked]);
  return (
    <TextInput
      className={classes.search}
      size="xs"
      type="search"
      value={text}
      onChange={(event) => setText(event.currentTarget.value)}
      placeholder={label}
      aria-label={label}
      leftSection={<Icon name="search" size={14} />}
      maxLength={256}
    />
  );
}

function SeverityToggles({ state, counts }: { state: QueryState; counts: SeverityCounts | undefined }) {
  const chosen = state.query.severity ?? [];
  const toggles = SEVERITIES.map((severity) => {
    const key = severity.toLowerCase() as SeverityKey;
    const pressed = chosen.includes(severity);
    const changed = pressed ? chosen.filter((one) => one !== severity) : [...chosen, severity];
    const label = (
      <>
        <i className={classes.dot} data-severity={key} />
        {formatWord(severity)}
        {counts && <small>{formatCount(counts[key])}</small>}
      </>
    );
    return { key, label, pressed, onPress: () => state.update({ severity: changed }) };
  });
  return <Toggles label="Severity" toggles={toggles} />;
}

function QuickToggles({ filters, state }: { filters: Filter[]; state: QueryState }) {
  const names = filters.map(({ name }) => name).filter((name) => QUICK[name]);
  if (names.length === 0) return null;
  const toggles = names.map((name) => {
    const pressed = state.query[name]?.[0] === 'true';
    return {
      key: name,
      label: QUICK[name],
      pressed,
      onPress: () => state.update({ [name]: pressed ? [] : ['true'] }),
    };
  });
  return <Toggles label="More filters" toggles={toggles} />;
}

function Chips({ filters, state }: { filters: Filter[]; state: QueryState }) {
  const chips = filters.flatMap((filter) =>
    (state.query[filter.name] ?? []).map((value) => ({ filter, value })),
  );
  const shown = chips.filter(
    ({ filter, value }) => filter.name !== 'severity' && !(QUICK[filter.name] && value === 'true'),
  );
  return shown.map(({ filter, value }) => {
    const text = filter.choices?.find(([choice]) => choice === value)?.[1] ?? value;
    const others = state.query[filter.name]?.filter((one) => one !== value) ?? [];
    return (
      <span key={`${filter.name}=${value}`} className={classes.chip}>
        <span>
          {filter.label}: <b>{text}</b>
        </span>
        <CloseButton
          size="xs"
          aria-label={`Remove filter ${filter.label}: ${text}`}
          onClick={() => state.update({ [filter.name]: others })}
        />
      </span>
    );
  });
}
