/**
 * Flush: asks the tree's server to export configurations now, and waits until it has.
 *
 * On failure: after the deadline the request is taken back, and the error says why, as far as the server has told.
 */
import { TelemetryError } from './errors.ts';
import { isAnswered, readServerStatus, removeRequest, requestFlush } from './tree/requests.ts';

/** Captured at load: tests fake timers. */
const { setTimeout } = globalThis;

const ANSWER_POLL_MILLIS = 5;

/**
 * Resolves when everything that is in the journals of these configurations is exported.
 * @throws TelemetryError `MSC_FLUSH_TIMEOUT`.
 */
export async function flushConfigurations(
  directory: string,
  digests: Iterable<string>,
  timeoutMillis: number,
): Promise<void> {
  const deadlineMillis = Date.now() + timeoutMillis;
  // All are asked before any is waited for.
  const requests = Array.from(digests, (digest) => [digest, requestFlush(directory, digest)] as const);
  for (const [digest, request] of requests) {
    if (request === undefined || (await isAnsweredBy(deadlineMillis, request))) continue;
    removeRequest(request);
    throw timedOut(directory, digest, timeoutMillis);
  }
}

async function isAnsweredBy(deadlineMillis: number, request: string): Promise<boolean> {
  while (!isAnswered(request)) {
    if (Date.now() >= deadlineMillis) return false;
    await new Promise((resolve) => void setTimeout(resolve, ANSWER_POLL_MILLIS));
  }
  return true;
}

function timedOut(directory: string, digest: string, value: number): TelemetryError {
  const status = readServerStatus(directory)?.configurations[digest];
  const state = status === undefined ? 'the server has not answered' : `state ${status.state}`;
  return new TelemetryError(
    'MSC_FLUSH_TIMEOUT',
    `not exported within ${value} ms (${status?.error ?? state}); it stays in the journal`,
    [{ path: 'timeoutMillis', value, expected: 'enough time for the backend to answer' }],
  );
}
