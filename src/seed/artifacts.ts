/** The invented artifacts that seeded reports are about. */
import { chance, hashOf, pick } from '../demo/chance.ts';
import type { ArtifactIdentity, Workload } from '../trivy/report.ts';
import { LANGUAGES, SYSTEMS } from './catalogue.ts';

/** An artifact, and what its reports are like. */
export interface SeedArtifact extends ArtifactIdentity {
  /** What it is made of: see `Entry.stack`. */
  stacks: number[];
  variant: number;
  /** How large its reports are, beside the others'. */
  size: number;
  /** Bits of the kinds that its reports look for. */
  kinds: number;
  /** Of its newest scan, and from one scan to the next. */
  daysAgo: number;
  stepDays: number;
  stale: boolean;
  os: (typeof SYSTEMS)[number] | null;
  digest: string | null;
  labels: Record<string, string>;
  workloads: Workload[];
}

const CLUSTERS = ['prod-eu', 'prod-us', 'staging', 'lab'] as const;
const TEAMS = ['shop', 'billing', 'search', 'data', 'platform', 'mobile', 'identity', 'reports'] as const;
const SERVICES = [
  'api',
  'web',
  'worker',
  'gateway',
  'jobs',
  'cache',
  'proxy',
  'exporter',
  'portal',
  'mailer',
] as const;
/** A scan older than this is of an artifact that is stale. */
const STALE_DAYS = 30;

/**
 * @param count how many artifacts; repositories have one tag to about twenty
 */
export function seedArtifacts(count: number): SeedArtifact[] {
  const artifacts: SeedArtifact[] = [];
  for (let repository = 0; artifacts.length < count; repository += 1) {
    const tags = 1 + Math.floor(18 * chance('tags', repository) ** 3);
    for (let tag = 0; tag < tags && artifacts.length < count; tag += 1)
      artifacts.push(invent(repository, tag));
  }
  return artifacts;
}

function invent(repository: number, tag: number): SeedArtifact {
  const identity = identityOf(repository, tag);
  const { type } = identity;
  const system = Math.floor(chance('system', repository) ** 1.5 * SYSTEMS.length);
  const hasSystem = type === 'image' || type === 'vm' || type === 'kubernetes';
  const language = SYSTEMS.length + Math.floor(chance('language', repository) * LANGUAGES.length);
  const stale = chance('stale', repository, tag) < 0.04;
  const key = hashOf('artifact', repository, tag);
  return {
    ...identity,
    stacks: hasSystem ? [system, language] : [language],
    variant: chance('variant', repository, tag) < 0.4 ? 0 : 1,
    size: logNormal(repository, tag) * (hasSystem ? 1 : 0.5),
    kinds: type === 'kubernetes' || type === 'filesystem' ? 3 : type === 'image' ? 5 : 1,
    daysAgo: stale ? STALE_DAYS + 1 + 30 * chance('age', key) : 3 * chance('age', key),
    stepDays: pick([1, 2, 3, 3, 7], 'step', repository),
    stale,
    os: hasSystem ? (SYSTEMS[system] ?? null) : null,
    digest: type === 'image' ? `sha256:${key}` : null,
    labels: {
      team: teamOf(repository),
      env: pick(['prod', 'prod', 'staging', 'dev'], 'env', key),
      commit: key.slice(0, 7),
    },
    workloads: type === 'image' ? workloadsOf(repository, tag) : [],
  };
}

const teamOf = (repository: number) => pick(TEAMS, 'team', repository);
const serviceOf = (repository: number) => `${pick(SERVICES, 'service', repository)}-${repository}`;

function identityOf(repository: number, tag: number): ArtifactIdentity {
  const [team, service] = [teamOf(repository), serviceOf(repository)];
  const nowhere = { cluster: null, namespace: null, resourceKind: null, resourceName: null };
  const number = chance('type', repository) * 100;
  if (number < 82) {
    const name = `registry.example.com/${team}/${service}`;
    return { type: 'image', name: `${name}:1.${tag}`, repository: name, version: `1.${tag}`, ...nowhere };
  }
  if (number < 90) {
    const cluster = pick(CLUSTERS, 'cluster', repository);
    const name = `${cluster}/${team}/Deployment/${service}-${tag}`;
    const resource = {
      cluster,
      namespace: team,
      resourceKind: 'Deployment',
      resourceName: `${service}-${tag}`,
    };
    return { type: 'kubernetes', name, repository: name, version: null, ...resource };
  }
  if (number < 95) {
    const name = `https://git.example.com/${team}/${service}`;
    const branch = tag === 0 ? 'main' : `release-${tag}`;
    return { type: 'repository', name: `${name}@${branch}`, repository: name, version: branch, ...nowhere };
  }
  const type = number < 97 ? 'filesystem' : number < 99 ? 'sbom' : 'vm';
  const name = `${type}/${team}/${service}-${tag}`;
  return { type, name, repository: name, version: null, ...nowhere };
}

/** Half of the images run somewhere, those of some repositories in very many places. */
function workloadsOf(repository: number, tag: number): Workload[] {
  if (chance('runs', repository, tag) < 0.5) return [];
  const count = 1 + Math.floor(60 * chance('places', repository) ** 6);
  return Array.from({ length: count }, (_, index) => ({
    cluster: pick(CLUSTERS, 'cluster', repository, index),
    namespace: index < 2 ? teamOf(repository) : `${teamOf(repository)}-${index}`,
    kind: 'Deployment',
    name: serviceOf(repository),
    container: 'main',
  }));
}

/** Skewed as real reports' sizes are: the logarithm is about normal. The tags of a repository are much alike. */
function logNormal(repository: number, tag: number): number {
  const normal =
    chance('size', repository) + chance('more', repository) + chance('size of', repository, tag) - 1.5;
  return Math.exp(1.8 * normal);
}
