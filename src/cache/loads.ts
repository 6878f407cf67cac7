import { type EncodedEntry, encode } from './encode.ts';

/** Loads at once in this process; more wait their turn. */
const LOADS_AT_ONCE = 8;

export interface Loaded {
  /** Null when the loader found nothing. */
  entry: EncodedEntry | null;
  loadMs: number;
}

interface Flight {
  promise: Promise<Loaded>;
  /** True once the load may have sent its first statement: nobody may join it any more. */
  begun: boolean;
}

/** One load per question, however many ask, and a bound on all of them. */
export class Loads {
  readonly #fills = new Map<string, Promise<unknown>>();
  readonly #flights = new Map<string, Flight>();
  readonly #queue: (() => void)[] = [];
  #running = 0;

  /** Loads and encodes, when it is its turn. */
  async load(load: () => Promise<unknown>, begun?: () => void): Promise<Loaded> {
    await this.#enter();
    try {
      begun?.();
      const startedMs = performance.now();
      const value = await load();
      const entry = value === null || value === undefined ? null : await encode(value);
      return { entry, loadMs: performance.now() - startedMs };
    } finally {
      this.#leave();
    }
  }

  /**
   * Fills an entry under tokens, once: whoever has read the same tokens itself may join, for whatever the fill
   * loads was read from a snapshot that began after them.
   * @param key of the question together with the tokens
   */
  async fill<T>(key: string, fill: () => Promise<T>): Promise<{ filled: T; joined: boolean }> {
    const running = this.#fills.get(key) as Promise<T> | undefined;
    // Another's failure may be of a moment that is over: whoever only waited for it asks once more.
    if (running)
      return running.then((filled) => ({ filled, joined: true })).catch(() => this.#fillOrJoin(key, fill));
    return this.#fillOrJoin(key, fill);
  }

  async #fillOrJoin<T>(key: string, fill: () => Promise<T>): Promise<{ filled: T; joined: boolean }> {
    const running = this.#fills.get(key) as Promise<T> | undefined;
    if (running) return { filled: await running, joined: true };
    const promise = fill().finally(() => this.#fills.delete(key));
    this.#fills.set(key, promise);
    return { filled: await promise, joined: false };
  }

  /**
   * Loads in bypass, with nothing to compare: a request joins only a load whose first statement has not been sent,
   * so that it sees whatever was committed before the request arrived. Per question one runs and one waits.
   */
  async fresh(key: string, load: () => Promise<unknown>): Promise<Loaded & { joined: boolean }> {
    const newest = this.#flights.get(key);
    if (newest && !newest.begun) return { ...(await newest.promise), joined: true };
    const flight: Flight = { promise: Promise.resolve({ entry: null, loadMs: 0 }), begun: false };
    const begin = () => {
      flight.begun = true;
    };
    flight.promise = this.#after(newest?.promise, () => this.load(load, begin)).finally(() => {
      if (this.#flights.get(key) === flight) this.#flights.delete(key);
    });
    this.#flights.set(key, flight);
    return { ...(await flight.promise), joined: false };
  }

  async #after<T>(before: Promise<unknown> | undefined, work: () => Promise<T>): Promise<T> {
    await before?.catch(() => {});
    return work();
  }

  async #enter(): Promise<void> {
    if (this.#running >= LOADS_AT_ONCE) await new Promise<void>((resolve) => this.#queue.push(resolve));
    else this.#running += 1;
  }

  // The place is handed on, so that nobody takes it in between.
  #leave(): void {
    const next = this.#queue.shift();
    if (next) next();
    else this.#running -= 1;
  }
}
