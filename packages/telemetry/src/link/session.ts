/**
 * Session: what a server does for one client that has proven itself.
 *
 * In: the client's orders. Out: journals of this tree; an answer to each order, after what it asks for is on disk.
 * Invariant: orders are carried out one after the other, each wholly, before the next is looked at.
 * On failure: the connection ends, with its reason; the client comes back and goes on from what is on disk.
 */
import { isAnswered, removeRequest, requestFlush } from '../tree/requests.ts';
import type { Channel } from './channel.ts';
import { Refusal, type Message } from './messages.ts';
import { Refused } from './remote-journal.ts';
import type { RemoteJournals } from './remote-journals.ts';

const { clearInterval, setInterval } = globalThis;

const POLL_MILLIS = 20;
/** Flushes of one client that wait at a time. */
const MAX_FLUSHES = 64;

export interface SessionOptions {
  readonly tree: string;
  readonly journals: RemoteJournals;
  /** Called when this client takes a journal up: no other connection may carry it from now on. */
  readonly onCarry: (session: Session, journal: string) => void;
  readonly log: (message: string) => void;
}

export class Session {
  readonly channel: Channel;
  readonly #options: SessionOptions;
  /** Ids that this client has asked for. */
  readonly carried: Set<string> = new Set();
  readonly #flushes = new Map<string, number>();
  #timer: NodeJS.Timeout | undefined;

  constructor(channel: Channel, options: SessionOptions) {
    this.channel = channel;
    this.#options = options;
  }

  /** Never throws. */
  handle(message: Message): void {
    try {
      this.#carryOut(message);
    } catch (error) {
      this.end(error instanceof Refused ? error : new Refused(Refusal.ROOM, String(error)));
    }
  }

  end(refused: Refused): void {
    if (refused.reason !== Refusal.REPLACED)
      this.#options.log(`link: a client is sent away: ${refused.message}`);
    this.channel.end(refused, { type: 'error', reason: refused.reason, text: refused.message });
  }

  /** When the channel has ended. */
  close(): void {
    clearInterval(this.#timer);
    for (const request of this.#flushes.keys()) removeRequest(request);
    this.#flushes.clear();
  }

  #carryOut(message: Message): void {
    switch (message.type) {
      case 'ping':
        return this.channel.send({ type: 'pong' });
      case 'flush':
        return this.#flush(message.token, message.digest);
      case 'open':
      case 'define':
      case 'frames':
      case 'final':
      case 'forget': {
        const { journals, onCarry } = this.#options;
        const { type, journal } = message;
        if (type === 'open') {
          this.carried.add(journal);
          onCarry(this, journal);
        } else if (type !== 'forget' && !this.carried.has(journal)) {
          throw new Refused(Refusal.PROTOCOL, `${type} of a journal that was not opened`);
        }
        const state = journals.carryOut(message, Date.now());
        if (state !== undefined) this.channel.send(state);
        else this.carried.delete(journal);
        return undefined;
      }
      default:
        throw new Refused(Refusal.PROTOCOL, `${message.type} from a client`);
    }
  }

  /** A request like that of any member of the tree. */
  #flush(token: number, digest: string): void {
    const request = this.#flushes.size < MAX_FLUSHES ? requestFlush(this.#options.tree, digest) : undefined;
    if (request === undefined) return this.channel.send({ type: 'flushed', token, isDone: false });
    this.#flushes.set(request, token);
    this.#timer ??= setInterval(() => this.#answerFlushes(), POLL_MILLIS).unref();
  }

  #answerFlushes(): void {
    for (const [request, token] of this.#flushes) {
      if (!isAnswered(request)) continue;
      this.#flushes.delete(request);
      this.channel.send({ type: 'flushed', token, isDone: true });
    }
    if (this.#flushes.size > 0) return;
    clearInterval(this.#timer);
    this.#timer = undefined;
  }
}
