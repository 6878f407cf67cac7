/** Which artifact a report is about, and what it is called. */
import { ReportError } from './problem.ts';
import { type JsonObject, MAX_BYTES, type Place, textAt, textsAt } from './read.ts';
import { familiarName, isPathOrId, parseReference } from './reference.ts';
import type { ArtifactIdentity, ArtifactType } from './report.ts';

export const DEFAULT_CLUSTER = 'default';

/** What a report of the command line says about its artifact. */
export interface ArtifactFacts {
  /** `ArtifactType`, null where the report is older than that key. */
  type: string | null;
  name: string | null;
  reference: string | null;
  repoTags: string[];
  imageId: string | null;
  repoUrl: string | null;
  branch: string | null;
  /** A name found elsewhere, for the advice only. */
  hint: string | null;
}

/** @param place of the metadata; the report is the document */
export function artifactFacts(report: JsonObject, metadata: JsonObject, place: Place): ArtifactFacts {
  return {
    type: textAt(report, 'ArtifactType', null, MAX_BYTES.word),
    name: textAt(report, 'ArtifactName', null),
    reference: textAt(metadata, 'Reference', place),
    repoTags: textsAt(metadata, 'RepoTags', place),
    imageId: textAt(metadata, 'ImageID', place),
    repoUrl: textAt(metadata, 'RepoURL', place),
    branch: textAt(metadata, 'Branch', place),
    hint: null,
  };
}

/** Refuses names that the database's indexes cannot hold. */
function checked(identity: ArtifactIdentity): ArtifactIdentity {
  if (Buffer.byteLength(identity.name) > MAX_BYTES.name * 1.5) {
    throw new ReportError(
      422,
      'invalid_report',
      `The artifact's name is longer than ${MAX_BYTES.name * 1.5} bytes.`,
    );
  }
  return identity;
}

function plain(
  type: ArtifactType,
  name: string,
  repository = name,
  version: string | null = null,
): ArtifactIdentity {
  return checked({
    type,
    name,
    repository,
    version,
    cluster: null,
    namespace: null,
    resourceKind: null,
    resourceName: null,
  });
}

/** Null where the text is no reference to an image. */
export function imageIdentity(text: string): ArtifactIdentity | null {
  const reference = parseReference(text);
  return reference && plain('image', familiarName(reference), reference.repository, reference.tag);
}

