import { VisuallyHidden } from '@mantine/core';
import { Link } from 'wouter';
import type { SeverityCounts, Severity as SeverityName } from '../../../src/schemas.ts';
import { formatCount } from '../format.ts';
import { SEVERITIES } from '../parameters.ts';
import classes from './Severity.module.css';

export type SeverityKey = keyof SeverityCounts;

/** In their order, the most severe first, as object keys are written. */
export const SEVERITY_KEYS = SEVERITIES.map((severity) => severity.toLowerCase() as SeverityKey);

const LETTERS: Record<SeverityKey, string> = {
  critical: 'C',
  high: 'H',
  medium: 'M',
  low: 'L',
  unknown: '?',
};

/** The word on its colour. */
export function Severity({ value }: { value: SeverityName }) {
  return (
    <span className={classes.pill} data-severity={value.toLowerCase()}>
      {value.charAt(0) + value.slice(1).toLowerCase()}
    </span>
  );
}

/**
 * Five counts in their order, zero ones greyed.
 * @param href makes each count a link to the list behind it
 */
export function SeverityBar({
  counts,
  href,
}: {
  counts: SeverityCounts;
  href?: (key: SeverityKey) => string;
}) {
  const label = SEVERITY_KEYS.map((key) => `${counts[key]} ${key}`).join(', ');
  const cells = SEVERITY_KEYS.map((key) => {
    const count = counts[key];
    const content = (
      <>
        <b aria-hidden="true">{LETTERS[key]}</b> {formatCount(count)}
        <VisuallyHidden> {key}</VisuallyHidden>
      </>
    );
    const common = { className: classes.cell, 'data-severity': key, 'data-zero': count === 0 || undefined };
    return href && count > 0 ? (
      <Link key={key} href={href(key)} {...common}>
        {content}
      </Link>
    ) : (
      <span key={key} {...common}>
        {content}
      </span>
    );
  });
  return href ? (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for what is filled in.
    <span className={classes.bar} role="group" aria-label={label}>
      {cells}
    </span>
  ) : (
    <span className={classes.bar} role="img" aria-label={label}>
      {cells}
    </span>
  );
}
