/**
 * A JSON document read while it arrives, so that a large one is never in memory as a whole. The brackets that are open
 * where a piece ends are told apart from what is complete: that goes through JSON.parse and into the value of the
 * innermost open bracket, and the text is forgotten. A document of one piece is one JSON.parse.
 *
 * It takes what JSON.parse takes and refuses the rest, without saying what is wrong: `json.ts` does, on the whole text.
 */
import type { Condenser } from './condense.ts';
import { BACKSLASH, CLOSE_LIST, CLOSE_OBJECT, MAX_DEPTH, OPEN_LIST, OPEN_OBJECT, QUOTE } from './json.ts';

const PIECE_BYTES = 2_097_152;

const COMMA = 0x2c;
const BLANK = /^[ \t\n\r]*$/;
const BYTE_ORDER_MARK = [0xef, 0xbb, 0xbf];

/** Thrown for what is no JSON in UTF-8, or nested too deeply. */
export class UnreadablePiece extends Error {}

/** An open bracket of which something has been read, or forgotten. */
interface Frame {
  value: unknown[] | Record<string, unknown>;
  isList: boolean;
  /** Under which it, or the list it is in, stands. */
  key: string;
  /** What was read last in it. */
  after: 'bracket' | 'comma' | 'frame';
}

export class PieceReader {
  readonly #condenser: Condenser;
  readonly #pieceBytes: number;
  readonly #decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
  #window = Buffer.alloc(0);
  #length = 0;
  /** How far the window has been looked at; beyond its end after a backslash. */
  #at = 0;
  #inString = false;
  #isFirst = true;
  /** By depth: where the bracket is, where what is not read yet of it begins, and its last comma. */
  readonly #opened: number[] = [];
  readonly #from: number[] = [];
  readonly #comma: number[] = [];
  #depth = 0;
  /** Of the outermost brackets, as many as were open at the end of a piece. */
  readonly #frames: Frame[] = [];
  #root: { value: unknown } | null = null;
  /** Where what follows the document begins. */
  #rest = 0;

  /** @param condenser makes smaller what is kept of a document of several pieces */
  constructor(condenser: Condenser, pieceBytes = PIECE_BYTES) {
    this.#condenser = condenser;
    this.#pieceBytes = pieceBytes;
  }

