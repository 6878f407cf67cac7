/** Lets at most `limit` pass at once; the others wait in the order in which they came. */
export class Turns {
  readonly #limit: number;
  readonly #timeoutMs: number;
  readonly #timedOut: () => Error;
  readonly #waiting: { take: () => void }[] = [];
  #taken = 0;

  /**
   * @param timeoutMs whoever has waited this long gives up
   * @param timedOut the error that is thrown then
   */
  constructor(limit: number, timeoutMs: number, timedOut: () => Error) {
    this.#limit = limit;
    this.#timeoutMs = timeoutMs;
    this.#timedOut = timedOut;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  async run<T>(work: () => Promise<T>): Promise<T> {
    await this.#enter();
    try {
      return await work();
    } finally {
      this.#leave();
    }
  }

  #enter(): Promise<void> {
    if (this.#taken < this.#limit) {
      this.#taken += 1;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const turn = {
        take: () => {
          clearTimeout(timer);
          resolve();
        },
      };
      const timer = setTimeout(() => {
        this.#waiting.splice(this.#waiting.indexOf(turn), 1);
        reject(this.#timedOut());
      }, this.#timeoutMs);
      this.#waiting.push(turn);
    });
  }

  // The turn is handed on, so that nobody takes it in between.
  #leave(): void {
    const next = this.#waiting.shift();
    if (next) next.take();
    else this.#taken -= 1;
  }
}
