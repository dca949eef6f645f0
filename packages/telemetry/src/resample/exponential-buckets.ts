/**
 * Exponential buckets: one distribution by OpenTelemetry's base-2 exponential histogram (data model, "ExponentialHistogram").
 * With base = 2^(2^-scale), bucket i of the positive range counts the values in (base^i, base^(i+1)]; the negative range does
 * so for their magnitudes; zeros have a bucket of their own.
 *
 * In: finite values. Out: buckets, at most `maxBuckets` in each range.
 * Invariant: the scale is the greatest, up to `maxScale`, at which all values fit, in whatever order they came or were merged.
 * On failure: a sum beyond what a double can hold stays at the greatest double.
 */
import type { ExponentialHistogramValue } from '../exporters/exporter.ts';
import { bucketIndex } from './bucket-index.ts';

export interface ExponentialShape {
  /** Of each range, at least 2. */
  readonly maxBuckets: number;
  /** From -10 to 20. */
  readonly maxScale: number;
}

/** Buckets that follow each other; the first and the last are not empty. */
interface Range {
  readonly offset: number;
  readonly counts: Float64Array;
}

type RangeState = readonly [offset: number, counts: readonly number[]];

/** JSON form; an empty distribution has `null` for its extremes, which JSON cannot spell. */
export type ExponentialState = readonly [
  count: number,
  sum: number,
  min: number | null,
  max: number | null,
  scale: number,
  zeroCount: number,
  positive: RangeState,
  negative: RangeState,
];

export class ExponentialBuckets {
  readonly #maxBuckets: number;
  #scale: number;
  #count = 0;
  #sum = 0;
  #min = Infinity;
  #max = -Infinity;
  #zeroCount = 0;
  #positive: Range = { offset: 0, counts: new Float64Array(0) };
  #negative: Range = { offset: 0, counts: new Float64Array(0) };

  constructor({ maxBuckets, maxScale }: ExponentialShape, state?: ExponentialState) {
    // Magnitudes on both sides of 1 never come into one bucket.
    this.#maxBuckets = Math.max(2, maxBuckets);
    this.#scale = Math.min(20, maxScale);
    if (state === undefined) return;
    const [count, sum, min, max, scale, zeroCount, positive, negative] = state;
    this.#count = count;
    this.#sum = sum;
    this.#min = min ?? Infinity;
    this.#max = max ?? -Infinity;
    this.#scale = scale;
    this.#zeroCount = zeroCount;
    this.#positive = { offset: positive[0], counts: Float64Array.from(positive[1]) };
    this.#negative = { offset: negative[0], counts: Float64Array.from(negative[1]) };
  }

  /** Adds a finite value. */
  add(value: number): void {
    this.#include(1, value, value, value);
    if (value === 0) {
      this.#zeroCount++;
      return;
    }
    const offset = bucketIndex(Math.abs(value), this.#scale);
    const range = value > 0 ? this.#positive : this.#negative;
    const at = offset - range.offset;
    if (at >= 0 && at < range.counts.length) range.counts[at]++;
    else this.#addRange(value > 0, this.#scale, { offset, counts: Float64Array.of(1) });
  }

  merge(other: ExponentialBuckets): void {
    if (other.#count === 0) return;
    this.#include(other.#count, other.#sum, other.#min, other.#max);
    this.#zeroCount += other.#zeroCount;
    this.#addRange(true, other.#scale, other.#positive);
    this.#addRange(false, other.#scale, other.#negative);
  }

  get value(): ExponentialHistogramValue {
    return {
      count: this.#count,
      sum: this.#sum,
      min: this.#min,
      max: this.#max,
      scale: this.#scale,
      zeroCount: this.#zeroCount,
      zeroThreshold: 0,
      positive: copyOf(this.#positive),
      negative: copyOf(this.#negative),
    };
  }

  get state(): ExponentialState {
    const isEmpty = this.#count === 0;
    return [
      this.#count,
      this.#sum,
      isEmpty ? null : this.#min,
      isEmpty ? null : this.#max,
      this.#scale,
      this.#zeroCount,
      [this.#positive.offset, [...this.#positive.counts]],
      [this.#negative.offset, [...this.#negative.counts]],
    ];
  }

  #include(count: number, sum: number, min: number, max: number): void {
    this.#count += count;
    this.#sum = Math.min(Number.MAX_VALUE, Math.max(-Number.MAX_VALUE, this.#sum + sum));
    // JSON has no -0, and a restart must not change a byte.
    this.#min = Math.min(this.#min, min) + 0;
    this.#max = Math.max(this.#max, max) + 0;
  }

  /** Adds buckets of this or a greater scale. */
  #addRange(isPositive: boolean, scale: number, { offset, counts }: Range): void {
    if (counts.length === 0) return;
    this.#downscale(this.#scale - Math.min(this.#scale, scale));
    let shift = scale - this.#scale;
    const known = isPositive ? this.#positive : this.#negative;
    const last = offset + counts.length - 1;
    let low = offset >> shift;
    let high = last >> shift;
    if (known.counts.length > 0) {
      low = Math.min(low, known.offset);
      high = Math.max(high, known.offset + known.counts.length - 1);
    }
    let change = 0;
    while ((high >> change) - (low >> change) >= this.#maxBuckets) change++;
    this.#downscale(change);
    shift += change;
    const range = widened(isPositive ? this.#positive : this.#negative, low >> change, high >> change);
    for (let at = 0; at < counts.length; at++)
      range.counts[((offset + at) >> shift) - range.offset] += counts[at];
    if (isPositive) this.#positive = range;
    else this.#negative = range;
  }

  /** Each step makes one bucket of two. */
  #downscale(steps: number): void {
    if (steps === 0) return;
    this.#scale -= steps;
    this.#positive = coarser(this.#positive, steps);
    this.#negative = coarser(this.#negative, steps);
  }
}

const copyOf = ({ offset, counts }: Range): Range => ({ offset, counts: counts.slice() });

function coarser({ offset, counts }: Range, steps: number): Range {
  if (counts.length === 0) return { offset: 0, counts };
  const low = offset >> steps;
  const merged = new Float64Array(((offset + counts.length - 1) >> steps) - low + 1);
  for (let at = 0; at < counts.length; at++) merged[((offset + at) >> steps) - low] += counts[at];
  return { offset: low, counts: merged };
}

/** The same with room from bucket `low` to bucket `high`. */
function widened({ offset, counts }: Range, low: number, high: number): Range {
  const wider = new Float64Array(high - low + 1);
  if (counts.length > 0) wider.set(counts, offset - low);
  return { offset: low, counts: wider };
}
