/**
 * The wait of a main process that exits: in a container everything dies with it, so what is on its way should arrive.
 *
 * In: a tree and a deadline. Out: the moment at which nothing more can be expected.
 * Invariant: it waits only while there is progress, and not for a backend that is known to be away.
 * On failure: the journals keep what did not leave.
 */
import path from 'node:path';
import { readdirSync } from './files.ts';
import {
  isAnswered,
  readServerStatus,
  removeRequest,
  requestFlush,
  type ConfigurationStatus,
} from './requests.ts';

const { setTimeout } = globalThis;

const POLL_MILLIS = 5;
/** So long without a settled request means that the backend does not answer. */
const STALL_MILLIS = 2000;
const sleeper = new Int32Array(new SharedArrayBuffer(4));

/** Blocks the thread: for an `'exit'` listener. `revive` is called all the while: it sees to it that somebody serves the tree. */
export function waitForExport(
  tree: string,
  digests: readonly string[],
  timeoutMillis: number,
  revive: () => void,
): void {
  for (const _ of looks(tree, digests, timeoutMillis)) {
    revive();
    Atomics.wait(sleeper, 0, 0, POLL_MILLIS);
  }
}

/** Keeps the process alive, and lets its event loop turn: for a tree that this thread serves. */
export async function turnUntilExported(
  tree: string,
  digests: readonly string[],
  timeoutMillis: number,
): Promise<void> {
  for (const _ of looks(tree, digests, timeoutMillis)) {
    await new Promise((resolve) => void setTimeout(resolve, POLL_MILLIS));
  }
}

/** Asks for an export of everything, and looks again and again; ends when there is nothing to wait for. */
function* looks(tree: string, digests: readonly string[], timeoutMillis: number): Generator<void> {
  if (!hasJournals(tree)) return;
  const deadline = Date.now() + timeoutMillis;
  const requests = new Map<string, string | undefined>();
  let progress = -1;
  let stallsAtMillis = Infinity;
  while (Date.now() < Math.min(deadline, stallsAtMillis)) {
    const status = readServerStatus(tree);
    const configurations: Readonly<Record<string, ConfigurationStatus | undefined>> =
      status?.configurations ?? {};
    for (const digest of [...digests, ...Object.keys(configurations)]) {
      if (!requests.has(digest)) requests.set(digest, requestFlush(tree, digest, { handOver: true }));
    }
    let settled = 0;
    let isWaiting = status === undefined;
    for (const [digest, request] of requests) {
      const configuration = configurations[digest];
      settled += configuration?.progress ?? 0;
      isWaiting ||= request !== undefined && !isAnswered(request) && configuration?.state !== 'away';
    }
    if (!isWaiting) break;
    if (settled !== progress && status !== undefined) stallsAtMillis = Date.now() + STALL_MILLIS;
    progress = settled;
    yield;
  }
  for (const request of requests.values()) if (request !== undefined) removeRequest(request);
}

function hasJournals(tree: string): boolean {
  try {
    return readdirSync(path.join(tree, 'journals')).length > 0;
  } catch {
    return false;
  }
}
