/**
 * Link: the client's end. It keeps a connection to the server, and hands over what pipelines give it.
 *
 * In: parcels. Out: a parcel is settled when the server has written it to a journal of its own.
 * Invariant: what is not settled is sent again over the next connection, from where the server is; at most 4 MiB are on
 * their way at a time, and what waits is bounded by what pipelines read in one cycle.
 * On failure: tried again, 0.1 s to 10 s later, without an end; the status and one line of the log say why.
 */
import { connect } from 'node:net';
import type { LinkStatus } from '../tree/requests.ts';
import { away, Channel, describeError, IDLE_MILLIS } from './channel.ts';
import { malformed, type Answer, type Message, type Order } from './messages.ts';
import { packDefinitions, type Parcel } from './parcel.ts';
import { readSecret } from './secret.ts';
import type { LinkSettings } from './settings.ts';

const { clearInterval, clearTimeout, setInterval, setTimeout } = globalThis;

const WINDOW_BYTES = 4 * 1024 * 1024;
const FIRST_RETRY_MILLIS = 100;
const MAX_RETRY_MILLIS = 10_000;
const MAX_FORGOTTEN = 10_000;

type State = Extract<Answer, { type: 'state' }>;

/** One journal over one connection. */
interface Progress {
  /** What the server said last. */
  state: State;
  sentDefinitionsBytes: number;
  sentSequence: number;
}

interface Waiting {
  readonly parcel: Parcel;
  readonly settle: (isDone: boolean) => void;
  /** The connection that it was sent over. */
  sentOver?: Channel;
}

export interface LinkOptions {
  readonly settings: LinkSettings;
  readonly log: (message: string) => void;
  /** Called when the state has changed. */
  readonly onChange: () => void;
}

