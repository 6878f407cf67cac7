import type { TypeBoxTypeProvider } from '@fastify/type-provider-typebox';
import type {
  FastifyBaseLogger,
  FastifyInstance,
  RawReplyDefaultExpression,
  RawRequestDefaultExpression,
  RawServerDefault,
} from 'fastify';
import type { Cache } from '../cache/types.ts';
import type { Database, Db } from '../db/pool.ts';
import type { Metrics } from '../metrics.ts';
import type { Reads } from '../reads.ts';
import type { UploadPool } from '../upload/pool.ts';
import type { Writes } from '../writes.ts';
import type { SendCsv } from './csv.ts';

/** The server, with types of parameters taken from the schemas. */
export type App = FastifyInstance<
  RawServerDefault,
  RawRequestDefaultExpression,
  RawReplyDefaultExpression,
  FastifyBaseLogger,
  TypeBoxTypeProvider
>;

/** What the routes work with. */
export interface Parts {
  version: string;
  database: Database;
  cache: Cache<Db>;
  reads: Reads;
  writes: Writes;
  uploads: UploadPool;
  metrics: Metrics;
  sendCsv: SendCsv;
  /** True once the process is to end: it is not ready any more. */
  isClosing(): boolean;
}
