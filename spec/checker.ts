/**
 * An explicit-state model checker: breadth first, exhaustive, exact.
 *
 * A model is a record of small integers and a list of steps. The checker visits every state that the
 * steps can reach and stops at the first one in which something is wrong; because it goes breadth first,
 * the way there is a shortest one. Every state is stored in full (packed, not hashed), so that "complete"
 * means complete. The list of found states is at the same time the queue: what lies behind `next` has been
 * expanded, what lies before it has not.
 *
 * Memory per state: 4 bytes a word, 4 for its predecessor, 5.3 to 10.7 for the hash table.
 */

/** One atomic step. It changes the state and returns true, or leaves it untouched and returns false. */
export interface Step<S> {
  readonly name: string;
  readonly run: (state: S) => boolean;
}

export interface Model<S> {
  /** A state to work in. Its content at the time of the call to `explore` is where the exploration starts. */
  readonly state: S;
  /** Passes every field through the codec, always in the same order: packs and unpacks alike. */
  readonly layout: (state: S, codec: Codec) => void;
  /** Replaces the state by the representative of all states that behave as it does. */
  readonly normalise: (state: S) => void;
  readonly steps: readonly Step<S>[];
  /** What is wrong in this state, if anything is. */
  readonly violation: (state: S) => string | undefined;
}

/** Where to give up: an exploration that reaches a limit is not complete. */
export interface Limits {
  readonly states: number;
  readonly seconds: number;
}

export interface Result<S> {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Every reachable state was visited. */
  readonly complete: boolean;
  readonly seconds: number;
  /** Memory of the state store. */
  readonly bytes: number;
  /** How often each step led somewhere; a step that never did says that the bound is too small for it. */
  readonly taken: ReadonlyMap<string, number>;
  readonly counterexample?: { readonly reason: string; readonly trace: readonly TraceStep<S>[] };
}

export interface TraceStep<S> {
  readonly name: string;
  readonly state: S;
}

/**
 * Packs a state into words or unpacks it, with one and the same description of the fields, as XDR's filters
 * do (RFC 1832): `s.x = codec.field(s.x, 2)` writes two bits, or reads them.
 */
export class Codec {
  readonly words: Uint32Array;
  #reading = false;
  #word = 0;
  #shift = 0;
  #current = 0;

  constructor(words: number) {
    this.words = new Uint32Array(words);
  }

  get reading(): boolean {
    return this.#reading;
  }

  begin(reading: boolean): void {
    this.#reading = reading;
    this.#word = 0;
    this.#shift = 0;
    this.#current = reading ? (this.words[0] ?? 0) : 0;
  }

