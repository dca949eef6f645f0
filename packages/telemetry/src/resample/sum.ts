/**
 * Sums: increments of all writers → one exact total per series, with a point for each window in which it changed.
 *
 * Invariant: a total never misses, repeats or loses an increment, and a monotonic one never falls. What comes late opens
 * its window once more, and leaves at a time behind that of the last point.
 */
import type { Temporality } from '../exporters/exporter.ts';
import { closing, PointTimes, windowEnd, type Close } from './windows.ts';

/** JSON form of a sum, for the checkpoint. */
export interface SumState {
  readonly total: number;
  readonly startMillis: number;
  readonly lastMillis: number;
  readonly open: readonly (readonly [window: number, change: number])[];
  readonly byWriter: readonly (readonly [writer: string, contribution: number])[];
}

export type EmitSum = (millis: number, value: number, startMillis: number) => void;

export class Sum {
  /** Up to the last closed window. */
  #total: number;
  readonly #times: PointTimes;
  readonly #open: Map<number, number>;
  /** What each writer contributed, where its death takes that away: to an up-down counter. */
  readonly #byWriter: Map<string, number>;
  readonly #retracts: boolean;

  constructor(retracts: boolean, start: { readonly startMillis: number } | SumState) {
    const { total = 0, open, byWriter }: Partial<SumState> = start;
    this.#retracts = retracts;
    this.#total = total;
    this.#times = new PointTimes(start);
    this.#open = new Map(open);
    this.#byWriter = new Map(byWriter);
  }

  add(window: number, value: number, writer: string): void {
    if (this.#retracts) this.#byWriter.set(writer, (this.#byWriter.get(writer) ?? 0) + value);
    this.#open.set(window, (this.#open.get(window) ?? 0) + value);
  }

  /** A writer is gone: an up-down counter loses what it contributed; the total of a monotonic one stays. */
  retract(window: number, writer: string): void {
    const contribution = this.#byWriter.get(writer);
    if (contribution === undefined) return;
    this.#byWriter.delete(writer);
    this.#open.set(window, (this.#open.get(window) ?? 0) - contribution);
  }

  close(close: Close, temporality: Temporality, emit: EmitSum): void {
    const windows = closing(this.#open, close);
    for (const window of windows) {
      const change = this.#open.get(window) ?? 0;
      this.#open.delete(window);
      this.#total += change;
      const [millis, startMillis] = this.#times.next(windowEnd(window, close), temporality);
      emit(millis, temporality === 'delta' ? change : this.#total, startMillis);
    }
    if (windows.length === 0 && this.#times.isRepeated(close, temporality)) {
      const [millis, startMillis] = this.#times.next(close.nowMillis, temporality);
      emit(millis, this.#total, startMillis);
    }
  }

  /** Whether a window waits. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get state(): SumState {
    const { startMillis, lastMillis } = this.#times.state;
    return {
      total: this.#total,
      startMillis,
      lastMillis,
      open: [...this.#open],
      byWriter: [...this.#byWriter],
    };
  }
}
