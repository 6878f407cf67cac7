import { createHash } from 'node:crypto';

/**
 * Every Redis key: namespace, installation, epoch, what it is. The braces are a hash tag: all keys of an
 * installation are in one slot of a cluster.
 */
export class Keys {
  readonly #prefix: string;

  constructor(namespace: string, installation: string) {
    this.#prefix = `${namespace}:{${installation}}`;
  }

  /** The token of a tag. */
  fence(epoch: number, tag: string): string {
    return `${this.#prefix}:${epoch}:fence:${tag}`;
  }

  /** An encoded answer. It holds no tokens, so that the next store overwrites what is out of service. */
  entry(epoch: number, read: string, key: string): string {
    return `${this.#prefix}:${epoch}:entry:${read}:${short(key)}`;
  }

  /** Held by the one instance that loads an entry. */
  lock(entryKey: string): string {
    return `${entryKey}:lock`;
  }

  /** The set of entry keys that depend on a tag, so that their memory can be freed when it is invalidated. */
  index(epoch: number, tag: string): string {
    return `${this.#prefix}:${epoch}:index:${tag}`;
  }

  /** Matches all entries of an epoch. */
  entries(epoch: number): string {
    return `${this.#prefix}:${epoch}:entry:*`;
  }
}

// Long questions are hashed: a key is read by people when it is short, and compared by Redis in any case.
function short(key: string): string {
  return key.length <= 100 ? key : createHash('sha256').update(key).digest('base64url').slice(0, 32);
}
