import { Codec, StateStore } from './store.ts';

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
  /** Of processor time. */
  readonly seconds: number;
}

export interface Result<S> {
  readonly states: number;
  readonly transitions: number;
  readonly depth: number;
  /** Every reachable state was visited. */
  readonly complete: boolean;
  /** Processor time: what else runs on the machine does not change it much. */
  readonly cpuSeconds: number;
  /** Memory of the state store. */
  readonly bytes: number;
  /** How often each step led somewhere; a step that never did says that the bound is too small for it. */
  readonly taken: ReadonlyMap<string, number>;
  readonly counterexample?: { readonly reason: string; readonly trace: readonly TraceStep<S>[] };
}

interface TraceStep<S> {
  readonly name: string;
  readonly state: S;
}

/**
 * Visits every state that can be reached from `model.state`.
 *
 * @param limits where to give up
 */
export function explore<S>(model: Model<S>, limits: Limits): Result<S> {
  const startedCpu = cpuSeconds();
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
    if ((next & 0xfff) === 0 && cpuSeconds() - startedCpu > limits.seconds) break;
    if (next === levelEnd) {
      levelEnd = store.count;
      depth += 1;
    }
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
    cpuSeconds: cpuSeconds() - startedCpu,
    bytes: store.bytes,
    taken: new Map(steps.map((step, i) => [step.name, taken[i] ?? 0])),
    ...(counterexample && { counterexample }),
  };
}

function cpuSeconds(): number {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1e6;
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
