import type { DiffItem, ScanFinding, ScanSummary, Severity } from '../schemas.ts';
import type { Options, Rule } from './options.ts';
import { printable } from './printable.ts';
import { readList } from './send.ts';

const ROWS = 20;
const MOST_PAGES = 10;

/** How many findings of the scan a rule counts. */
function countOf({ scope, severity }: Rule, scan: ScanSummary): number {
  return scope === 'any' ? scan.severityCounts[severity] : (scan.changes?.newBySeverity[severity] ?? 0);
}

/**
 * Checks one scan against the rules.
 * @returns what to print where a rule is met: the rules with their counts and a table of what is new
 */
export async function explainBreach(scan: ScanSummary, options: Options): Promise<string | undefined> {
  const broken = options.rules.filter((rule) => countOf(rule, scan) > 0);
  if (broken.length === 0) return undefined;
  const counts = broken.map((rule) => `${rule.scope}:${rule.severity} ${countOf(rule, scan)}`);
  const severities = new Set(broken.map(({ severity }) => severity.toUpperCase() as Severity));
  return `${printable(scan.artifact.name)}: ${counts.join(', ')}\n${await tableOfNew(scan, severities, options)}`;
}

async function tableOfNew(scan: ScanSummary, severities: Set<Severity>, options: Options): Promise<string> {
  const findings: ScanFinding[] = [];
  let cursor: string | null = null;
  for (let page = 0; page < MOST_PAGES && findings.length <= ROWS; page += 1) {
    const query = new URLSearchParams({ change: 'new', limit: '200' });
    if (scan.changes?.against) query.set('against', String(scan.changes.against));
    if (cursor !== null) query.set('cursor', cursor);
    const list = await readList<DiffItem>(`api/scan-results/${scan.id}/diff`, query, options);
    const items = list?.items.filter(({ kind }) => kind === 'vulnerability') ?? [];
    findings.push(
      ...items.map(({ finding }) => finding as ScanFinding).filter((it) => severities.has(it.severity)),
    );
    cursor = list?.nextCursor ?? null;
    if (cursor === null) break;
  }
  const more = findings.length > ROWS || cursor !== null ? ['  …'] : [];
  return [...tableRows(findings.slice(0, ROWS)), ...more].map((line) => `${line}\n`).join('');
}

function tableRows(findings: ScanFinding[]): string[] {
  if (findings.length === 0) return [];
  const rows = findings.map((it) => [
    it.severity,
    printable(it.vulnerabilityId),
    printable(it.package),
    printable(it.installedVersion ?? ''),
    printable(it.fixedVersion ?? ''),
  ]);
  const table = [['NEW', 'VULNERABILITY', 'PACKAGE', 'INSTALLED', 'FIXED'], ...rows];
  const widths = [0, 1, 2, 3, 4].map((column) => Math.max(...table.map((row) => row[column]?.length ?? 0)));
  const padded = table.map((row) => row.map((cell, column) => cell.padEnd(widths[column] ?? 0)));
  return padded.map((row) => `  ${row.join('  ').trimEnd()}`);
}
