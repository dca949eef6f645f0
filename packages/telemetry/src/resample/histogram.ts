/**
 * Histograms with explicit buckets: rows of all writers → one exact distribution per series, with a point for each
 * window in which it changed. The same rules as for sums.
 */
import type { HistogramValue, Temporality } from '../exporters/exporter.ts';
import { closing, PointTimes, windowEnd, type Close } from './windows.ts';

/** Count, sum, minimum, maximum and buckets, mergeable. */
export interface Buckets {
  count: number;
  sum: number;
  min: number;
  max: number;
  counts: Float64Array;
}

/** JSON form; an empty distribution has `null` for its extremes, which JSON cannot spell. */
type BucketsState = readonly [
  count: number,
  sum: number,
  min: number | null,
  max: number | null,
  counts: readonly number[],
];

export interface HistogramState {
  readonly total: BucketsState;
  readonly startMillis: number;
  readonly lastMillis: number;
  readonly open: readonly (readonly [window: number, change: BucketsState])[];
}

export type EmitHistogram = (millis: number, value: HistogramValue, startMillis: number) => void;

export class Histogram {
  readonly #boundaries: readonly number[];
  readonly #total: Buckets;
  readonly #times: PointTimes;
  readonly #open = new Map<number, Buckets>();

  constructor(boundaries: readonly number[], start: { readonly startMillis: number } | HistogramState) {
    const { total, open = [] }: Partial<HistogramState> = start;
    this.#boundaries = boundaries;
    this.#total = total === undefined ? empty(boundaries.length + 1) : fromState(total);
    this.#times = new PointTimes(start);
    for (const [window, change] of open) this.#open.set(window, fromState(change));
  }

  add(window: number, row: Readonly<Buckets>): void {
    let open = this.#open.get(window);
    if (open === undefined) {
      open = empty(this.#boundaries.length + 1);
      this.#open.set(window, open);
    }
    merge(open, row);
  }

  close(close: Close, temporality: Temporality, emit: EmitHistogram): void {
    const windows = closing(this.#open, close);
    for (const window of windows) {
      const change = this.#open.get(window) as Buckets;
      this.#open.delete(window);
      merge(this.#total, change);
      this.#emit(windowEnd(window, close), temporality === 'delta' ? change : this.#total, temporality, emit);
    }
    if (windows.length === 0 && this.#times.isRepeated(close, temporality)) {
      this.#emit(close.nowMillis, this.#total, temporality, emit);
    }
  }

  /** Whether a window waits. */
  get isOpen(): boolean {
    return this.#open.size > 0;
  }

  get state(): HistogramState {
    const { startMillis, lastMillis } = this.#times.state;
    return {
      total: toState(this.#total),
      startMillis,
      lastMillis,
      open: [...this.#open].map(([window, change]) => [window, toState(change)] as const),
    };
  }

  #emit(atMillis: number, value: Buckets, temporality: Temporality, emit: EmitHistogram): void {
    const [millis, startMillis] = this.#times.next(atMillis, temporality);
    const { count, sum, min, max, counts } = value;
    emit(millis, { count, sum, min, max, boundaries: this.#boundaries, counts: counts.slice() }, startMillis);
  }
}

function empty(buckets: number): Buckets {
  return { count: 0, sum: 0, min: Infinity, max: -Infinity, counts: new Float64Array(buckets) };
}

function merge(into: Buckets, row: Readonly<Buckets>): void {
  into.count += row.count;
  into.sum += row.sum;
  into.min = Math.min(into.min, row.min);
  into.max = Math.max(into.max, row.max);
  for (let bucket = 0; bucket < into.counts.length; bucket++) into.counts[bucket] += row.counts[bucket] ?? 0;
}

function toState({ count, sum, min, max, counts }: Buckets): BucketsState {
  return [count, sum, count === 0 ? null : min, count === 0 ? null : max, [...counts]];
}

function fromState([count, sum, min, max, counts]: BucketsState): Buckets {
  return { count, sum, min: min ?? Infinity, max: max ?? -Infinity, counts: Float64Array.from(counts) };
}
