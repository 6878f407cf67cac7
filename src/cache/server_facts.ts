import type { Session } from './session.ts';
import type { RedisFacts } from './statistics.ts';

const EVICTIONS_WINDOW_MS = 30_000;

/** What the server says of itself, asked now and then. */
export class ServerFacts {
  latest: RedisFacts | null = null;
  #askedMs = Number.NEGATIVE_INFINITY;
  #evicted: { atMs: number; keys: number }[] = [];

  /** @returns facts at most `maxAgeMs` old, or null when the server does not tell them */
  async refresh(session: Session, maxAgeMs: number): Promise<RedisFacts | null> {
    const askedMs = performance.now();
    if (this.latest && askedMs - this.#askedMs < maxAgeMs) return this.latest;
    try {
      // The time of a short command is the latency; INFO itself takes the server longer.
      await session.send([['PING']]);
      const latencyMs = Math.round((performance.now() - askedMs) * 1000) / 1000;
      const replies = await session.send([['INFO'], ['DBSIZE']]);
      this.latest = read(String(replies[0]?.[1]), Number(replies[1]?.[1]), session.server.version, latencyMs);
      this.#askedMs = askedMs;
      this.#evicted.push({ atMs: askedMs, keys: this.latest.evictedKeys });
    } catch {
      this.latest = null;
    }
    return this.latest;
  }

  /** Keys evicted in the last 30 s. */
  recentEvictions(): number {
    const fromMs = performance.now() - EVICTIONS_WINDOW_MS;
    while (this.#evicted.length > 2 && (this.#evicted[1]?.atMs ?? 0) < fromMs) this.#evicted.shift();
    const [first] = this.#evicted;
    const last = this.#evicted.at(-1);
    return first && last && last.keys > first.keys && last.atMs > fromMs ? last.keys - first.keys : 0;
  }
}

function read(info: string, keys: number, version: string, latencyMs: number): RedisFacts {
  const number = (name: string) => Number(new RegExp(`^${name}:(\\d+)`, 'm').exec(info)?.[1] ?? 0);
  return {
    version,
    latencyMs,
    usedMemoryBytes: number('used_memory'),
    maxMemoryBytes: number('maxmemory'),
    evictedKeys: number('evicted_keys'),
    uptimeSeconds: number('uptime_in_seconds'),
    keys,
  };
}
