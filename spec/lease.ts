import type { Bounds } from './bounds.ts';
import type { Step } from './checker.ts';
import type { Rules } from './rules.ts';
import { deleteRows, keysOf, registeredNow, unlink } from './settle.ts';
import {
  CHANGE,
  clearTerms,
  DOWN,
  EPOCHS,
  GRANT,
  type Instance,
  OUTLIVE,
  REGISTERED,
  type Renewal,
  SNAPSHOT,
  type State,
  type Two,
  UNLINK_ROWS,
  UP,
} from './state.ts';

/*
 * The lease of an instance: registered in PostgreSQL under a new term, proved by what a later statement
 * reads, over when its term or its session is.
 */

export function idleRenewal(renewal: Renewal): void {
  renewal.at = 0;
  renewal.term = 0;
  renewal.epoch = 0;
  renewal.rows = 0;
  clearTerms(renewal.outlives);
}

/**
 * What a running renewal can no longer do, it has given up: grant a lease under a term that is over, change
 * an authority that others have changed. Rows that are gone need no UNLINK from it (see `deleteRows`).
 */
export function forgetRenewal(rules: Rules, s: State, instance: Instance): void {
  const { renewal } = instance;
  const { at } = renewal;
  if (at === UNLINK_ROWS || at === GRANT) {
    renewal.rows &= s.pending;
    if (renewal.rows === 0) renewal.at = GRANT;
  }
  const overtaken =
    (at === CHANGE && renewal.epoch !== s.authority.epoch) ||
    (at === OUTLIVE && (renewal.epoch !== s.authority.epoch || s.authority.settled === 1));
  const tooLate = renewal.term === 0 && (at === REGISTERED || at === UNLINK_ROWS || at === GRANT);
  if (overtaken || (tooLate && rules.leaseEndsWithTerm)) idleRenewal(renewal);
}

function dropLease(instance: Instance): void {
  instance.lease.term = 0;
  instance.lease.epoch = 0;
}

/** A renewal that failed hands its term back; a lease that it still holds, under an older term, goes first. */
function fail(rules: Rules, instance: Instance): void {
  const { renewal } = instance;
  if (renewal.term !== 0 && renewal.term === instance.registered) {
    if (rules.dropBeforeHandBack) dropLease(instance);
    instance.handBack = 1;
  }
  idleRenewal(renewal);
}

/** The session is over: the lease goes first, then its term is handed back; a running renewal fails. */
export function leaseEndsWithSession(rules: Rules, instance: Instance): void {
  const { lease, renewal } = instance;
  if (rules.leaseEndsWithSession) {
    if (lease.term !== 0 && lease.term === instance.registered) instance.handBack = 1;
    dropLease(instance);
  }
  if (renewal.at !== 0 && rules.grantNeedsItsSession) fail(rules, instance);
}

/** The process is gone, and with it everything but what PostgreSQL knows and what is under way. */
export function leaseEndsWithProcess(instance: Instance): void {
  dropLease(instance);
  idleRenewal(instance.renewal);
}

/** What the second statement sees: may this instance trust the memory it is connected to? */
function readAuthority(rules: Rules, s: State, instance: Instance): void {
  const { renewal, lease } = instance;
  const { epoch, identity, settled } = s.authority;
  if (settled === 1 && (identity === instance.memory || !rules.identity)) {
    renewal.epoch = epoch;
    renewal.rows = rules.renewalSettles ? s.pending : 0;
    if (!rules.renewalDeletesLast) s.pending &= ~renewal.rows;
    renewal.at = renewal.rows === 0 ? GRANT : UNLINK_ROWS;
    // Nothing to settle and no lease of another epoch to replace: that the lease begins now rather than a
    // little later only allows more.
    if (renewal.at === GRANT && (lease.epoch === 0 || lease.epoch === epoch)) grant(rules, s, instance);
    return;
  }
  fail(rules, instance);
  if (settled === 1 && epoch < EPOCHS) {
    renewal.at = CHANGE;
    renewal.epoch = epoch;
    if (!rules.changeInTwoStatements || !rules.noShortcut) registeredNow(s, renewal.outlives);
  } else if (settled === 0) {
    renewal.at = OUTLIVE;
    renewal.epoch = epoch;
    registeredNow(s, renewal.outlives);
  }
}

function grant(rules: Rules, s: State, instance: Instance): void {
  const { renewal, lease } = instance;
  if (renewal.term === 0 && rules.leaseEndsWithTerm) {
    fail(rules, instance);
    return;
  }
  lease.term = renewal.term;
  lease.epoch = renewal.epoch;
  deleteRows(rules, s, renewal.rows);
  idleRenewal(renewal);
}

