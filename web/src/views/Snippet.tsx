import { Copy } from '../components/Copy.tsx';
import { Scrollable } from '../components/Scrollable.tsx';
import classes from './Snippet.module.css';
import type { SnippetText } from './snippets.ts';

/** Text to be put somewhere as it is. */
export function Snippet({ name, lead, code, after }: SnippetText) {
  return (
    <>
      <p>{lead}</p>
      <div className={classes.snippet}>
        <Scrollable label={name} className={classes.code}>
          <pre>{code}</pre>
        </Scrollable>
        <span>
          <Copy value={code} what={name} />
        </span>
      </div>
      {after && <p className={classes.after}>{after}</p>}
    </>
  );
}