  /** One unsigned number of at most `width` bits; a field never spans two words. */
  field(value: number, width: number): number {
    if (this.#shift + width > 32) this.#advance();
    const shift = this.#shift;
    this.#shift += width;
    if (this.#reading) return (this.#current >>> shift) & ((1 << width) - 1);
    if (value >>> width !== 0) throw new RangeError(`${value} does not fit into ${width} bits`);
    this.#current |= value << shift;
    return value;
  }

  end(): void {
    if (!this.#reading) this.words[this.#word] = this.#current;
  }

  /** The number of words used so far. */
  get length(): number {
    return this.#word + 1;
  }

  #advance(): void {
    if (!this.#reading) this.words[this.#word] = this.#current;
    this.#word += 1;
    this.#shift = 0;
    this.#current = this.#reading ? (this.words[this.#word] ?? 0) : 0;
  }
}

const CHUNK_BITS = 18;
const CHUNK_STATES = 1 << CHUNK_BITS;

/** All states found so far, numbered in the order in which they were found. */
class StateStore {
  count = 0;
  readonly #words: number;
  readonly #chunks: Uint32Array[] = [];
  readonly #parents: Uint32Array[] = [];
  /** Open addressing with linear probing; a slot holds the number of a state plus one, or 0. */
  #table = new Uint32Array(1 << 16);

  constructor(words: number) {
    this.#words = words;
  }

  get bytes(): number {
    return this.#chunks.length * CHUNK_STATES * 4 * (this.#words + 1) + this.#table.byteLength;
  }

  /** Adds a state and returns true, or returns false if it is there already. */
  add(words: Uint32Array, parent: number): boolean {
    const mask = this.#table.length - 1;
    let slot = hash(words) & mask;
    for (let entry = this.#table[slot] ?? 0; entry !== 0; entry = this.#table[slot] ?? 0) {
      if (this.#equals(entry - 1, words)) return false;
      slot = (slot + 1) & mask;
    }
    this.#append(words, parent);
    this.#table[slot] = this.count;
    if (this.count * 4 > this.#table.length * 3) this.#grow();
    return true;
  }

  read(index: number, words: Uint32Array): void {
    const chunk = this.#chunks[index >>> CHUNK_BITS] as Uint32Array;
    const start = (index & (CHUNK_STATES - 1)) * this.#words;
    for (let i = 0; i < this.#words; i++) words[i] = chunk[start + i] ?? 0;
  }

  parent(index: number): number {
    return this.#parents[index >>> CHUNK_BITS]?.[index & (CHUNK_STATES - 1)] ?? 0;
  }

  #equals(index: number, words: Uint32Array): boolean {
    const chunk = this.#chunks[index >>> CHUNK_BITS] as Uint32Array;
    const start = (index & (CHUNK_STATES - 1)) * this.#words;
    for (let i = 0; i < this.#words; i++) if (chunk[start + i] !== words[i]) return false;
    return true;
  }

  #append(words: Uint32Array, parent: number): void {
    const index = this.count;
    if ((index & (CHUNK_STATES - 1)) === 0) {
      this.#chunks.push(new Uint32Array(CHUNK_STATES * this.#words));
      this.#parents.push(new Uint32Array(CHUNK_STATES));
    }
    const chunk = this.#chunks[index >>> CHUNK_BITS] as Uint32Array;
    const start = (index & (CHUNK_STATES - 1)) * this.#words;
    for (let i = 0; i < this.#words; i++) chunk[start + i] = words[i] ?? 0;
    (this.#parents[index >>> CHUNK_BITS] as Uint32Array)[index & (CHUNK_STATES - 1)] = parent;
    this.count += 1;
  }

  #grow(): void {
    const table = new Uint32Array(this.#table.length * 2);
    const words = new Uint32Array(this.#words);
    for (let index = 0; index < this.count; index++) {
      this.read(index, words);
      let slot = hash(words) & (table.length - 1);
      while (table[slot] !== 0) slot = (slot + 1) & (table.length - 1);
      table[slot] = index + 1;
    }
    this.#table = table;
  }
}

/** Multiply and rotate each word, then mix (MurmurHash3, Austin Appleby, public domain). */
function hash(words: Uint32Array): number {
  let h = 0x9747b28c;
  for (let i = 0; i < words.length; i++) {
    let k = Math.imul(words[i] ?? 0, 0xcc9e2d51);
    k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
    h ^= k;
    h = (Math.imul((h << 13) | (h >>> 19), 5) + 0xe6546b64) | 0;
  }
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return (h ^ (h >>> 16)) >>> 0;
}

/**
 * Visits every state that can be reached from `model.state`.
 *
 * @param limits where to give up
 * @param progress called about every 2^20 states with their number and the depth
 */
export function explore<S>(
  model: Model<S>,
  limits: Limits,
  progress: (states: number, depth: number) => void = () => {},
): Result<S> {
  const started = performance.now();
  const { state, steps } = model;
  const codec = new Codec(wordsOf(model));
  const store = new StateStore(codec.words.length);
  const taken = steps.map(() => 0);
  let transitions = 0;
  let depth = 0;
  let levelEnd = 1;
  let next = 0;
  let counterexample: Result<S>['counterexample'];
  pack(model, codec);
  store.add(codec.words, 0);

  for (; next < store.count && store.count < limits.states && counterexample === undefined; next++) {
    if ((next & 0xfff) === 0 && performance.now() - started > limits.seconds * 1000) break;
    if (next === levelEnd) {
      levelEnd = store.count;
      depth += 1;
    }
    if ((next & 0xfffff) === 0xfffff) progress(store.count, depth);
    unpack(model, codec, store, next);
    for (let i = 0; i < steps.length; i++) {
      const step = steps[i] as Step<S>;
      if (!step.run(state)) continue;
      transitions += 1;
      taken[i] = (taken[i] ?? 0) + 1;
      const reason = model.violation(state);
      if (reason !== undefined) {
        counterexample = { reason, trace: trace(model, codec, store, next, step) };
        break;
      }
      pack(model, codec);
      store.add(codec.words, next);
      unpack(model, codec, store, next);
    }
  }
  return {
    states: store.count,
    transitions,
    depth,
    complete: next === store.count && counterexample === undefined,
    seconds: (performance.now() - started) / 1000,
    bytes: store.bytes,
    taken: new Map(steps.map((step, i) => [step.name, taken[i] ?? 0])),
    ...(counterexample && { counterexample }),
  };
}

function wordsOf<S>(model: Model<S>): number {
  const ruler = new Codec(0);
  ruler.begin(false);
  model.layout(model.state, ruler);
  return ruler.length;
}

function pack<S>(model: Model<S>, codec: Codec): void {
  model.normalise(model.state);
  codec.begin(false);
  model.layout(model.state, codec);
  codec.end();
}

function unpack<S>(model: Model<S>, codec: Codec, store: StateStore, index: number): void {
  store.read(index, codec.words);
  codec.begin(true);
  model.layout(model.state, codec);
  codec.end();
}

/** The way from the start to state `last`, and the step after it. Names are found by taking the steps again. */
function trace<S>(
  model: Model<S>,
  codec: Codec,
  store: StateStore,
  last: number,
  step: Step<S>,
): TraceStep<S>[] {
  const path = [last];
  for (let index = last; index !== 0; index = path[0] as number) path.unshift(store.parent(index));
  const found: TraceStep<S>[] = [];
  const snapshot = () => structuredClone(model.state);
  unpack(model, codec, store, 0);
  found.push({ name: 'start', state: snapshot() });
  for (let i = 1; i < path.length; i++) {
    const from = path[i - 1] as number;
    const to = new Uint32Array(codec.words.length);
    store.read(path[i] as number, to);
    const taken = model.steps.find((candidate) => {
      unpack(model, codec, store, from);
      if (!candidate.run(model.state)) return false;
      pack(model, codec);
      return codec.words.every((word, at) => word === to[at]);
    });
    unpack(model, codec, store, path[i] as number);
    found.push({ name: taken?.name ?? '?', state: snapshot() });
  }
  unpack(model, codec, store, last);
  step.run(model.state);
  found.push({ name: step.name, state: snapshot() });
  return found;
}
