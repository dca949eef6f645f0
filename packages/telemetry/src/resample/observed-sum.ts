/**
 * Observed sums: totals that each writer observes of itself → their sum, with a point for each window in which one of
 * them was observed.
 *
 * Invariant: a point holds what every writer had said last by the end of its window, in whichever order the journals
 * were read; a monotonic one never falls.
 */
import type { Temporality } from '../exporters/exporter.ts';
import type { EmitSum } from './sum.ts';
import { closing, PointTimes, windowEnd, type Close } from './windows.ts';

/** What a writer said last in one window: `null` for no total, but that it is gone. */
interface Word {
  readonly total: number | null;
  readonly isGone: boolean;
}

/** JSON form, for the checkpoint. */
export interface ObservedSumState {
  readonly total: number;
  readonly startMillis: number;
  readonly lastMillis: number;
  readonly open: readonly (readonly [
    window: number,
    words: readonly (readonly [writer: string, word: Word])[],
  ])[];
  readonly byWriter: readonly (readonly [writer: string, total: number])[];
}

/** In the place of all writers that are gone. */
const GONE = '';

export class ObservedSum {
  /** Up to the last closed window. */
  #total: number;
  readonly #times: PointTimes;
  readonly #open = new Map<number, Map<string, Word>>();
  /** What each had said by then. */
  readonly #byWriter: Map<string, number>;
  readonly #retracts: boolean;

  constructor(retracts: boolean, start: { readonly startMillis: number } | ObservedSumState) {
    const { total = 0, open = [], byWriter }: Partial<ObservedSumState> = start;
    this.#retracts = retracts;
    this.#total = total;
    this.#times = new PointTimes(start);
    for (const [window, words] of open) this.#open.set(window, new Map(words));
    this.#byWriter = new Map(byWriter);
  }

  /** `writer`: a journal; where several series of one journal come together here, followed by `:` and what tells them apart. */
  observe(window: number, total: number, writer: string): void {
    this.#words(window, writer).set(writer, { total, isGone: false });
  }

  /** A writer is gone: an up-down counter loses its part; a monotonic one keeps it. */
  retract(window: number, journal: string): void {
    const known = [this.#byWriter, ...this.#open.values()].flatMap((words) => [...words.keys()]);
    const isOf = (writer: string): boolean => writer === journal || writer.startsWith(`${journal}:`);
    for (const writer of new Set(known.filter(isOf))) {
      const words = this.#words(window, writer);
      words.set(writer, { total: words.get(writer)?.total ?? null, isGone: true });
    }
  }

  close(close: Close, temporality: Temporality, emit: EmitSum): void {
    const windows = closing(this.#open, close);
    for (const window of windows) {
      for (const [writer, word] of this.#open.get(window) ?? []) this.#take(writer, word);
      this.#open.delete(window);
      const previous = this.#total;
      const total = [...this.#byWriter.values()].reduce((sum, part) => sum + part, 0);
      this.#total = this.#retracts ? total : Math.max(previous, total);
      const [millis, startMillis] = this.#times.next(windowEnd(window, close), temporality);
      emit(millis, temporality === 'delta' ? this.#total - previous : this.#total, startMillis);
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

  get state(): ObservedSumState {
    const { startMillis, lastMillis } = this.#times.state;
    return {
      total: this.#total,
      startMillis,
      lastMillis,
      open: [...this.#open].map(([window, words]) => [window, [...words]] as const),
      byWriter: [...this.#byWriter],
    };
  }

  /** The words of a window; of a later one where the writer has spoken there already, as clocks may be set back. */
  #words(window: number, writer: string): Map<string, Word> {
    let latest = window;
    for (const [other, words] of this.#open) if (other > latest && words.has(writer)) latest = other;
    let words = this.#open.get(latest);
    if (words === undefined) {
      words = new Map();
      this.#open.set(latest, words);
    }
    return words;
  }

  #take(writer: string, { total, isGone }: Word): void {
    if (total !== null) this.#byWriter.set(writer, total);
    if (!isGone) return;
    const part = this.#byWriter.get(writer) ?? 0;
    this.#byWriter.delete(writer);
    if (!this.#retracts) this.#byWriter.set(GONE, (this.#byWriter.get(GONE) ?? 0) + part);
  }
}
