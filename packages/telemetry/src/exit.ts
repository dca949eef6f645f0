/**
 * The ways out of a process, and what is written on each of them.
 *
 *   process.exit(), end of work, uncaught exception   'exit' listener: flush, rescue threads, wait for the last export
 *   SIGTERM, SIGINT, SIGHUP without a listener         flush, then the signal takes its course
 *   worker.terminate()                                 nothing runs in the thread: main drains its slot
 *   SIGKILL, abort()                                   nothing runs: the journal has all but the current turn
 */
import { isMainThread } from 'node:worker_threads';
import { unregisterProcess } from './tree/registry.ts';
import { Slots } from './record/slots.ts';
import type { Telemetry } from './telemetry.ts';

const SIGNALS = ['SIGTERM', 'SIGINT', 'SIGHUP'] as const;

const telemetries = new Set<Telemetry>();
let slots: Slots | undefined;
let isWatching = false;

/** Sees to it that a telemetry's records survive this thread. */
export function survive(telemetry: Telemetry): void {
  telemetries.add(telemetry);
  if (isWatching) return;
  isWatching = true;
  slots = new Slots();
  if (isMainThread) for (const signal of SIGNALS) watchSignal(signal);
  process.once('exit', () => {
    leave();
  });
}

function leave(): void {
  for (const telemetry of telemetries) telemetry.leaveSync();
  slots?.close();
  for (const telemetry of telemetries) telemetry.waitSync();
  if (isMainThread) unregisterProcess();
}

/**
 * A signal that nobody listens to kills before anything can be written. Ours is written first, and then the signal is
 * raised again, so that the program ends as it would have; where the program listens too, the end is its own business.
 */
function watchSignal(signal: NodeJS.Signals): void {
  const listener = (): void => {
    for (const telemetry of telemetries) telemetry.flushSync();
    if (process.listenerCount(signal) > 1) return;
    leave();
    process.removeListener(signal, listener);
    process.kill(process.pid, signal);
  };
  // First, so that listeners which the program adds with `once` are still there to be counted.
  process.prependListener(signal, listener);
}
