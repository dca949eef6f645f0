/**
 * A proxy for TCP that cuts connections, at any byte: what a network does to a link.
 *
 * In: a port to pass everything on to. Out: a port of its own. Invariant: bytes that are passed on are passed on in order.
 */
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { TestContext } from 'node:test';

export class Proxy {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  /** Bytes that still pass before everything is cut. */
  #allowance = Infinity;
  /** Connections so far. */
  connections = 0;
  cuts = 0;

  private constructor(target: number) {
    this.#server = createServer((socket) => this.#join(socket, connect(target, '127.0.0.1')));
  }

  static async start(t: TestContext, target: number): Promise<Proxy> {
    const proxy = new Proxy(target);
    proxy.#server.listen(0, '127.0.0.1');
    await once(proxy.#server, 'listening');
    t.after(() => {
      proxy.#server.close();
      proxy.cut();
    });
    return proxy;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  /** Ends all connections, after so many bytes more in either direction. */
  cut(afterBytes = 0): void {
    this.#allowance = afterBytes;
    if (afterBytes > 0) return;
    this.#allowance = Infinity;
    this.cuts++;
    for (const socket of this.#sockets) socket.destroy();
  }

  #join(a: Socket, b: Socket): void {
    this.connections++;
    for (const [from, to] of [
      [a, b],
      [b, a],
    ]) {
      this.#sockets.add(from);
      from.on('data', (bytes) => {
        to.write(bytes.subarray(0, this.#allowance));
        this.#allowance -= bytes.length;
        if (this.#allowance <= 0) this.cut();
      });
      from.on('error', () => undefined);
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroySoon();
      });
    }
  }
}

/** A port that nobody listens on, outside the range from which systems give out ports. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    const server = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      server.once('error', () => resolve(false));
      server.listen(port, '127.0.0.1', () => server.close(() => resolve(true)));
    });
    if (isFree) return port;
  }
}
