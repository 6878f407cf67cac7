/** Every read twice over one database: through the cache on Redis, and without a cache. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createCache } from '../../src/cache/index.ts';
import type { Answer, Cache } from '../../src/cache/types.ts';
import { openLedger, pendingTags } from '../../src/db/ledger.ts';
import { APPLICATION_NAME, type Db, openDatabase } from '../../src/db/pool.ts';
import { createReads, type Reads } from '../../src/reads.ts';
import type { Question } from './questions.ts';

/** What the last read without a cache was computed from. */
export interface Seen {
  tags: string[];
  statements: string[];
}

export interface Pair {
  cached: Reads;
  plain: Reads;
  seen: Seen;
  /** Asks until every answer comes from the cache. */
  warm(questions: Question[]): Promise<void>;
  /** The titles of the questions to which the cache has another answer. */
  differences(questions: Question[]): Promise<string[]>;
  close(): Promise<void>;
}

const PATIENCE_MS = 20_000;

export async function openPair(databaseUrl: string, redisUrl: string): Promise<Pair> {
  const database = openDatabase({ url: databaseUrl, poolMax: 8, statementTimeoutMs: 20_000 });
  const connection = openLedger(databaseUrl, 'test', database.pulse);
  const seen: Seen = { tags: [], statements: [] };
  const ignore = () => {};
  const open = (url: string | null) =>
    createCache<Db>({
      redisUrl: url,
      namespace: 'trivet',
      installation: 'test',
      ownSource: APPLICATION_NAME,
      version: 'test',
      deadlineMs: 5_000,
      localBytes: 10_000_000,
      hitRateFloor: 0,
      ledger: connection.ledger,
      board: connection.board,
      log: { debug: ignore, info: ignore, warn: ignore, error: ignore },
      snapshot: (work) => database.snapshot((db) => work(url === null ? watched(db, seen) : db)),
      pendingTags,
    });
  const [onRedis, off] = [open(redisUrl), open(null)];
  const reads = (cache: Cache<Db>) =>
    createReads({ cache, scanResultsTtlSeconds: 3_600, vulnerabilitiesTtlSeconds: 3_600 });
  const cached = reads(onRedis);
  const plain = reads(tellingTags(off, seen));
  await onRedis.ready(PATIENCE_MS);
  return {
    cached,
    plain,
    seen,
    warm: (questions) => warm(cached, questions),
    async differences(questions) {
      const [ours, theirs] = await Promise.all(
        [cached, plain].map((reads) => Promise.all(questions.map((question) => textOf(reads, question)))),
      );
      return questions.flatMap(({ title }, index) => (ours?.[index] === theirs?.[index] ? [] : [title]));
    },
    async close() {
      await Promise.all([onRedis.close(), off.close()]);
      await connection.close();
      await database.close();
    },
  };
}

function watched(db: Db, seen: Seen): Db {
  return {
    query(sql, values) {
      seen.statements.push(sql);
      return db.query(sql, values);
    },
  };
}

/** The same cache, which tells the tags of what it is asked. */
function tellingTags(cache: Cache<Db>, seen: Seen): Cache<Db> {
  const define: Cache<Db>['define'] = (policy) => {
    const tags: typeof policy.tags = (params) => {
      seen.tags = policy.tags(params);
      return seen.tags;
    };
    return cache.define({ ...policy, tags });
  };
  return Object.create(cache, { define: { value: define } });
}

async function warm(reads: Reads, questions: Question[]): Promise<void> {
  const startedMs = performance.now();
  let cold = questions;
  while (cold.length > 0) {
    if (performance.now() - startedMs > PATIENCE_MS) throw new Error(`never cached: ${cold[0]?.title}`);
    const answers = await Promise.all(cold.map((question) => question.ask(reads).catch(() => null)));
    // An error or an answer that there is nothing is not stored.
    cold = cold.filter((_, index) => answers[index]?.entry && !isHit(answers[index]));
  }
}

function isHit(answer: Answer): boolean {
  return answer.outcome === 'hit' || answer.outcome === 'local';
}

/** What is answered: the JSON text byte for byte, or the error. A bypass would say nothing of the cache. */
async function textOf(reads: Reads, question: Question): Promise<string> {
  try {
    for (let attempt = 0; ; attempt += 1) {
      const { entry, outcome, reason } = await question.ask(reads);
      if (outcome !== 'bypass' || reason === 'off') return entry?.json().toString() ?? 'none';
      if (attempt === 100) throw new Error('the cache is not used');
      await sleep(50);
    }
  } catch (error) {
    return `error: ${error instanceof Error ? error.message : error}`;
  }
}
