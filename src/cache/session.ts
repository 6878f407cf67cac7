import { Redis, type RedisOptions } from 'ioredis';

/**
 * One connection to the Redis server that holds the fences. It never reconnects: what comes after it is another
 * session, which asks the server again who it is. A client that reconnects by itself, resends, or follows a
 * failover can answer a question put to one server from another.
 */

/** Nothing heard for this long while something was awaited: the connection is taken for dead. */
const SILENCE_MS = 500;
const CONNECT_TIMEOUT_MS = 500;

export interface ServerInfo {
  version: string;
  replicationId: string;
  /** What makes this memory this memory: see `identify`. */
  identity: string;
}

/** The server cannot serve as a cache: a replica, too old, or it refused us. `reason` goes to the statistics. */
export class SessionRefused extends Error {
  readonly reason: 'redis-unreachable' | 'redis-read-only';
  constructor(reason: 'redis-unreachable' | 'redis-read-only', message: string) {
    super(message);
    this.reason = reason;
  }
}

/** A command under way when the session ended, or sent after it. */
export class SessionEnded extends Error {}

/** A command and its arguments. */
export type Command = [name: string, ...args: (string | number | Buffer)[]];
/** What was answered: a value or an error for each command, in order. */
export type Replies = [error: Error | null, value: unknown][];

// Errors that say this server's memory is not, or no longer, the one that counts.
const FATAL_REPLY = /^(READONLY|MOVED|ASK|LOADING|MASTERDOWN|CLUSTERDOWN|NOAUTH|NOPERM|WRONGPASS|UNBLOCKED)/;

export class Session {
  readonly server: ServerInfo;
  readonly #redis: Redis;
  readonly #onEnd: (session: Session, reason: string) => void;
  #endReason: string | null = null;
  #awaited = 0;
  #awaitedSinceMs = 0;
  #lastByteMs = performance.now();
  #slow = false;
  #watchdog: NodeJS.Timeout | undefined;

  private constructor(redis: Redis, server: ServerInfo, onEnd: (session: Session, reason: string) => void) {
    this.#redis = redis;
    this.server = server;
    this.#onEnd = onEnd;
    redis.on('close', () => this.end('socket closed'));
    redis.stream.on('data', () => {
      this.#lastByteMs = performance.now();
      this.#slow = false;
    });
  }

  /**
   * Connects and asks the server who it is, on that very connection.
   * @param namespace part of the identity: another namespace is another memory
   * @param onEnd called once, when the session has ended
   * @throws SessionRefused, or the connection's error
   */
  static async open(
    url: string,
    namespace: string,
    onEnd: (session: Session, reason: string) => void,
  ): Promise<Session> {
    const redis = new Redis(url, sessionOptions);
    // Without a listener an 'error' event would end the process; the promise below tells of it.
    let failure: Error | undefined;
    redis.on('error', (error: Error) => {
      failure = error;
    });
    const timer = setTimeout(() => redis.disconnect(), CONNECT_TIMEOUT_MS * 2);
    try {
      await redis.connect();
      const server = identify(await redis.info(), redis.options.db ?? 0, namespace);
      // A database that could not be selected is told in no other way.
      if (failure) throw failure;
      return new Session(redis, server, onEnd);
    } catch (error) {
      redis.disconnect();
      throw error instanceof SessionRefused ? error : (failure ?? error);
    } finally {
      clearTimeout(timer);
    }
  }

  get ended(): boolean {
    return this.#endReason !== null;
  }

  /** A deadline was missed and not a byte has come since: nobody waits for this server now. */
  get slow(): boolean {
    return this.#slow;
  }

  /** Says that a deadline passed without an answer. */
  missedDeadline(): void {
    this.#slow = true;
  }

