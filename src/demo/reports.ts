/** The sample reports in the layouts that Trivy and its operator print. */
import { chance, hashOf, uuidOf } from './chance.ts';
import { DAY_MS, type PackageResult, type SampleFinding, scanPackages } from './contents.ts';
import { auditedChecks, configResult, otherResults, withSuppressed } from './others.ts';
import { AUDITED_DAYS_AGO, CLUSTER, RESOURCES, SAMPLES, type Sample } from './samples.ts';

/** A document to be sent. */
export interface SampleUpload {
  /** What it is about, for messages. */
  name: string;
  /** Parameters of the request. */
  query: URLSearchParams;
  document: object;
}

const VERSION = '0.69.3';
const HOUR_MS = DAY_MS / 24;
const NEWEST_SCAN = 2;

/**
 * All sample reports.
 * @param now their dates count back from the beginning of its UTC day, so that one day's reports are always the same
 * @returns rounds, to be sent one after the other: within a round the order does not matter
 */
export function sampleUploads(now: Date): SampleUpload[][] {
  const today = new Date(Math.floor(now.getTime() / DAY_MS) * DAY_MS);
  return [0, 1, NEWEST_SCAN].map((scan) => [
    ...SAMPLES.map((sample) => uploadOf(sample, scan, today)),
    scan === NEWEST_SCAN ? clusterUpload(today) : auditUpload(scan, today),
  ]);
}

function uploadOf(sample: Sample, scan: number, today: Date): SampleUpload {
  const { name, labels, workloads } = sample;
  const query = new URLSearchParams();
  for (const [key, value] of Object.entries(labels)) query.append('label', `${key}=${value}`);
  if (workloads) query.set('cluster', CLUSTER);
  const document = workloads ? operatorList(sample, scan, today) : report(sample, scan, today);
  return { name, query, document };
}

/** On the day, at a time of the artifact's own. */
function scanTime(name: string, daysAgo: number, today: Date): Date {
  return new Date(today.getTime() - daysAgo * DAY_MS + Math.floor(chance(name, 'time') * 20) * HOUR_MS);
}

const ARTIFACT_TYPES = {
  image: 'container_image',
  repository: 'repository',
  filesystem: 'filesystem',
  sbom: 'cyclonedx',
  vm: 'vm',
} as const;

/** What `trivy image|repo|fs|sbom|vm -f json` prints. */
function report(sample: Sample, scan: number, today: Date): object {
  const { type, name } = sample;
  const packages = scanPackages(sample, scan, today);
  const isShown = sample.alsoFinds.includes('suppressed');
  return {
    SchemaVersion: 2,
    Trivy: { Version: VERSION },
    ReportID: uuidOf(name, scan, today.toISOString()),
    CreatedAt: scanTime(name, sample.scannedDaysAgo[scan] ?? 0, today).toISOString(),
    ArtifactName: name,
    ArtifactType: ARTIFACT_TYPES[type],
    Metadata: metadata(sample, scan),
    Results: [...(isShown ? packages.map(withSuppressed) : packages), ...otherResults(sample, scan)],
  };
}

function metadata({ type, name, os }: Sample, scan: number): object {
  if (type === 'repository')
    return { RepoURL: name, Branch: 'main', Commit: hashOf(name, scan).slice(0, 40) };
  if (type !== 'image') return os ? { OS: os } : {};
  const repository = name.replace(/:[^:/]*$/, '');
  return {
    OS: os,
    ImageID: `sha256:${hashOf(name, scan, 'image')}`,
    RepoTags: [name],
    RepoDigests: [`${repository}@${digestOf(name, scan)}`],
    Reference: name,
  };
}

function digestOf(name: string, scan: number): string {
  return `sha256:${hashOf(name, scan, 'digest')}`;
}

