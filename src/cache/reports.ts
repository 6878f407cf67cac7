import type { Change } from './ledger.ts';
import type { Recorder } from './recorder.ts';
import { counters, hitRate, quantile } from './tally.ts';
import type { Log } from './types.ts';

/** Tags named in a log line; a large change has more. */
const NAMED_TAGS = 20;
const CLEAR = 'clear ';

/** The source recorded for a change that clears. */
export function clearSource(by: string): string {
  return `${CLEAR}${by}`;
}

/** Logs, counts and publishes the changes that a settle of this instance has confirmed. */
export function reportInvalidation(
  changes: Change[],
  operation: string,
  { ownSource, log, recorder }: { ownSource: string; log: Log; recorder: Recorder },
): void {
  const causeOf = ({ source }: Change) =>
    source === ownSource ? 'write' : source.startsWith(CLEAR) ? 'clear' : 'external';
  for (const cause of ['write', 'external', 'clear']) {
    const caused = changes.filter((change) => causeOf(change) === cause);
    const [first] = caused;
    if (!first) continue;
    recorder.invalidations[cause] = (recorder.invalidations[cause] ?? 0) + 1;
    const detail = {
      operation,
      tags: [...new Set(caused.map((change) => change.tag))].slice(0, NAMED_TAGS),
      cause,
      ms: Math.round(Math.max(...caused.map((change) => change.ageMs)) * 10) / 10,
    };
    log.info(detail, 'cache invalidated');
    recorder.event('invalidation', 'cache invalidated', detail);
    if (cause !== 'clear') continue;
    const by = first.source.slice(CLEAR.length);
    log.info({ operation: 'clear', by }, 'cache cleared');
    recorder.event('clear', 'cache cleared', { by });
  }
}

/** A line per read that was asked since the last report. */
export function reportPerformance(recorder: Recorder, log: Log): void {
  for (const [read, tally] of Object.entries(recorder.takeReport())) {
    const { hits, localHits, misses, bypasses } = counters([tally]);
    log.info(
      {
        operation: read,
        hits,
        localHits,
        misses,
        bypasses,
        hitRate: hitRate({ hits, misses }),
        loadMsP99: quantile(tally.load, 0.99),
        redisMsP99: quantile(tally.redis, 0.99),
      },
      'cache performance',
    );
  }
}
