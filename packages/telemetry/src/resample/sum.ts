/**
 * Sums: increments and observed totals of all writers → one exact total per series, with a point for each window in
 * which it changed.
 *
 * Invariant: a total never misses, repeats or loses an increment, and a monotonic one never falls. What comes late
 * enters the oldest window that is still open.
 */
import type { Temporality } from '../exporters/exporter.ts';
import { after, closes, windowEnd, type Close } from './windows.ts';

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
  #total = 0;
  #startMillis: number;
  #lastMillis = 0;
  /** Increments of windows that are open; for observed sums the total at the window's end. */
  readonly #open = new Map<number, number>();
  /** What each writer contributed: kept for observed totals, and for up-down counters, whose dead writers are retracted. */
  readonly #byWriter = new Map<string, number>();
  readonly #observed: boolean;
  readonly #retracts: boolean;

  constructor(kind: { observed: boolean; retracts: boolean }, startMillis: number, state?: SumState) {
    this.#observed = kind.observed;
    this.#retracts = kind.retracts;
    this.#startMillis = startMillis;
    if (state === undefined) return;
    this.#total = state.total;
    this.#startMillis = state.startMillis;
    this.#lastMillis = state.lastMillis;
    for (const [window, change] of state.open) this.#open.set(window, change);
    for (const [writer, contribution] of state.byWriter) this.#byWriter.set(writer, contribution);
  }

  add(window: number, value: number, writer: string): void {
    if (this.#retracts) this.#byWriter.set(writer, (this.#byWriter.get(writer) ?? 0) + value);
    this.#open.set(window, (this.#open.get(window) ?? 0) + value);
  }

  /** A writer observed its total; those of the writers are added up. */
  observe(window: number, value: number, writer: string): void {
    this.#byWriter.set(writer, value);
    let total = 0;
    for (const contribution of this.#byWriter.values()) total += contribution;
    this.#open.set(window, total);
  }

  /** A writer is gone: an up-down counter loses what it contributed; the total of a monotonic one stays. */
  retract(window: number, writer: string): void {
    const contribution = this.#byWriter.get(writer);
    if (!this.#retracts || contribution === undefined) return;
    this.#byWriter.delete(writer);
    if (this.#observed) {
      let total = 0;
      for (const other of this.#byWriter.values()) total += other;
      this.#open.set(window, total);
    } else {
      this.#open.set(window, (this.#open.get(window) ?? 0) - contribution);
    }
  }

  close(close: Close, temporality: Temporality, emit: EmitSum): void {
    const windows = [...this.#open.keys()].filter((window) => closes(window, close));
    for (const window of windows.toSorted((a, b) => a - b)) {
      const change = this.#open.get(window) as number;
      this.#open.delete(window);
      const previous = this.#total;
      this.#total = this.#observed ? change : previous + change;
      this.#emit(windowEnd(window, close), this.#total - previous, temporality, emit);
    }
    const unchanged = windows.length === 0 && temporality === 'cumulative' && this.#lastMillis > 0;
    if (close.tick && unchanged && close.nowMillis > this.#lastMillis) {
      this.#emit(close.nowMillis, 0, temporality, emit);
    }
  }

  get state(): SumState {
    return {
      total: this.#total,
      startMillis: this.#startMillis,
      lastMillis: this.#lastMillis,
      open: [...this.#open],
      byWriter: [...this.#byWriter],
    };
  }

  #emit(atMillis: number, change: number, temporality: Temporality, emit: EmitSum): void {
    const millis = after(Math.max(this.#lastMillis, this.#startMillis), atMillis);
    const isDelta = temporality === 'delta';
    const startMillis = isDelta && this.#lastMillis > 0 ? this.#lastMillis : this.#startMillis;
    emit(millis, isDelta ? change : this.#total, startMillis);
    this.#lastMillis = millis;
  }
}