/** What `kubectl get vulnerabilityreports -o json` prints: one for each workload that runs the image. */
function operatorList(sample: Sample, scan: number, today: Date): object {
  const findings = scanPackages(sample, scan, today).flatMap(operatorFindings);
  const [server, ...path] = sample.name.split('/');
  const [repository, tag] = path.join('/').split(':');
  const time = scanTime(sample.name, sample.scannedDaysAgo[scan] ?? 0, today);
  const items = (sample.workloads ?? []).map((workload, index) =>
    operatorResource('VulnerabilityReport', workload, [scan, today.toISOString()], {
      // The operator scans one workload after the other.
      updateTimestamp: new Date(time.getTime() + index * 60_000).toISOString(),
      scanner: { name: 'Trivy', vendor: 'Aqua Security', version: VERSION },
      registry: { server },
      artifact: { repository, tag, digest: digestOf(sample.name, scan) },
      os: { family: sample.os?.Family, name: sample.os?.Name },
      vulnerabilities: findings,
    }),
  );
  return { apiVersion: 'v1', kind: 'List', items };
}

function operatorFindings({ Class, Type, Target, Vulnerabilities }: PackageResult): object[] {
  return Vulnerabilities.map((finding: SampleFinding) => ({
    vulnerabilityID: finding.VulnerabilityID,
    resource: finding.PkgName,
    installedVersion: finding.InstalledVersion,
    fixedVersion: finding.FixedVersion ?? '',
    publishedDate: finding.PublishedDate,
    lastModifiedDate: finding.LastModifiedDate,
    severity: finding.Severity,
    title: finding.Title,
    description: finding.Description,
    primaryLink: finding.PrimaryURL,
    links: finding.References,
    score: finding.CVSS?.nvd?.V3Score,
    target: Target,
    class: Class,
    packageType: Type,
    packagePURL: finding.PkgIdentifier.PURL,
  }));
}

interface Workload {
  namespace: string;
  kind: string;
  name: string;
  container?: string;
}

/** @param seed what the resource's uid is made of, beside its name */
function operatorResource(
  kind: string,
  workload: Workload,
  seed: (string | number)[],
  content: object,
): object {
  const { namespace, container } = workload;
  const name = [workload.kind.toLowerCase(), workload.name, container].filter(Boolean).join('-');
  const label = (key: string, value: string) => ({ [`trivy-operator.${key}`]: value });
  return {
    apiVersion: 'aquasecurity.github.io/v1alpha1',
    kind,
    metadata: {
      name,
      namespace,
      uid: uuidOf(kind, namespace, name, ...seed),
      labels: {
        ...label('resource.kind', workload.kind),
        ...label('resource.name', workload.name),
        ...label('resource.namespace', namespace),
        ...(container && label('container.name', container)),
      },
    },
    report: content,
  };
}

/** What the operator says of the configuration of all that is deployed. */
function auditUpload(scan: number, today: Date): SampleUpload {
  const items = RESOURCES.map((resource) =>
    operatorResource('ConfigAuditReport', resource, [scan, today.toISOString()], {
      updateTimestamp: scanTime(resource.name, AUDITED_DAYS_AGO[scan] ?? 0, today).toISOString(),
      scanner: { name: 'Trivy', vendor: 'Aqua Security', version: VERSION },
      checks: auditedChecks('kubernetes', resource.name, scan).map((check) => ({
        checkID: check.id,
        category: 'Kubernetes Security Check',
        severity: check.severity,
        title: check.title,
        description: `${check.title}.`,
        remediation: check.resolution,
        messages: check.fails ? [`${check.title}. ${check.resolution}`] : [],
        success: !check.fails,
      })),
    }),
  );
  const query = new URLSearchParams({ cluster: CLUSTER, label: 'env=prod' });
  return { name: `configuration of ${CLUSTER}`, query, document: { apiVersion: 'v1', kind: 'List', items } };
}

/** What `trivy k8s --report all -f json` prints. */
function clusterUpload(today: Date): SampleUpload {
  const Resources = RESOURCES.map(({ namespace, kind, name, image }) => {
    const sample = SAMPLES.find((it) => it.name === image);
    return {
      Namespace: namespace,
      Kind: kind,
      Name: name,
      ...(sample && { Metadata: [metadata(sample, NEWEST_SCAN)] }),
      Results: [
        ...(sample ? scanPackages(sample, NEWEST_SCAN, today) : []),
        configResult('kubernetes', name, NEWEST_SCAN),
      ],
    };
  });
  const query = new URLSearchParams({ label: 'env=prod' });
  return { name: `cluster ${CLUSTER}`, query, document: { ClusterName: CLUSTER, Resources } };
}
