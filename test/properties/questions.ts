/** Questions to every cached read, with a spread of parameters. */
import type { Answer } from '../../src/cache/types.ts';
import type { Reads } from '../../src/reads.ts';
import type { ArtifactsQuery, FindingsQuery, ScansQuery, VulnerabilitiesQuery } from '../../src/schemas.ts';

export interface Question {
  read: keyof Reads;
  /** The read and its parameters. */
  title: string;
  ask(reads: Reads): Promise<Answer>;
}

/** The UTC day on which all is asked. */
const DAY = '2026-03-15';

/** What the questions are about. */
export interface Subjects {
  artifacts: number[];
  /** Scans that have everything, and a few others. */
  scans: number[];
  vulnerabilities: string[];
}

function question<Read extends keyof Reads>(read: Read, params: Parameters<Reads[Read]>[0]): Question {
  return {
    read,
    title: `${read} ${JSON.stringify(params)}`,
    ask: (reads) => (reads[read] as (params: Parameters<Reads[Read]>[0]) => Promise<Answer>)(params),
  };
}

/** Every question; pages that follow the first are those of the database as it is now. */
export async function questionsOf(reads: Reads, subjects: Subjects): Promise<Question[]> {
  const pages = await Promise.all([
    ...[{}, { artifact: ['1'] }, { cluster: ['prod'] }].map((filters) =>
      nextPage(reads, 'scans', { ...filters, limit: 2 }),
    ),
    ...[{}, { artifact: ['1', '2', '3'] }].map((filters) =>
      nextPage(reads, 'artifacts', { ...filters, limit: 2, sort: 'name' }),
    ),
    nextPage(reads, 'repositories', { limit: 2 }),
    ...[{}, { artifact: ['1'] }].flatMap((filters) => [
      nextPage(reads, 'vulnerabilities', { ...filters, limit: 2 }),
      nextPage(reads, 'findings', { ...filters, limit: 3 }),
    ]),
    ...subjects.scans
      .slice(0, 2)
      .flatMap((id) => [
        nextPage(reads, 'scanVulnerabilities', { id, limit: 2 }),
        nextPage(reads, 'diff', { id, limit: 2 }),
      ]),
  ]);
  return [
    ...scanQuestions(subjects),
    ...artifactQuestions(subjects),
    ...vulnerabilityQuestions(subjects),
    question('summary', { day: DAY }),
    question('findingCounts', {}),
    ...pages.filter((page) => page !== null),
  ];
}

async function nextPage<Read extends keyof Reads>(
  reads: Reads,
  read: Read,
  params: Parameters<Reads[Read]>[0],
): Promise<Question | null> {
  const { entry } = await question(read, params).ask(reads);
  const { nextCursor } = JSON.parse(entry?.json().toString() ?? '{}') as { nextCursor?: string };
  return nextCursor ? question(read, { ...params, cursor: nextCursor }) : null;
}

type Choice = Pick<ScansQuery, 'artifact' | 'repository' | 'type' | 'cluster' | 'namespace' | 'label'>;

/** What chooses artifacts: by number, by name, and by what may change. */
function choices({ artifacts }: Subjects): Choice[] {
  return [
    {},
    { artifact: ['1'] },
    { artifact: ['2', '3'] },
    { artifact: artifacts.map(String) },
    { artifact: ['nginx:1'] },
    { artifact: ['1', 'nginx:2'] },
    { artifact: ['docker.io/library/everything:1'] },
    { repository: ['nginx', 'everything'] },
    { type: ['kubernetes', 'vm'] },
    { cluster: ['prod'] },
    { namespace: ['shop'] },
    { cluster: ['prod'], namespace: ['shop'] },
    { artifact: artifacts.slice(-6).map(String), cluster: ['prod'] },
    { label: ['team=red'] },
    { artifact: ['1', '2'], label: ['team=red', 'env=prod'] },
  ];
}

const TIMES: Pick<ScansQuery, 'artifact' | 'since' | 'until'>[] = [
  { since: '2026-03-05' },
  { until: '2026-03-10T12:00:00Z' },
  { artifact: ['4'], since: '2026-03-01' },
];

