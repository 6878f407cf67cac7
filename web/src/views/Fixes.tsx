import type { VulnerabilityDetail } from '../../../src/schemas.ts';
import { CountOf } from '../components/Cells.tsx';
import { Scrollable } from '../components/Scrollable.tsx';
import { artifactsHref } from '../links.ts';
import classes from './Vulnerability.module.css';

type PackageFixes = VulnerabilityDetail['packages'][number];

/** A line for each package: what of it is installed, what to upgrade that to, and in how many artifacts. */
export function Fixes({ id, packages }: { id: string; packages: PackageFixes[] }) {
  return (
    <Scrollable label="Fixes" className={classes.fixes}>
      <ul>
        {packages.map(({ package: name, artifacts, fixes }) => (
          <li key={name}>
            <b>{name}</b>{' '}
            {upgradesOf(fixes).map(({ installed, fixed }) => (
              <span key={fixed}>
                {installed.slice(0, VERSIONS_SHOWN).join(', ')}
                {installed.length > VERSIONS_SHOWN && ', …'} →{' '}
                {fixed ? <strong>{fixed}</strong> : <em>no fixed version</em>}
              </span>
            ))}{' '}
            <small>
              in{' '}
              <CountOf
                value={artifacts}
                noun={['artifact', 'artifacts']}
                href={artifactsHref({ vulnerability: [id], package: [name], stale: ['false'] })}
              />
            </small>
          </li>
        ))}
      </ul>
    </Scrollable>
  );
}

const VERSIONS_SHOWN = 4;

/** The installed versions that one version fixes, the most frequent first. */
function upgradesOf(fixes: PackageFixes['fixes']): { installed: string[]; fixed: string | null }[] {
  const installedByFix = new Map<string | null, string[]>();
  for (const { installedVersion, fixedVersion } of fixes) {
    const installed = installedByFix.get(fixedVersion);
    const version = installedVersion ?? 'any version';
    if (installed) installed.push(version);
    else installedByFix.set(fixedVersion, [version]);
  }
  return [...installedByFix].map(([fixed, installed]) => ({ installed, fixed }));
}
