/**
 * References to container images in the form people type: `nginx:1.25` for `index.docker.io/library/nginx:1.25`.
 * The parts are those of github.com/distribution/reference; the grammar of each part is not checked, as a name
 * that a registry would refuse is still a name.
 */
export interface ImageReference {
  /** Without tag and digest, without Docker Hub's host and `library/`. */
  repository: string;
  /** `latest` where the reference has neither tag nor digest; null for a digest alone. */
  tag: string | null;
  /** `sha256:…` */
  digest: string | null;
}

const DOCKER_HUB = new Set(['docker.io', 'index.docker.io', 'registry-1.docker.io']);

/** The first part of a reference is a host when it could not be a user of Docker Hub. */
function isHost(part: string): boolean {
  return /[.:]/.test(part) || part.toLowerCase() === 'localhost';
}

function familiarRepository(repository: string): string {
  const slash = repository.indexOf('/');
  const first = repository.slice(0, slash);
  if (slash === -1 || !isHost(first)) return repository.replace(/^library\/(?=[^/]+$)/, '');
  const host = first.toLowerCase();
  const rest = repository.slice(slash + 1);
  return DOCKER_HUB.has(host) ? rest.replace(/^library\/(?=[^/]+$)/, '') : `${host}/${rest}`;
}

/** Null where the text is no reference: it is empty, has white space or control characters, or no repository. */
export function parseReference(text: string): ImageReference | null {
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is looked for
  if (text === '' || /[\s\u0000-\u001f\u007f]/.test(text)) return null;
  const [name = '', digest = null] = text.split('@', 2);
  const colon = name.indexOf(':', name.lastIndexOf('/') + 1);
  const repository = familiarRepository(colon === -1 ? name : name.slice(0, colon));
  if (repository === '' || repository.endsWith('/')) return null;
  const tag = colon === -1 ? null : name.slice(colon + 1) || null;
  return { repository, tag: tag ?? (digest === null ? 'latest' : null), digest };
}

/** The name of the artifact: with a tag the digest is left out, as every build of the tag is the same artifact. */
export function familiarName({ repository, tag, digest }: ImageReference): string {
  return tag === null ? `${repository}@${digest}` : `${repository}:${tag}`;
}

/** True for what `trivy image --input` takes: a path, an archive, or the id of an image without a name. */
export function isPathOrId(name: string): boolean {
  return (
    /^(\/|\.{1,2}(\/|$)|~|[a-z]:\\)/i.test(name) ||
    name.includes('\\') ||
    /\.(tar|tgz|txz|tbz2?|tar\.[a-z0-9]+|oci|zip)(@|$)/i.test(name) ||
    /^sha256:/i.test(name)
  );
}
