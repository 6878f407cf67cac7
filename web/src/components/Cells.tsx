import { Fragment, type ReactNode } from 'react';
import { Link } from 'wouter';
import type { ArtifactSummary, Labels, ScanSummary } from '../../../src/schemas.ts';
import { formatCount, type Noun, plural } from '../format.ts';
import { compareHref } from '../links.ts';
import classes from './Cells.module.css';

/**
 * Zeros are greyed, so that what is there stands out.
 * @param href the list of as many
 */
export function Count({ value, href }: { value: number; href?: string }) {
  if (value > 0 && href) return <Link href={href}>{formatCount(value)}</Link>;
  return <span className={value === 0 ? classes.faint : undefined}>{formatCount(value)}</span>;
}

/** `2 secrets`, as a link to them; a nought leads nowhere. */
export function CountOf({ value, noun, href }: { value: number; noun: Noun; href: string }) {
  const text = plural(value, noun);
  return value > 0 ? <Link href={href}>{text}</Link> : <span className={classes.faint}>{text}</span>;
}

/** A dash where a report says nothing. */
export function Text({ value }: { value: string | number | null | undefined }) {
  return value === null || value === undefined || value === '' ? (
    <span className={classes.faint} data-none>
      –
    </span>
  ) : (
    value
  );
}

/** What has no spaces, to be broken behind a slash rather than anywhere. */
export function Breakable({ value }: { value: string }) {
  return value.split(/(?<=[/:@])/).map((part, index) => (
    // biome-ignore lint/suspicious/noArrayIndexKey: the parts of one text, in their order.
    <Fragment key={index}>
      {index > 0 && <wbr />}
      {part}
    </Fragment>
  ));
}

/** At most two lines. */
export function Title({ value }: { value: string | null }) {
  return (
    <span className={classes.title} title={value ?? undefined}>
      <Text value={value} />
    </span>
  );
}

export function LabelList({ labels }: { labels: Labels }) {
  if (Object.keys(labels).length === 0) return <Text value={null} />;
  return (
    <span className={classes.labels}>
      {Object.entries(labels).map(([name, value]) => (
        <span key={name} title={`${name}=${value}`}>
          {name}={value}
        </span>
      ))}
    </span>
  );
}

/** One below the other, beside the column's name where a row is a card. */
export function Stack({ children }: { children: ReactNode }) {
  return <span className={classes.stack}>{children}</span>;
}

/** A word about a thing, on a ground of its own. */
export function Badge({
  tone,
  title,
  children,
}: {
  tone?: 'warn' | 'bad';
  title?: string;
  children: string;
}) {
  return (
    <span className={classes.badge} data-tone={tone} title={title}>
      {children}
    </span>
  );
}

/** The version that ends a finding. */
export function FixedVersion({ value }: { value: string | null }) {
  return value === null ? <Text value={null} /> : <span className={classes.fix}>{value}</span>;
}

/** What matters less. */
export function Faint({ children }: { children: ReactNode }) {
  return <span className={classes.faint}>{children}</span>;
}

/** Packages of the operating system have no path, and their target repeats the artifact's name. */
export function Place({
  path,
  target,
  kind,
}: {
  path: string | null;
  target: string | null;
  kind: string | null;
}) {
  const shown = path ?? (kind === 'os-pkgs' ? 'OS packages' : target);
  return (
    <span title={target ?? undefined}>{shown ? <Breakable value={shown} /> : <Text value={null} />}</span>
  );
}

export function OperatingSystem({ os }: { os: ArtifactSummary['os'] }) {
  if (!os) return <Text value={null} />;
  return (
    <>
      {os.family} {os.name}{' '}
      {os.eosl && (
        <Badge tone="bad" title="Its distributor publishes no fixes any more">
          End of life
        </Badge>
      )}
    </>
  );
}

/** New and gone against the scan before, from the gate: a link to what they are. */
export function Difference({ scan }: { scan: Pick<ScanSummary, 'id' | 'changes'> }) {
  const { changes } = scan;
  const href = compareHref(scan);
  if (!changes) return <Text value={null} />;
  if (!href) return <Faint>first scan</Faint>;
  return (
    <Link className={classes.difference} href={href}>
      <span data-some={changes.new > 0 || undefined} title={`${changes.new} new`}>
        +{formatCount(changes.new)}
      </span>{' '}
      <span title={`${changes.gone} gone`}>−{formatCount(changes.gone)}</span>
    </Link>
  );
}
