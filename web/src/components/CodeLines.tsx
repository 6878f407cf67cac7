import type { Misconfiguration } from '../../../src/schemas.ts';
import classes from './CodeLines.module.css';
import { Scrollable } from './Scrollable.tsx';

/** Lines of a file, those that cause the finding marked. */
export function CodeLines({ lines }: { lines: Misconfiguration['code'] }) {
  if (lines.length === 0) return null;
  return (
    <Scrollable label="Lines of the file" className={classes.code}>
      {lines.map((line) => (
        <div key={line.number} data-cause={line.isCause || undefined}>
          <span>{line.number}</span>
          <code>{line.content}</code>
        </div>
      ))}
    </Scrollable>
  );
}
