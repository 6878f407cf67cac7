import type { ReactNode } from 'react';
import { useHeadingFocus } from '../navigation.ts';
import classes from './Page.module.css';

interface PageProps {
  title: string;
  /** What the heading shows, where it is more than its text. */
  heading?: ReactNode;
  /** A line below the heading. */
  lead?: ReactNode;
  /** Buttons and switches at the right of the heading. */
  actions?: ReactNode;
  children: ReactNode;
}

/** A view with its heading, which also names the browser's tab. */
export function Page({ title, heading, lead, actions, children }: PageProps) {
  const ref = useHeadingFocus();
  return (
    <>
      <title>{`${title} · Trivet`}</title>
      <div className={classes.head}>
        <div className={classes.words}>
          <h1 ref={ref} tabIndex={-1}>
            {heading ?? title}
          </h1>
          {lead && <div className={classes.lead}>{lead}</div>}
        </div>
        {actions && <div className={classes.actions}>{actions}</div>}
      </div>
      {children}
    </>
  );
}

/** A titled part of a view. */
export function Panel({
  title,
  actions,
  children,
}: {
  title: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
}) {
  return (
    <section className={classes.panel}>
      <div className={classes.panelHead}>
        <h2>{title}</h2>
        {actions}
      </div>
      {children}
    </section>
  );
}
