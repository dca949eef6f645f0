/**
 * A value that expires, such as a token or a certificate, renewed before it does.
 *
 * In: how to fetch it. Out: the value that is valid now. Invariant: one fetch at a time; nobody waits for one while a valid
 * value is there. On failure: the valid value stays in use, and the fetch is tried again; without one, whoever asks gets
 * the error.
 */
// Taken at load: programs replace the global timers in their tests.
import { clearTimeout, setTimeout } from 'node:timers';

export interface Lease<T> {
  readonly value: T;
  readonly expiresAtMillis: number;
  /** When to fetch the next one, in the background. */
  readonly renewAtMillis: number;
}

export interface RenewableOptions {
  /** Milliseconds from one fetch in the background to the next at least, also where it is asked for. Default 60,000. */
  readonly minIntervalMillis?: number;
}

const MAX_TIMER_MILLIS = 2 ** 31 - 1;

export class Renewable<T> {
  readonly #fetch: (former: T | undefined) => Promise<Lease<T>>;
  readonly #minIntervalMillis: number;
  #lease: Lease<T> | undefined;
  #fetching: Promise<Lease<T>> | undefined;
  #fetchedAtMillis = -Infinity;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  /** @param fetch gets the value that is in use, where there is one. */
  constructor(
    fetch: (former: T | undefined) => Promise<Lease<T>>,
    { minIntervalMillis = 60_000 }: RenewableOptions = {},
  ) {
    this.#fetch = fetch;
    this.#minIntervalMillis = minIntervalMillis;
  }

  /**
   * The value that is valid now.
   *
   * @throws whatever the fetch throws, where there is none.
   */
  async current(): Promise<T> {
    const lease = this.#lease;
    const now = Date.now();
    if (lease === undefined || now >= lease.expiresAtMillis) return (await this.#fetchOnce()).value;
    // The timer is late where the machine was suspended.
    if (now >= lease.renewAtMillis) this.renew();
    return lease.value;
  }

  /** Fetches the next value in the background, unless that was done a moment ago. */
  renew(): void {
    if (this.#isClosed || Date.now() < this.#fetchedAtMillis + this.#minIntervalMillis) return;
    this.#fetchOnce().catch(() => undefined);
  }

  close(): void {
    this.#isClosed = true;
    clearTimeout(this.#timer);
  }

  #fetchOnce(): Promise<Lease<T>> {
    this.#fetching ??= this.#fetchNow().finally(() => (this.#fetching = undefined));
    return this.#fetching;
  }

  async #fetchNow(): Promise<Lease<T>> {
    try {
      this.#lease = await this.#fetch(this.#lease?.value);
      return this.#lease;
    } finally {
      this.#fetchedAtMillis = Date.now();
      this.#schedule();
    }
  }

  #schedule(): void {
    clearTimeout(this.#timer);
    // Without a valid value, whoever needs one fetches it.
    if (this.#isClosed || this.#lease === undefined || Date.now() >= this.#lease.expiresAtMillis) return;
    const millis = Math.max(this.#lease.renewAtMillis - Date.now(), this.#minIntervalMillis);
    this.#timer = setTimeout(() => this.renew(), Math.min(millis + 1, MAX_TIMER_MILLIS));
    this.#timer.unref();
  }
}
