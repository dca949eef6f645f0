/**
 * Time of samples: the monotonic clock of the host, and what the wall clock said at one instant of it.
 *
 * The wall clock is read once, with the microseconds of the process's start, and kept as an offset: two batches of a
 * process then never disagree by the millisecond steps of `Date.now()`. A step of the wall clock (NTP, resume) moves it.
 */
import { performance } from 'node:perf_hooks';

/** `[seconds, nanoseconds]` of the monotonic clock, shared by all processes of a host. 34 ns, most of a record's cost. */
export const monotonic: () => [seconds: number, nanos: number] = process.hrtime;

/** Captured at load: tests fake clocks. */
const wallMillis = Date.now;

/** A wall clock further off than this has been stepped; slewing keeps far below. */
const STEP_MILLIS = 50;

let offsetSeconds = 0;
let offsetNanos = 0;

function setOffset(epochMillis: number, [seconds, nanos]: readonly [number, number]): void {
  const wallSeconds = Math.floor(epochMillis / 1000);
  offsetSeconds = wallSeconds - seconds;
  offsetNanos = Math.round((epochMillis - wallSeconds * 1000) * 1e6) - nanos;
}
setOffset(performance.timeOrigin + performance.now(), monotonic());

function isStepped([seconds, nanos]: readonly [number, number]): boolean {
  const expectedMillis = (seconds + offsetSeconds) * 1000 + (nanos + offsetNanos) / 1e6;
  return Math.abs(wallMillis() - expectedMillis) > STEP_MILLIS;
}

/**
 * The wall time of a monotonic instant: epoch seconds and nanoseconds. Looks for a step of the wall clock first, which is
 * quicker where the instant is now.
 */
export function wallTime(seconds: number, nanos: number): [seconds: number, nanos: number] {
  // Twice: a thread that was suspended between its looks at the two clocks has seen no step.
  if (isStepped([seconds, nanos]) && isStepped(monotonic())) setOffset(wallMillis(), monotonic());
  let wallSeconds = seconds + offsetSeconds;
  let wallNanos = nanos + offsetNanos;
  while (wallNanos >= 1e9) {
    wallNanos -= 1e9;
    wallSeconds += 1;
  }
  while (wallNanos < 0) {
    wallNanos += 1e9;
    wallSeconds -= 1;
  }
  return [wallSeconds, wallNanos];
}
