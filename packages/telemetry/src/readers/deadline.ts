import { TelemetryError } from '../errors.ts';

// Captured when the module loads: a program's tests may replace the global timers later.
const { setInterval, clearInterval, setTimeout, clearTimeout } = globalThis;

/** The longest delay a timer of Node.js can have; it takes anything above for 1 ms. */
const MAX_DELAY_MILLIS = 2 ** 31 - 1;

/** Calls `tick` again and again until the returned function is called; never keeps the process alive. */
export function every(millis: number, tick: () => void): () => void {
  const timer = setInterval(tick, Math.min(millis, MAX_DELAY_MILLIS)).unref();
  return () => clearInterval(timer);
}

/** One end time for several steps: the step that is running when it comes is given up. */
export class Deadline {
  readonly #expired: Promise<never>;
  readonly #timer: NodeJS.Timeout;
  #error: TelemetryError | undefined;

  /** `what` names in the error whatever was not done in time. */
  constructor(millis: number, what: string) {
    const { promise, reject } = Promise.withResolvers<never>();
    // It may pass while no step is waiting.
    promise.catch(() => undefined);
    this.#expired = promise;
    const expire = (): void => {
      this.#error = new TelemetryError('MSC_FLUSH_TIMEOUT', `${what}: not done within ${millis} ms`);
      reject(this.#error);
    };
    this.#timer = setTimeout(expire, Math.min(millis, MAX_DELAY_MILLIS)).unref();
  }

  /** Starts a step, unless it is too late; rejects with `MSC_FLUSH_TIMEOUT` when the time comes before its end. */
  async run<T>(step: () => Promise<T>): Promise<T> {
    if (this.#error !== undefined) throw this.#error;
    return Promise.race([this.#expired, step()]);
  }

  /** Must be called when the last step has ended. */
  clear(): void {
    clearTimeout(this.#timer);
  }
}
