import { Button, CloseButton, NativeSelect, Popover, TextInput } from '@mantine/core';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import type { List, SeverityCounts } from '../../../src/schemas.ts';
import { useGet } from '../data.ts';
import { type Filter, filtersFor } from '../filters.ts';
import { formatCount, formatWord } from '../format.ts';
import { type Parameters, SEVERITIES } from '../parameters.ts';
import { filtersOf, type QueryState } from '../url.ts';
import classes from './FilterBar.module.css';
import { Icon } from './Icon.tsx';
import type { SeverityKey } from './Severity.tsx';
import { Toggles } from './Toggles.tsx';

const TYPING_MS = 250;
/** Filters that are a button of their own, as they are used most. */
const QUICK: Record<string, string> = {
  fixable: 'Fixable',
  stale: 'Stale',
  eosl: 'End of life',
  latest: 'Latest only',
};

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

function AddFilter({ filters, state }: { filters: Filter[]; state: QueryState }) {
  const [opened, setOpened] = useState(false);
  const others = filters.filter(({ name }) => name !== 'severity');
  const [name, setName] = useState(others[0]?.name ?? '');
  const filter = others.find((one) => one.name === name) ?? others[0];
  const [text, setText] = useState('');
  if (!filter) return null;
  const single = filter.isTime || QUICK[filter.name] !== undefined;
  const add = (value: string) => {
    const present = single ? [] : (state.query[filter.name] ?? []);
    if (value) state.update({ [filter.name]: [...present.filter((one) => one !== value), value] });
    setText('');
    setOpened(false);
  };
  return (
    <Popover opened={opened} onChange={setOpened} position="bottom-start" trapFocus shadow="md">
      <Popover.Target>
        <Button
          size="xs"
          variant="default"
          leftSection={<Icon name="filter" size={14} />}
          onClick={() => setOpened(!opened)}
        >
          Filter
        </Button>
      </Popover.Target>
      <Popover.Dropdown aria-label="Add a filter">
        <form
          className={classes.form}
          onSubmit={(event) => {
            event.preventDefault();
            add(text.trim());
          }}
        >
          <NativeSelect
            label="Filter by"
            size="xs"
            value={filter.name}
            data={others.map((one) => ({ value: one.name, label: one.label }))}
            onChange={(event) => setName(event.currentTarget.value)}
          />
          {filter.isTime && filter.name !== 'until' && (
            <Choices choices={SPANS.map(([days, label]) => [dayBefore(days), label])} onChoose={add} />
          )}
          {filter.choices ? (
            <Choices choices={filter.choices} onChoose={add} />
          ) : (
            <ValueInput filter={filter} text={text} onText={setText} />
          )}
        </form>
      </Popover.Dropdown>
    </Popover>
  );
}

/** Spans of time that are asked for most. */
const SPANS = [
  [1, 'Since yesterday'],
  [7, '7 days'],
  [30, '30 days'],
] as const;

const DAY_MS = 86_400_000;
/** The UTC day so many days ago: `2026-11-17`. */
const dayBefore = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

interface ChoicesProps {
  choices: NonNullable<Filter['choices']>;
  onChoose: (value: string) => void;
}

function Choices({ choices, onChoose }: ChoicesProps) {
  return (
    <div className={classes.choices}>
      {choices.map(([value, label]) => (
        <Button key={value} size="compact-sm" variant="default" onClick={() => onChoose(value)}>
          {label}
        </Button>
      ))}
    </div>
  );
}

interface ValueInputProps {
  filter: Filter;
  text: string;
  onText: (text: string) => void;
}

function ValueInput({ filter, text, onText }: ValueInputProps) {
  const { suggest } = filter;
  const list = suggest === 'repository' ? 'repositories' : 'artifacts';
  const asked = suggest && text.trim().length >= 2;
  const found = useGet<List<{ name?: string; repository: string }>>(
    asked ? `/api/${list}?limit=20&q=${encodeURIComponent(text.trim())}` : null,
    { keep: true, pollMs: 0 },
  );
  const names = found.data?.body.items.map((item) =>
    suggest === 'artifact' ? (item.name ?? '') : item.repository,
  );
  return (
    <div className={classes.value}>
      <TextInput
        label="Value"
        size="xs"
        type={filter.isTime ? 'date' : 'text'}
        placeholder={filter.placeholder}
        value={text}
        onChange={(event) => onText(event.currentTarget.value)}
        list={suggest ? 'filter-suggestions' : undefined}
        required
        pattern={filter.name === 'label' ? '[^=]+=.*' : undefined}
        title={filter.name === 'label' ? 'name=value' : undefined}
        maxLength={1024}
      />
      {suggest && (
        <datalist id="filter-suggestions">
          {[...new Set(names)].map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      )}
      <Button size="xs" type="submit">
        Add
      </Button>
    </div>
  );
}
