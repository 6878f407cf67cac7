// Cache-aside by hand, as most tutorials write it.
import { Redis } from 'ioredis';
import { serve, TTL_SECONDS } from './server.mjs';

serve((load, redisUrl) => {
  const redis = new Redis(redisUrl.href);
  return async (query) => {
    const key = `findings:${JSON.stringify(query)}`;
    const cached = await redis.get(key);
    if (cached !== null) return JSON.parse(cached);
    const value = await load(query);
    await redis.set(key, JSON.stringify(value), 'EX', TTL_SECONDS);
    return value;
  };
});
