import { setImmediate as nextTurn, setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Random } from './random.ts';
import type { Instance, System } from './system.ts';

/** Breaks something, and gives back how it is healed. */
export interface Fault {
  name: string;
  begin(system: System, random: Random): Promise<() => Promise<void>>;
}

const done = async () => {};

async function redisCommand<T>(port: number, work: (redis: Redis) => Promise<T>): Promise<T | undefined> {
  const redis = new Redis({
    port,
    host: '127.0.0.1',
    retryStrategy: () => null,
    maxRetriesPerRequest: 0,
    commandTimeout: 3_000,
  });
  redis.on('error', () => {});
  try {
    return await work(redis);
  } catch {
    // A server that another fault has killed or frozen just now.
    return undefined;
  } finally {
    redis.disconnect();
  }
}

function link(
  name: string,
  which: (instance: Instance) => Instance['toRedis'],
  how: 'cut' | 'swallow',
  all: boolean,
): Fault {
  return {
    name,
    async begin(system, random) {
      const hit = all ? system.instances : [random.pick(system.instances)];
      for (const instance of hit) {
        if (which(instance) === instance.toDatabase) system.trouble(instance);
        which(instance)[how]();
      }
      return async () => {
        for (const instance of hit) {
          which(instance).heal();
          if (which(instance) === instance.toDatabase) system.trouble(instance);
        }
      };
    },
  };
}

/** Its loads are frozen with it. Now and then for longer than its lease. */
async function freeze(system: System, instance: Instance, random: Random): Promise<() => Promise<void>> {
  system.trouble(instance, false);
  instance.trivet.freeze();
  await sleep(random.pick([100, 600, 2_500]));
  return async () => {
    instance.trivet.thaw();
    system.trouble(instance, true);
  };
}

/** A write has been sent and is not answered; after a while, never mind. */
async function inTheMiddleOfAWrite(instance: Instance): Promise<void> {
  const endMs = performance.now() + 2_000;
  while (instance.writes === 0 && performance.now() < endMs) await nextTurn();
}

