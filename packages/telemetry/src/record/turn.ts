/**
 * The end of the event loop's turn, or a later moment.
 *
 * In: what is to be done then. Out: one call of it. Invariant: neither keeps a process alive that has nothing else to do, for
 * longer than a turn; the end of a turn comes before the loop waits for anything.
 */
import { performance } from 'node:perf_hooks';

/** Captured at load: tests fake timers. */
const { setImmediate, setTimeout } = globalThis;
const { nodeTiming } = performance;
/** Not every runtime that calls itself Node has it. */
const loops = (): number | undefined => nodeTiming?.uvMetricsInfo?.loopCount;

/** How often the loop had gone round when it last came to its end. */
let endedAt: number | undefined;

function watchEnd(): void {
  endedAt = loops();
  // First the next time, whoever was before this time.
  process.removeListener('beforeExit', watchEnd).prependListener('beforeExit', watchEnd);
}
process.prependListener('beforeExit', watchEnd);

/**
 * An immediate without a reference waits, with the loop, for the next event: hours in an idle program. One with a reference
 * adds a turn, and what a program records whenever the loop comes to its end would keep it going round for ever.
 */
export function atEndOfTurn(call: () => void): void {
  const immediate = setImmediate(call);
  if (endedAt === undefined) return;
  if (endedAt === loops()) immediate.unref();
  else endedAt = undefined;
}

export function after(millis: number, call: () => void): void {
  setTimeout(call, millis).unref();
}
