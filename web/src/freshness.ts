/** What `Cache-Status` (RFC 9211) says of an answer. */
export interface Freshness {
  source: 'cache' | 'database' | 'bypass';
  /** Remaining life in the cache. */
  ttlSeconds: number | null;
  /** `local`, `collapsed`, or why the cache was bypassed. */
  detail: string | null;
}

/** Reads `trivet; hit; ttl=287; detail=local`. */
export function readFreshness(header: string | null): Freshness | null {
  if (!header) return null;
  const [, ...parts] = header.split(';').map((part) => part.trim());
  const values = new Map(
    parts.map((part): [string, string] => [part.split('=')[0] ?? '', part.split('=')[1] ?? '']),
  );
  const detail = values.get('detail') ?? (values.has('collapsed') ? 'collapsed' : null);
  const ttl = values.get('ttl');
  const ttlSeconds = ttl === undefined ? null : Number(ttl);
  if (values.has('hit')) return { source: 'cache', ttlSeconds, detail };
  return { source: values.get('fwd') === 'bypass' ? 'bypass' : 'database', ttlSeconds, detail };
}
