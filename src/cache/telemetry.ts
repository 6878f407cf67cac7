import type { Board, InstanceState } from './board.ts';
import type { Entries } from './entries.ts';
import { address, type Lease } from './lease.ts';
import type { Ledger } from './ledger.ts';
import type { Recorder } from './recorder.ts';
import { ServerFacts } from './server_facts.ts';
import { buildStatistics, type DeclaredRead } from './statistics.ts';
import type { BypassReason, CacheEvent, CacheStatistics } from './types.ts';

const IDLE_PUBLISH_MS = 1_000;
/** Pending changes are counted up to here. */
const COUNTED_CHANGES = 10_000;
const EVENTS = 500;

export interface TelemetryOptions {
  instance: string;
  version: string;
  redisUrl: string | null;
  ledger: Ledger;
  board: Board;
  recorder: Recorder;
  lease: Lease | null;
  entries: Entries;
  /** Whether a warning is on. */
  isDegraded(): boolean;
}

/** What this instance says of itself, and what all of them say together. */
export class Telemetry {
  readonly facts = new ServerFacts();
  readonly #options: TelemetryOptions;
  readonly #startedAt = new Date().toISOString();
  readonly #reads: DeclaredRead[] = [];
  #state = { name: '', since: this.#startedAt, sinceMs: performance.now() };
  #published = { what: '', atMs: 0 };

  constructor(options: TelemetryOptions) {
    this.#options = options;
  }

  /** Since when the state is what it is, on the monotonic clock. */
  get sinceMs(): number {
    return this.#state.sinceMs;
  }

  declare(read: DeclaredRead): void {
    this.#reads.push(read);
  }

  /** The state at this moment, and since when it is so. */
  now(): { state: InstanceState['state']; reason: BypassReason | null; epoch: number | null } {
    const permit = this.#options.lease === null ? 'off' : this.#options.lease.permit();
    const reason = typeof permit === 'string' ? permit : null;
    const state = reason === null ? 'active' : reason === 'off' ? 'off' : 'bypass';
    if (state !== this.#state.name) {
      this.#state = { name: state, since: new Date().toISOString(), sinceMs: performance.now() };
    }
    return { state, reason, epoch: typeof permit === 'string' ? null : permit.epoch };
  }

  #ownState(): InstanceState {
    const recorder = this.#options.recorder;
    const { entries } = this.#options;
    const ageMs = this.#options.lease?.ageMs ?? null;
    return {
      instance: this.#options.instance,
      ...this.now(),
      since: this.#state.since,
      leaseAgeMs: ageMs === null ? null : Math.round(ageMs),
      localBytes: entries.localBytes,
      localEntries: entries.localCount,
      tallies: recorder.tallies,
      invalidations: recorder.invalidations,
      errors: recorder.errors,
      staleReads: recorder.staleReads,
    };
  }

  async statistics(): Promise<CacheStatistics> {
    const { board, ledger, redisUrl, version, lease, recorder, instance } = this.#options;
    // Where the database is away, this instance speaks for itself.
    await this.publish().catch(() => {});
    const nowMs = Date.now();
    const [instances, minutes, pending, facts] = await Promise.all([
      board.instances().catch(() => []),
      board.minutes(new Date(nowMs - 3_600_000)).catch(() => [recorder.minute()]),
      ledger.pending(null, COUNTED_CHANGES).catch(() => []),
      lease?.session ? this.facts.refresh(lease.session, 0) : null,
    ]);
    return buildStatistics({
      self: {
        ...this.#ownState(),
        version,
        startedAt: this.#startedAt,
        seenAt: new Date(nowMs).toISOString(),
      },
      others: instances.filter((other) => other.instance !== instance),
      minutes,
      reads: this.#reads,
      redis: redisUrl === null ? null : { address: address(redisUrl), facts },
      pending: { changes: pending.length, oldestSeconds: pending[0] ? pending[0].ageMs / 1000 : null },
      nowMs,
    });
  }

  async events(): Promise<CacheEvent[]> {
    await this.publish().catch(() => {});
    return this.#options.board.events(EVENTS);
  }

  // An idle instance says once a second that it is there; a busy one publishes at every tick.
  async publishChanges(): Promise<void> {
    const what = `${this.#options.recorder.requests} ${this.now().state}`;
    if (what === this.#published.what && performance.now() - this.#published.atMs < IDLE_PUBLISH_MS) return;
    await this.publish();
    this.#published = { what, atMs: performance.now() };
  }

  async publish(): Promise<void> {
    const state = this.#ownState();
    const minute = this.#options.recorder.minute();
    minute.bypass ||= state.state === 'bypass';
    minute.degraded ||= this.#options.isDegraded();
    const events = this.#options.recorder.takeEvents();
    try {
      await this.#options.board.publish(state, minute, events);
    } catch (error) {
      this.#options.recorder.keep(events);
      throw error;
    }
  }
}
