/** Reports as Trivy prints them, made for what a test is about. */

const DAY_MS = 86_400_000;

/** A moment so many days before now. */
export const daysAgo = (days: number): string => new Date(Date.now() - days * DAY_MS).toISOString();

export interface ReportVulnerability {
  VulnerabilityID: string;
  PkgName: string;
  InstalledVersion: string;
  FixedVersion?: string;
  Severity: string;
  Title?: string;
  Description?: string;
  PrimaryURL?: string;
  References?: string[];
}

/** `CVE-2024-0007` in `package-7`, fixed in 1.0.1 where its number is even; the severities take turns. */
export function vulnerability(
  number: number,
  changes: Partial<ReportVulnerability> = {},
): ReportVulnerability {
  const severities = ['CRITICAL', 'HIGH', 'MEDIUM', 'LOW', 'UNKNOWN'];
  return {
    VulnerabilityID: `CVE-2024-${String(number).padStart(4, '0')}`,
    PkgName: `package-${number}`,
    InstalledVersion: '1.0.0',
    ...(number % 2 === 0 ? { FixedVersion: '1.0.1' } : {}),
    Severity: severities[number % severities.length] ?? 'UNKNOWN',
    Title: `package-${number}: something overflows`,
    ...changes,
  };
}

/** Vulnerabilities of the numbers `from` to `to`, both included. */
export function vulnerabilities(from: number, to: number): ReportVulnerability[] {
  return Array.from({ length: to - from + 1 }, (_, index) => vulnerability(from + index));
}

/** A report of `trivy image`. @param results further results: of other classes */
export function imageReport(
  image: string,
  createdAt: string,
  found: ReportVulnerability[],
  results: object[] = [],
): object {
  return {
    SchemaVersion: 2,
    CreatedAt: createdAt,
    ArtifactName: image,
    ArtifactType: 'container_image',
    Metadata: { OS: { Family: 'debian', Name: '12.4' }, RepoTags: [image] },
    Results: [
      {
        Target: `${image} (debian 12.4)`,
        Class: 'os-pkgs',
        Type: 'debian',
        Vulnerabilities: found,
      },
      ...results,
    ],
  };
}

/** A report of `trivy k8s` about so many deployments, each with the same findings. */
export function clusterReport(cluster: string, resources: number, found: ReportVulnerability[]): object {
  return {
    ClusterName: cluster,
    Resources: Array.from({ length: resources }, (_, index) => ({
      Namespace: `namespace-${index % 50}`,
      Kind: 'Deployment',
      Name: `application-${index}`,
      Results: [{ Target: 'debian', Class: 'os-pkgs', Type: 'debian', Vulnerabilities: found }],
    })),
  };
}

/** A result of a misconfigured Dockerfile, with the lines that cause it. */
export const misconfiguredDockerfile = {
  Target: 'Dockerfile',
  Class: 'config',
  Type: 'dockerfile',
  Misconfigurations: [
    {
      Type: 'Dockerfile Security Check',
      ID: 'DS002',
      AVDID: 'AVD-DS-0002',
      Title: 'Image user should not be root',
      Description: 'Running containers with root can lead to an escape.',
      Message: 'Specify at least 1 USER command in Dockerfile',
      Resolution: 'Add a USER line',
      Severity: 'HIGH',
      PrimaryURL: 'https://avd.aquasec.com/misconfig/ds002',
      Status: 'FAIL',
      CauseMetadata: {
        StartLine: 2,
        EndLine: 2,
        Code: {
          Lines: [
            { Number: 1, Content: 'FROM debian', IsCause: false },
            { Number: 2, Content: 'USER root', IsCause: true },
          ],
        },
      },
    },
  ],
};

/** A result with a secret. */
export const leakedSecret = {
  Target: 'app/.env',
  Class: 'secret',
  Secrets: [
    {
      RuleID: 'github-pat',
      Category: 'GitHub',
      Severity: 'CRITICAL',
      Title: 'GitHub Personal Access Token',
      StartLine: 3,
      EndLine: 3,
      Match: 'TOKEN=****************',
      Code: { Lines: [{ Number: 3, Content: 'TOKEN=****************', IsCause: true }] },
    },
  ],
};
