/**
 * Listener: the server's end of links. It accepts clients, and writes what they send into the tree that it belongs to.
 *
 * In: TCP connections. Out: journals in the tree's directory, which its pipelines read like any others.
 * Invariant: who has not proven itself has no effect but a bounded one on memory: at most 64 connections, the oldest of
 * which make room. One journal is carried by one connection.
 * On failure: a port that is taken is tried again each second, and the status says so; a client's failure is its own.
 */
import { createServer, type Server, type Socket } from 'node:net';
import type { LinkStatus } from '../tree/requests.ts';
import { Channel, describeError } from './channel.ts';
import { Refusal } from './messages.ts';
import { Refused } from './remote-journal.ts';
import { RemoteJournals } from './remote-journals.ts';
import { readSecret } from './secret.ts';
import { Session } from './session.ts';
import { readListening, type ListenSettings } from './settings.ts';

const { clearInterval, setInterval } = globalThis;

const MAX_UNPROVEN = 64;
const MAX_CLIENTS = 1024;
const CHECK_MILLIS = 1000;
const COMPLAINT_MILLIS = 10_000;
const BACKLOG = 128;

export class Listener {
  readonly #tree: string;
  readonly #settings: ListenSettings;
  readonly #log: (message: string) => void;
  readonly #journals: RemoteJournals;
  readonly #server: Server;
  /** In the order of their arrival. */
  readonly #unproven = new Set<Channel>();
  readonly #sessions = new Map<Channel, Session>();
  readonly #timer: NodeJS.Timeout;
  #error: Error | undefined;
  #complainedAtMillis = 0;
  #isClosed = false;

  private constructor(tree: string, settings: ListenSettings, log: (message: string) => void) {
    this.#tree = tree;
    this.#settings = settings;
    this.#log = log;
    this.#journals = new RemoteJournals(tree, settings.leaseMillis, Date.now());
    this.#server = createServer((socket) => this.#accept(socket));
    this.#server.on('error', (error) => this.#fail(error));
    this.#timer = setInterval(() => this.#check(), CHECK_MILLIS).unref();
    this.#listen();
  }

  /** `undefined` where the directory's settings do not ask for one. Throws where they cannot be read. */
  static open(tree: string, log: (message: string) => void): Listener | undefined {
    const settings = readListening(tree);
    return settings === undefined ? undefined : new Listener(tree, settings, log);
  }

  /** Whether a client is there, or may come back to go on with what it has begun. */
  get hasClients(): boolean {
    return !this.#isClosed && (this.#sessions.size > 0 || this.#journals.openCount > 0);
  }

  get status(): LinkStatus {
    const { host, port } = this.#settings;
    const state = this.#server.listening ? ('listening' as const) : ('away' as const);
    return { host, port, state, clients: this.#sessions.size, ...describeError(this.#error) };
  }

  /** Idempotent. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#timer);
    this.#server.close();
    for (const channel of this.#unproven) channel.end(new Error('the server ends'));
    const busy = new Refused(Refusal.BUSY, 'the server ends');
    for (const { channel } of this.#sessions.values()) {
      channel.end(busy, { type: 'error', reason: busy.reason, text: busy.message });
    }
    this.#journals.close();
  }

  #listen(): void {
    const { host, port } = this.#settings;
    this.#server.listen({ host, port, backlog: BACKLOG }, () => (this.#error = undefined)).unref();
  }

  #fail(error: Error): void {
    if (this.#error?.message !== error.message) this.#log(`link: ${error.message}`);
    this.#error = error;
  }

  #check(): void {
    if (!this.#server.listening && !this.#isClosed) this.#listen();
    const nowMillis = Date.now();
    try {
      for (const { carried } of this.#sessions.values()) this.#journals.renew(carried, nowMillis);
      this.#journals.check(nowMillis);
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
  }

  #accept(socket: Socket): void {
    let secret: Uint8Array;
    try {
      secret = readSecret(this.#settings);
    } catch (error) {
      this.#fail(error as Error);
      socket.destroy();
      return;
    }
    if (this.#unproven.size >= MAX_UNPROVEN) {
      const [oldest] = this.#unproven;
      oldest.end(new Error('another one makes more haste'));
    }
    const peer = `${socket.remoteAddress ?? '?'}:${socket.remotePort ?? 0}`;
    const channel: Channel = new Channel(socket, {
      role: 'server',
      secret,
      onReady: () => this.#greet(channel),
      onMessage: (message) => this.#sessions.get(channel)?.handle(message),
      onEnd: (reason) => this.#end(channel, peer, reason),
    });
    this.#unproven.add(channel);
  }

  #greet(channel: Channel): void {
    this.#unproven.delete(channel);
    const session = new Session(channel, {
      tree: this.#tree,
      journals: this.#journals,
      onCarry: (carrier, journal) => this.#carry(carrier, journal),
      log: this.#log,
    });
    this.#sessions.set(channel, session);
    if (this.#sessions.size > MAX_CLIENTS) {
      session.end(new Refused(Refusal.BUSY, `the server has ${MAX_CLIENTS} clients already`));
    }
  }

  /** Who comes back after a connection was cut does not wait until this side has noticed. */
  #carry(session: Session, journal: string): void {
    for (const other of this.#sessions.values()) {
      if (other === session || !other.carried.has(journal)) continue;
      other.end(new Refused(Refusal.REPLACED, 'its journal comes over another connection now'));
    }
  }

  #end(channel: Channel, peer: string, reason: Error): void {
    if (this.#unproven.delete(channel)) {
      const nowMillis = Date.now();
      // Whoever can reach the port could fill the log.
      if (nowMillis - this.#complainedAtMillis < COMPLAINT_MILLIS) return;
      this.#complainedAtMillis = nowMillis;
      this.#log(`link: ${peer} did not prove itself: ${reason.message}`);
      return;
    }
    const session = this.#sessions.get(channel);
    if (session === undefined) return;
    this.#sessions.delete(channel);
    session.close();
    this.#journals.renew(session.carried, Date.now());
  }
}
