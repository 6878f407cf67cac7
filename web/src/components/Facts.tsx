import type { ReactNode } from 'react';
import classes from './Facts.module.css';

interface FactsProps {
  facts: readonly (readonly [name: string, value: ReactNode])[];
  /** Values are long as a rule. */
  wide?: boolean;
}

/** Names and values; those without a value are left out. */
export function Facts({ facts, wide }: FactsProps) {
  return (
    <dl className={classes.facts} data-wide={wide || undefined}>
      {facts
        .filter(([, value]) => value !== null && value !== undefined && value !== '' && value !== false)
        .map(([name, value]) => (
          <div key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </div>
        ))}
    </dl>
  );
}
