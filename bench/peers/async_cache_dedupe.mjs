import { createCache } from 'async-cache-dedupe';
import { Redis } from 'ioredis';
import { serve, TTL_SECONDS } from './server.mjs';

serve((load, redisUrl) => {
  const cache = createCache({
    ttl: TTL_SECONDS,
    storage: { type: 'redis', options: { client: new Redis(redisUrl.href) } },
  });
  cache.define('findings', (query) => load(query));
  return (query) => cache.findings(query);
});
