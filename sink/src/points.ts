import type { Attributes } from './attributes.ts';

export type MetricKind = 'gauge' | 'sum' | 'histogram' | 'exponential_histogram';
export type Temporality = 'unspecified' | 'delta' | 'cumulative';

/** One metric of one scope and resource. */
export interface Metric {
  readonly name: string;
  readonly unit: string;
  readonly kind: MetricKind;
  /** `unspecified` for gauges. */
  readonly temporality: Temporality;
  /** False for all but monotonic sums. */
  readonly monotonic: boolean;
  readonly resource: Attributes;
  readonly scope: { readonly name: string; readonly version: string };
}

/** A metric with one set of attributes. */
export interface Series {
  readonly metric: Metric;
  readonly attributes: Attributes;
}

export interface Histogram {
  readonly count: number;
  /** `undefined` where the request had none; so for `min` and `max`. */
  readonly sum: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** One array for all points with the same boundaries. */
  readonly boundaries: readonly number[];
  readonly counts: readonly number[];
}

/** Bucket `offset + i` counts `counts[i]` magnitudes in (base^(offset+i), base^(offset+i+1)], base = 2^(2^-scale). */
export interface ExponentialRange {
  readonly offset: number;
  readonly counts: readonly number[];
}

export interface ExponentialHistogram {
  readonly count: number;
  /** `undefined` where the request had none; so for `min` and `max`. */
  readonly sum: number | undefined;
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: ExponentialRange;
  readonly negative: ExponentialRange;
}

/** One data point, as an iteration over points gives it. */
export interface Point {
  readonly metric: Metric;
  readonly attributes: Attributes;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  /** Nanoseconds since the epoch; 0 where the request had none. */
  readonly startTime: bigint;
  /** NaN for a histogram of either kind, and for a point without a value. */
  readonly value: number;
  readonly histogram: Histogram | undefined;
  readonly exponential: ExponentialHistogram | undefined;
  /** The last exemplar of a gauge's or a sum's point. */
  readonly exemplar?: Exemplar;
}

/** A measurement behind a point, and the span that it was made in. */
export interface Exemplar {
  /** 32 and 16 hexadecimal digits; `''` where the request had none. */
  readonly traceId: string;
  readonly spanId: string;
  /** Nanoseconds since the epoch. */
  readonly time: bigint;
  readonly value: number;
}

const FIRST_CAPACITY = 1024;

/**
 * All accepted data points in the order of their arrival, as columns: 28 bytes for a point. Iterating makes an object of
 * each; whoever counts millions reads the columns.
 */
export class Points implements Iterable<Point> {
  /** Every series that was ever seen; `seriesNumbers` points into it. */
  readonly series: Series[] = [];
  #length = 0;
  #series: Uint32Array<ArrayBuffer> = new Uint32Array(FIRST_CAPACITY);
  #values: Float64Array<ArrayBuffer> = new Float64Array(FIRST_CAPACITY);
  #times: BigUint64Array<ArrayBuffer> = new BigUint64Array(FIRST_CAPACITY);
  #startTimes: BigUint64Array<ArrayBuffer> = new BigUint64Array(FIRST_CAPACITY);
  /** The same two columns in halves, low ones first as in all little-endian machines: written without a bigint. */
  #timeHalves: Uint32Array = new Uint32Array(this.#times.buffer);
  #startTimeHalves: Uint32Array = new Uint32Array(this.#startTimes.buffer);
  readonly #histograms: Histogram[] = [];
  readonly #exponentials: ExponentialHistogram[] = [];
  /** By the point's index: few have one. */
  readonly #exemplars = new Map<number, Exemplar>();

  get length(): number {
    return this.#length;
  }

  /** For each point, its place in `series`. This and the other columns are views: valid until the next request. */
  get seriesNumbers(): Uint32Array {
    return this.#series.subarray(0, this.#length);
  }

  /** For each point its value; for a histogram, a number without a meaning outside. */
  get values(): Float64Array {
    return this.#values.subarray(0, this.#length);
  }

  /** For each point its time in nanoseconds since the epoch. */
  get times(): BigUint64Array {
    return this.#times.subarray(0, this.#length);
  }

