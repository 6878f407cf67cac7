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
export class StateStore {
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
