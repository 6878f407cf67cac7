import classes from './Reference.module.css';

/**
 * A name of which, where room is short, the middle goes first: the registry's beginning and what follows the last
 * slash stay. In full as title, and when its link has the focus.
 */
export function Reference({ name }: { name: string }) {
  const cut = name.lastIndexOf('/') + 1;
  return (
    <span className={classes.reference} title={name}>
      {cut > 0 && <span className={classes.head}>{name.slice(0, cut)}</span>}
      <span className={classes.tail}>{name.slice(cut)}</span>
    </span>
  );
}
