import type { Step } from './checker.ts';
import { idleRenewal, renewalStep } from './lease.ts';
import type { Rules } from './rules.ts';
import { registeredNow } from './settle.ts';
import { CHANGE, OUTLIVE, type State, type Two } from './state.ts';

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
