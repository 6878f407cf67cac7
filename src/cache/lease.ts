import { randomBytes } from 'node:crypto';
import type { Proof } from './authority.ts';
import type { Ledger } from './ledger.ts';
import { Session, SessionRefused } from './session.ts';
import type { BypassReason, Log } from './types.ts';

/**
 * The instance: one small machine with three states.
 *
 *   CUT --connect, identity--> SESSION --renewal confirmed--> ACTIVE
 *    ^-- the session ended ------+------- until passed --------+
 *
 * Only ACTIVE may use the cache. A lease is the pair (session, epoch) and a time; it dies with its session.
 */
type State =
  | { name: 'cut' }
  | { name: 'session'; session: Session }
  | {
      name: 'active';
      session: Session;
      permit: Permit;
      untilMs: number;
      untilWallMs: number;
      renewedMs: number;
    };

/** The lease held at one moment: what a request or a settle takes when it begins, and compares when it ends. */
export interface Permit {
  readonly session: Session;
  readonly epoch: number;
}

/** How long a lease lasts from before its registration was queued. */
export const LEASE_MS = 2_000;
const RENEW_MS = 500;
const RECONNECT_MS = 250;
/** A lease registered by now is over after this long on anybody's clock that is at most 10 % off. */
export const OUTLIVED_MS = 2_200;

export interface LeaseOptions {
  redisUrl: string;
  namespace: string;
  instance: string;
  ledger: Ledger;
  log: Log;
  /** Between a renewal's registration and its lease: see authority.ts. */
  prove(session: Session, stillOurs: () => boolean): Promise<Proof>;
  /** After a renewal without success, with the lease handed back: see authority.ts. */
  claim(session: Session): Promise<boolean>;
  /** Told of every change of the connection and the state. */
  event(message: string, detail: Record<string, unknown>): void;
}

export class Lease {
  readonly #options: LeaseOptions;
  #state: State = { name: 'cut' };
  #reason: BypassReason = 'redis-unreachable';
  #term = '';
  #closed = false;
  #renewing: Promise<void> | null = null;
  #renewAgain = false;
  #timers = new Set<NodeJS.Timeout>();
  #lastFailure = '';
  #waiters: (() => void)[] = [];

  constructor(options: LeaseOptions) {
    this.#options = options;
    void this.#connect();
    this.#every(RENEW_MS, () => this.renew());
  }

  /** The lease held now, or why there is none. */
  permit(): Permit | BypassReason {
    const state = this.#state;
    if (state.name !== 'active') return this.#reason;
    if (state.session.slow) return 'redis-slow';
    if (performance.now() >= state.untilMs || Date.now() >= state.untilWallMs) return 'no-lease';
    return state.permit;
  }

  /** Whether the lease that `permit` stood for (its session and epoch) is held now. */
  holds(permit: Permit): boolean {
    const now = this.permit();
    return typeof now !== 'string' && now.session === permit.session && now.epoch === permit.epoch;
  }

  /** The open session, with or without a lease. */
  get session(): Session | null {
    return this.#state.name === 'cut' ? null : this.#state.session;
  }

  /** Time since the lease held now was confirmed; null without one. */
  get ageMs(): number | null {
    return this.#state.name === 'active' ? performance.now() - this.#state.renewedMs : null;
  }

