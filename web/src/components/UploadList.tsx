import { Link } from 'wouter';
import { particulars } from '../api.ts';
import { formatBytes, plural } from '../format.ts';
import { ofSeverity, scanHref } from '../links.ts';
import type { StoredItem, UploadedFile, UploadState } from '../uploads.ts';
import { Reference } from './Reference.tsx';
import { SeverityBar } from './Severity.tsx';
import classes from './UploadList.module.css';

/** How each file fared: how much is sent, what it became, or why it was refused. */
export function UploadList({ uploads }: { uploads: readonly UploadedFile[] }) {
  if (uploads.length === 0) return null;
  return (
    <ul className={classes.list} aria-label="Files" aria-live="polite">
      {uploads.map(({ key, file, state }) => (
        <li key={key} data-phase={state.phase}>
          <div className={classes.file}>
            <b>{file.name}</b> <small>{formatBytes(file.size)}</small>
          </div>
          <State state={state} />
        </li>
      ))}
    </ul>
  );
}

const SHOWN = 5;

function State({ state }: { state: UploadState }) {
  if (state.phase === 'waiting') return <span>Waiting</span>;
  if (state.phase === 'sending') {
    return state.sent < 1 ? <progress value={state.sent} aria-label="Sent" /> : <span>Being read…</span>;
  }
  if (state.phase === 'refused') {
    const { title, detail, looksLike } = state.problem;
    return (
      <div className={classes.refused}>
        <strong>Refused: {title}</strong>
        {detail && <p>{detail}</p>}
        {particulars(state.problem)
          .slice(0, SHOWN)
          .map((error) => (
            <p key={error.detail}>
              <code>{error.pointer ?? error.parameter}</code> {error.detail}
            </p>
          ))}
        {looksLike && !detail?.includes(looksLike) && <p>It looks like {looksLike}.</p>}
      </div>
    );
  }
  if (state.ignored) return <span>Nothing to store: {state.ignored}</span>;
  return (
    <div>
      <span className={classes.outcome}>
        {state.created ? 'Stored' : 'Known already'}
        {state.scans.length > 1 && `: ${plural(state.scans.length, ['scan', 'scans'])}`}
      </span>
      {state.scans.slice(0, SHOWN).map((scan) => (
        <StoredScan key={scan.id} scan={scan} />
      ))}
      {state.scans.length > SHOWN && (
        <details>
          <summary>{state.scans.length - SHOWN} more</summary>
          {state.scans.slice(SHOWN).map((scan) => (
            <StoredScan key={scan.id} scan={scan} />
          ))}
        </details>
      )}
      {state.skipped.slice(0, SHOWN).map(({ name, reason }) => (
        <p key={name}>
          Left out: {name} ({reason})
        </p>
      ))}
    </div>
  );
}

function StoredScan({ scan }: { scan: StoredItem }) {
  return (
    <div className={classes.stored}>
      <Link href={scanHref(scan.id)}>
        <Reference name={scan.artifact.name} />
      </Link>
      <SeverityBar counts={scan.severityCounts} href={(key) => scanHref(scan.id, ofSeverity(key))} />
      {scan.warnings.map((warning) => (
        <p key={warning}>{warning}</p>
      ))}
    </div>
  );
}
