import type { Close } from '../../src/resample/windows.ts';

/** Windows of 100 ms. */
const INTERVAL_MILLIS = 100;
export const START = 100;

export interface Emitted {
  readonly millis: number;
  readonly value: number;
  readonly startMillis: number;
}

/** Closes what has ended at `nowMillis`. */
export function closeAt(nowMillis: number): Close {
  return { intervalMillis: INTERVAL_MILLIS, untilMillis: nowMillis, nowMillis, tick: false };
}

/** Closes everything. */
export function flushAt(nowMillis: number): Close {
  return { ...closeAt(nowMillis), untilMillis: Infinity };
}
