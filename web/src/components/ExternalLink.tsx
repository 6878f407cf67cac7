import type { ReactNode } from 'react';
import { webAddress } from '../format.ts';

/** A link out of the dashboard, from a report: only http and https become links, all else stays text. */
export function ExternalLink({ href, children }: { href: string; children?: ReactNode }) {
  const address = webAddress(href);
  if (!address) return <>{children ?? href}</>;
  return (
    <a href={address} target="_blank" rel="noopener noreferrer">
      {children ?? href}
    </a>
  );
}
