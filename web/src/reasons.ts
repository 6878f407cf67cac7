import type { CacheStatistics } from '../../src/schemas.ts';

const REASONS: Record<NonNullable<CacheStatistics['reason']>, string> = {
  'redis-unreachable': 'Redis unreachable',
  'redis-slow': 'Redis too slow',
  'redis-other-server': 'Redis is another server than before',
  'redis-read-only': 'Redis is read-only',
  'no-lease': 'this instance may not use the cache at the moment',
  off: 'switched off',
};

/** Why the cache is not used, in plain words. */
export function reasonText(reason: string): string {
  return REASONS[reason as keyof typeof REASONS] ?? reason.replaceAll('-', ' ');
}
