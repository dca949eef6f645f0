/**
 * Outbox: requests leave one after the other, and while one is on its way the next is built, encoded and compressed.
 *
 * In: requests of a plan, in order. Out: each delivered when the one before is settled.
 * Invariant: points of a series never overtake each other; no more than one request is on its way, and one waits behind it.
 * Each request has begun to leave before the next is built: that is work of milliseconds, in which a socket is not written.
 * On failure: whoever adds next, or waits for the end, meets what a delivery met.
 */
import type { Delivery } from './delivery.ts';
import type { Request } from './signal.ts';

/** Captured at load: tests fake timers. */
const { setImmediate } = globalThis;

/** Lets sockets and timers have their turn. */
export function turn(): Promise<void> {
  return new Promise((resolve) => void setImmediate(resolve));
}

export class Outbox<Batch> {
  readonly #delivery: Delivery<Batch>;
  readonly #onSettled: () => void;
  #requests = 0;
  #last: Promise<void> = Promise.resolve();

  constructor(delivery: Delivery<Batch>, onSettled: () => void) {
    this.#delivery = delivery;
    this.#onSettled = onSettled;
  }

  /** Resolves when the request before is settled and this one is on its way. Rejects as `Delivery.deliver` does. */
  async add(request: Request<Batch>): Promise<void> {
    const name = String(++this.#requests);
    this.#delivery.prepare(request, name);
    await this.#last;
    this.#last = this.#delivery.deliver(request, name).then(() => {
      request.release?.();
      this.#onSettled();
    });
    // Who waits for it sees it.
    this.#last.catch(() => undefined);
    await turn();
  }

  /** Resolves when all are settled. */
  end(): Promise<void> {
    return this.#last;
  }
}
