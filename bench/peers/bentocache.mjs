// Two tiers kept together by a bus, as its documentation on multi-tier caches has it.
import { BentoCache, bentostore } from 'bentocache';
import { memoryDriver } from 'bentocache/drivers/memory';
import { redisBusDriver, redisDriver } from 'bentocache/drivers/redis';
import { serve, TTL_SECONDS } from './server.mjs';

serve((load, redisUrl) => {
  const connection = {
    host: redisUrl.hostname,
    port: Number(redisUrl.port),
    password: redisUrl.password,
  };
  const bento = new BentoCache({
    default: 'multitier',
    stores: {
      multitier: bentostore()
        .useL1Layer(memoryDriver({ maxSize: '64mb' }))
        .useL2Layer(redisDriver({ connection }))
        .useBus(redisBusDriver({ connection })),
    },
  });
  return (query) =>
    bento.getOrSet({
      key: `findings:${JSON.stringify(query)}`,
      ttl: TTL_SECONDS * 1000,
      factory: () => load(query),
    });
});
