/** The invented vulnerabilities that seeded reports are made of, as entries of reports. */
import { chance, pick } from '../demo/chance.ts';
import { SEVERITIES, type Severity, type VulnerabilityFinding } from '../trivy/report.ts';

/** What an artifact is built on, and what its system's packages are called by Trivy. */
export const SYSTEMS = [
  { type: 'debian', family: 'debian', name: '12.7', eosl: false },
  { type: 'debian', family: 'debian', name: '11.11', eosl: false },
  { type: 'ubuntu', family: 'ubuntu', name: '22.04', eosl: false },
  { type: 'ubuntu', family: 'ubuntu', name: '18.04', eosl: true },
  { type: 'alpine', family: 'alpine', name: '3.20.3', eosl: false },
  { type: 'redhat', family: 'redhat', name: '9.4', eosl: false },
] as const;

/** What is installed beside it: Trivy's type, the target of its findings, and where a package is. */
export const LANGUAGES = [
  { type: 'node-pkg', target: 'Node.js', path: 'app/node_modules/%/package.json' },
  { type: 'python-pkg', target: 'Python', path: 'usr/lib/python3/dist-packages/%.dist-info/METADATA' },
  { type: 'jar', target: 'Java', path: 'app/lib/%.jar' },
  { type: 'gobinary', target: 'usr/local/bin/server', path: null },
  { type: 'gemspec', target: 'Ruby', path: 'usr/lib/ruby/gems/%.gemspec' },
] as const;

/** Of a system or language (`stack`, systems first) the entry `rank`: the lower, the more artifacts have it. */
export interface Entry {
  stack: number;
  /** Artifacts were built early (0) or late (1), and so have other versions installed. */
  variant: number;
  rank: number;
  finding: VulnerabilityFinding;
}

const WORDS = [
  'ssl',
  'xml',
  'json',
  'http',
  'curl',
  'zip',
  'image',
  'crypt',
  'yaml',
  'sql',
  'auth',
  'font',
  'mail',
];
const KINDS_OF_WORDS = [
  'parser',
  'core',
  'utils',
  'client',
  'server',
  'tools',
  'common',
  'runtime',
  'codec',
  'base',
];
const FLAWS = [
  'out-of-bounds read',
  'use after free',
  'path traversal',
  'unbounded memory use',
  'missing validation',
];
/** Of a hundred, as in real reports: a system's packages are mostly medium and low. */
const SHARES: [Severity, number][] = [
  ['CRITICAL', 3],
  ['HIGH', 21],
  ['MEDIUM', 45],
  ['LOW', 28],
  ['UNKNOWN', 3],
];
/** Of the vulnerabilities, those of system packages. */
const SYSTEM_SHARE = 0.6;
const DAY_MS = 86_400_000;

/**
 * All entries, vulnerability by vulnerability. One of a system package is in some of the systems, in one package or
 * two; what is common is so in all.
 * @param vulnerabilities how many
 */
export function* catalogue(vulnerabilities: number, now: Date): Generator<Entry> {
  const ranks = [...SYSTEMS, ...LANGUAGES].map(() => 0);
  for (let index = 0; index < vulnerabilities; index += 1) {
    const flaw = inventFlaw(index, vulnerabilities, now);
    const isSystem = chance('system', index) < SYSTEM_SHARE;
    const stacks = isSystem
      ? SYSTEMS.flatMap((_, stack) => (index < 60 || chance('stack', index, stack) < 0.37 ? stack : []))
      : [SYSTEMS.length + Math.floor(chance('language', index) * LANGUAGES.length)];
    const names =
      isSystem && chance('two', index) < 0.5 ? [flaw.package, `${flaw.package}-dev`] : [flaw.package];
    for (const stack of stacks) {
      for (const name of names) {
        const rank = ranks[stack] ?? 0;
        ranks[stack] = rank + 1;
        for (const variant of [0, 1])
          yield { stack, variant, rank, finding: entryOf(flaw, stack, variant, name) };
      }
    }
  }
}

type Flaw = Omit<VulnerabilityFinding, 'installedVersion' | 'fixedVersion' | 'status' | 'path' | 'target'>;

function inventFlaw(index: number, vulnerabilities: number, now: Date): Flaw & { index: number } {
  const id = `CVE-${2016 + (index % 10)}-${90_000 + index}`;
  const severity = severityOf(chance('severity', index) * 100);
  const level = SEVERITIES.indexOf(severity);
  const score = level === 0 ? null : Math.round((level * 2 + chance('score', index) * 1.9) * 10) / 10;
  // A few packages, as a kernel, have very many.
  const number = Math.floor(chance('package', index) ** 2 * Math.max(20, vulnerabilities / 8));
  const name = `lib${WORDS[number % WORDS.length]}-${KINDS_OF_WORDS[number % KINDS_OF_WORDS.length]}${Math.floor(number / 130) || ''}`;
  const flaw = `${name}: ${pick(FLAWS as [string, ...string[]], 'flaw', index)} in part ${index % 89}`;
  const published = new Date(now.getTime() - (5 + 2_000 * chance('published', index)) * DAY_MS).toISOString();
  return {
    index,
    vulnerabilityId: id,
    package: name,
    severity,
    severitySource: 'nvd',
    class: null,
    packageType: null,
    purl: null,
    primaryUrl: `https://security.example.com/${id}`,
    title: flaw,
    description: `Invented, as its identifier is. ${`In this story there is ${flaw}. `.repeat(6)}`,
    references: [1, 2, 3, 4, 5].map((part) => `https://security.example.com/${id}/references/${part}`),
    cvss:
      score === null
        ? null
        : { nvd: { V3Score: score, V3Vector: 'CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:L/I:L/A:L' } },
    vendorSeverity: { nvd: level },
    cvssScore: score,
    cweIds: [`CWE-${20 + (index % 60)}`],
    publishedAt: published,
    modifiedAt: published,
  };
}

function severityOf(percent: number): Severity {
  let left = percent;
  for (const [severity, share] of SHARES) {
    if (left < share) return severity;
    left -= share;
  }
  return 'UNKNOWN';
}

function entryOf({ index, ...flaw }: Flaw & { index: number }, stack: number, variant: number, name: string) {
  const language = LANGUAGES[stack - SYSTEMS.length];
  const type = language?.type ?? SYSTEMS[stack]?.type ?? 'debian';
  const installed = `1.${index % 17}.${variant}`;
  const isFixed = chance('fixed', index, stack) < 0.5;
  const unfixed = pick(
    ['affected', 'affected', 'affected', 'will_not_fix', 'fix_deferred'],
    'status',
    index,
    stack,
  );
  // Distributions rate for themselves.
  const isMilder = !language && flaw.severity !== 'UNKNOWN' && chance('milder', index, stack) < 0.2;
  return {
    ...flaw,
    package: name,
    severity: isMilder
      ? (SEVERITIES[Math.max(1, SEVERITIES.indexOf(flaw.severity) - 1)] ?? 'LOW')
      : flaw.severity,
    severitySource: isMilder ? type : flaw.severitySource,
    installedVersion: installed,
    fixedVersion: isFixed ? `1.${index % 17}.9` : null,
    status: isFixed ? 'fixed' : unfixed,
    path: language?.path ? language.path.replace('%', name) : null,
    // Of system packages the target names the artifact: it is put in where a report is made.
    target: language?.target ?? '',
    class: language ? 'lang-pkgs' : 'os-pkgs',
    packageType: type,
    purl: `pkg:${type}/${name}@${installed}`,
  } satisfies VulnerabilityFinding;
}
