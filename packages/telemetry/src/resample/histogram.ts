/**
 * Histograms with explicit buckets: rows of all writers → one exact distribution per series.
 */
import type { HistogramValue } from '../exporters/exporter.ts';
import { bucketOf } from '../record/bucket-of.ts';
import { MergedWindows, type MergedState, type Shape } from './merged-windows.ts';

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

export type HistogramState = MergedState<BucketsState>;

export class Histogram extends MergedWindows<Buckets, BucketsState, HistogramValue> {
  readonly #boundaries: readonly number[];

  constructor(boundaries: readonly number[], start: { readonly startMillis: number } | HistogramState) {
    super(explicit(boundaries), start);
    this.#boundaries = boundaries;
  }

  /** Adds a finite value. */
  record(window: number, value: number): void {
    const counts = new Float64Array(this.#boundaries.length + 1);
    counts[bucketOf(this.#boundaries, value)] = 1;
    this.add(window, { count: 1, sum: value, min: value, max: value, counts });
  }

  add(window: number, row: Readonly<Buckets>): void {
    merge(this.open(window), row);
  }
}

function explicit(boundaries: readonly number[]): Shape<Buckets, BucketsState, HistogramValue> {
  return {
    empty: () => ({
      count: 0,
      sum: 0,
      min: Infinity,
      max: -Infinity,
      counts: new Float64Array(boundaries.length + 1),
    }),
    merge,
    valueOf: ({ count, sum, min, max, counts }) => ({
      count,
      sum,
      min,
      max,
      boundaries,
      counts: counts.slice(),
    }),
    toState: ({ count, sum, min, max, counts }) => [
      count,
      sum,
      count === 0 ? null : min,
      count === 0 ? null : max,
      [...counts],
    ],
    fromState: ([count, sum, min, max, counts]) => ({
      count,
      sum,
      min: min ?? Infinity,
      max: max ?? -Infinity,
      counts: Float64Array.from(counts),
    }),
  };
}

function merge(into: Buckets, row: Readonly<Buckets>): void {
  into.count += row.count;
  into.sum += row.sum;
  // JSON has no -0, and a restart must not change a byte.
  into.min = Math.min(into.min, row.min) + 0;
  into.max = Math.max(into.max, row.max) + 0;
  for (let bucket = 0; bucket < into.counts.length; bucket++) into.counts[bucket] += row.counts[bucket] ?? 0;
}
