/** What seeded reports find beside vulnerabilities: read by the parser, as though Trivy had printed it. */
import { configResult } from '../demo/others.ts';
import { parseDocument } from '../trivy/parse.ts';
import type { OtherFinding } from '../trivy/report.ts';

const SECRETS = [
  { RuleID: 'aws-access-key-id', Category: 'AWS', Severity: 'CRITICAL', Title: 'AWS Access Key ID' },
  { RuleID: 'private-key', Category: 'AsymmetricPrivateKey', Severity: 'HIGH', Title: 'Private key' },
  { RuleID: 'jwt-token', Category: 'JWT', Severity: 'MEDIUM', Title: 'JWT token' },
];

export function otherFindings(): OtherFinding[] {
  const secret = { StartLine: 7, EndLine: 7, Match: `KEY=${'*'.repeat(20)}` };
  const Results = [
    configResult('kubernetes', 'seed', 0),
    configResult('dockerfile', 'seed', 0),
    configResult('terraform', 'seed', 0),
    { Target: 'app/.env', Class: 'secret', Secrets: SECRETS.map((rule) => ({ ...rule, ...secret })) },
  ];
  const report = { SchemaVersion: 2, ArtifactName: 'seed', ArtifactType: 'filesystem', Results };
  const { scans } = parseDocument(report, { artifact: null, cluster: null, kinds: null });
  return scans.flatMap((scan) => scan.others);
}
