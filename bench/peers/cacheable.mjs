import KeyvRedis from '@keyv/redis';
import { Cacheable } from 'cacheable';
import { serve, TTL_SECONDS } from './server.mjs';

serve((load, redisUrl) => {
  const cache = new Cacheable({ secondary: new KeyvRedis(redisUrl.href), ttl: TTL_SECONDS * 1000 });
  return (query) => cache.getOrSet(`findings:${JSON.stringify(query)}`, () => load(query));
});
