/**
 * Number ranges: the numbers of a request lie side by side, and each series is a range of them.
 *
 * In: columns that are not written any more. Out: series as exporters read them, with views of their own on demand.
 * Invariant: nothing is copied, and a series costs one small object: of a hundred thousand series a request has hardly two
 * points of any.
 */
import type { Attributes } from '@opentelemetry/api';
import type { Exemplar, NumberSeries, SeriesColumns } from './exporter.ts';

/** What each number has, by its position. Epoch times are split in seconds and nanoseconds. */
export interface NumberColumns {
  readonly seconds: Uint32Array;
  readonly nanos: Uint32Array;
  readonly values: Float64Array;
  /** Start times; absent where all are gauges, whose own are 0. */
  readonly startSeconds?: Uint32Array;
  readonly startNanos?: Uint32Array;
  readonly exemplars?: ReadonlyMap<number, Exemplar>;
}

/** Attributes of a series, and what an exporter made of them: kept for as long as the series, request after request. */
export interface SeriesAttributes {
  readonly attributes: Attributes;
  /** For the encoder alone. */
  encoded: Uint8Array | undefined;
}

/** The times of a range of points, as views. */
export function timesOf(
  { seconds, nanos, startSeconds, startNanos }: Omit<SeriesColumns, 'attributes'>,
  from: number,
  to: number,
): Omit<SeriesColumns, 'attributes'> {
  return {
    seconds: seconds.subarray(from, to),
    nanos: nanos.subarray(from, to),
    startSeconds: startSeconds?.subarray(from, to),
    startNanos: startNanos?.subarray(from, to),
  };
}

export class NumberRange implements NumberSeries {
  readonly owner: SeriesAttributes;
  readonly columns: NumberColumns;
  /** Positions of its first point, and behind its last. */
  readonly from: number;
  readonly to: number;
  /** Whether it has start times. */
  readonly isStarted: boolean;

  constructor(owner: SeriesAttributes, columns: NumberColumns, from: number, to: number, isStarted: boolean) {
    this.owner = owner;
    this.columns = columns;
    this.from = from;
    this.to = to;
    this.isStarted = isStarted;
  }

  get attributes(): Attributes {
    return this.owner.attributes;
  }

  get seconds(): Uint32Array {
    return this.columns.seconds.subarray(this.from, this.to);
  }

  get nanos(): Uint32Array {
    return this.columns.nanos.subarray(this.from, this.to);
  }

  get values(): Float64Array {
    return this.columns.values.subarray(this.from, this.to);
  }

  get startSeconds(): Uint32Array | undefined {
    return this.isStarted ? this.columns.startSeconds?.subarray(this.from, this.to) : undefined;
  }

  get startNanos(): Uint32Array | undefined {
    return this.isStarted ? this.columns.startNanos?.subarray(this.from, this.to) : undefined;
  }

  get exemplars(): readonly (Exemplar | undefined)[] | undefined {
    const { exemplars } = this.columns;
    if (exemplars === undefined) return undefined;
    const own = Array.from({ length: this.to - this.from }, (_, index) => exemplars.get(this.from + index));
    return own.some((exemplar) => exemplar !== undefined) ? own : undefined;
  }
}