/** Without credentials and `.git`, so that every way to clone a repository is one artifact; never a secret. */
export function cleanRepositoryUrl(url: string): string {
  const bare = url.trim().replace(/[?#].*$/s, '');
  return bare
    .replace(/^([a-z][a-z0-9+.-]*:\/\/)[^/]*@/i, '$1')
    .replace(/\/+$/, '')
    .replace(/\.git$/, '');
}

/** A branch is an artifact of its own: `URL@branch`, as two branches are scanned again and again side by side. */
function repositoryIdentity(url: string, branch: string | null): ArtifactIdentity {
  const repository = cleanRepositoryUrl(url);
  return plain('repository', branch === null ? repository : `${repository}@${branch}`, repository, branch);
}

export interface ResourceName {
  cluster: string;
  namespace: string | null;
  kind: string;
  name: string;
}

/** `cluster/namespace/kind/name`; what belongs to no namespace has an empty one: `default//ClusterRole/admin`. */
export function resourceIdentity({ cluster, namespace, kind, name }: ResourceName): ArtifactIdentity {
  const full = `${cluster}/${namespace ?? ''}/${kind}/${name}`;
  return checked({
    ...plain('kubernetes', full),
    cluster,
    namespace,
    resourceKind: kind,
    resourceName: name,
  });
}

/** Empty, `.`, `..`, `/` and the like name whatever folder somebody stood in. */
function saysNothing(name: string | null): boolean {
  return name === null || /^[./\\\s]*$/.test(name);
}

/** `aws_account` and what later versions add are kept among the file systems: a name and findings. */
function typeOf(facts: ArtifactFacts): ArtifactType {
  switch (facts.type) {
    case 'container_image':
      return 'image';
    case 'repository':
      return 'repository';
    case 'cyclonedx':
    case 'spdx':
    case 'sbom':
      return 'sbom';
    case 'vm':
      return 'vm';
    case null:
      return typeWithoutWord(facts);
    default:
      return facts.repoUrl === null ? 'filesystem' : 'repository';
  }
}

/** Reports before 0.20 and abridged ones do not say what was scanned; most were images. */
function typeWithoutWord(facts: ArtifactFacts): ArtifactType {
  if (facts.reference !== null || facts.imageId !== null || facts.repoTags.length > 0) return 'image';
  if (facts.repoUrl !== null) return 'repository';
  return facts.name === null ? 'image' : typeOfName(facts.name);
}

function typeOfName(name: string): ArtifactType {
  if (/^[a-z][a-z0-9+.-]*:\/\//i.test(name)) return 'repository';
  return parseReference(name) === null || isPathOrId(name) ? 'filesystem' : 'image';
}

/**
 * @param wanted `?artifact=`, which wins over the report
 * @throws ReportError 422 `artifact_name_required` where neither says a name
 */
export function artifactOf(facts: ArtifactFacts, wanted: string | null): ArtifactIdentity {
  const type = typeOf(facts);
  if (wanted !== null) return namedArtifact(type, facts, wanted);
  if (type === 'image') {
    const name = facts.name === null || isPathOrId(facts.name) ? null : facts.name;
    for (const candidate of [facts.reference, name, facts.repoTags[0]]) {
      const identity = candidate && !saysNothing(candidate) ? imageIdentity(candidate) : null;
      if (identity) return identity;
    }
    throw nameRequired(facts);
  }
  if (type === 'repository' && facts.repoUrl !== null) return repositoryIdentity(facts.repoUrl, facts.branch);
  if (facts.name === null || saysNothing(facts.name)) throw nameRequired(facts);
  return type === 'repository' ? repositoryIdentity(facts.name, null) : plain(type, facts.name);
}

function namedArtifact(type: ArtifactType, facts: ArtifactFacts, wanted: string): ArtifactIdentity {
  if (saysNothing(wanted)) throw nameRequired(facts);
  const sure = facts.type !== null || type !== 'image' || facts.imageId !== null;
  const chosen = sure ? type : typeOfName(wanted);
  if (chosen === 'image') return imageIdentity(wanted) ?? plain('image', wanted);
  return chosen === 'repository' ? repositoryIdentity(wanted, null) : plain(chosen, wanted);
}

/** `?artifact=` for scans that have names of their own, all of one artifact. */
export function renamed(identity: ArtifactIdentity, wanted: string): ArtifactIdentity {
  if (identity.type !== 'kubernetes') return imageIdentity(wanted) ?? plain('image', wanted);
  const parts = wanted.split('/');
  const [name, kind, namespace] = parts.reverse();
  const cluster = parts.slice(3).reverse().join('/');
  if (!name || !kind || namespace === undefined || cluster === '') {
    const detail =
      'This report is about a Kubernetes resource: ?artifact= has to be cluster/namespace/kind/name.';
    throw new ReportError(422, 'artifact_not_applicable', detail);
  }
  return resourceIdentity({ cluster, namespace: namespace || null, kind, name });
}

export function nameRequired(facts: Pick<ArtifactFacts, 'name' | 'hint'>): ReportError {
  const said =
    facts.name === null
      ? 'The report names no artifact'
      : `The report's name "${facts.name}" does not say what was scanned`;
  const example = facts.hint === null || isPathOrId(facts.hint) ? 'NAME' : facts.hint;
  const query = encodeURIComponent(example)
    .replaceAll('%2F', '/')
    .replaceAll('%3A', ':')
    .replaceAll("'", '%27');
  const line = `curl --data-binary @report.json '…/api/scan-results?artifact=${query}'`;
  return new ReportError(422, 'artifact_name_required', `${said}. Send it again with its name: ${line}`);
}
