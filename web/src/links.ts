import type { ScanSummary, SeverityCounts } from '../../src/schemas.ts';
import type { Query } from './parameters.ts';
import { toSearch } from './url.ts';

/** Where the numbers of the dashboard lead: each list shows as many as the number says. */

export const vulnerabilityHref = (id: string): string => `/vulnerabilities/${encodeURIComponent(id)}`;

/** The vulnerabilities that are present; `show` names their findings. */
export const vulnerabilitiesHref = (query: Query): string => `/vulnerabilities${toSearch(query)}`;

/** What an artifact has now. @param query of its list, `show` names another one than its vulnerabilities */
export const artifactHref = (id: number, query: Query = {}): string => `/artifacts/${id}${toSearch(query)}`;

/** What a scan found. */
export const scanHref = (id: number, query: Query = {}): string => `/scans/${id}${toSearch(query)}`;

/** The artifacts, rather than their repositories. */
export const artifactsHref = (query: Query): string =>
  `/artifacts${toSearch({ show: ['artifacts'], ...query })}`;

/** A misconfiguration counts where a check failed; those that passed are in the same list. */
export const FAILED: Query = { show: ['misconfigurations'], status: ['FAIL'] };

export const ofSeverity = (key: keyof SeverityCounts): Query => ({ severity: [key.toUpperCase()] });

/** The findings that are counted as new and gone; undefined where a scan has none before it. */
export function compareHref(
  { id, changes }: Pick<ScanSummary, 'id' | 'changes'>,
  query: Query = {},
): string | undefined {
  if (!changes || changes.against === null) return undefined;
  const asked = { base: [String(changes.against)], head: [String(id)], kind: ['vulnerability'], ...query };
  return `/compare${toSearch(asked)}`;
}
