/** Nothing answered for this long, though asked: PostgreSQL, or the way to it, is silent. Longer than a lease. */
const SILENCE_MS = 4_000;
/** Questions that time out in the same moment say the same: this process may have been the one that was busy. */
const SEPARATE_MS = 500;

/** PostgreSQL does not answer, and does not refuse either. */
export class Silence extends Error {
  constructor() {
    super(`PostgreSQL has not answered for ${SILENCE_MS} ms`);
  }
}

/**
 * Whether PostgreSQL answers at all. A network that swallows packets tells nobody: without this every request would
 * wait for its statement's time limit. Whoever asks all the time with a short limit (the ledger) tells what became of
 * it; any answer on any connection, an error too, proves that PostgreSQL is there.
 */
export class Pulse {
  readonly #waiting = new Set<(error: Error) => void>();
  #heardMs = performance.now();
  #missedMs = 0;
  #missed = 0;
  #silent = false;

  /** An answer has arrived. */
  heard(): void {
    this.#heardMs = performance.now();
    this.#missed = 0;
    this.#silent = false;
  }

  /** Listens to a question that has a short time limit of its own. */
  async listen<T>(answer: Promise<T>): Promise<T> {
    try {
      const value = await answer;
      this.heard();
      return value;
    } catch (error) {
      // Timers run before sockets are read: an answer may be waiting there.
      if (wentUnanswered(error)) setImmediate(() => this.#miss());
      else this.heard();
      throw error;
    }
  }

  /**
   * Waits for an answer, but not on a silent PostgreSQL.
   * @throws Silence at once while it is silent, and when it becomes so; whatever was asked may still take place
   */
  guard<T>(ask: () => Promise<T>): Promise<T> {
    if (this.#silent) return Promise.reject(new Silence());
    return new Promise((resolve, reject) => {
      this.#waiting.add(reject);
      ask()
        .then(resolve, reject)
        .finally(() => this.#waiting.delete(reject));
    });
  }

  #miss(): void {
    const nowMs = performance.now();
    if (nowMs - this.#missedMs < SEPARATE_MS) return;
    this.#missedMs = nowMs;
    this.#missed += 1;
    if (this.#missed < 2 || nowMs - this.#heardMs < SILENCE_MS) return;
    this.#silent = true;
    for (const giveUp of this.#waiting) giveUp(new Silence());
  }
}

/** True where nobody answered in time; a refused or broken connection is an answer. */
export function wentUnanswered(error: unknown): boolean {
  return (
    error instanceof Error &&
    /Query read timeout|timeout exceeded when trying to connect|due to connection timeout/i.test(
      error.message,
    )
  );
}