function register(rules: Rules, instance: Instance): void {
  const { renewal } = instance;
  renewal.term = Math.max(instance.registered, instance.lease.term) + 1;
  instance.registered = renewal.term;
  // A hand-back of an older term that is still under way has just lost its object.
  if (rules.handBackByTerm) instance.handBack = 0;
}

/** Makes a step of the renewal of instance `i`: `at` says where it has to be, `run` tries the step. */
export function renewalStep(i: Two) {
  return (
    name: string,
    at: number,
    run: (s: State, instance: Instance, renewal: Renewal) => boolean,
  ): Step<State> => ({
    name: `renewal ${i} ${name}`,
    run: (s) => {
      const instance = s.instances[i];
      return instance.renewal.at === at && run(s, instance, instance.renewal);
    },
  });
}

type MakeStep = ReturnType<typeof renewalStep>;

function twoStatements(step: MakeStep, rules: Rules): Step<State>[] {
  return [
    step('registers a new term', 0, (_, instance) => {
      if (instance.link === DOWN) return false;
      register(rules, instance);
      instance.renewal.at = REGISTERED;
      return true;
    }),
    step('reads authority and rows', REGISTERED, (s, instance) => {
      readAuthority(rules, s, instance);
      return true;
    }),
  ];
}

/** The mutant: one statement, so one snapshot, and a registration that is visible only after it. */
function oneStatement(step: MakeStep, rules: Rules): Step<State>[] {
  return [
    step('takes its one snapshot', 0, (s, instance, renewal) => {
      const { epoch, identity, settled } = s.authority;
      if (instance.link === DOWN || settled === 0 || identity !== instance.memory) return false;
      renewal.at = SNAPSHOT;
      renewal.epoch = epoch;
      renewal.rows = s.pending;
      return true;
    }),
    step('registers a new term', SNAPSHOT, (_, instance, renewal) => {
      register(rules, instance);
      renewal.at = renewal.rows === 0 ? GRANT : UNLINK_ROWS;
      return true;
    }),
  ];
}

/** Two statements, each its own transaction: register a new term; read authority and pending rows. */
export function renewalSteps(i: Two, bounds: Bounds, rules: Rules): Step<State>[] {
  const step = renewalStep(i);
  return [
    ...(rules.renewInTwoStatements ? twoStatements(step, rules) : oneStatement(step, rules)),
    step('unlinks the fences', UNLINK_ROWS, (s, instance, renewal) => {
      if (instance.link !== UP) return false;
      unlink(rules, bounds.tags, keysOf(rules, s, instance.memory, renewal.epoch), renewal.rows);
      renewal.at = GRANT;
      return true;
    }),
    step('is confirmed: it has a lease, the rows are deleted', GRANT, (s, instance) => {
      grant(rules, s, instance);
      return true;
    }),
    {
      name: `renewal ${i} fails, an older lease goes on`,
      run: (s: State) => {
        const { renewal } = s.instances[i];
        if (renewal.at === 0) return false;
        idleRenewal(renewal);
        return true;
      },
    },
    {
      name: `renewal ${i} fails and hands its term back`,
      run: (s: State) => {
        const instance = s.instances[i];
        const { at, term } = instance.renewal;
        if (at === 0 || term === 0) return false;
        fail(rules, instance);
        return true;
      },
    },
  ];
}

/** Everyone who waits for the end of a lease. */
function waiting(s: State): readonly { outlives: [number, number] }[] {
  return [s.writer, s.resend, s.drop, s.instances[0].renewal, s.instances[1].renewal];
}

/** Time passes, for PostgreSQL, for whoever waits, and for a frozen instance too: its oldest term is over. */
export function timeSteps(i: Two, rules: Rules): Step<State>[] {
  const over: Step<State> = {
    name: `the oldest term of instance ${i} is over`,
    run: (s) => {
      const { lease, renewal } = s.instances[i];
      // Whoever waits for it, or has registered it, is dealt with by `normalise`.
      if (lease.term !== 0) {
        lease.term = 0;
        if (rules.leaseEndsWithTerm) lease.epoch = 0;
        return true;
      }
      if (renewal.term === 0) return false;
      renewal.term = 0;
      return true;
    },
  };
  const handedBack: Step<State> = {
    name: `a term of instance ${i} is handed back`,
    run: (s) => {
      const instance = s.instances[i];
      if (instance.handBack === 0) return false;
      instance.handBack = 0;
      instance.registered = 0;
      for (const waiter of waiting(s)) waiter.outlives[i] = 0;
      return true;
    },
  };
  return [over, handedBack];
}
