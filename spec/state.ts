/**
 * The world in small integers. Zero always means "none": no token, no term, no epoch, not at work.
 *
 * Two instances of Trivet (0 writes and renews, 1 reads and renews) share one PostgreSQL and two Redis
 * memories; memory 0 counts at first. The data are a number that every write increments: an answer that
 * shows 1 shows the first write.
 */
export interface State {
  // PostgreSQL
  /** Committed writes. */
  data: number;
  /** The last write that was answered: what a read that starts now has to show. */
  acked: number;
  /** cache_change: one bit per write and tag. */
  pending: number;
  authority: { epoch: number; identity: Two | typeof NO_MEMORY; settled: number };

  // Redis
  memories: readonly [Memory, Memory];

  // Trivet
  instances: readonly [Instance, Instance];
  writer: Settler;
  resend: Settler;
  ticks: readonly [Settler, Settler];
  /** Someone who drops a backlog: see authority.ts. */
  drop: Settler;
  readers: readonly [Reader, Reader];

  /** Faults that have happened. */
  faults: number;
  /** A read was answered with data older than it had to show. */
  stale: number;
  /** The highest token in use; kept while a state is worked on, not part of it. */
  highestToken: number;
}

export type Two = 0 | 1;
/** The identity in the authority row while no memory counts. */
export const NO_MEMORY = 2;
export const BOTH: readonly Two[] = [0, 1];

/** The tokens of an entry, one for each of its tags. */
export type Tokens = [number, number];

/** What one Redis memory holds under each epoch. */
type Memory = readonly [Keys, Keys, Keys];
export const EPOCHS = 3;

export interface Keys {
  fences: Tokens;
  entry: Entry;
}

export interface Entry {
  tokens: Tokens;
  data: number;
}

export const UP = 0;
/** Nothing gets through, and the instance does not know yet. */
export const SILENT = 1;
/** The instance has noticed: its session is over. */
export const DOWN = 2;

export interface Instance {
  link: number;
  /** The memory at the other end of the session; a session never changes it. */
  memory: Two;
  /** The memory that the next session will find. */
  next: Two;
  /** cache_instance: the term registered in PostgreSQL. */
  registered: number;
  /** A message that hands back a term is under way. */
  handBack: number;
  /** The lease held; epoch 0: none. */
  lease: { term: number; epoch: number };
  renewal: Renewal;
  /** The entry kept in the process. */
  local: Entry;
}

/** Leases to outlive, one term per instance. */
export type Terms = [number, number];

// Where a renewal is.
/** The one-statement mutant only: its snapshot is taken, its registration is not yet visible. */
export const SNAPSHOT = 1;
export const REGISTERED = 2;
export const UNLINK_ROWS = 3;
export const GRANT = 4;
/** Has seen that another memory counts than its own. */
export const CHANGE = 5;
/** Has changed the authority, or found it unsettled, and waits for the leases there were. */
export const OUTLIVE = 6;

export interface Renewal {
  at: number;
  term: number;
  epoch: number;
  rows: number;
  /** The leases to outlive before a change of authority is settled. */
  outlives: Terms;
}

/** Someone who settles pending rows: the writer, a resend, a tick. */
export interface Settler {
  at: number;
  /** The write that the answer will acknowledge; 0 for a tick. */
  vouches: number;
  rows: number;
  epoch: number;
  outlives: Terms;
}

// Where a reader is.
export const FENCES = 1;
export const ENTRY = 2;
export const STORE = 3;

export interface Reader {
  at: number;
  /** The last write answered when this read arrived. */
  need: number;
  /** The permit. */
  epoch: number;
  tokens: Tokens;
  data: number;
}

const noEntry = (): Entry => ({ tokens: [0, 0], data: 0 });
const noKeys = (): Keys => ({ fences: [0, 0], entry: noEntry() });
const noMemory = (): Memory => [noKeys(), noKeys(), noKeys()];
const noSettler = (): Settler => ({ at: 0, vouches: 0, rows: 0, epoch: 0, outlives: [0, 0] });
const noReader = (): Reader => ({ at: 0, need: 0, epoch: 0, tokens: [0, 0], data: 0 });
const newInstance = (): Instance => ({
  link: UP,
  memory: 0,
  next: 0,
  registered: 0,
  handBack: 0,
  lease: { term: 0, epoch: 0 },
  renewal: { at: 0, term: 0, epoch: 0, rows: 0, outlives: [0, 0] },
  local: noEntry(),
});

/** Nothing has happened yet: epoch 1 is settled on memory 0, nobody holds a lease. */
export function emptyState(): State {
  return {
    data: 0,
    acked: 0,
    pending: 0,
    authority: { epoch: 1, identity: 0, settled: 1 },
    memories: [noMemory(), noMemory()],
    instances: [newInstance(), newInstance()],
    writer: noSettler(),
    resend: noSettler(),
    ticks: [noSettler(), noSettler()],
    drop: noSettler(),
    readers: [noReader(), noReader()],
    faults: 0,
    stale: 0,
    highestToken: 0,
  };
}

export function clearTokens(tokens: Tokens): void {
  tokens[0] = 0;
  tokens[1] = 0;
}

export function copyTokens(to: Tokens, from: Tokens): void {
  to[0] = from[0];
  to[1] = from[1];
}

export function sameTokens(a: Tokens, b: Tokens): boolean {
  return a[0] === b[0] && a[1] === b[1];
}

export function clearEntry(entry: Entry): void {
  clearTokens(entry.tokens);
  entry.data = 0;
}

export function clearTerms(terms: Terms): void {
  terms[0] = 0;
  terms[1] = 0;
}

/** Answered, or gone to PostgreSQL without storing what it finds there. */
export function endRead(reader: Reader): void {
  reader.at = 0;
  reader.need = 0;
  reader.epoch = 0;
  clearTokens(reader.tokens);
  reader.data = 0;
}