export class Link {
  readonly #options: LinkOptions;
  /** By journal. */
  readonly #waiting = new Map<string, Waiting>();
  readonly #progress = new Map<string, Progress>();
  readonly #forgotten = new Set<string>();
  /** Journals of this tree: the server is to know that their client is there, though they have nothing new. */
  readonly #held = new Set<string>();
  /** Over this connection. */
  readonly #opened = new Set<string>();
  readonly #flushes = new Map<
    number,
    { readonly digest: string; readonly settle: (isDone: boolean) => void }
  >();
  readonly #pings: NodeJS.Timeout;
  #channel: Channel | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Bytes of each order that waits for its answer. */
  #unanswered: number[] = [];
  #unansweredBytes = 0;
  /** Wakes whoever waits for an answer, for room, or for something to do. */
  #wake: () => void = () => undefined;
  #tokens = 0;
  #failures = 0;
  #isClosed = false;
  #sinceMillis = Date.now();
  /** Parcels that were settled. */
  settled = 0;
  error: Error | undefined;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.#pings = setInterval(() => this.#channel?.send({ type: 'ping' }), IDLE_MILLIS / 4).unref();
    this.#timer = setTimeout(() => this.#connect(), 0).unref();
  }

  get isConnected(): boolean {
    return this.#channel?.isReady === true;
  }

  get status(): LinkStatus {
    const { host, port } = this.#options.settings;
    const state = this.isConnected ? ('connected' as const) : ('away' as const);
    return { host, port, state, sinceMillis: this.#sinceMillis, ...describeError(this.error) };
  }

  /** Resolves with `true` when the server has it, with `false` when this link is closed before that. */
  deliver(parcel: Parcel): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#isClosed) return Promise.resolve(false);
    this.#waiting.set(parcel.places.id, { parcel, settle: resolve });
    this.#wake();
    return promise;
  }

  /** There is such a journal. */
  hold(journal: string): void {
    this.#held.add(journal);
  }

  /** The journal is gone, and the server need not remember it any more. */
  forget(journal: string): void {
    this.#held.delete(journal);
    this.#opened.delete(journal);
    this.#progress.delete(journal);
    if (this.isConnected) this.#channel?.send({ type: 'forget', journal });
    else if (this.#forgotten.size < MAX_FORGOTTEN) this.#forgotten.add(journal);
  }

  /** Asks the server to export a configuration; resolves with whether it has, with `false` when this link is closed. */
  flush(digest: string): Promise<boolean> {
    const { promise, resolve } = Promise.withResolvers<boolean>();
    if (this.#isClosed) return Promise.resolve(false);
    const token = ++this.#tokens;
    this.#flushes.set(token, { digest, settle: resolve });
    this.#channel?.send({ type: 'flush', token, digest });
    return promise;
  }

  /** Does not wait for the next attempt. */
  retryNow(): void {
    if (this.#timer === undefined) return;
    clearTimeout(this.#timer);
    this.#connect();
  }

  /** What was said last still goes out. */
  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    clearInterval(this.#pings);
    clearTimeout(this.#timer);
    for (const { settle } of [...this.#waiting.values(), ...this.#flushes.values()]) settle(false);
    this.#waiting.clear();
    this.#flushes.clear();
    await this.#channel?.close();
  }

  #connect(): void {
    this.#timer = undefined;
    if (this.#isClosed) return;
    const { host, port } = this.#options.settings;
    let secret: Uint8Array;
    try {
      secret = readSecret(this.#options.settings);
    } catch (error) {
      return this.#end(error as Error);
    }
    const channel: Channel = new Channel(connect({ host, port }).unref(), {
      role: 'client',
      secret,
      onReady: () => this.#begin(channel),
      onMessage: (message) => this.#receive(channel, message),
      onEnd: (reason) => this.#end(reason),
    });
    this.#channel = channel;
  }

  #begin(channel: Channel): void {
    this.#progress.clear();
    this.#opened.clear();
    this.#unanswered = [];
    this.#unansweredBytes = 0;
    if (this.error !== undefined) this.#options.log(`link: connected to ${this.#name}`);
    this.error = undefined;
    this.#sinceMillis = Date.now();
    this.#options.onChange();
    for (const journal of this.#forgotten) channel.send({ type: 'forget', journal });
    this.#forgotten.clear();
    for (const journal of this.#held) this.#open(channel, journal);
    for (const [token, { digest }] of this.#flushes) channel.send({ type: 'flush', token, digest });
    void this.#send(channel).catch((error: unknown) => {
      channel.end(error instanceof Error ? error : away(String(error)));
    });
  }

  #end(reason: Error): void {
    if (this.#isClosed) return;
    const isNews = this.error?.message !== reason.message;
    if (this.isConnected || this.error === undefined) this.#sinceMillis = Date.now();
    this.#channel = undefined;
    this.error = reason;
    this.#wake();
    // All clients of a server that was away must not come back at the same moment.
    const retryMillis = Math.min(MAX_RETRY_MILLIS, FIRST_RETRY_MILLIS * 2 ** this.#failures++);
    this.#timer = setTimeout(() => this.#connect(), retryMillis * (0.5 + Math.random() / 2)).unref();
    if (!isNews) return;
    this.#options.log(
      `link: ${this.#name}: ${reason.message}; the journal keeps what waits, and it is tried again`,
    );
    this.#options.onChange();
  }

  get #name(): string {
    const { host, port } = this.#options.settings;
    return `${host}:${port}`;
  }

  #receive(channel: Channel, message: Message): void {
    switch (message.type) {
      case 'state':
        return this.#answered(message);
      case 'flushed':
        this.#flushes.get(message.token)?.settle(message.isDone);
        this.#flushes.delete(message.token);
        return undefined;
      case 'pong':
        return undefined;
      case 'error':
        return channel.end(away(`the server says: ${message.text}`));
      default:
        throw malformed(message.type, 'an answer');
    }
  }

  #answered(state: State): void {
    this.#failures = 0;
    this.#unansweredBytes -= this.#unanswered.shift() ?? 0;
    const progress = this.#progress.get(state.journal);
    if (progress === undefined) {
      const { definitionsBytes, sequence } = state;
      this.#progress.set(state.journal, {
        state,
        sentDefinitionsBytes: definitionsBytes,
        sentSequence: sequence,
      });
    } else {
      progress.state = state;
    }
    this.#settle(state);
    this.#wake();
  }

  #settle({ journal, isEnded, sequence }: State): void {
    const waiting = this.#waiting.get(journal);
    if (waiting === undefined) return;
    const { parcel, settle } = waiting;
    const isWritten = parcel.endedAtMillis === undefined && sequence >= parcel.sequence;
    // Behind its end the server takes nothing more.
    if (!isEnded && !isWritten) return;
    this.#waiting.delete(journal);
    this.settled++;
    settle(true);
  }

  /** As long as the connection lasts: one parcel after the other. */
  async #send(channel: Channel): Promise<void> {
    while (channel.isReady) {
      const next = this.#waiting.values().find(({ sentOver }) => sentOver !== channel);
      if (next === undefined) {
        await this.#woken();
      } else {
        next.sentOver = channel;
        await this.#sendParcel(channel, next.parcel);
      }
    }
  }

  async #sendParcel(channel: Channel, parcel: Parcel): Promise<void> {
    const { places, pieces, endedAtMillis } = parcel;
    const journal = places.id;
    this.#open(channel, journal);
    while (!this.#progress.has(journal) && channel.isReady) await this.#woken();
    const progress = this.#progress.get(journal);
    if (progress === undefined || !channel.isReady) return;
    if (progress.state.isEnded) return this.#settle(progress.state);
    for (const { bytes } of packDefinitions(places, progress.sentDefinitionsBytes)) {
      const offset = progress.sentDefinitionsBytes;
      progress.sentDefinitionsBytes += bytes.length;
      await this.#order(channel, { type: 'define', journal, offset, bytes }, bytes.length);
    }
    for (const { bytes, sequence } of pieces) {
      if (sequence <= progress.sentSequence) continue;
      progress.sentSequence = sequence;
      await this.#order(channel, { type: 'frames', journal, bytes }, bytes.length);
    }
    if (endedAtMillis !== undefined) await this.#order(channel, { type: 'final', journal, endedAtMillis }, 0);
    // The server may have had all of it before.
    this.#settle(progress.state);
  }

  /** Waits until there is room on the way. */
  async #order(channel: Channel, order: Order, bytes: number): Promise<void> {
    while (channel.isReady && this.#unansweredBytes > 0 && this.#unansweredBytes + bytes > WINDOW_BYTES) {
      await this.#woken();
    }
    if (channel.isReady) this.#sendOrder(channel, order, bytes);
  }

  /** Once for each connection. */
  #open(channel: Channel, journal: string): void {
    if (!channel.isReady || this.#opened.has(journal)) return;
    this.#opened.add(journal);
    this.#sendOrder(channel, { type: 'open', journal }, 0);
  }

  #sendOrder(channel: Channel, order: Order, bytes: number): void {
    this.#unanswered.push(bytes);
    this.#unansweredBytes += bytes;
    channel.send(order);
  }

  /** The next answer, parcel, or end of the connection. */
  #woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve));
  }
}
