/** A worker thread of children.test.ts: says which span it has inherited, and whether it has a recording SDK of its own. */
import { parentPort, SHARE_ENV, Worker, workerData } from 'node:worker_threads';
import { inheritedSpan } from '../../src/traces/context.ts';
import { loadTracingSdk } from '../../src/traces/sdk.ts';

if (workerData === 'parent') {
  const child = new Worker(new URL(import.meta.url), { env: SHARE_ENV });
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  child.once('message', (said: unknown) => parentPort?.postMessage(said));
} else {
  const { traceId, spanId } = inheritedSpan(loadTracingSdk()) ?? {};
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  parentPort?.postMessage([traceId, spanId]);
}
