import type { Kind, Upload } from '../../src/schemas.ts';
import { formatWord, type Noun } from './format.ts';
import {
  ARTIFACT_TYPES,
  KINDS,
  OUTCOMES,
  type Parameters,
  type Query,
  SEVERITIES,
  STATUSES,
} from './parameters.ts';

/** How a filter is called and what may be chosen. */
export interface Filter {
  name: string;
  label: string;
  /** Choices with their names; none: free text. */
  choices?: readonly (readonly [value: string, label: string])[];
  placeholder?: string;
  /** A time or day, of which one is enough. */
  isTime?: true;
  /** A list of which the repositories or artifacts that match can be proposed. */
  suggest?: 'repository' | 'artifact';
}

/** What a scan may look for. */
export const KIND_NOUNS: Record<Kind, Noun> = {
  vulnerability: ['vulnerability', 'vulnerabilities'],
  misconfiguration: ['misconfiguration', 'misconfigurations'],
  secret: ['secret', 'secrets'],
  license: ['licence', 'licences'],
};

const words = (values: readonly string[]) => values.map((value) => [value, formatWord(value)] as const);

const FILTERS: readonly Filter[] = [
  { name: 'severity', label: 'Severity', choices: words(SEVERITIES) },
  { name: 'worst', label: 'Worst severity', choices: words(SEVERITIES) },
  {
    name: 'fixable',
    label: 'Fix',
    choices: [
      ['true', 'Fixable'],
      ['false', 'Not fixable'],
    ],
  },
  {
    name: 'latest',
    label: 'Latest',
    choices: [
      ['true', 'Latest only'],
      ['false', 'Older only'],
    ],
  },
  {
    name: 'stale',
    label: 'Stale',
    choices: [
      ['true', 'Stale'],
      ['false', 'Not stale'],
    ],
  },
  {
    name: 'eosl',
    label: 'End of life',
    choices: [
      ['true', 'OS past its end of life'],
      ['false', 'OS supported'],
    ],
  },
  { name: 'status', label: 'Status', choices: words(STATUSES) },
  {
    name: 'kind',
    label: 'Kind',
    choices: KINDS.map((kind) => [kind, formatWord(KIND_NOUNS[kind][0])] as const),
  },
  { name: 'type', label: 'Type', choices: ARTIFACT_TYPES.map((type) => [type, typeName(type)] as const) },
  { name: 'repository', label: 'Repository', placeholder: 'library/nginx', suggest: 'repository' },
  { name: 'artifact', label: 'Artifact', placeholder: 'nginx:1.25', suggest: 'artifact' },
  { name: 'vulnerability', label: 'Vulnerability', placeholder: 'CVE-2024-3094' },
  { name: 'package', label: 'Package', placeholder: 'openssl' },
  { name: 'cluster', label: 'Cluster', placeholder: 'production' },
  { name: 'namespace', label: 'Namespace', placeholder: 'default' },
  { name: 'label', label: 'Label', placeholder: 'team=payments' },
  { name: 'outcome', label: 'Outcome', choices: OUTCOMES.map((one) => [one, outcomeName(one)] as const) },
  { name: 'since', label: 'Since', isTime: true },
  { name: 'until', label: 'Until', isTime: true },
  { name: 'receivedSince', label: 'Received since', isTime: true },
];

/** Filters that are a button of their own, as they are used most. */
export const QUICK: Record<string, string> = {
  fixable: 'Fixable',
  stale: 'Stale',
  eosl: 'End of life',
  latest: 'Latest only',
};

/** The filters that a list with these parameters has. */
export function filtersFor(parameters: Parameters, timeLabel: string): Filter[] {
  return FILTERS.filter(({ name }) => name in parameters).map((filter) =>
    filter.name === 'since' || filter.name === 'until'
      ? { ...filter, label: `${timeLabel} ${filter.label.toLowerCase()}` }
      : filter,
  );
}

const DAY_MS = 86_400_000;
/** The UTC day so many days ago: `2026-11-17`. */
export const dayBefore = (days: number): string =>
  new Date(Date.now() - days * DAY_MS).toISOString().slice(0, 10);

/** The same filters in another list: what it does not know is left out, and so is the position. */
export function carryOver(query: Query, parameters: Parameters): Query {
  const left = ['sort', 'order', 'cursor'];
  return Object.fromEntries(
    Object.entries(query).filter(([name]) => name in parameters && !left.includes(name)),
  );
}

/** How the outcome of an upload is called. */
export function outcomeName(outcome: Upload['outcome']): string {
  return outcome === 'same' ? 'Same again' : formatWord(outcome);
}

/** How an artifact type is called. */
export function typeName(type: string): string {
  return type === 'sbom' ? 'SBOM' : type === 'vm' ? 'VM' : formatWord(type);
}
