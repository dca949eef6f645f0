/**
 * Last value: of the samples of a series in one window, the one with the greatest time, whichever process it came from.
 *
 * Invariant: every sample either leaves as a point or is merged, never both; points of a series leave in time order.
 * A sample that comes after a later one has left is merged into that.
 */
import { closing, isBefore, type Close, type Instant } from './windows.ts';

interface Held {
  readonly at: Instant;
  readonly value: number;
  readonly writer: string;
  /** 1 for a call of its own, 0 for a metric that is derived from one. */
  readonly units: number;
}

/** JSON form, for the checkpoint; numbers as text because a sample may be NaN. */
export interface LastValueState {
  readonly left: Instant;
  readonly open: readonly (readonly [
    window: number,
    at: Instant,
    value: string,
    writer: string,
    units: number,
  ])[];
}

export type EmitSample = (at: Instant, value: number, writer: string, units: number) => void;
export type CountMerged = (writer: string, units: number) => void;

export class LastValue {
  #left: Instant = [-1, 0];
  readonly #open = new Map<number, Held>();

  constructor(state?: LastValueState) {
    if (state === undefined) return;
    this.#left = state.left;
    for (const [window, at, value, writer, units] of state.open) {
      this.#open.set(window, { at, value: Number(value), writer, units });
    }
  }

  add(window: number, sample: Held, merged: CountMerged): void {
    if (!isBefore(this.#left, sample.at)) return merged(sample.writer, sample.units);
    const held = this.#open.get(window);
    if (held === undefined) {
      this.#open.set(window, sample);
    } else if (isBefore(sample.at, held.at)) {
      merged(sample.writer, sample.units);
    } else {
      merged(held.writer, held.units);
      this.#open.set(window, sample);
    }
  }

  close(close: Close, emit: EmitSample): void {
    for (const window of closing(this.#open, close)) {
      const { at, value, writer, units } = this.#open.get(window) as Held;
      this.#open.delete(window);
      emit(at, value, writer, units);
      if (isBefore(this.#left, at)) this.#left = at;
    }
  }

  /** Whether a window waits. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get state(): LastValueState {
    const open = [...this.#open].map(
      ([window, { at, value, writer, units }]) => [window, at, numberText(value), writer, units] as const,
    );
    return { left: this.#left, open };
  }
}

function numberText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value);
}