  /** For each point its start time in nanoseconds since the epoch, 0 where it has none. */
  get startTimes(): BigUint64Array {
    return this.#startTimes.subarray(0, this.#length);
  }

  /** The point of this index, counted from 0 in the order of arrival. */
  at(index: number): Point {
    if (!(index >= 0 && index < this.#length)) {
      throw new RangeError(`index: got ${index}, expected 0 to ${this.#length - 1}`);
    }
    const { metric, attributes } = this.series[this.#series[index]];
    const value = this.#values[index];
    const point: Point = {
      metric,
      attributes,
      time: this.#times[index],
      startTime: this.#startTimes[index],
      value: metric.kind === 'gauge' || metric.kind === 'sum' ? value : NaN,
      histogram: metric.kind === 'histogram' ? this.#histograms[value] : undefined,
      exponential: metric.kind === 'exponential_histogram' ? this.#exponentials[value] : undefined,
    };
    const exemplar = this.#exemplars.get(index);
    return exemplar === undefined ? point : { ...point, exemplar };
  }

  *[Symbol.iterator](): Generator<Point, void> {
    for (let index = 0; index < this.#length; index++) yield this.at(index);
  }

  /** The points of all metrics of this name, in the order of arrival. */
  *of(metricName: string): Generator<Point, void> {
    const wanted = this.series.map(({ metric }) => metric.name === metricName);
    for (let index = 0; index < this.#length; index++) if (wanted[this.#series[index]]) yield this.at(index);
  }

  /** How many points each metric has, by name. */
  counts(): Map<string, number> {
    const bySeries = new Float64Array(this.series.length);
    for (const number of this.seriesNumbers) bySeries[number]++;
    const byName = new Map<string, number>();
    for (const [number, { metric }] of this.series.entries()) {
      const count = bySeries[number];
      if (count > 0) byName.set(metric.name, (byName.get(metric.name) ?? 0) + count);
    }
    return byName;
  }

  /** Appends a point; its times are the eight bytes at two places of `view`, -1 for zero. */
  add(series: number, view: DataView, time: number, startTime: number, value: number): void {
    const index = this.#length++;
    if (index === this.#series.length) this.#grow();
    this.#series[index] = series;
    this.#values[index] = value;
    copyTime(view, time, this.#timeHalves, 2 * index);
    copyTime(view, startTime, this.#startTimeHalves, 2 * index);
  }

  /** Gives the point that is appended next an exemplar. */
  setExemplar(exemplar: Exemplar): void {
    this.#exemplars.set(this.#length, exemplar);
  }

  /** Appends a histogram's point, with times as `add` takes them. */
  addHistogram(series: number, view: DataView, time: number, startTime: number, histogram: Histogram): void {
    this.add(series, view, time, startTime, this.#histograms.push(histogram) - 1);
  }

  /** So for an exponential histogram's point. */
  addExponential(
    series: number,
    view: DataView,
    time: number,
    startTime: number,
    histogram: ExponentialHistogram,
  ): void {
    this.add(series, view, time, startTime, this.#exponentials.push(histogram) - 1);
  }

  /** Forgets all points from this index on: what a request brought that then turned out not to be acceptable. */
  truncate(length: number): void {
    this.#length = length;
    for (const index of this.#exemplars.keys()) if (index >= length) this.#exemplars.delete(index);
  }

  #grow(): void {
    const capacity = 2 * this.#series.length;
    this.#series = widened(this.#series, new Uint32Array(capacity));
    this.#values = widened(this.#values, new Float64Array(capacity));
    this.#times = widened(this.#times, new BigUint64Array(capacity));
    this.#startTimes = widened(this.#startTimes, new BigUint64Array(capacity));
    this.#timeHalves = new Uint32Array(this.#times.buffer);
    this.#startTimeHalves = new Uint32Array(this.#startTimes.buffer);
  }
}

function copyTime(from: DataView, position: number, to: Uint32Array, index: number): void {
  to[index] = position < 0 ? 0 : from.getUint32(position, true);
  to[index + 1] = position < 0 ? 0 : from.getUint32(position + 4, true);
}

function widened<T extends { set: (from: T) => void }>(from: T, to: T): T {
  to.set(from);
  return to;
}
