import { Tabs } from '@mantine/core';
import type { ReactNode } from 'react';
import { useLocation } from 'wouter';
import { formatCount } from '../format.ts';
import type { Query } from '../parameters.ts';
import { toSearch, useShow } from '../url.ts';
import classes from './FindingTabs.module.css';

export interface FindingTab {
  key: string;
  name: string;
  /** How many rows the list behind it has when it is opened. */
  count?: number;
  /** Filters that it is opened with. */
  query?: Query;
  panel: ReactNode;
}

/** Lists beside each other, of which the address names one; the first where it names none. */
export function FindingTabs({
  label,
  tabs,
}: {
  label: string;
  tabs: readonly [FindingTab, ...FindingTab[]];
}) {
  const [first, ...others] = tabs;
  const show = useShow([first.key, ...others.map(({ key }) => key)]);
  const [path, navigate] = useLocation();
  const open = (key: string | null) => {
    const tab = tabs.find((one) => one.key === key) ?? first;
    navigate(path + toSearch({ ...(tab === first ? {} : { show: [tab.key] }), ...tab.query }));
  };
  return (
    <Tabs value={show} onChange={open} keepMounted={false}>
      <Tabs.List aria-label={label} className={classes.tabs}>
        {tabs.map(({ key, name, count }) => (
          <Tabs.Tab key={key} value={key}>
            {name}
            {count !== undefined && ` ${formatCount(count)}`}
          </Tabs.Tab>
        ))}
      </Tabs.List>
      {tabs.map(({ key, panel }) => (
        <Tabs.Panel key={key} value={key}>
          {panel}
        </Tabs.Panel>
      ))}
    </Tabs>
  );
}
