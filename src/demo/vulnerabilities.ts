/** An invented catalogue of vulnerabilities: every source has some, and two distributions share those of a source. */
import type { Severity } from '../schemas.ts';
import { chance, pick } from './chance.ts';
import { type Ecosystem, SOURCES, type Source } from './packages.ts';

export interface SampleVulnerability {
  id: string;
  severity: Severity;
  title: string;
  description: string;
  cwe: string;
  cvss: { V3Vector: string; V3Score: number } | null;
  /** Before the day of the newest reports; a scan of an earlier time does not have it. */
  publishedDaysAgo: number;
  /** Index of the first of the source's versions that does not have it; null where no version is fixed. */
  fixedIn: number | null;
}

const WEAKNESSES = [
  ['CWE-787', 'out-of-bounds write while reading %'],
  ['CWE-125', 'out-of-bounds read while reading %'],
  ['CWE-416', 'use after free when % end early'],
  ['CWE-400', 'unbounded memory use with nested %'],
  ['CWE-1333', 'slow regular expression for %'],
  ['CWE-190', 'integer overflow in the size of %'],
  ['CWE-476', 'null pointer dereference on empty %'],
  ['CWE-295', 'certificates are not checked for %'],
  ['CWE-22', 'path traversal through names of %'],
  ['CWE-79', 'cross-site scripting through %'],
  ['CWE-502', 'unsafe deserialisation of %'],
  ['CWE-20', 'missing validation of %'],
] as const;

const PARTS = [
  'chunked requests',
  'archive entries',
  'cookies',
  'header fields',
  'settings',
  'locale names',
  'redirects',
  'session tickets',
  'embedded images',
  'time zones',
] as const;

interface Weight {
  severity: Severity;
  /** Of a hundred vulnerabilities, those below this number and not in a row before. */
  upTo: number;
  /** CVSS vectors with their scores. */
  vectors: [string, number][];
}

const WEIGHTS: Weight[] = [
  {
    severity: 'CRITICAL',
    upTo: 2.5,
    vectors: [
      ['AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H', 9.8],
      ['AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:N', 9.1],
    ],
  },
  {
    severity: 'HIGH',
    upTo: 24,
    vectors: [
      ['AV:N/AC:L/PR:N/UI:N/S:U/C:N/I:N/A:H', 7.5],
      ['AV:L/AC:L/PR:L/UI:N/S:U/C:H/I:H/A:H', 7.8],
    ],
  },
  {
    severity: 'MEDIUM',
    upTo: 70,
    vectors: [
      ['AV:N/AC:L/PR:N/UI:R/S:C/C:L/I:L/A:N', 6.1],
      ['AV:L/AC:L/PR:L/UI:N/S:U/C:N/I:N/A:H', 5.5],
    ],
  },
  {
    severity: 'LOW',
    upTo: 97,
    vectors: [
      ['AV:L/AC:L/PR:L/UI:N/S:U/C:L/I:N/A:N', 3.3],
      ['AV:N/AC:H/PR:N/UI:R/S:U/C:L/I:N/A:N', 3.1],
    ],
  },
];
const UNRATED: Weight = { severity: 'UNKNOWN', upTo: 100, vectors: [] };
const LONGEST_DAYS = 700;

function invent(source: Source, id: string): SampleVulnerability {
  const number = chance(id, 'severity') * 100;
  const { severity, vectors } = WEIGHTS.find(({ upTo }) => number < upTo) ?? UNRATED;
  const [cwe, weakness] = pick(WEAKNESSES, id, 'weakness');
  const what = weakness.replace('%', pick(PARTS, id, 'part'));
  const [vector, score] = vectors[Math.floor(chance(id, 'vector') * vectors.length)] ?? [];
  return {
    id,
    severity,
    title: `${source.name}: ${what}`,
    description:
      `Invented for the sample reports: ${source.name} has no such flaw that we know of, and the identifier is made up. ` +
      `In this story, there is a weakness of the kind ${cwe}: ${what}.`,
    cwe,
    cvss: vector && score ? { V3Vector: `CVSS:3.1/${vector}`, V3Score: score } : null,
    publishedDaysAgo: 2 + Math.floor(LONGEST_DAYS * chance(id, 'published') ** 2),
    fixedIn: chance(id, 'fixable') < 0.45 ? null : pick([1, 2, 3], id, 'fixed'),
  };
}

/** Identifiers are from the end of a year's range, far from those that are given out. */
function makeCatalogue(): Map<string, SampleVulnerability[]> {
  const catalogue = new Map<string, SampleVulnerability[]>();
  let given = 0;
  const inventNext = (source: Source) => {
    given += 1;
    return invent(source, `CVE-2025-${90_000 + 19 * given}`);
  };
  for (const [ecosystem, sources] of Object.entries(SOURCES)) {
    for (const source of sources) {
      const key = keyOf(ecosystem as Ecosystem, source);
      if (catalogue.has(key)) continue;
      catalogue.set(
        key,
        Array.from({ length: source.vulnerabilityCount }, () => inventNext(source)),
      );
    }
  }
  return catalogue;
}

function keyOf(ecosystem: Ecosystem, source: Source): string {
  return ecosystem === 'deb' || ecosystem === 'apk' ? `system ${source.name}` : `${ecosystem} ${source.name}`;
}

const catalogue = makeCatalogue();

export function vulnerabilitiesOf(ecosystem: Ecosystem, source: Source): SampleVulnerability[] {
  return catalogue.get(keyOf(ecosystem, source)) ?? [];
}
