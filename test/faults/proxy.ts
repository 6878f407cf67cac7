import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/**
 * A link between two processes that can be cut, refuse, delay and swallow. Swallowing pauses both directions: no
 * byte is lost, the kernel's buffers fill up, and everything goes on when the link is healed, as behind a frozen peer.
 */
export class Link {
  readonly #server: Server;
  readonly #pairs = new Set<[Socket, Socket]>();
  readonly #targetPort: number;
  #mode: 'pass' | 'refuse' | 'swallow' | 'delay' = 'pass';
  #delayMs = 0;
  #dropsAtCommit = false;

  private constructor(targetPort: number) {
    this.#targetPort = targetPort;
    this.#server = createServer((socket) => this.#accept(socket));
  }

  static async to(targetPort: number): Promise<Link> {
    const link = new Link(targetPort);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  get port(): number {
    const address = this.#server.address();
    if (address === null || typeof address === 'string') throw new Error('the link is closed');
    return address.port;
  }

  get passes(): boolean {
    return this.#mode === 'pass' && !this.#dropsAtCommit;
  }

  /** Resets all connections; new ones are let through. */
  drop(): void {
    for (const [one, other] of this.#pairs) {
      one.resetAndDestroy();
      other.resetAndDestroy();
    }
  }

  /** Resets all connections, and every new one, until healed. */
  cut(): void {
    this.#mode = 'refuse';
    this.drop();
  }

  /** Nothing arrives any more, in either direction, until healed. */
  swallow(): void {
    this.#mode = 'swallow';
    for (const pair of this.#pairs) for (const socket of pair) socket.pause();
  }

  /** What is sent from now on arrives this much later. */
  delay(ms: number): void {
    this.#mode = 'delay';
    this.#delayMs = ms;
  }

  /** Every COMMIT gets through, and its connection is reset before the answer, until healed. */
  dropAtCommit(): void {
    this.#dropsAtCommit = true;
  }

  heal(): void {
    this.#mode = 'pass';
    this.#dropsAtCommit = false;
    for (const pair of this.#pairs) for (const socket of pair) socket.resume();
  }

  async close(): Promise<void> {
    this.drop();
    this.#server.close();
  }

  #accept(client: Socket): void {
    client.on('error', () => {});
    if (this.#mode === 'refuse') {
      client.resetAndDestroy();
      return;
    }
    const target = connect(this.#targetPort, '127.0.0.1');
    target.on('error', () => {});
    const pair: [Socket, Socket] = [client, target];
    this.#pairs.add(pair);
    this.#forward(client, target);
    this.#forward(target, client);
    const end = () => {
      this.#pairs.delete(pair);
      client.destroy();
      target.destroy();
    };
    client.on('close', end);
    target.on('close', end);
    if (this.#mode === 'swallow') for (const socket of pair) socket.pause();
  }

  #forward(from: Socket, to: Socket): void {
    from.setNoDelay(true);
    let lastAtMs = 0;
    from.on('data', (bytes) => {
      if (this.#dropsAtCommit && bytes.includes('COMMIT\0')) {
        to.write(bytes, () => from.resetAndDestroy());
        return;
      }
      if (this.#mode !== 'delay' && performance.now() >= lastAtMs) {
        to.write(bytes);
        return;
      }
      // Behind bytes that are still on their way, or the order would change.
      lastAtMs = Math.max(lastAtMs, performance.now() + (this.#mode === 'delay' ? this.#delayMs : 0));
      setTimeout(() => to.write(bytes), lastAtMs - performance.now());
    });
  }
}
