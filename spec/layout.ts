import type { Bounds } from './bounds.ts';
import type { Rules } from './rules.ts';
import type { Entry, Instance, Reader, Settler, State, Terms, Tokens, Two } from './state.ts';
import type { Codec } from './store.ts';

/** The fields of a state and their widths. */
export function layout(rules: Rules, bounds: Bounds): (state: State, codec: Codec) => void {
  const tokens = new TokenCodec(rules.randomFences, bounds.tags);
  return (s, codec) => {
    tokens.begin();
    s.data = codec.field(s.data, 2);
    s.acked = codec.field(s.acked, 2);
    s.pending = codec.field(s.pending, 4);
    s.authority.epoch = codec.field(s.authority.epoch, 2);
    s.authority.identity = codec.field(s.authority.identity, 2) as State['authority']['identity'];
    s.authority.settled = codec.field(s.authority.settled, 1);
    s.faults = codec.field(s.faults, 2);
    for (const memory of s.memories) {
      for (const keys of memory) {
        tokens.visit(keys.fences, codec);
        visitEntry(keys.entry, codec, tokens);
      }
    }
    visitInstance(s.instances[0], codec, tokens);
    visitInstance(s.instances[1], codec, tokens);
    visitReader(s.readers[0], codec, tokens);
    if (bounds.readers === 2) visitReader(s.readers[1], codec, tokens);
    visitSettler(s.writer, codec);
    if (bounds.resend) visitSettler(s.resend, codec);
    if (bounds.drop) visitSettler(s.drop, codec);
    for (const i of bounds.ticks) visitSettler(s.ticks[i], codec);
    s.highestToken = tokens.highest;
  };
}

/** Numbers the tokens while they are packed: (1). */
class TokenCodec {
  highest = 0;
  readonly #renumber: boolean;
  readonly #tags: number;
  readonly #names = new Uint8Array(32);

  constructor(renumber: boolean, tags: number) {
    this.#renumber = renumber;
    this.#tags = tags;
  }

  begin(): void {
    this.highest = 0;
    this.#names.fill(0);
  }

  visit(tokens: Tokens, codec: Codec): void {
    tokens[0] = this.#token(tokens[0], codec);
    if (this.#tags === 2) tokens[1] = this.#token(tokens[1], codec);
  }

  #token(value: number, codec: Codec): number {
    if (codec.reading || !this.#renumber) {
      const token = codec.field(value, 4);
      if (token > this.highest) this.highest = token;
      return token;
    }
    if (value !== 0 && this.#names[value] === 0) {
      this.highest += 1;
      this.#names[value] = this.highest;
    }
    return codec.field(this.#names[value] ?? 0, 4);
  }
}

function visitEntry(entry: Entry, codec: Codec, tokens: TokenCodec): void {
  tokens.visit(entry.tokens, codec);
  entry.data = codec.field(entry.data, 2);
}

function visitTerms(terms: Terms, codec: Codec): void {
  terms[0] = codec.field(terms[0], 2);
  terms[1] = codec.field(terms[1], 2);
}

function visitSettler(settler: Settler, codec: Codec): void {
  settler.at = codec.field(settler.at, 3);
  settler.vouches = codec.field(settler.vouches, 2);
  settler.rows = codec.field(settler.rows, 4);
  settler.epoch = codec.field(settler.epoch, 2);
  visitTerms(settler.outlives, codec);
}

function visitReader(reader: Reader, codec: Codec, tokens: TokenCodec): void {
  reader.at = codec.field(reader.at, 3);
  reader.need = codec.field(reader.need, 2);
  reader.epoch = codec.field(reader.epoch, 2);
  reader.data = codec.field(reader.data, 2);
  tokens.visit(reader.tokens, codec);
}

function visitInstance(instance: Instance, codec: Codec, tokens: TokenCodec): void {
  const { lease, renewal } = instance;
  instance.link = codec.field(instance.link, 2);
  instance.memory = codec.field(instance.memory, 1) as Two;
  instance.next = codec.field(instance.next, 1) as Two;
  instance.registered = codec.field(instance.registered, 2);
  instance.handBack = codec.field(instance.handBack, 1);
  lease.term = codec.field(lease.term, 2);
  lease.epoch = codec.field(lease.epoch, 2);
  renewal.at = codec.field(renewal.at, 3);
  renewal.term = codec.field(renewal.term, 2);
  renewal.epoch = codec.field(renewal.epoch, 2);
  renewal.rows = codec.field(renewal.rows, 4);
  visitTerms(renewal.outlives, codec);
  visitEntry(instance.local, codec, tokens);
}
