import { ActionIcon, UnstyledButton, useMantineColorScheme } from '@mantine/core';
import { useHotkeys } from '@mantine/hooks';
import { lazy, type ReactNode, Suspense, useEffect, useState } from 'react';
import { Link, useLocation } from 'wouter';
import icon from '../icon.svg';
import { useArrivals } from '../navigation.ts';
import classes from './Frame.module.css';
import { HealthLine } from './HealthLine.tsx';
import { Icon, type IconName } from './Icon.tsx';

const Search = lazy(async () => ({ default: (await import('./Search.tsx')).Search }));

const PLACES: [path: string, label: string, icon: IconName][] = [
  ['/', 'Overview', 'overview'],
  ['/vulnerabilities', 'Vulnerabilities', 'vulnerability'],
  ['/artifacts', 'Artifacts', 'artifact'],
  ['/scans', 'Scans', 'scan'],
  ['/cache', 'Cache', 'cache'],
  ['/add', 'Add results', 'add'],
];

/** What surrounds every view: the ways to all of them, search, theme, and how the server fares. */
export function Frame({ children }: { children: ReactNode }) {
  const [path] = useLocation();
  const [menuOpened, setMenuOpened] = useState(false);
  // Null until it is first asked for: only then its part is fetched.
  const [searchOpened, setSearchOpened] = useState<boolean | null>(null);
  useArrivals();
  useHotkeys([
    ['/', () => setSearchOpened(true)],
    ['mod+K', () => setSearchOpened(true), { usePhysicalKeys: false }],
  ]);
  // biome-ignore lint/correctness/useExhaustiveDependencies: whatever is opened belongs to the view before.
  useEffect(() => {
    setMenuOpened(false);
    setSearchOpened((opened) => opened && false);
  }, [path]);

  return (
    <div className={classes.frame}>
      {/* biome-ignore lint/a11y/useValidAnchor: a fragment would be resolved against <base>. */}
      <a className={classes.skip} href="#main" onClick={skipToMain}>
        Skip to the content
      </a>
      <header className={classes.header}>
        <ActionIcon
          className={classes.burger}
          variant="subtle"
          color="gray"
          aria-label="Menu"
          aria-expanded={menuOpened}
          aria-controls="places"
          onClick={() => setMenuOpened(!menuOpened)}
        >
          <Icon name={menuOpened ? 'close' : 'menu'} />
        </ActionIcon>
        <Link href="/" className={classes.brand}>
          <img src={icon} alt="" width="22" height="22" />
          Trivet
        </Link>
        <UnstyledButton className={classes.search} onClick={() => setSearchOpened(true)}>
          <Icon name="search" size={14} />
          <span>Search vulnerabilities, packages, artifacts</span>
          <kbd>/</kbd>
        </UnstyledButton>
        <ThemeSwitch />
      </header>
      <nav id="places" className={classes.nav} aria-label="Views" data-opened={menuOpened || undefined}>
        {PLACES.map(([place, label, icon]) => (
          <Link key={place} href={place} aria-current={isCurrent(path, place) ? 'page' : undefined}>
            <Icon name={icon} />
            {label}
          </Link>
        ))}
      </nav>
      <main id="main" className={classes.main} tabIndex={-1}>
        <HealthLine />
        {children}
      </main>
      {searchOpened !== null && (
        <Suspense fallback={null}>
          <Search opened={searchOpened} onClose={() => setSearchOpened(false)} />
        </Suspense>
      )}
    </div>
  );
}

function isCurrent(path: string, place: string): boolean {
  return path === place || (place !== '/' && path.startsWith(`${place}/`));
}

function skipToMain(event: { preventDefault: () => void }): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

const SCHEMES = {
  auto: { next: 'light', icon: 'system', label: 'as the system' },
  light: { next: 'dark', icon: 'sun', label: 'light' },
  dark: { next: 'auto', icon: 'moon', label: 'dark' },
} as const;

function ThemeSwitch() {
  // To suspend transitions would write a style element, which the Content-Security-Policy forbids.
  const { colorScheme, setColorScheme } = useMantineColorScheme({ keepTransitions: true });
  const { next, icon, label } = SCHEMES[colorScheme];
  const text = `Theme: ${label}. Change to ${SCHEMES[next].label}`;
  return (
    <ActionIcon
      variant="subtle"
      color="gray"
      aria-label={text}
      title={text}
      onClick={() => setColorScheme(next)}
    >
      <Icon name={icon} />
    </ActionIcon>
  );
}
