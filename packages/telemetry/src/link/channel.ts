/**
 * Channel: one TCP connection of a link, from its first byte to its last.
 *
 * In: a socket and a secret. Out: messages of a peer that has proven itself.
 * Invariant: nothing of a peer is handled before it is proven, and until then it gets a few seconds and 72 bytes of memory;
 * a connection on which nothing comes for a minute ends.
 * On failure: the socket is destroyed and `onEnd` is called once, with the reason.
 */
import type { Socket } from 'node:net';
import { TelemetryError } from '../errors.ts';
import { Opener, Sealer } from './envelope.ts';
import { Handshake, type Role } from './handshake.ts';
import { decodeMessage, encodeMessage, malformed, type Message } from './messages.ts';

const { clearTimeout, setTimeout } = globalThis;

const HANDSHAKE_MILLIS = 5000;
const CLOSE_MILLIS = 500;
/** Clients say something every quarter of it. */
export const IDLE_MILLIS = 60_000;
/** Answers that a peer does not read. */
const MAX_UNREAD_BYTES = 4 * 1024 * 1024;

export interface ChannelOptions {
  readonly role: Role;
  readonly secret: Uint8Array;
  readonly onReady: () => void;
  readonly onMessage: (message: Message) => void;
  /** Called once, whichever side ended it. */
  readonly onEnd: (reason: Error) => void;
}

export class Channel {
  readonly #socket: Socket;
  readonly #options: ChannelOptions;
  readonly #handshake: Handshake;
  #sealer: Sealer | undefined;
  #opener: Opener | undefined;
  #deadline: NodeJS.Timeout;
  #isEnded = false;

  constructor(socket: Socket, options: ChannelOptions) {
    this.#socket = socket;
    this.#options = options;
    this.#handshake = new Handshake(options.role, options.secret);
    this.#deadline = this.#endAfter(HANDSHAKE_MILLIS, 'no handshake');
    socket.setNoDelay(true);
    socket.setKeepAlive(true, IDLE_MILLIS / 4);
    socket.on('data', (bytes) => this.#receive(bytes));
    socket.on('error', (error) => this.end(away(error.message)));
    socket.on('close', () =>
      this.end(this.#handshake.hasProven && !this.isReady ? refused() : away('it was closed')),
    );
    const { first } = this.#handshake;
    if (first.length > 0) socket.write(first);
  }

  /** Whether the peer has proven itself. */
  get isReady(): boolean {
    return this.#sealer !== undefined && !this.#isEnded;
  }

  /** Does nothing where the channel is not ready. */
  send(message: Message): void {
    if (this.#sealer === undefined || this.#isEnded) return;
    this.#socket.write(this.#sealer.seal(encodeMessage(message)));
    const { role } = this.#options;
    if (role === 'server' && this.#socket.writableLength > MAX_UNREAD_BYTES)
      this.end(away('it reads no answers'));
  }

  /** Ends it, after `last` has been sent; idempotent. */
  end(reason: Error, last?: Message): void {
    if (this.#isEnded) return;
    if (last !== undefined) this.send(last);
    this.#isEnded = true;
    clearTimeout(this.#deadline);
    // What was said last goes out before the connection is closed; nobody waits for a peer that does not take it.
    if (last === undefined) this.#socket.destroy();
    else this.#socket.destroySoon();
    this.#options.onEnd(reason);
  }

  /** Lets out what was said last, and resolves when the connection is closed, or half a second later. */
  async close(): Promise<void> {
    if (!this.#isEnded) {
      this.#isEnded = true;
      clearTimeout(this.#deadline);
    }
    if (this.#socket.destroyed) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#socket.once('close', () => resolve());
    this.#socket.destroySoon();
    const timer = setTimeout(resolve, CLOSE_MILLIS);
    await promise;
    clearTimeout(timer);
    this.#socket.destroy();
  }

  #endAfter(millis: number, what: string): NodeJS.Timeout {
    return setTimeout(() => this.end(away(`${what} within ${millis} ms`)), millis).unref();
  }

  #receive(bytes: Uint8Array): void {
    if (this.#isEnded) return;
    try {
      if (this.#opener === undefined) return this.#greet(bytes);
      this.#deadline.refresh();
      for (const body of this.#opener.push(bytes)) {
        this.#options.onMessage(decodeMessage(body));
        if (this.#isEnded) return;
      }
    } catch (error) {
      this.end(error instanceof Error ? error : malformed(String(error), 'a message'));
    }
  }

  #greet(bytes: Uint8Array): void {
    const { reply, done } = this.#handshake.push(bytes);
    if (reply.length > 0) this.#socket.write(reply);
    if (done === undefined) return;
    clearTimeout(this.#deadline);
    this.#deadline = this.#endAfter(IDLE_MILLIS, 'nothing came');
    this.#sealer = new Sealer(done.keys.send);
    this.#opener = new Opener(done.keys.receive);
    this.#options.onReady();
    if (done.rest.length > 0) this.#receive(done.rest);
  }
}

/** The error for a connection that is not there, or not any more. */
export function away(reason: string): TelemetryError {
  return new TelemetryError('MSC_LINK_AWAY', `the connection ended: ${reason}`);
}

function refused(): TelemetryError {
  return new TelemetryError(
    'MSC_LINK_REFUSED',
    'the server does not accept the secret (it closed the connection instead of proving its own)',
  );
}

/** An error as a part of a status. */
export function describeError(error: Error | undefined): { error?: string; errorCode?: string } {
  if (error === undefined) return {};
  return { error: error.message, ...(error instanceof TelemetryError ? { errorCode: error.code } : {}) };
}