  /**
   * Sends commands in one go.
   * @param as how texts are answered
   * @returns the replies; replies that end the session's right to answer reject instead
   * @throws SessionEnded
   */
  async send(commands: Command[], as: 'text' | 'bytes' = 'text'): Promise<Replies> {
    if (this.ended) throw new SessionEnded(this.#endReason ?? '');
    if (this.#awaited === 0) this.#awaitedSinceMs = performance.now();
    this.#awaited += 1;
    this.#watch();
    try {
      const replies = await this.#ask(commands, as);
      if (this.ended) throw new SessionEnded(this.#endReason ?? '');
      for (const [error] of replies) {
        if (error && FATAL_REPLY.test(error.message)) {
          this.end(error.message.slice(0, 100));
          throw new SessionEnded(error.message);
        }
      }
      return replies;
    } finally {
      this.#awaited -= 1;
    }
  }

  // Half the price of the client's own pipelines, and every request pays it.
  #ask(commands: Command[], as: 'text' | 'bytes'): Promise<Replies> {
    const redis = this.#redis;
    redis.stream.cork();
    const replies = commands.map(([name, ...args]) =>
      (as === 'text' ? redis.call(name, args) : redis.callBuffer(name, args)).then(
        (value): Replies[number] => [null, value],
        (error: Error): Replies[number] => [error, undefined],
      ),
    );
    redis.stream.uncork();
    return Promise.all(replies);
  }

  /**
   * Whether the server still holds the memory that it held when the session began. A server that was demoted,
   * resynchronised and promoted keeps run_id and connections, and has old fences again: its replication id differs.
   * @param info the answer to INFO replication, asked after whatever is to be believed
   */
  isSameMemory(info: unknown): boolean {
    const text = String(info);
    if (text.includes('role:master') && text.includes(`master_replid:${this.server.replicationId}`))
      return true;
    this.end('the server holds another memory');
    return false;
  }

  /** Asks whether the server is there and still the same, for an instance that nobody asks anything. */
  async notice(): Promise<void> {
    const [info] = await this.send([['INFO', 'replication']]);
    this.isSameMemory(info?.[1]);
  }

  /** Ends the session; whatever is under way fails. */
  end(reason: string): void {
    if (this.#endReason !== null) return;
    this.#endReason = reason;
    clearTimeout(this.#watchdog);
    // A peer that hangs would not answer a polite end: what is under way fails now.
    this.#redis.stream.destroy();
    this.#redis.disconnect();
    this.#onEnd(this, reason);
  }

  // One timer for all commands under way: it ends the session when the server has been silent for too long.
  #watch(delayMs = SILENCE_MS): void {
    if (this.#watchdog !== undefined) return;
    this.#watchdog = setTimeout(() => {
      // Where this process was the one that was busy, the answer may be waiting in the socket: read it first.
      setImmediate(() => {
        this.#watchdog = undefined;
        if (this.ended || this.#awaited === 0) return;
        const silentMs = performance.now() - Math.max(this.#lastByteMs, this.#awaitedSinceMs);
        if (silentMs >= SILENCE_MS) this.end(`no answer for ${SILENCE_MS} ms`);
        else this.#watch(SILENCE_MS - silentMs);
      });
    }, delayMs);
    this.#watchdog.unref();
  }
}

const sessionOptions: RedisOptions = {
  lazyConnect: true,
  connectTimeout: CONNECT_TIMEOUT_MS,
  maxRetriesPerRequest: 0,
  enableOfflineQueue: false,
  enableReadyCheck: false,
  autoResendUnfulfilledCommands: false,
  retryStrategy: () => null,
  reconnectOnError: null,
  keepAlive: 5_000,
  connectionName: 'trivet',
};

function identify(info: string, database: number, namespace: string): ServerInfo {
  const field = (name: string) => new RegExp(`^${name}:(.*)$`, 'm').exec(info)?.[1]?.trim() ?? '';
  const valkey = field('valkey_version');
  const version = valkey || field('redis_version');
  const role = field('role');
  if (field('loading') === '1') throw new SessionRefused('redis-unreachable', 'Redis is loading its data');
  if (role !== 'master')
    throw new SessionRefused(
      'redis-read-only',
      `Redis is a ${role || 'server of unknown role'}, not a master`,
    );
  if (!valkey && Number.parseInt(version, 10) < 7) {
    throw new SessionRefused(
      'redis-unreachable',
      `Redis ${version} is too old: 7.0 or newer, or Valkey, is needed`,
    );
  }
  return {
    version: valkey ? `valkey ${valkey}` : version,
    replicationId: field('master_replid'),
    identity: [field('run_id'), field('master_replid'), role, database, namespace].join(' '),
  };
}
