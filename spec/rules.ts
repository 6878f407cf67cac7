/**
 * The rules of the protocol, one line each. Every rule can be switched off: the protocol without it is a
 * mutant, and the checker has to find a stale read in each (`runs.ts` says from which start). A rule whose
 * mutant nobody catches would be a rule that is not needed.
 */
export const RULES = [
  {
    name: 'leaseEndsWithTerm',
    why: 'a writer that cannot tell an instance waits for the end of its lease, and not for more',
    mutant: 'a lease outlives its term: a frozen instance wakes up and goes on trusting its cache',
  },
  {
    name: 'leaseEndsWithSession',
    why: 'what a lease says about a memory is true of one connection only',
    mutant: 'a lease outlives its session: the client reconnects to another server and goes on',
  },
  {
    name: 'grantNeedsItsSession',
    why: 'a renewal asked the identity on the session that it began with',
    mutant: 'a renewal that lost its session in between grants a lease to the next one',
  },
  {
    name: 'resendVouches',
    why: 'an answer that reveals a state promises that others see it too',
    mutant: 'the same report again is answered at once, while its first write is still waiting',
  },
  {
    name: 'settleConfirms',
    why: 'only a lease held after the answer shows that the right memory was told',
    mutant: 'the tick deletes rows after an invalidation under an epoch that may be over',
  },
  {
    name: 'writerConfirms',
    why: 'only a lease held after the commit and after the answer shows that the right memory was told',
    mutant: 'a writer checks its lease before COMMIT only',
  },
  {
    name: 'outlive',
    why: 'an instance that cannot be told may trust its cache until its lease is over',
    mutant: 'a writer that cannot reach Redis answers without waiting',
  },
  {
    name: 'renewInTwoStatements',
    why: 'a writer that does not see the registration must be seen by the renewal',
    mutant: 'a renewal registers and reads the pending rows in one statement, that is in one snapshot',
  },
  {
    name: 'renewalSettles',
    why: 'a new lease is one that no writer has waited for',
    mutant: 'a renewal ignores the pending rows',
  },
  {
    name: 'writerDeletesLast',
    why: 'a row is the only memory of an invalidation that is still to be done',
    mutant: 'a writer deletes its row before it invalidates',
  },
  {
    name: 'renewalDeletesLast',
    why: 'a row is the only memory of an invalidation that is still to be done',
    mutant: 'a renewal deletes the rows before it invalidates',
  },
  {
    name: 'deleteWhatWasRead',
    why: 'a row that came later was not invalidated',
    mutant: 'settle deletes all rows that are there at the end, not those it has read',
  },
  {
    name: 'fencesBeforeLoad',
    why: 'a change between the load and its tokens would go unnoticed',
    mutant: 'the tokens of an entry are read after its data were loaded',
  },
  {
    name: 'fencesAfterArrival',
    why: 'tokens that are older than the request say nothing about what it may see',
    mutant: 'a request shares a batch of fences that was read before it arrived',
  },
  {
    name: 'compareTokens',
    why: 'an invalidation makes an entry unreachable through its tokens alone',
    mutant: 'an entry is served without a look at its tokens',
  },
  {
    name: 'compareEveryToken',
    why: 'an answer depends on all of its tags',
    mutant: 'an entry is served when the token of its first tag is current',
  },
  {
    name: 'randomFences',
    why: 'a token must never come back',
    mutant: 'fences are counters: one that was evicted counts up to old values again',
  },
  {
    name: 'joinSameTokens',
    why: 'a load that began before a change may run while a later read arrives',
    mutant: 'a read joins any load of its key',
  },
  {
    name: 'handBackByTerm',
    why: 'a message may arrive late',
    mutant: 'a late hand-back takes away a newer registration',
  },
  {
    name: 'dropBeforeHandBack',
    why: 'a writer does not wait for what has been handed back',
    mutant: 'a renewal that failed hands its term back and keeps the older lease',
  },
  {
    name: 'identity',
    why: 'a connection may lead to another memory, or to the same one as it was',
    mutant: 'nobody asks which memory answers',
  },
  {
    name: 'epochInKeys',
    why: 'a memory that counts again may hold what was valid when it counted before',
    mutant: 'keys do not carry the epoch',
  },
  {
    name: 'changeInTwoStatements',
    why: 'a lease registered while the change was under way must be outlived too',
    mutant: 'the leases are read in the snapshot of the statement that changes the authority',
  },
  {
    name: 'noShortcut',
    why: 'that nobody holds a lease may have changed by the time the statement takes effect',
    mutant: 'an authority without leases changes at once, in one statement',
  },
  {
    name: 'dropWhatWasMoot',
    why: 'only rows that were there before the last epoch ended are moot: whatever counts next was loaded later',
    mutant: 'who drops a backlog deletes all that is pending once it has outlived the leases',
  },
] as const;

export type RuleName = (typeof RULES)[number]['name'];

/** Which rules are in force. */
export type Rules = { readonly [name in RuleName]: boolean };

const names = RULES.map((rule) => rule.name);

/** The protocol as it is. */
export const PROTOCOL = Object.fromEntries(names.map((name) => [name, true])) as Rules;

/** The protocol without one rule. */
export function without(rule: RuleName): Rules {
  return { ...PROTOCOL, [rule]: false };
}