export const FAULTS: Fault[] = [
  link('one cut from Redis', (instance) => instance.toRedis, 'cut', false),
  link('one’s Redis link swallows', (instance) => instance.toRedis, 'swallow', false),
  link('all cut from Redis', (instance) => instance.toRedis, 'cut', true),
  link('one cut from PostgreSQL', (instance) => instance.toDatabase, 'cut', false),
  link('one’s PostgreSQL link swallows', (instance) => instance.toDatabase, 'swallow', false),
  {
    name: 'both links of one swallow',
    async begin(system, random) {
      const instance = random.pick(system.instances);
      system.trouble(instance);
      instance.toDatabase.swallow();
      instance.toRedis.swallow();
      return async () => {
        instance.toDatabase.heal();
        instance.toRedis.heal();
        system.trouble(instance);
      };
    },
  },
  {
    // Whether it was stored is unknown: the client sends it again, to whichever instance.
    name: 'PostgreSQL connections dropped at COMMIT',
    async begin(system, random) {
      const instance = random.pick(system.instances);
      system.trouble(instance);
      instance.toDatabase.dropAtCommit();
      return async () => {
        instance.toDatabase.heal();
        system.trouble(instance);
      };
    },
  },
  {
    name: 'one cut from both',
    async begin(system, random) {
      const instance = random.pick(system.instances);
      system.trouble(instance);
      instance.toDatabase.cut();
      instance.toRedis.cut();
      return async () => {
        instance.toDatabase.heal();
        instance.toRedis.heal();
        system.trouble(instance);
      };
    },
  },
  {
    // Whoever writes cannot tell the one that still sees Redis: it must stop trusting it by itself.
    name: 'one cut from PostgreSQL, the others from Redis',
    async begin(system, random) {
      const [one, ...others] = [...system.instances].sort(() => random.next() - 0.5);
      if (!one) return done;
      system.trouble(one);
      one.toDatabase.cut();
      for (const { toRedis } of others) toRedis.cut();
      await sleep(3_000);
      return async () => {
        one.toDatabase.heal();
        for (const { toRedis } of others) toRedis.heal();
        system.trouble(one);
      };
    },
  },
  {
    name: 'Redis link slow',
    async begin(system, random) {
      const instance = random.pick(system.instances);
      instance.toRedis.delay(random.between(20, 120));
      return async () => instance.toRedis.heal();
    },
  },
  {
    name: 'connections to Redis dropped',
    async begin(system) {
      for (const { toRedis } of system.instances) toRedis.drop();
      return done;
    },
  },
  {
    name: 'Redis killed, started empty',
    async begin(system, random) {
      await system.redis.kill();
      await sleep(random.between(0, 1_500));
      return () => system.redis.restart();
    },
  },
  {
    name: 'Redis restarted from an old dump',
    async begin(system, random) {
      await redisCommand(system.redis.port, (redis) => redis.save());
      await sleep(random.between(300, 1_000));
      await system.redis.kill();
      return () => system.redis.restart();
    },
  },
  {
    name: 'Redis frozen',
    async begin(system) {
      system.redis.freeze();
      return async () => system.redis.thaw();
    },
  },
  {
    name: 'Redis flushed',
    async begin(system) {
      await redisCommand(system.redis.port, (redis) => redis.flushall());
      return done;
    },
  },
  {
    name: 'keys evicted one by one',
    async begin(system) {
      await redisCommand(system.redis.port, async (redis) => {
        for (let count = 0; count < 300; count += 1) {
          const key = await redis.randomkey();
          if (key) await redis.unlink(key);
        }
      });
      return done;
    },
  },
  {
    name: 'Redis full',
    async begin(system) {
      await redisCommand(system.redis.port, (redis) => redis.config('SET', 'maxmemory-policy', 'noeviction'));
      await redisCommand(system.redis.port, (redis) => redis.config('SET', 'maxmemory', '1'));
      return async () => {
        await redisCommand(system.redis.port, (redis) => redis.config('SET', 'maxmemory', '0'));
      };
    },
  },
  {
    name: 'Redis demoted, resynchronised and promoted',
    async begin(system, random) {
      const { redis, otherRedis } = system;
      // The other server holds an older past of the same keys.
      await redisCommand(otherRedis.port, (other) => other.replicaof('127.0.0.1', redis.port));
      await sleep(random.between(300, 800));
      await redisCommand(otherRedis.port, (other) => other.replicaof('NO', 'ONE'));
      await sleep(random.between(100, 500));
      await redisCommand(redis.port, (main) => main.replicaof('127.0.0.1', otherRedis.port));
      await sleep(random.between(0, 800));
      return async () => {
        await redisCommand(redis.port, (main) => main.replicaof('NO', 'ONE'));
      };
    },
  },
  {
    name: 'an instance killed',
    async begin(system, random) {
      const instance = random.pick(system.running);
      await system.kill(instance);
      return () => system.restart(instance);
    },
  },
  {
    name: 'an instance killed in the middle of a write',
    async begin(system, random) {
      const instance = random.pick(system.running);
      await inTheMiddleOfAWrite(instance);
      await system.kill(instance);
      return () => system.restart(instance);
    },
  },
  {
    name: 'an instance frozen',
    begin: (system, random) => freeze(system, random.pick(system.running), random),
  },
  {
    name: 'an instance frozen in the middle of a write',
    async begin(system, random) {
      const instance = random.pick(system.running);
      await inTheMiddleOfAWrite(instance);
      return freeze(system, instance, random);
    },
  },
  {
    name: 'PostgreSQL connections dropped',
    async begin(system) {
      await system.database.sql(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'trivet' AND random() < 0.5",
      );
      return done;
    },
  },
  {
    name: 'PostgreSQL restarted',
    async begin(system) {
      for (const instance of system.instances) system.trouble(instance);
      await system.database.restart();
      await sleep(300);
      for (const instance of system.instances) system.trouble(instance);
      return done;
    },
  },
  {
    name: '100,000 rows changed by SQL',
    async begin(system) {
      await system.database.sql(
        `INSERT INTO artifact (type, name, repository) SELECT 'vm', 'bulk-' || n, 'bulk' FROM generate_series(1, 100000) n
         ON CONFLICT DO NOTHING`,
      );
      await system.database.sql("DELETE FROM artifact WHERE repository = 'bulk'");
      return done;
    },
  },
  {
    name: '2,000 changes by SQL, one by one',
    async begin(system) {
      await system.database.sql(
        `DO $$ BEGIN FOR n IN 1..2000 LOOP
           INSERT INTO cache_change (tag, txid) VALUES ('other:' || n, pg_current_xact_id());
         END LOOP; END $$`,
      );
      return done;
    },
  },
];
