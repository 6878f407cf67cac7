import type { ReactNode } from 'react';
import type { ArtifactSummary, Labels, ScanSummary } from '../../../src/schemas.ts';
import { formatCount } from '../format.ts';
import classes from './Cells.module.css';

/** Zeros are greyed, so that what is there stands out. */
export function Count({ value }: { value: number }) {
  return <span className={value === 0 ? classes.faint : undefined}>{formatCount(value)}</span>;
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
  return (
    <span title={target ?? undefined}>
      <Text value={path ?? (kind === 'os-pkgs' ? 'OS packages' : target)} />
    </span>
  );
}

export function OperatingSystem({ os }: { os: ArtifactSummary['os'] }) {
  if (!os) return <Text value={null} />;
  return (
    <>
      {os.family} {os.name}
      {os.eosl && (
        <Badge tone="bad" title="Its distributor publishes no fixes any more">
          End of life
        </Badge>
      )}
    </>
  );
}

/** New and gone against the scan before, from the gate. */
export function Difference({ changes }: { changes: ScanSummary['changes'] }) {
  if (!changes) return <Text value={null} />;
  if (changes.against === null) return <Faint>first scan</Faint>;
  return (
    <span className={classes.difference}>
      <span data-some={changes.new > 0 || undefined} title={`${changes.new} new`}>
        +{formatCount(changes.new)}
      </span>{' '}
      <span title={`${changes.gone} gone`}>−{formatCount(changes.gone)}</span>
    </span>
  );
}
