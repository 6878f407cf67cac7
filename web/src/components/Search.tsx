import { Modal, TextInput } from '@mantine/core';
import { useDebouncedValue } from '@mantine/hooks';
import { type KeyboardEvent, useState } from 'react';
import { useLocation } from 'wouter';
import type { ArtifactSummary, List, Vulnerability } from '../../../src/schemas.ts';
import { useGet } from '../data.ts';
import { typeName } from '../filters.ts';
import { Icon } from './Icon.tsx';
import { Reference } from './Reference.tsx';
import classes from './Search.module.css';
import { Severity } from './Severity.tsx';

interface SearchProps {
  opened: boolean;
  onClose: () => void;
}

/** Finds vulnerabilities and artifacts from anywhere. */
export function Search({ opened, onClose }: SearchProps) {
  return (
    // The lock would write a style element, which the Content-Security-Policy forbids.
    <Modal
      opened={opened}
      onClose={onClose}
      withCloseButton={false}
      lockScroll={false}
      size="lg"
      yOffset={60}
      padding={0}
      attributes={{ content: { 'aria-label': 'Search' } }}
    >
      {opened && <SearchBox onClose={onClose} />}
    </Modal>
  );
}

interface Hit {
  key: string;
  href: string;
  group: string;
  content: React.ReactNode;
}

function SearchBox({ onClose }: { onClose: () => void }) {
  const [, navigate] = useLocation();
  const [text, setText] = useState('');
  const [asked] = useDebouncedValue(text.trim(), 200);
  const [active, setActive] = useState(0);
  const hits = useHits(asked);
  const open = (hit: Hit | undefined) => {
    if (!hit) return;
    onClose();
    navigate(hit.href);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      setActive((active + step + hits.length) % Math.max(hits.length, 1));
    } else if (event.key === 'Enter') open(hits[active]);
  };
  return (
    <>
      <TextInput
        data-autofocus
        size="md"
        variant="unstyled"
        className={classes.input}
        leftSection={<Icon name="search" />}
        placeholder="CVE, title, package, image…"
        aria-label="Search vulnerabilities, packages, artifacts"
        role="combobox"
        aria-expanded={hits.length > 0}
        aria-controls="search-hits"
        aria-activedescendant={hits[active] && `search-hit-${active}`}
        value={text}
        onChange={(event) => {
          setText(event.currentTarget.value);
          setActive(0);
        }}
        onKeyDown={onKeyDown}
        maxLength={256}
      />
      <div id="search-hits" role="listbox" aria-label="Found" className={classes.hits}>
        {hits.map((hit, index) => (
          <div key={hit.key}>
            {hit.group !== hits[index - 1]?.group && <div className={classes.group}>{hit.group}</div>}
            {/* biome-ignore lint/a11y/useKeyWithClickEvents: the keys are those of the input. */}
            <div
              id={`search-hit-${index}`}
              role="option"
              tabIndex={-1}
              aria-selected={index === active}
              className={classes.hit}
              onClick={() => open(hit)}
              onPointerMove={() => setActive(index)}
            >
              {hit.content}
            </div>
          </div>
        ))}
      </div>
    </>
  );
}

/** The worst of what matches, and the ways to all of it. */
function useHits(text: string): Hit[] {
  const search = text.length >= 2 ? encodeURIComponent(text) : null;
  const vulnerabilities = useGet<List<Vulnerability>>(search && `/api/vulnerabilities?q=${search}&limit=6`, {
    keep: true,
  });
  const artifacts = useGet<List<ArtifactSummary>>(search && `/api/artifacts?q=${search}&limit=6`, {
    keep: true,
  });
  if (!search) return [];
  return [
    ...(vulnerabilities.data?.body.items ?? []).map((item) => ({
      key: item.id,
      href: `/vulnerabilities/${encodeURIComponent(item.id)}`,
      group: 'Vulnerabilities',
      content: (
        <>
          <Severity value={item.severity} />
          <b>{item.id}</b>
          <span>{item.title ?? item.packages.join(', ')}</span>
        </>
      ),
    })),
    ...(artifacts.data?.body.items ?? []).map((item) => ({
      key: `artifact ${item.id}`,
      href: `/artifacts/${item.id}`,
      group: 'Artifacts',
      content: (
        <>
          <Reference name={item.name} />
          <small>{typeName(item.type)}</small>
        </>
      ),
    })),
    ...['Vulnerabilities', 'Artifacts', 'Scans'].map((place) => ({
      key: `all ${place}`,
      href: `/${place.toLowerCase()}?q=${search}`,
      group: 'All that matches',
      content: `${place} with “${text}”`,
    })),
  ];
}
