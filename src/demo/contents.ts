/** Which packages an artifact holds at a time, and which vulnerabilities Trivy would find in them then. */
import type { Severity } from '../schemas.ts';
import { chance } from './chance.ts';
import { type Ecosystem, SOURCES } from './packages.ts';
import type { Sample } from './samples.ts';
import { type SampleVulnerability, vulnerabilitiesOf } from './vulnerabilities.ts';

interface PackageFacts {
  ecosystem: Ecosystem;
  /** Where Trivy says it found them; of system packages it is the artifact's name and system. */
  target?: string;
  purl: string;
  path?(name: string, version: string): string;
}

/** By Trivy's word for the type of a result. */
const PACKAGE_TYPES = {
  debian: { ecosystem: 'deb', purl: 'deb/debian' },
  ubuntu: { ecosystem: 'deb', purl: 'deb/ubuntu' },
  alpine: { ecosystem: 'apk', purl: 'apk/alpine' },
  npm: { ecosystem: 'npm', target: 'package-lock.json', purl: 'npm' },
  'node-pkg': {
    ecosystem: 'npm',
    target: 'Node.js',
    purl: 'npm',
    path: (name) => `app/node_modules/${name}/package.json`,
  },
  pip: { ecosystem: 'pypi', target: 'requirements.txt', purl: 'pypi' },
  'python-pkg': {
    ecosystem: 'pypi',
    target: 'Python',
    purl: 'pypi',
    path: (name, version) => `usr/lib/python3/dist-packages/${name}-${version}.dist-info/METADATA`,
  },
  jar: {
    ecosystem: 'maven',
    target: 'Java',
    purl: 'maven',
    path: (name, version) => `app/lib/${name.replace(/^.*:/, '')}-${version}.jar`,
  },
  gomod: { ecosystem: 'golang', target: 'go.mod', purl: 'golang' },
  gobinary: { ecosystem: 'golang', target: 'usr/local/bin/server', purl: 'golang' },
} as const satisfies Record<string, PackageFacts>;

export type PackageType = keyof typeof PACKAGE_TYPES;

/** A vulnerability in a package, as Trivy prints it. */
export interface SampleFinding {
  VulnerabilityID: string;
  PkgID: string;
  PkgName: string;
  PkgPath?: string;
  PkgIdentifier: { PURL: string };
  InstalledVersion: string;
  FixedVersion?: string;
  Status: string;
  SeveritySource: string;
  PrimaryURL: string;
  Title: string;
  Description: string;
  Severity: Severity;
  CweIDs: string[];
  CVSS?: Record<string, { V3Vector: string; V3Score: number }>;
  References: string[];
  PublishedDate: string;
  LastModifiedDate: string;
}

export interface PackageResult {
  Target: string;
  Class: 'os-pkgs' | 'lang-pkgs';
  Type: PackageType;
  Vulnerabilities: SampleFinding[];
}

export const DAY_MS = 86_400_000;

/**
 * One result for each type of package.
 * @param scan 0 is the oldest of its scans
 * @param today the beginning of a UTC day, from which days are counted back
 */
export function scanPackages(sample: Sample, scan: number, today: Date): PackageResult[] {
  return sample.contents.map((type) => {
    const { ecosystem, target }: PackageFacts = PACKAGE_TYPES[type];
    const { Family, Name } = sample.os ?? {};
    const daysAgo = sample.scannedDaysAgo[scan] ?? 0;
    const findings = SOURCES[ecosystem]
      .filter(({ name }) => isInstalled(sample, name))
      .flatMap((source) => {
        const version = versionAt(sample, source.name, scan, source.versions.length);
        return vulnerabilitiesOf(ecosystem, source)
          .filter(({ publishedDaysAgo }) => publishedDaysAgo > daysAgo)
          .filter(({ fixedIn }) => fixedIn === null || version < fixedIn)
          .flatMap((vulnerability) =>
            source.packages.map((name) =>
              findingOf(vulnerability, { type, name, versions: source.versions, version }, today),
            ),
          );
      });
    return {
      Target: target ?? `${sample.name} (${Family} ${Name})`,
      Class: target === undefined ? 'os-pkgs' : 'lang-pkgs',
      Type: type,
      Vulnerabilities: findings,
    };
  });
}

/** Tags of one repository hold the same packages; what nobody builds again was never made small either. */
function isInstalled(sample: Sample, source: string): boolean {
  const repository = sample.name.replace(/:[^:/]*$/, '');
  return chance(repository, source) < (sample.isAbandoned ? 0.9 : 0.65);
}

/** Index of the installed version: at each scan after the first, some packages were updated. */
function versionAt(sample: Sample, source: string, scan: number, count: number): number {
  if (sample.isAbandoned) return sample.oldestVersion;
  let version: number = sample.oldestVersion;
  for (let at = 1; at <= scan; at += 1) if (chance(sample.name, source, 'update', at) < 0.3) version += 1;
  return Math.min(version, count - 1);
}

interface Installed {
  type: PackageType;
  name: string;
  versions: string[];
  version: number;
}

function findingOf(vulnerability: SampleVulnerability, installed: Installed, today: Date): SampleFinding {
  const { id, title, description, cwe, cvss, fixedIn, publishedDaysAgo } = vulnerability;
  const { type, name } = installed;
  const { purl, path }: PackageFacts = PACKAGE_TYPES[type];
  const version = installed.versions[installed.version] ?? '';
  const fixedVersion = fixedIn === null ? undefined : installed.versions[fixedIn];
  const url = `https://security.example.com/${id}`;
  const published = new Date(today.getTime() - publishedDaysAgo * DAY_MS).toISOString();
  return {
    VulnerabilityID: id,
    PkgID: `${name}@${version}`,
    PkgName: name,
    ...(path && { PkgPath: path(name, version) }),
    PkgIdentifier: { PURL: `pkg:${purl}/${name.replace(':', '/')}@${version}` },
    InstalledVersion: version,
    ...(fixedVersion && { FixedVersion: fixedVersion }),
    Status: fixedVersion ? 'fixed' : statusOf(id),
    SeveritySource: 'nvd',
    PrimaryURL: url,
    Title: title,
    Description: description,
    Severity: severityIn(type, vulnerability),
    CweIDs: [cwe],
    ...(cvss && { CVSS: { nvd: cvss } }),
    References: [url],
    PublishedDate: published,
    LastModifiedDate: published,
  };
}

function statusOf(id: string): string {
  const number = chance(id, 'status');
  return number < 0.7 ? 'affected' : number < 0.85 ? 'will_not_fix' : 'fix_deferred';
}

/** Distributions rate for themselves: Ubuntu takes some less seriously. */
function severityIn(type: PackageType, { id, severity }: SampleVulnerability): Severity {
  if (type !== 'ubuntu' || chance(id, type) > 0.3) return severity;
  return severity === 'CRITICAL' ? 'HIGH' : severity === 'HIGH' ? 'MEDIUM' : severity;
}
