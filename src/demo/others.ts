/** Misconfigurations, secrets, licenses and suppressed findings of the sample reports. */
import { chance } from './chance.ts';
import type { PackageResult, SampleFinding } from './contents.ts';
import type { Sample } from './samples.ts';

interface Check {
  id: string;
  severity: string;
  title: string;
  /** What to do about it. */
  resolution: string;
}

function check(id: string, severity: string, title: string, resolution: string): Check {
  return { id, severity, title, resolution };
}

const CHECKS = {
  dockerfile: [
    check('DS-0001', 'MEDIUM', 'The base image has the tag latest', 'Name a version.'),
    check('DS-0002', 'HIGH', 'The image runs as root', 'Add a USER that is not root.'),
    check('DS-0026', 'LOW', 'There is no health check', 'Add a HEALTHCHECK.'),
  ],
  terraform: [
    check(
      'AWS-0107',
      'CRITICAL',
      'A port is open to the whole internet',
      'Name the networks that may connect.',
    ),
    check('AWS-0086', 'HIGH', 'A bucket accepts public access lists', 'Set block_public_acls.'),
    check('AWS-0132', 'HIGH', 'A bucket is not encrypted with a key of its own', 'Name a KMS key.'),
    check('AWS-0090', 'MEDIUM', 'A bucket keeps no versions', 'Enable versioning.'),
    check('AWS-0089', 'LOW', 'A bucket writes no access log', 'Add a logging block.'),
  ],
  kubernetes: [
    check('KSV-0017', 'HIGH', 'A container is privileged', 'Set securityContext.privileged to false.'),
    check('KSV-0014', 'HIGH', 'The root file system can be written', 'Set readOnlyRootFilesystem to true.'),
    check('KSV-0012', 'MEDIUM', 'A container may run as root', 'Set runAsNonRoot to true.'),
    check('KSV-0001', 'MEDIUM', 'A process may gain privileges', 'Set allowPrivilegeEscalation to false.'),
    check('KSV-0011', 'LOW', 'The processor is not limited', 'Set resources.limits.cpu.'),
    check('KSV-0018', 'LOW', 'The memory is not limited', 'Set resources.limits.memory.'),
  ],
};

const FILES = { dockerfile: 'Dockerfile', terraform: 'storage/main.tf', kubernetes: 'manifest.yaml' };
export type CheckType = keyof typeof CHECKS;

/** The checks, and whether each fails: with every scan some more are put right. */
export function auditedChecks(type: CheckType, name: string, scan: number): (Check & { fails: boolean })[] {
  return CHECKS[type].map((it) => ({ ...it, fails: chance(name, it.id) > 0.1 + 0.2 * scan }));
}

/** A result of misconfigurations, as Trivy prints it with `--include-non-failures`. */
export function configResult(type: CheckType, name: string, scan: number) {
  const checks = auditedChecks(type, name, scan);
  const failures = checks.filter(({ fails }) => fails).length;
  return {
    Target: FILES[type],
    Class: 'config',
    Type: type,
    MisconfSummary: { Successes: checks.length - failures, Failures: failures },
    Misconfigurations: checks.map(({ id, severity, title, resolution, fails }, index) => ({
      Type: type,
      ID: id,
      Title: title,
      Description: `${title}.`,
      Message: fails ? `${title}. ${resolution}` : 'Nothing to complain of.',
      Resolution: resolution,
      Severity: severity,
      Status: fails ? 'FAIL' : 'PASS',
      CauseMetadata: { Service: 'general', StartLine: 4 * index + 1, EndLine: 4 * index + 3 },
    })),
  };
}

const SECRETS = [
  {
    RuleID: 'aws-access-key-id',
    Category: 'AWS',
    Severity: 'CRITICAL',
    Title: 'AWS Access Key ID',
    key: 'AWS_KEY_ID',
  },
  {
    RuleID: 'private-key',
    Category: 'AsymmetricPrivateKey',
    Severity: 'HIGH',
    Title: 'Private key',
    key: 'SIGNING_KEY',
  },
  { RuleID: 'jwt-token', Category: 'JWT', Severity: 'MEDIUM', Title: 'JWT token', key: 'SESSION_TOKEN' },
];

/** One result for each file with a secret, which is masked; with every scan fewer are left. */
function secretResults({ name }: Sample, scan: number) {
  return SECRETS.filter(({ RuleID }) => chance(name, RuleID) > 0.3 + 0.2 * scan).map(({ key, ...secret }) => {
    const match = `${key}=${'*'.repeat(20)}`;
    const line = { Number: 7, Content: match, IsCause: true, FirstCause: true, LastCause: true };
    return {
      Target: `app/config/${secret.RuleID}.env`,
      Class: 'secret',
      Secrets: [{ ...secret, StartLine: 7, EndLine: 7, Code: { Lines: [line] }, Match: match }],
    };
  });
}

const LICENSES = [
  { PkgName: 'readline-wrapper', Name: 'GPL-3.0-only', Category: 'restricted', Severity: 'HIGH' },
  { PkgName: 'chart-engine', Name: 'AGPL-3.0-only', Category: 'forbidden', Severity: 'CRITICAL' },
  { PkgName: 'fontkit-data', Name: 'MPL-2.0', Category: 'reciprocal', Severity: 'MEDIUM' },
  { PkgName: 'left-trim', Name: 'MIT', Category: 'notice', Severity: 'LOW' },
  { PkgName: 'house-utilities', Name: 'LicenseRef-House', Category: 'unknown', Severity: 'UNKNOWN' },
];

/** All that a scan looks for beside vulnerabilities. */
export function otherResults(sample: Sample, scan: number): object[] {
  return sample.alsoFinds.flatMap((what): object[] => {
    switch (what) {
      case 'dockerfile':
      case 'terraform':
        return [configResult(what, sample.name, scan)];
      case 'secret': {
        const found = secretResults(sample, scan);
        return found.length > 0 ? found : [{ Target: 'app/config', Class: 'secret' }];
      }
      case 'license': {
        const facts = { FilePath: '', Text: '', Confidence: 1, Link: '' };
        const licenses = LICENSES.filter(({ PkgName }) => chance(sample.name, PkgName) > 0.15 * scan);
        return [
          { Target: 'Packages', Class: 'license', Licenses: licenses.map((it) => ({ ...it, ...facts })) },
        ];
      }
      default:
        return [];
    }
  });
}

/** Moves a few findings to those that were suppressed when Trivy ran, as `--show-suppressed` prints them. */
export function withSuppressed(result: PackageResult): object {
  const isSuppressed = ({ VulnerabilityID }: SampleFinding) => chance(VulnerabilityID, 'suppressed') < 0.04;
  const suppressed = result.Vulnerabilities.filter(isSuppressed).map((finding) => ({
    Type: 'vulnerability',
    ...(finding.FixedVersion
      ? { Status: 'ignored', Statement: 'Accepted until the next release', Source: '.trivyignore.yaml' }
      : { Status: 'not_affected', Statement: 'vulnerable_code_not_in_execute_path', Source: 'vex.json' }),
    Finding: finding,
  }));
  return {
    ...result,
    Vulnerabilities: result.Vulnerabilities.filter((finding) => !isSuppressed(finding)),
    ExperimentalModifiedFindings: suppressed,
  };
}
