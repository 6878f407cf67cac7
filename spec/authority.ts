import type { Step } from './checker.ts';
import { idleRenewal, renewalStep } from './lease.ts';
import type { Rules } from './rules.ts';
import { idle, registeredNow } from './settle.ts';
import { CHANGE, EPOCHS, NO_MEMORY, OUTLIVE, type State, type Two } from './state.ts';

/*
 * Which memory counts. A renewal that saw another identity than its own changes the authority in one
 * statement, outlives in later ones the leases that were registered by then, and settles it in a last one;
 * nobody uses an unsettled epoch. (A real instance does so only while nobody else holds a lease. That spares
 * the others a change, but nothing here depends on it: the model leaves the condition out.)
 */
export function authoritySteps(i: Two, rules: Rules): Step<State>[] {
  const step = renewalStep(i);
  return [
    step('changes the authority', CHANGE, (s, instance, renewal) => {
      if (s.authority.epoch !== renewal.epoch) {
        idleRenewal(renewal);
        return true;
      }
      s.authority.epoch += 1;
      s.authority.identity = instance.memory;
      s.authority.settled = !rules.noShortcut && renewal.outlives.every((term) => term === 0) ? 1 : 0;
      renewal.epoch = s.authority.epoch;
      renewal.at = OUTLIVE;
      if (rules.changeInTwoStatements) registeredNow(s, renewal.outlives);
      return true;
    }),
    step('has outlived every lease: settled', OUTLIVE, (s, _, renewal) => {
      if (renewal.outlives[0] !== 0 || renewal.outlives[1] !== 0) return false;
      if (s.authority.epoch === renewal.epoch) s.authority.settled = 1;
      idleRenewal(renewal);
      return true;
    }),
  ];
}

const WAITING = 1;

/**
 * Without Redis anywhere and with a long backlog, no memory counts any more and the backlog is dropped: whatever
 * counts next does so under another epoch, in which nothing older is. That is true of the rows that were there
 * when the old epoch ended. One that comes later may concern an epoch that is in use by now.
 */
export function dropSteps(rules: Rules): Step<State>[] {
  return [
    {
      name: 'backlog: no memory counts any more',
      run: (s) => {
        const { authority, drop } = s;
        if (drop.at !== 0 || s.pending === 0 || authority.epoch === EPOCHS) return false;
        authority.epoch += 1;
        authority.identity = NO_MEMORY;
        authority.settled = 0;
        drop.at = WAITING;
        drop.rows = s.pending;
        registeredNow(s, drop.outlives);
        return true;
      },
    },
    {
      name: 'backlog: has outlived every lease, rows are dropped',
      run: (s) => {
        const { drop } = s;
        if (drop.at !== WAITING || drop.outlives[0] !== 0 || drop.outlives[1] !== 0) return false;
        s.pending = rules.dropWhatWasMoot ? s.pending & ~drop.rows : 0;
        idle(drop);
        return true;
      },
    },
  ];
}
