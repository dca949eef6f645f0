/**
 * Exponential histograms: the raw samples of a gauge in one distribution per series, with a point for each window in which
 * something was recorded. Every sample counts as merged; what is kept of its value is its bucket.
 */
import type { ExponentialHistogramValue } from '../exporters/exporter.ts';
import { ExponentialBuckets, type ExponentialShape, type ExponentialState } from './exponential-buckets.ts';
import { MergedWindows, type MergedState } from './merged-windows.ts';

export type ExponentialHistogramState = MergedState<ExponentialState>;

export class ExponentialHistogram extends MergedWindows<
  ExponentialBuckets,
  ExponentialState,
  ExponentialHistogramValue
> {
  constructor(shape: ExponentialShape, start: { readonly startMillis: number } | ExponentialHistogramState) {
    super(
      {
        empty: () => new ExponentialBuckets(shape),
        merge: (into, change) => into.merge(change),
        valueOf: ({ value }) => value,
        toState: ({ state }) => state,
        fromState: (state) => new ExponentialBuckets(shape, state),
      },
      start,
    );
  }

  /** Adds a finite value. */
  record(window: number, value: number): void {
    this.open(window).add(value);
  }
}