  /** Resolves at the first lease, or after `timeoutMs`. */
  ready(timeoutMs: number): Promise<void> {
    if (typeof this.permit() !== 'string') return Promise.resolve();
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, timeoutMs);
      this.#waiters.push(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  /** Renews now, or once more when a renewal is under way; one at a time. */
  renew(): void {
    if (this.#closed) return;
    if (this.#renewing) {
      this.#renewAgain = true;
      return;
    }
    this.#renewAgain = false;
    this.#renewing = this.#renewOnce()
      .catch((error: unknown) => {
        this.#options.log.debug({ err: error }, 'lease not renewed');
        if (this.session !== null && this.permit() === 'no-lease') this.#leave(this.session, 'no-lease');
      })
      .finally(() => {
        this.#renewing = null;
        if (this.#renewAgain) this.renew();
      });
  }

  /** Drops the lease, hands it back, and closes the connection. */
  async close(): Promise<void> {
    this.#closed = true;
    for (const timer of this.#timers) clearTimeout(timer);
    await this.#renewing;
    this.session?.end('closing');
    await this.#options.ledger.handBack(this.#options.instance, this.#term).catch(() => {});
  }

  async #renewOnce(): Promise<void> {
    const { ledger, instance } = this.#options;
    const session = this.session;
    if (session === null) {
      // Without a session there is nothing to lend: the row is kept alive without a lease, so that no writer waits.
      await ledger.register({ instance, term: this.#term, leaseMs: null });
      return;
    }
    // Both clocks are read before the registration is queued: the lease can only be shorter than what is registered.
    const untilMs = performance.now() + LEASE_MS;
    const untilWallMs = Date.now() + LEASE_MS;
    const term = randomBytes(12).toString('base64url');
    await ledger.register({ instance, term, leaseMs: LEASE_MS });
    this.#term = term;
    const stillOurs = () =>
      this.session === session && performance.now() < untilMs && Date.now() < untilWallMs;
    const proof = await this.#options.prove(session, stillOurs);
    if ('epoch' in proof && stillOurs()) {
      this.#activate(session, proof.epoch, untilMs, untilWallMs);
      return;
    }
    this.#leave(session, 'reason' in proof ? proof.reason : 'no-lease');
    await ledger.handBack(instance, term);
    if (await this.#options.claim(session)) this.#renewAgain = true;
  }

  #activate(session: Session, epoch: number, untilMs: number, untilWallMs: number): void {
    const before = this.#state;
    const permit =
      before.name === 'active' && before.permit.epoch === epoch ? before.permit : { session, epoch };
    this.#state = { name: 'active', session, permit, untilMs, untilWallMs, renewedMs: performance.now() };
    if (before.name === 'active') return;
    this.#tell('lease taken', { epoch });
    for (const wake of this.#waiters.splice(0)) wake();
  }

  // The lease is dropped before it is handed back, never after.
  #leave(session: Session, reason: BypassReason): void {
    this.#reason = reason;
    if (this.session !== session) return;
    if (this.#state.name === 'active') this.#tell('lease lost', { reason });
    this.#state = { name: 'session', session };
  }

  async #connect(): Promise<void> {
    const { redisUrl, namespace } = this.#options;
    try {
      const session = await Session.open(redisUrl, namespace, (ended, reason) =>
        this.#sessionEnded(ended, reason),
      );
      if (this.#closed || session.ended) {
        session.end('closing');
        return;
      }
      this.#state = { name: 'session', session };
      this.#reason = 'no-lease';
      this.#lastFailure = '';
      this.#tell('redis connected', { redis: session.server.version, address: address(redisUrl) });
      this.renew();
    } catch (error) {
      this.#reason = error instanceof SessionRefused ? error.reason : 'redis-unreachable';
      this.#report('redis unreachable', error instanceof Error ? error.message : String(error));
      this.#later(RECONNECT_MS, () => this.#connect());
    }
  }

  #sessionEnded(session: Session, reason: string): void {
    if (this.session !== session) return;
    this.#state = { name: 'cut' };
    this.#reason = 'redis-unreachable';
    if (this.#closed) return;
    this.#report('redis unreachable', reason);
    this.#options.ledger.handBack(this.#options.instance, this.#term).catch(() => {});
    this.#tell('redis reconnecting', { address: address(this.#options.redisUrl) });
    void this.#connect();
  }

  #tell(message: string, detail: Record<string, unknown>): void {
    this.#options.log.info(detail, message);
    this.#options.event(message, detail);
  }

  // The same failure is told once, not at every attempt.
  #report(message: string, error: string): void {
    if (error === this.#lastFailure) return;
    this.#lastFailure = error;
    const detail = { error, address: address(this.#options.redisUrl) };
    this.#options.log.error(detail, message);
    this.#options.event(message, detail);
  }

  #later(delayMs: number, work: () => unknown): void {
    if (this.#closed) return;
    const timer = setTimeout(() => {
      this.#timers.delete(timer);
      work();
    }, delayMs);
    timer.unref();
    this.#timers.add(timer);
  }

  #every(delayMs: number, work: () => void): void {
    this.#later(delayMs, () => {
      work();
      this.#every(delayMs, work);
    });
  }
}

/** Host and port of a Redis URL: never its user or password. */
export function address(redisUrl: string): string {
  const url = new URL(redisUrl);
  return `${url.hostname}:${url.port || '6379'}`;
}
