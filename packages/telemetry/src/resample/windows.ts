/**
 * Windows of the collect interval, on the wall clock: the same for every process and after every restart.
 */

/** Epoch time, split because epoch nanoseconds do not fit a double. */
export type Instant = readonly [seconds: number, nanos: number];

export function toMillis([seconds, nanos]: Instant): number {
  return seconds * 1000 + nanos / 1e6;
}

export function fromMillis(millis: number): Instant {
  const seconds = Math.floor(millis / 1000);
  return [seconds, Math.min(999_999_999, Math.round((millis - seconds * 1000) * 1e6))];
}

export function isBefore(a: Instant, b: Instant): boolean {
  return a[0] < b[0] || (a[0] === b[0] && a[1] < b[1]);
}

/** What a cycle closes: windows that end by `untilMillis`; nothing leaves with a later time than `nowMillis`. */
export interface Close {
  readonly intervalMillis: number;
  /** `Infinity` at a flush: every open window closes. */
  readonly untilMillis: number;
  readonly nowMillis: number;
  /** At an export tick, unchanged cumulative series are sent as well. */
  readonly tick: boolean;
}

/** A closed window's end, as the time of its point. */
export function windowEnd(window: number, { intervalMillis, nowMillis }: Close): number {
  return Math.min((window + 1) * intervalMillis, nowMillis);
}

export function closes(window: number, close: Close): boolean {
  return (window + 1) * close.intervalMillis <= close.untilMillis;
}

/** The smallest distance of two points of one series: repeated flushes may fall into one window. */
const STEP_MILLIS = 0.001;

/** A time for the next point that is after the last one. */
export function after(lastMillis: number, millis: number): number {
  return millis > lastMillis ? millis : lastMillis + STEP_MILLIS;
}
