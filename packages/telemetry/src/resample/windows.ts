/**
 * Windows of the collect interval, on the wall clock: the same for every process and after every restart.
 */

import type { Temporality } from '../exporters/exporter.ts';

/** Epoch time, split because epoch nanoseconds do not fit a double. */
export type Instant = readonly [seconds: number, nanos: number];

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

/** The windows that close, in time order. */
export function closing(open: ReadonlyMap<number, unknown>, close: Close): number[] {
  const windows = [...open.keys()].filter(
    (window) => (window + 1) * close.intervalMillis <= close.untilMillis,
  );
  return windows.toSorted((a, b) => a - b);
}

/** The smallest distance of two points of one series: repeated flushes may fall into one window. */
const STEP_MILLIS = 0.001;

/** Times of the points of one total: each is later than the one before, and deltas leave no gap between them. */
export class PointTimes {
  readonly #startMillis: number;
  #lastMillis: number;

  constructor({ startMillis, lastMillis = 0 }: { startMillis: number; lastMillis?: number }) {
    this.#startMillis = startMillis;
    this.#lastMillis = lastMillis;
  }

  /** The next point's time, at `atMillis` if that is later than the last one, and the time that it counts from. */
  next(atMillis: number, temporality: Temporality): readonly [millis: number, startMillis: number] {
    const last = Math.max(this.#lastMillis, this.#startMillis);
    const from = temporality === 'delta' ? last : this.#startMillis;
    this.#lastMillis = atMillis > last ? atMillis : last + STEP_MILLIS;
    return [this.#lastMillis, from];
  }

  /** Whether a total that has not changed is sent again. */
  isRepeated({ tick, nowMillis }: Close, temporality: Temporality): boolean {
    return tick && temporality === 'cumulative' && this.#lastMillis > 0 && nowMillis > this.#lastMillis;
  }

  get state(): { readonly startMillis: number; readonly lastMillis: number } {
    return { startMillis: this.#startMillis, lastMillis: this.#lastMillis };
  }
}
