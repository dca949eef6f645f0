/**
 * Batch: what one thread recorded for one configuration since its last flush, as preallocated columns.
 *
 * In: rows. Out: columns, which `Composed` makes frames of.
 * Invariant: where its memory is shared (a worker thread's), a row is published after it is written, and the thread that
 * rescues it finds the very same rows, base and sequence number; `add…` answers `false` and changes nothing where there is
 * no row for it: the batch is full, has no base yet, or was closed, be it by another thread.
 * How many rows there are is in plain fields: only shared memory is also told, which costs 5 ns a row.
 */
import type { SpanContext } from '@opentelemetry/api';
import { histogramRowBytes } from '../journal/columns.ts';
import {
  BASE_AT,
  BATCH_BYTES,
  CLOSED,
  CONTROL_WORDS,
  HISTOGRAM_BYTES,
  HISTOGRAM_ROWS,
  HISTOGRAMS_AT,
  MAX_OPERATIONS,
  MAX_SAMPLES,
  MAX_SUMS,
  OPERATIONS,
  OPERATIONS_AT,
  SAMPLES,
  SAMPLES_AT,
  SEQUENCE_AT,
  SPANS_AT,
  SUMS,
  SUMS_AT,
  TRACED,
} from './block.ts';
import { bucketOf } from './bucket-of.ts';

/** A series with a row of its own in each batch, valid in one epoch. */
export interface SumSeries {
  readonly id: number;
  row: number;
  epoch: number;
}

export interface HistogramSeries extends SumSeries {
  readonly boundaries: Float64Array;
}

export type SpanIds = Pick<SpanContext, 'traceId' | 'spanId'>;

export class Batch {
  readonly #control: Int32Array;
  /** Control, where another thread may read and close it. */
  readonly #shared: Int32Array | undefined;
  readonly #sequence: Float64Array;
  readonly base: Uint32Array;
  readonly sampleDeltas: Float64Array;
  readonly sampleValues: Float64Array;
  readonly sampleSeries: Uint32Array;
  readonly sumValues: Float64Array;
  readonly sumSeries: Uint32Array;
  readonly sumCalls: Uint32Array;
  readonly operationDeltas: Float64Array;
  readonly operationLatencies: Float64Array;
  readonly operationBytes: Float64Array;
  readonly operationSeries: Uint32Array;
  readonly traceIds: Buffer;
  readonly spanIds: Buffer;
  /** Rows as the journal has them: series and number of buckets as words, then count, sum, minimum, maximum, buckets. */
  readonly histogramWords: Uint32Array;
  readonly histogramNumbers: Float64Array;
  samples = 0;
  sums = 0;
  operations = 0;
  histograms = 0;
  histogramBytes = 0;
  /** Whether an operation of this batch has a span. */
  isTraced = false;
  /** Changes at every clear: a row number is valid only within its epoch. */
  epoch = 1;
  /** How many rows it may have now: none before `begin` and after `close`. */
  #sampleRoom = 0;
  #operationRoom = 0;
  #baseSeconds = 0;
  #baseNanos = 0;

  /** Over memory of its own, or over the slot at `offset` of memory that is shared with the main thread. */
  constructor(shared?: SharedArrayBuffer, offset = 0) {
    const memory = shared ?? new ArrayBuffer(BATCH_BYTES);
    this.#control = new Int32Array(memory, offset, CONTROL_WORDS);
    this.#shared = shared === undefined ? undefined : this.#control;
    this.#sequence = new Float64Array(memory, offset + SEQUENCE_AT, 1);
    this.base = new Uint32Array(memory, offset + BASE_AT, 4);
    const samples = offset + SAMPLES_AT;
    this.sampleDeltas = new Float64Array(memory, samples, MAX_SAMPLES);
    this.sampleValues = new Float64Array(memory, samples + 8 * MAX_SAMPLES, MAX_SAMPLES);
    this.sampleSeries = new Uint32Array(memory, samples + 16 * MAX_SAMPLES, MAX_SAMPLES);
    const sums = offset + SUMS_AT;
    this.sumValues = new Float64Array(memory, sums, MAX_SUMS);
    this.sumSeries = new Uint32Array(memory, sums + 8 * MAX_SUMS, MAX_SUMS);
    this.sumCalls = new Uint32Array(memory, sums + 12 * MAX_SUMS, MAX_SUMS);
    const operations = offset + OPERATIONS_AT;
    this.operationDeltas = new Float64Array(memory, operations, MAX_OPERATIONS);
    this.operationLatencies = new Float64Array(memory, operations + 8 * MAX_OPERATIONS, MAX_OPERATIONS);
    this.operationBytes = new Float64Array(memory, operations + 16 * MAX_OPERATIONS, MAX_OPERATIONS);
    this.operationSeries = new Uint32Array(memory, operations + 24 * MAX_OPERATIONS, MAX_OPERATIONS);
    this.traceIds = Buffer.from(memory, offset + SPANS_AT, 16 * MAX_OPERATIONS);
    this.spanIds = Buffer.from(memory, offset + SPANS_AT + 16 * MAX_OPERATIONS, 8 * MAX_OPERATIONS);
    this.histogramWords = new Uint32Array(memory, offset + HISTOGRAMS_AT, HISTOGRAM_BYTES / 4);
    this.histogramNumbers = new Float64Array(memory, offset + HISTOGRAMS_AT, HISTOGRAM_BYTES / 8);
  }