  /** @throws UnreadablePiece, at the latest when the document ends */
  push(chunk: Uint8Array): void {
    this.#append(chunk);
    this.#scan();
    if (this.#length >= this.#pieceBytes) this.#read();
  }

  /** @throws UnreadablePiece */
  end(): unknown {
    if (this.#root === null) {
      if (this.#frames.length > 0) throw new UnreadablePiece();
      return parse(this.#text(0, this.#length));
    }
    this.#checkBlank(this.#rest, this.#length);
    return this.#root.value;
  }

  #append(chunk: Uint8Array): void {
    const length = this.#length + chunk.length;
    if (length > this.#window.length) {
      const larger = Buffer.allocUnsafeSlow(Math.max(length, this.#window.length * 2));
      this.#window.copy(larger, 0, 0, this.#length);
      this.#window = larger;
    }
    this.#window.set(chunk, this.#length);
    this.#length = length;
    if (this.#isFirst && length >= BYTE_ORDER_MARK.length) {
      this.#isFirst = false;
      if (BYTE_ORDER_MARK.every((byte, index) => this.#window[index] === byte)) this.#forget(3);
    }
  }

  /** Follows brackets, commas and strings. */
  #scan(): void {
    const bytes = this.#window;
    const end = this.#length;
    let at = this.#at;
    while (at < end) {
      if (this.#inString) {
        while (at < end && bytes[at] !== QUOTE) at += bytes[at] === BACKSLASH ? 2 : 1;
        if (at >= end) break;
        this.#inString = false;
        at++;
      }
      for (; at < end; at++) {
        const byte = bytes[at];
        if (byte === QUOTE) {
          this.#inString = true;
          at++;
          break;
        }
        if (byte === COMMA) this.#onComma(at);
        else if (byte === OPEN_OBJECT || byte === OPEN_LIST) this.#onOpen(at);
        else if (byte === CLOSE_OBJECT || byte === CLOSE_LIST) this.#onClose(at);
      }
    }
    this.#at = at;
  }

  #onOpen(at: number): void {
    if (this.#root !== null || this.#depth === MAX_DEPTH) throw new UnreadablePiece();
    this.#opened[this.#depth] = at;
    this.#from[this.#depth] = at + 1;
    this.#comma[this.#depth] = -1;
    this.#depth++;
  }

  #onComma(at: number): void {
    const level = this.#depth - 1;
    const frame = this.#frames[level];
    if (frame?.after !== 'frame') {
      this.#comma[level] = at;
      return;
    }
    this.#checkBlank(this.#from[level] ?? 0, at);
    this.#from[level] = at + 1;
    frame.after = 'comma';
  }

  #onClose(at: number): void {
    if (this.#depth === 0) throw new UnreadablePiece();
    const level = --this.#depth;
    const frame = this.#frames[level];
    if (frame === undefined) return;
    if (frame.isList !== (this.#window[at] === CLOSE_LIST)) throw new UnreadablePiece();
    const from = this.#from[level] ?? 0;
    if (frame.after === 'frame') this.#checkBlank(from, at);
    else if (!this.#take(frame, from, at) && frame.after === 'comma') throw new UnreadablePiece();
    this.#frames.pop();
    const parent = this.#frames[level - 1];
    if (parent === undefined) {
      this.#root = { value: frame.value };
      this.#rest = at + 1;
      return;
    }
    parent.after = 'frame';
    this.#from[level - 1] = at + 1;
  }

  /** Reads what is complete in the window, and forgets its text. */
  #read(): void {
    if (this.#depth === 0) {
      if (!this.#isBlank(this.#rest, this.#length)) this.#root = { value: this.end() };
      this.#forget(this.#length);
      this.#rest = 0;
      return;
    }
    for (let level = 0; level < this.#depth; level++) {
      const frame = this.#frames[level] ?? this.#split(level);
      const comma = this.#comma[level] ?? -1;
      if (comma < 0) continue;
      if (!this.#take(frame, this.#from[level] ?? 0, comma)) throw new UnreadablePiece();
      frame.after = 'comma';
      this.#from[level] = comma + 1;
      this.#comma[level] = -1;
    }
    this.#forget(this.#from[this.#depth - 1] ?? 0);
  }

  /** Makes a frame of a bracket that is open, in the frame around it. */
  #split(level: number): Frame {
    const opened = this.#opened[level] ?? 0;
    const isList = this.#window[opened] === OPEN_LIST;
    const frame: Frame = { value: isList ? [] : {}, isList, key: '', after: 'bracket' };
    const parent = this.#frames[level - 1];
    if (parent === undefined) this.#checkBlank(0, opened);
    else {
      frame.key = this.#keyIn(parent, this.#text(this.#from[level - 1] ?? 0, opened));
      this.#put(parent, parent.isList ? [frame.value] : Object.fromEntries([[frame.key, frame.value]]));
    }
    this.#frames.push(frame);
    return frame;
  }

  /** @param head what stands between a comma, or the bracket around, and a bracket */
  #keyIn(parent: Frame, head: string): string {
    const keys = parent.isList ? [parent.key] : Object.keys(parse(`{${head}null}`) as object);
    const [key] = keys;
    if (key === undefined || parent.after === 'frame' || (parent.isList && !BLANK.test(head))) {
      throw new UnreadablePiece();
    }
    return key;
  }

  /** Reads entries or members. @returns whether there are any */
  #take(frame: Frame, from: number, end: number): boolean {
    const text = this.#text(from, end);
    const parsed = parse(frame.isList ? `[${text}]` : `{${text}}`) as object;
    if ((Array.isArray(parsed) ? parsed : Object.keys(parsed)).length === 0) return false;
    this.#put(frame, this.#condenser.condense(parsed, frame.key));
    return true;
  }

  #put({ value, key }: Frame, entries: unknown): void {
    if (Array.isArray(value)) {
      const kept = this.#condenser.entriesKept(key);
      for (const entry of entries as unknown[]) if (value.length < kept) value.push(entry);
      return;
    }
    for (const [name, entry] of Object.entries(entries as object)) {
      // Not assigned: a member named __proto__ is one.
      Object.defineProperty(value, name, {
        value: entry,
        configurable: true,
        enumerable: true,
        writable: true,
      });
    }
  }

  #checkBlank(from: number, end: number): void {
    if (!this.#isBlank(from, end)) throw new UnreadablePiece();
  }

  #isBlank(from: number, end: number): boolean {
    return BLANK.test(this.#text(from, end));
  }

  #text(from: number, end: number): string {
    try {
      return this.#decoder.decode(this.#window.subarray(from, end));
    } catch {
      throw new UnreadablePiece();
    }
  }

  /** Forgets the first bytes of the window. */
  #forget(bytes: number): void {
    this.#window.copyWithin(0, bytes, this.#length);
    this.#length -= bytes;
    this.#at -= bytes;
    for (const places of [this.#opened, this.#from, this.#comma]) {
      for (let level = 0; level < this.#depth; level++) places[level] = (places[level] ?? 0) - bytes;
    }
  }
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    throw new UnreadablePiece();
  }
}
