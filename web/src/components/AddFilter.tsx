import { Button, NativeSelect, Popover, TextInput } from '@mantine/core';
import { useState } from 'react';
import type { List } from '../../../src/schemas.ts';
import { useGet } from '../data.ts';
import { dayBefore, type Filter, QUICK } from '../filters.ts';
import type { QueryState } from '../url.ts';
import classes from './FilterBar.module.css';
import { Icon } from './Icon.tsx';

/** A button for all filters that have none of their own. */
export function AddFilter({ filters, state }: { filters: Filter[]; state: QueryState }) {
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