function scanQuestions(subjects: Subjects): Question[] {
  const lists: ScansQuery[] = [
    ...choices(subjects),
    ...TIMES,
    { q: 'ngin' },
    { severity: ['CRITICAL'] },
    { kind: ['secret', 'license'] },
    { latest: true },
    { latest: false, artifact: ['3'] },
    { latest: true, kind: ['misconfiguration'], sort: 'artifact' },
    { sort: 'receivedAt', order: 'asc' },
    { receivedSince: '2026-03-05' },
    { sort: 'severity', limit: 4 },
    { artifact: ['1'], sort: 'artifact', order: 'desc' },
  ];
  const ofEach = subjects.scans.flatMap((id) => [
    question('scan', { id }),
    question('scanVulnerabilities', { id }),
    question('scanVulnerabilities', { id, severity: ['HIGH', 'CRITICAL'], sort: 'package' }),
    question('scanVulnerabilities', { id, q: 'open', fixable: true }),
    question('scanVulnerabilities', {
      id,
      package: ['curl', 'zlib'],
      status: ['affected', 'fixed'],
      sort: 'id',
    }),
    ...(['scanMisconfigurations', 'scanSecrets', 'scanLicenses', 'scanSuppressed'] as const).flatMap(
      (read) => [
        question(read, { id }),
        question(read, { id, severity: ['HIGH', 'CRITICAL'], q: 'a', limit: 1 }),
      ],
    ),
    question('diff', { id }),
    question('diff', { id, change: ['new', 'gone'] }),
    question('diff', { id, kind: ['vulnerability'], severity: ['HIGH'] }),
    ...subjects.scans.slice(0, 2).map((against) => question('diff', { id, against })),
  ]);
  return [...lists.map((query) => question('scans', query)), ...ofEach];
}

function artifactQuestions(subjects: Subjects): Question[] {
  const lists: ArtifactsQuery[] = [
    ...choices(subjects),
    ...TIMES,
    { q: 'everything' },
    { severity: ['CRITICAL', 'LOW'] },
    { kind: ['secret'] },
    { stale: true },
    { stale: false, sort: 'lastSeenAt' },
    { eosl: true },
    { worst: ['HIGH'] },
    { vulnerability: subjects.vulnerabilities.slice(0, 2) },
    { vulnerability: subjects.vulnerabilities.slice(0, 2), stale: true },
    { package: ['curl', 'openssl'], vulnerability: subjects.vulnerabilities },
    { sort: 'name', order: 'desc' },
  ];
  return [
    ...lists.flatMap((query) => [question('artifacts', query), question('repositories', query)]),
    ...subjects.artifacts.map((id) => question('artifact', { id, day: DAY })),
  ];
}

function vulnerabilityQuestions(subjects: Subjects): Question[] {
  const filters: (FindingsQuery & VulnerabilitiesQuery)[] = [
    ...choices(subjects),
    ...TIMES,
    { q: 'openssl' },
    { q: 'cve-2024', artifact: ['1'] },
    { severity: ['CRITICAL'] },
    { fixable: true },
    { fixable: false, artifact: ['2'] },
    { status: ['affected'], package: ['curl', 'zlib', 'openssl'] },
    { package: ['openssl'], artifact: ['1', '2', '3'] },
    { sort: 'firstSeenAt', order: 'asc' },
  ];
  return [
    ...filters.flatMap((query) => [question('vulnerabilities', query), question('findings', query)]),
    ...(['priority', 'cvss', 'affectedArtifacts', 'publishedAt', 'id'] as const).flatMap((sort) => [
      question('vulnerabilities', { sort, limit: 5 }),
      question('vulnerabilities', { sort, artifact: ['1', '2'] }),
    ]),
    ...(['artifact', 'package'] as const).map((sort) => question('findings', { sort, limit: 7 })),
    ...subjects.vulnerabilities.map((id) => question('findings', { vulnerability: [id] })),
    ...subjects.vulnerabilities.map((id) => question('vulnerability', { id })),
  ];
}
