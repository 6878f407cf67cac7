import { VisuallyHidden } from '@mantine/core';
import classes from './Reference.module.css';

/** Up to the last slash, then the name, then `:tag` or `@digest`. */
const PARTS = /^(.*\/)?([^/]*?)(:[^/:@]+|@[^/@]+)?$/s;

/**
 * A name of which, where room is short, the path goes first and the tag last. In full as title, and when its link
 * has the focus.
 */
export function Reference({ name }: { name: string }) {
  const [, path = '', last = name, version = ''] = PARTS.exec(name) ?? [];
  return (
    <>
      {/* In one piece for those who hear it. */}
      <VisuallyHidden className={classes.whole}>{name}</VisuallyHidden>
      <span className={classes.reference} title={name} aria-hidden="true">
        {path && <span className={classes.path}>{path}</span>}
        <span className={classes.last}>{last}</span>
        {version && <span className={version.startsWith(':') ? classes.tag : classes.last}>{version}</span>}
      </span>
    </>
  );
}
