import { setTimeout as sleep } from 'node:timers/promises';
import { OUTLIVED_MS } from './lease.ts';
import type { Ledger } from './ledger.ts';
import type { Session } from './session.ts';
import { NAMED_CHANGES, type Settle } from './settle.ts';
import type { BypassReason } from './types.ts';

export type Proof = { epoch: number } | { reason: BypassReason };

const POLL_MS = 50;

/**
 * The second half of a renewal: whose memory counts, and is everything committed before it out of service there?
 * @param stillOurs asked after each wait: the session is the one the renewal began with, and its time has not passed
 * @returns the epoch of the lease, or why there is none
 */
export async function prove(
  session: Session,
  stillOurs: () => boolean,
  { ledger, settle }: { ledger: Ledger; settle: Settle },
): Promise<Proof> {
  const seen = await ledger.look(NAMED_CHANGES + 1);
  // A newer program migrated the database: what its triggers and reads mean by a tag may differ.
  if (seen.newestSchema === false) return { reason: 'no-lease' };
  if (seen.identity !== session.server.identity) return { reason: 'redis-other-server' };
  if (!seen.settled) return { reason: 'no-lease' };
  const held = { session, epoch: seen.epoch };
  if (!(await settle.settle(seen.changes, held, stillOurs, 'settle'))) return { reason: 'redis-slow' };
  // A backlog longer than what was looked at: `*` is out of service, so nothing old can be served; the tick goes on.
  return { epoch: seen.epoch };
}

/**
 * Makes this session's memory the one that counts, when no other instance holds a lease on another; then waits
 * until no lease of an earlier epoch is left. Called without a lease: one's own has been handed back.
 * @returns true when it changed the authority, so that a renewal may succeed now
 */
export async function claim(
  session: Session,
  { ledger, settle }: { ledger: Ledger; settle: Settle },
): Promise<boolean> {
  const seen = await ledger.look(0);
  if (seen.newestSchema === false) return false;
  if (seen.identity !== session.server.identity) {
    // Whoever holds a lease uses another server than ours: nothing is taken away from them.
    if ((await ledger.leases()).some((lease) => lease.remainingMs > 0)) return false;
    if (session.ended || !(await ledger.takeAuthority(seen.epoch, session.server.identity))) return false;
    return claimUnsettled(seen.epoch + 1, ledger, settle);
  }
  return seen.settled ? false : claimUnsettled(seen.epoch, ledger, settle);
}

/**
 * Without Redis anywhere, changes pile up that nobody can confirm. Beyond `limit` no memory counts any more, and
 * what was pending then is dropped: whatever memory counts next does so under another epoch, in which nothing is
 * that old. Only changes seen together with the fact that no memory counts may go: a later one may concern entries
 * of the next epoch already.
 */
export async function dropBacklog(limit: number, parts: { ledger: Ledger; settle: Settle }): Promise<void> {
  const { ledger, settle } = parts;
  const seen = await ledger.look(limit + 1);
  if (seen.changes.length <= limit) return;
  if (seen.identity !== null) {
    if ((await ledger.leases()).some((lease) => lease.remainingMs > 0)) return;
    if (!(await ledger.takeAuthority(seen.epoch, null))) return;
    return dropBacklog(limit, parts);
  }
  await allOutlived(ledger, settle);
  await ledger.confirmed(seen.changes.map((change) => change.id));
  return dropBacklog(limit, parts);
}

// Statements of their own, after the change of the authority: in one with it, a lease taken in between is missed.
async function claimUnsettled(epoch: number, ledger: Ledger, settle: Settle): Promise<boolean> {
  await allOutlived(ledger, settle);
  await ledger.settleAuthority(epoch);
  return true;
}

async function allOutlived(ledger: Ledger, settle: Settle): Promise<void> {
  const reading = await ledger.leases();
  const deadlineMs = performance.now() + OUTLIVED_MS;
  while (performance.now() < deadlineMs && !settle.outlived(reading, await ledger.leases()))
    await sleep(POLL_MS);
}
