/**
 * Payloads of the data frames, as columns that are viewed and not parsed.
 *
 * In: the payload of a frame, 8-byte aligned. Out: typed-array views of it.
 * Invariant: no view reaches beyond its payload. On failure: `undefined`, the frame counts as corrupt.
 *
 * Every data payload begins with the time base (16 bytes): epoch seconds, nanoseconds, and the same instant on the
 * monotonic clock, u32 each. Times of rows are f64 nanoseconds after it: epoch nanoseconds do not fit a double.
 */
import { padded, type Frame } from './frame.ts';

export const BASE_BYTES = 16;

/** The instant that a frame's times are relative to, on both clocks. */
export interface TimeBase {
  readonly seconds: number;
  readonly nanos: number;
  readonly monotonicSeconds: number;
  readonly monotonicNanos: number;
}

export interface SamplesView {
  readonly deltas: Float64Array;
  readonly values: Float64Array;
  readonly series: Uint32Array;
}

export interface SumsView {
  readonly values: Float64Array;
  readonly series: Uint32Array;
  readonly calls: Uint32Array;
}

export interface OperationsView {
  readonly deltas: Float64Array;
  readonly latencyNanos: Float64Array;
  /** NaN where the operation moves no bytes. */
  readonly bytes: Float64Array;
  readonly series: Uint32Array;
  /** 16 bytes per row, and 8 bytes of the next column; all zero where an operation has no span. */
  readonly traceIds?: Uint8Array;
  readonly spanIds?: Uint8Array;
}

export interface HistogramRow {
  readonly series: number;
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly counts: Float64Array;
}

export const samplesBytes = (rows: number): number => BASE_BYTES + 16 * rows + padded(4 * rows);
export const sumsBytes = (rows: number): number => BASE_BYTES + 16 * rows;
export const operationsBytes = (rows: number): number => BASE_BYTES + 24 * rows + padded(4 * rows);
export const tracedOperationsBytes = (rows: number): number => operationsBytes(rows) + 24 * rows;
/** One row of a histogram frame: series and bucket count, then count, sum, min, max and the buckets. */
export const histogramRowBytes = (buckets: number): number => 40 + 8 * buckets;

export function readBase(frame: Frame): TimeBase {
  const words = new Uint32Array(frame.payload.buffer, frame.payload.byteOffset, 4);
  return { seconds: words[0], nanos: words[1], monotonicSeconds: words[2], monotonicNanos: words[3] };
}

export function viewSamples({ payload, rows }: Frame): SamplesView | undefined {
  if (payload.length !== samplesBytes(rows)) return undefined;
  const start = payload.byteOffset + BASE_BYTES;
  return {
    deltas: new Float64Array(payload.buffer, start, rows),
    values: new Float64Array(payload.buffer, start + 8 * rows, rows),
    series: new Uint32Array(payload.buffer, start + 16 * rows, rows),
  };
}

export function viewSums({ payload, rows }: Frame): SumsView | undefined {
  if (payload.length !== sumsBytes(rows)) return undefined;
  const start = payload.byteOffset + BASE_BYTES;
  return {
    values: new Float64Array(payload.buffer, start, rows),
    series: new Uint32Array(payload.buffer, start + 8 * rows, rows),
    calls: new Uint32Array(payload.buffer, start + 12 * rows, rows),
  };
}

export function viewOperations({ payload, rows }: Frame): OperationsView | undefined {
  if (payload.length !== operationsBytes(rows)) return undefined;
  const start = payload.byteOffset + BASE_BYTES;
  return {
    deltas: new Float64Array(payload.buffer, start, rows),
    latencyNanos: new Float64Array(payload.buffer, start + 8 * rows, rows),
    bytes: new Float64Array(payload.buffer, start + 16 * rows, rows),
    series: new Uint32Array(payload.buffer, start + 24 * rows, rows),
  };
}

export function viewTracedOperations({ payload, rows }: Frame): OperationsView | undefined {
  if (payload.length !== tracedOperationsBytes(rows)) return undefined;
  const start = payload.byteOffset + BASE_BYTES;
  return {
    deltas: new Float64Array(payload.buffer, start, rows),
    latencyNanos: new Float64Array(payload.buffer, start + 8 * rows, rows),
    bytes: new Float64Array(payload.buffer, start + 16 * rows, rows),
    traceIds: new Uint8Array(payload.buffer, start + 24 * rows, 16 * rows),
    spanIds: new Uint8Array(payload.buffer, start + 40 * rows, 8 * rows),
    series: new Uint32Array(payload.buffer, start + 48 * rows, rows),
  };
}

export function viewHistograms({ payload, rows }: Frame): HistogramRow[] | undefined {
  const found: HistogramRow[] = [];
  let offset = BASE_BYTES;
  for (let row = 0; row < rows; row++) {
    if (offset + histogramRowBytes(0) > payload.length) return undefined;
    const [series, buckets] = new Uint32Array(payload.buffer, payload.byteOffset + offset, 2);
    if (offset + histogramRowBytes(buckets) > payload.length) return undefined;
    const numbers = new Float64Array(payload.buffer, payload.byteOffset + offset + 8, 4 + buckets);
    const [count, sum, min, max] = numbers;
    found.push({ series, count, sum, min, max, counts: numbers.subarray(4) });
    offset += histogramRowBytes(buckets);
  }
  return offset === payload.length ? found : undefined;
}
