import { useEffect, useRef } from 'react';
import { useLocation } from 'wouter';

/** How the page that is shown was come to: by a link, by Back or Forward, or first of all. */
let arrival: 'first' | 'link' | 'history' | 'settled' = 'first';
addEventListener('popstate', () => {
  arrival = 'history';
});
// wouter tells of every step that it makes.
addEventListener('pushState', () => {
  arrival = 'link';
});

/** Notes for the way back which link of the page was followed. */
function noteFollowedLink(event: MouseEvent): void {
  const link = event.target instanceof Element ? event.target.closest('a[href]') : null;
  if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
  const state = typeof history.state === 'object' ? history.state : null;
  history.replaceState({ ...state, followed: link.getAttribute('href') }, '');
}

/** To be used once: scrolls to the top when another view comes by a link. The browser itself does so on Back. */
export function useArrivals(): void {
  const [path] = useLocation();
  const shown = useRef(path);
  useEffect(() => {
    document.addEventListener('click', noteFollowedLink, { capture: true });
    return () => document.removeEventListener('click', noteFollowedLink, { capture: true });
  }, []);
  useEffect(() => {
    if (shown.current === path) return;
    shown.current = path;
    if (arrival !== 'history') scrollTo(0, 0);
  }, [path]);
}

/** The heading of a view takes the focus when the view was come to by a link. */
export function useHeadingFocus() {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    if (arrival === 'link') heading.current?.focus({ preventScroll: true });
  }, []);
  return heading;
}

/** Once `ready`, gives the focus back to the link that was followed from here, when Back brought us. */
export function useReturnFocus(ready: boolean): void {
  useEffect(() => {
    if (!ready || arrival !== 'history') return;
    const followed: unknown = history.state?.followed;
    if (typeof followed !== 'string') return;
    arrival = 'settled';
    document
      .querySelector<HTMLElement>(`main a[href="${CSS.escape(followed)}"]`)
      ?.focus({ preventScroll: true });
  }, [ready]);
}