  get isShared(): boolean {
    return this.#shared !== undefined;
  }

  get isEmpty(): boolean {
    return (this.samples | this.sums | this.operations | this.histograms) === 0;
  }

  get isClosed(): boolean {
    return this.#control[CLOSED] !== 0;
  }

  /** From now on it takes nothing more. */
  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
    this.#sampleRoom = 0;
    this.#operationRoom = 0;
    this.epoch++;
  }

  get sequence(): number {
    return this.#sequence[0];
  }
  set sequence(next: number) {
    this.#sequence[0] = next;
  }

  /** An empty batch takes rows from now on: their times are relative to this instant, on both clocks. */
  begin(wallSeconds: number, wallNanos: number, seconds: number, nanos: number): void {
    this.base[0] = wallSeconds;
    this.base[1] = wallNanos;
    this.base[2] = seconds;
    this.base[3] = nanos;
    this.#baseSeconds = seconds;
    this.#baseNanos = nanos;
    this.#sampleRoom = MAX_SAMPLES;
    this.#operationRoom = MAX_OPERATIONS;
  }

  addSample(series: number, value: number, now: readonly [number, number]): boolean {
    const row = this.samples;
    const shared = this.#shared;
    if (row >= this.#sampleRoom || (shared !== undefined && shared[CLOSED] !== 0)) return false;
    this.sampleDeltas[row] = (now[0] - this.#baseSeconds) * 1e9 + (now[1] - this.#baseNanos);
    this.sampleValues[row] = value;
    this.sampleSeries[row] = series;
    this.samples = row + 1;
    if (shared !== undefined) Atomics.store(shared, SAMPLES, row + 1);
    return true;
  }

  /** `span` is the one that the operation was measured in. */
  addOperation(
    series: number,
    end: readonly [number, number],
    latencyNanos: number,
    bytes: number,
    span: SpanIds | undefined,
  ): boolean {
    const row = this.operations;
    const shared = this.#shared;
    if (row >= this.#operationRoom || (shared !== undefined && shared[CLOSED] !== 0)) return false;
    this.operationDeltas[row] = (end[0] - this.#baseSeconds) * 1e9 + (end[1] - this.#baseNanos);
    this.operationLatencies[row] = latencyNanos;
    this.operationBytes[row] = bytes;
    this.operationSeries[row] = series;
    if (this.isTraced || span !== undefined) this.#setSpan(row, span);
    this.operations = row + 1;
    if (shared !== undefined) Atomics.store(shared, OPERATIONS, row + 1);
    return true;
  }

  /** Adds to a sum that has a row. */
  addToSum(series: SumSeries, value: number, calls: number): boolean {
    const shared = this.#shared;
    if (series.epoch !== this.epoch || (shared !== undefined && shared[CLOSED] !== 0)) return false;
    this.sumValues[series.row] += value;
    this.sumCalls[series.row] += calls;
    return true;
  }

  /** Sets a total that has a row. */
  setTotal(series: SumSeries, value: number, calls: number): boolean {
    const shared = this.#shared;
    if (series.epoch !== this.epoch || (shared !== undefined && shared[CLOSED] !== 0)) return false;
    this.sumValues[series.row] = value;
    this.sumCalls[series.row] += calls;
    return true;
  }

  /** Gives a sum a row; only after `begin`. `false`: they are all taken. */
  addSum(series: SumSeries): boolean {
    const row = this.sums;
    if (row === MAX_SUMS) return false;
    this.sumSeries[row] = series.id;
    this.sumValues[row] = 0;
    this.sumCalls[row] = 0;
    series.row = row;
    series.epoch = this.epoch;
    this.sums = row + 1;
    if (this.#shared !== undefined) Atomics.store(this.#shared, SUMS, row + 1);
    return true;
  }

  /** Adds a value to a histogram that has a row. */
  addToHistogram(series: HistogramSeries, value: number): boolean {
    const shared = this.#shared;
    if (series.epoch !== this.epoch || (shared !== undefined && shared[CLOSED] !== 0)) return false;
    const numbers = this.histogramNumbers;
    const at = series.row;
    numbers[at + 1] += 1;
    numbers[at + 2] += value;
    if (value < numbers[at + 3]) numbers[at + 3] = value;
    if (value > numbers[at + 4]) numbers[at + 4] = value;
    numbers[at + 5 + bucketOf(series.boundaries, value)] += 1;
    return true;
  }

  /** Gives a histogram a row without values; only after `begin`. `false`: there is no room, which an empty batch always has. */
  addHistogram(series: HistogramSeries): boolean {
    const buckets = series.boundaries.length + 1;
    const used = this.histogramBytes;
    const bytes = histogramRowBytes(buckets);
    if (used + bytes > HISTOGRAM_BYTES) return false;
    this.histogramWords[used / 4] = series.id;
    this.histogramWords[used / 4 + 1] = buckets;
    const at = used / 8;
    this.histogramNumbers.fill(0, at + 1, at + bytes / 8);
    this.histogramNumbers[at + 3] = Infinity;
    this.histogramNumbers[at + 4] = -Infinity;
    series.row = at;
    series.epoch = this.epoch;
    this.histogramBytes = used + bytes;
    this.histograms++;
    if (this.#shared !== undefined) Atomics.store(this.#shared, HISTOGRAM_ROWS, this.histograms);
    return true;
  }

  /** Forgets the rows. The counts go first and the sequence after: in between nothing is there to be rescued twice. */
  clear(nextSequence: number): void {
    const shared = this.#shared;
    if (shared !== undefined) {
      Atomics.store(shared, SAMPLES, 0);
      Atomics.store(shared, SUMS, 0);
      Atomics.store(shared, OPERATIONS, 0);
      Atomics.store(shared, HISTOGRAM_ROWS, 0);
      shared[TRACED] = 0;
    }
    this.samples = 0;
    this.sums = 0;
    this.operations = 0;
    this.histograms = 0;
    this.histogramBytes = 0;
    this.isTraced = false;
    this.#sampleRoom = 0;
    this.#operationRoom = 0;
    this.#sequence[0] = nextSequence;
    this.epoch++;
  }

  /** How many rows the thread that records in shared memory has published. */
  refresh(): void {
    const shared = this.#shared;
    if (shared === undefined) return;
    this.samples = Atomics.load(shared, SAMPLES);
    this.sums = Atomics.load(shared, SUMS);
    this.operations = Atomics.load(shared, OPERATIONS);
    this.histograms = Atomics.load(shared, HISTOGRAM_ROWS);
    this.isTraced = shared[TRACED] !== 0;
    this.histogramBytes = 0;
    for (let row = 0; row < this.histograms; row++) {
      this.histogramBytes += histogramRowBytes(this.histogramWords[this.histogramBytes / 4 + 1]);
    }
  }

  #setSpan(row: number, span: SpanIds | undefined): void {
    if (!this.isTraced) {
      // What earlier batches have left there.
      this.traceIds.fill(0, 0, 16 * row);
      this.spanIds.fill(0, 0, 8 * row);
      this.isTraced = true;
      if (this.#shared !== undefined) this.#shared[TRACED] = 1;
    }
    this.traceIds.fill(0, 16 * row, 16 * (row + 1));
    this.spanIds.fill(0, 8 * row, 8 * (row + 1));
    if (span === undefined) return;
    this.traceIds.write(span.traceId, 16 * row, 16, 'hex');
    this.spanIds.write(span.spanId, 8 * row, 8, 'hex');
  }
}
