import { encode } from './encode.ts';
import type { Fences } from './fences.ts';
import type { Lease } from './lease.ts';
import { ALL } from './ledger.ts';
import type { Hit } from './read.ts';
import type { Recorder } from './recorder.ts';
import type { Log } from './types.ts';

/** One hit in this many is looked at again. */
const ONE_IN = 1_000;

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

  async function lookAgain({ question, permit, tags, tokens, etag }: Hit): Promise<void> {
    const { value, pendingTags } = await question.loadAndPending();
    const same = value !== null && value !== undefined && (await encode(value)).etag === etag;
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
    if (countdown > 0 || running) return;
    countdown = ONE_IN;
    running = true;
    lookAgain(hit)
      .catch(() => {})
      .finally(() => {
        running = false;
      });
  };
}
