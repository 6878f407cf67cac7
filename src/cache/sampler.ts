import { etagOf, serialise } from './encode.ts';
import type { Fences } from './fences.ts';
import type { Lease } from './lease.ts';
import { ALL } from './ledger.ts';
import type { Hit } from './read.ts';
import type { Recorder } from './recorder.ts';
import type { Log } from './types.ts';

/** One hit in this many is looked at again, */
const ONE_IN = 1_000;
/** and no more often than this: a look costs what it costs to load the answer. */
const PAUSE_MS = 1_000;

/**
 * Looks again at a few hits in production. One snapshot reads the data and what is pending; then the fences are
 * read again. A difference counts only where the tokens are unchanged and nothing pending bears a tag of the read:
 * then the answer was served although nobody would ever have put it out of service.
 */
export function sampler(parts: {
  fences: Fences;
  lease: Lease;
  recorder: Recorder;
  log: Log;
}): (hit: Hit) => void {
  const { fences, lease, recorder, log } = parts;
  let countdown = Math.ceil(Math.random() * ONE_IN);
  let running = false;
  let lookedMs = Number.NEGATIVE_INFINITY;

  async function lookAgain({ question, permit, tokens, etag }: Hit): Promise<void> {
    const { tags } = question;
    const { value, pendingTags } = await question.loadAndPending();
    const same = value !== null && value !== undefined && etagOf(serialise(value)) === etag;
    const tokensNow = (await fences.read(permit, tags))?.join('');
    if (tokensNow !== tokens || !lease.holds(permit)) return;
    if (pendingTags.some((tag) => tag === ALL || tags.includes(tag))) return;
    recorder.staleReads.sampled += 1;
    if (same) return;
    recorder.staleReads.found += 1;
    log.error({ operation: question.read, key: question.key, tags }, 'stale read');
    recorder.event('warning', 'stale read', { read: question.read, tags });
  }

  return (hit) => {
    countdown -= 1;
    if (countdown > 0 || running || performance.now() - lookedMs < PAUSE_MS) return;
    countdown = ONE_IN;
    running = true;
    lookedMs = performance.now();
    lookAgain(hit)
      .catch(() => {})
      .finally(() => {
        running = false;
      });
  };
}
