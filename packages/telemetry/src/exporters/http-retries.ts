import type { RequestOptions } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { withDeadline } from './deadline.ts';
import { exchange, type HttpAnswer } from './http-exchange.ts';

/** How often, and how soon, a request for credentials is repeated. */
export interface RetryPolicy {
  readonly retries: number;
  /** Before the first repetition; it doubles each time. */
  readonly backoffMillis: number;
  /** Of each try. */
  readonly timeoutMillis: number;
}

const TEMPORARY = new Set([429, 500, 502, 503, 504]);
const MAX_DELAY_MILLIS = 60_000;

/**
 * One HTTP request, repeated on connection errors and on the statuses 429, 500, 502, 503 and 504, not before the time that
 * a `Retry-After` in seconds asks for, a minute at most.
 *
 * @throws Error where the last try ended that way, too.
 */
export async function exchangeWithRetries(
  url: string,
  options: RequestOptions,
  body: string,
  { retries, backoffMillis, timeoutMillis }: RetryPolicy,
): Promise<HttpAnswer> {
  for (let tried = 0; ; tried++) {
    let delayMillis = backoffMillis * 2 ** tried;
    try {
      const answer = await withDeadline(timeoutMillis, (signal) => exchange(url, options, body, signal));
      if (!TEMPORARY.has(answer.status)) return answer;
      if (tried === retries) throw new TemporaryStatusError(answer.status);
      delayMillis = Math.max(delayMillis, Number(answer.headers['retry-after'] ?? 0) * 1000 || 0);
    } catch (error) {
      if (tried === retries) throw error;
    }
    await sleep(Math.min(delayMillis, MAX_DELAY_MILLIS), undefined, { ref: false });
  }
}

class TemporaryStatusError extends Error {
  constructor(status: number) {
    super(`HTTP status ${status}`);
    this.name = 'TemporaryStatusError';
  }
}
