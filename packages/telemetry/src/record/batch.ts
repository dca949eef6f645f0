/**
 * Batch: what one thread recorded for one configuration since its last flush, as preallocated columns.
 *
 * In: rows. Out: the frames of the journal, composed in one buffer for one write.
 * Invariant: all of it lies in one block of memory, so that the main thread can compose the very same frames, with the
 * same sequence numbers, from the shared block of a worker thread that is gone; the reader drops what it saw before.
 * On failure: a batch that cannot be written stays as it is; the recorder decides.
 *
 *   control (96 B) │ path (1 KiB) │ samples │ sums │ operations │ histograms
 *   control: i32 closed, samples, sums, operations, histogram rows, histogram bytes, owner, path bytes;
 *            u32 ×4 time base; f64 sequence; i32 watcher, traced
 */
import type { SpanContext } from '@opentelemetry/api';
import {
  BASE_BYTES,
  histogramRowBytes,
  operationsBytes,
  samplesBytes,
  sumsBytes,
  tracedOperationsBytes,
} from '../journal/columns.ts';
import { FrameType, HEADER_BYTES, MORE_FOLLOWS, sealFrame } from '../journal/frame.ts';

/** Rows of each kind until a batch is full and is flushed within its turn. */
export const MAX_SAMPLES = 4096;
export const MAX_SUMS = 1024;
export const MAX_OPERATIONS = 1024;
const HISTOGRAM_BYTES = 32 * 1024;
/** A histogram with more does not fit into a batch. */
export const MAX_BUCKETS: number = (HISTOGRAM_BYTES - histogramRowBytes(0)) / 8;

const CONTROL_BYTES = 96;
const PATH_BYTES = 1024;
const SAMPLES_AT = CONTROL_BYTES + PATH_BYTES;
const SUMS_AT = SAMPLES_AT + 20 * MAX_SAMPLES;
const OPERATIONS_AT = SUMS_AT + 16 * MAX_SUMS;
const SPANS_AT = OPERATIONS_AT + 28 * MAX_OPERATIONS;
const HISTOGRAMS_AT = SPANS_AT + 24 * MAX_OPERATIONS;
export const BATCH_BYTES: number = HISTOGRAMS_AT + HISTOGRAM_BYTES;
/** Room for every frame that a full batch can give. */
export const COMPOSED_BYTES: number = BATCH_BYTES + 4 * (HEADER_BYTES + BASE_BYTES + 8);

const CLOSED = 0;
const SAMPLES = 1;
const SUMS = 2;
const OPERATIONS = 3;
const HISTOGRAM_ROWS = 4;
const HISTOGRAM_USED = 5;
const OWNER = 6;
const PATH_LENGTH = 7;

export class Batch {
  readonly memory: ArrayBufferLike;
  readonly #control: Int32Array;
  readonly #base: Uint32Array;
  readonly #sequence: Float64Array;
  readonly #watcher: Int32Array;
  /** 1 where an operation of this batch has a span. */
  readonly #traced: Int32Array;
  readonly #traceIds: Buffer;
  readonly #spanIds: Buffer;
  readonly #path: Uint8Array;
  readonly #histograms: Uint8Array;
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
  /** Changes at every clear: a row number is valid only within its epoch. */
  epoch = 1;

  /** Over memory of its own, or over the slot at `offset` of memory that is shared with the main thread. */
  constructor(memory: ArrayBufferLike = new ArrayBuffer(BATCH_BYTES), offset = 0) {
    this.memory = memory;
    this.#control = new Int32Array(memory, offset, 8);
    this.#base = new Uint32Array(memory, offset + 32, 4);
    this.#sequence = new Float64Array(memory, offset + 48, 1);
    this.#watcher = new Int32Array(memory, offset + 56, 1);
    this.#traced = new Int32Array(memory, offset + 60, 1);
    this.#path = new Uint8Array(memory, offset + CONTROL_BYTES, PATH_BYTES);
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
    this.#traceIds = Buffer.from(memory, offset + SPANS_AT, 16 * MAX_OPERATIONS);
    this.#spanIds = Buffer.from(memory, offset + SPANS_AT + 16 * MAX_OPERATIONS, 8 * MAX_OPERATIONS);
    this.#histograms = new Uint8Array(memory, offset + HISTOGRAMS_AT, HISTOGRAM_BYTES);
  }

  get isEmpty(): boolean {
    const control = this.#control;
    return (control[SAMPLES] | control[SUMS] | control[OPERATIONS] | control[HISTOGRAM_ROWS]) === 0;
  }

  get samples(): number {
    return this.#control[SAMPLES];
  }
  get sums(): number {
    return this.#control[SUMS];
  }
  get operations(): number {
    return this.#control[OPERATIONS];
  }

  /** Makes the rows below `rows` visible to the thread that may rescue them: after they are written, never before. */
  publishSamples(rows: number): void {
    Atomics.store(this.#control, SAMPLES, rows);
  }
  publishSums(rows: number): void {
    Atomics.store(this.#control, SUMS, rows);
  }
  publishOperations(rows: number): void {
    Atomics.store(this.#control, OPERATIONS, rows);
  }

  /** The span that the next operation was measured in, before its row is published. */
  setSpan(span: Pick<SpanContext, 'traceId' | 'spanId'> | undefined): void {
    const row = this.operations;
    if (this.#traced[0] === 0) {
      if (span === undefined) return;
      // What earlier batches have left there.
      this.#traceIds.fill(0, 0, 16 * row);
      this.#spanIds.fill(0, 0, 8 * row);
      this.#traced[0] = 1;
    }
    this.#traceIds.fill(0, 16 * row, 16 * (row + 1));
    this.#spanIds.fill(0, 8 * row, 8 * (row + 1));
    if (span === undefined) return;
    this.#traceIds.write(span.traceId, 16 * row, 16, 'hex');
    this.#spanIds.write(span.spanId, 8 * row, 8, 'hex');
  }

  /** Whether a histogram row fits. `MAX_BUCKETS` always fit into an empty batch. */
  hasRoomFor(buckets: number): boolean {
    return this.#control[HISTOGRAM_USED] + histogramRowBytes(buckets) <= HISTOGRAM_BYTES;
  }

  /** A row without values for a histogram series; only where there is room. `[count, sum, min, max, buckets…]` */
  addHistogram(series: number, buckets: number): Float64Array {
    const used = this.#control[HISTOGRAM_USED];
    const start = this.#histograms.byteOffset + used;
    new Uint32Array(this.memory, start, 2).set([series, buckets]);
    const numbers = new Float64Array(this.memory, start + 8, 4 + buckets).fill(0);
    numbers[2] = Infinity;
    numbers[3] = -Infinity;
    this.#control[HISTOGRAM_USED] = used + histogramRowBytes(buckets);
    Atomics.store(this.#control, HISTOGRAM_ROWS, this.#control[HISTOGRAM_ROWS] + 1);
    return numbers;
  }

  setBase(wallSeconds: number, wallNanos: number, seconds: number, nanos: number): void {
    this.#base[0] = wallSeconds;
    this.#base[1] = wallNanos;
    this.#base[2] = seconds;
    this.#base[3] = nanos;
  }

  /** Calls that the rows represent; an operation's start is not one. */
  get units(): number {
    return this.samples + this.operations + this.#sumUnits() + this.#histogramUnits();
  }

  /** Calls that the rows of these series represent. */
  unitsOf(series: ReadonlySet<number>): number {
    if (series.size === 0) return 0;
    let units = 0;
    for (let row = 0; row < this.samples; row++) if (series.has(this.sampleSeries[row])) units++;
    for (let row = 0; row < this.operations; row++) if (series.has(this.operationSeries[row])) units++;
    for (let row = 0; row < this.sums; row++)
      if (series.has(this.sumSeries[row])) units += this.sumCalls[row];
    for (const row of this.histogramRows()) if (series.has(row.series)) units += row.numbers[0];
    return units;
  }

  get sequence(): number {
    return this.#sequence[0];
  }
  set sequence(next: number) {
    this.#sequence[0] = next;
  }

  /** Forgets the rows. The counts go first and the sequence after: in between nothing is there to be rescued twice. */
  clear(nextSequence: number): void {
    const control = this.#control;
    Atomics.store(control, SAMPLES, 0);
    Atomics.store(control, SUMS, 0);
    Atomics.store(control, OPERATIONS, 0);
    Atomics.store(control, HISTOGRAM_ROWS, 0);
    control[HISTOGRAM_USED] = 0;
    this.#traced[0] = 0;
    this.#sequence[0] = nextSequence;
    this.epoch++;
  }

  /** Frames of all rows into `out`, which has room for `COMPOSED_BYTES`. */
  compose(out: Uint8Array, sequence: number): { length: number; nextSequence: number } {
    const view = new DataView(out.buffer, out.byteOffset, out.byteLength);
    const { samples, sums, operations } = this;
    const histogramRows = this.#control[HISTOGRAM_ROWS];
    let length = 0;
    let next = sequence;
    let kinds = [samples, sums, operations, histogramRows].filter((count) => count > 0).length;
    const frame = (
      type: FrameType,
      rows: number,
      units: number,
      columns: readonly ArrayBufferView[],
      bytes: number,
    ): void => {
      let at = length + HEADER_BYTES;
      for (const column of [this.#base, ...columns]) {
        out.set(new Uint8Array(column.buffer, column.byteOffset, column.byteLength), at);
        at += column.byteLength;
      }
      out.fill(0, at, length + HEADER_BYTES + bytes);
      const flags = --kinds > 0 ? MORE_FOLLOWS : 0;
      length = sealFrame(out, view, length, { type, sequence: next++, rows, units, flags }, bytes);
    };
    // Sums first: if the rest of a turn is torn off by a kill, the totals are whole.
    if (sums > 0) {
      const columns = [
        this.sumValues.subarray(0, sums),
        this.sumSeries.subarray(0, sums),
        this.sumCalls.subarray(0, sums),
      ];
      frame(FrameType.SUMS, sums, this.#sumUnits(), columns, sumsBytes(sums));
    }
    if (histogramRows > 0) {
      const rows = this.#histograms.subarray(0, this.#control[HISTOGRAM_USED]);
      frame(FrameType.HISTOGRAMS, histogramRows, this.#histogramUnits(), [rows], BASE_BYTES + rows.length);
    }
    if (operations > 0) {
      const columns = [
        this.operationDeltas.subarray(0, operations),
        this.operationLatencies.subarray(0, operations),
        this.operationBytes.subarray(0, operations),
      ];
      const series = this.operationSeries.subarray(0, operations);
      if (this.#traced[0] === 0) {
        const bytes = operationsBytes(operations);
        frame(FrameType.OPERATIONS, operations, operations, [...columns, series], bytes);
      } else {
        const bytes = tracedOperationsBytes(operations);
        const traceIds = this.#traceIds.subarray(0, 16 * operations);
        const spanIds = this.#spanIds.subarray(0, 8 * operations);
        const all = [...columns, traceIds, spanIds, series];
        frame(FrameType.TRACED_OPERATIONS, operations, operations, all, bytes);
      }
    }
    if (samples > 0) {
      const columns = [
        this.sampleDeltas.subarray(0, samples),
        this.sampleValues.subarray(0, samples),
        this.sampleSeries.subarray(0, samples),
      ];
      frame(FrameType.SAMPLES, samples, samples, columns, samplesBytes(samples));
    }
    return { length, nextSequence: next };
  }

  #sumUnits(): number {
    let units = 0;
    for (let row = 0; row < this.sums; row++) units += this.sumCalls[row];
    return units;
  }

  #histogramUnits(): number {
    let units = 0;
    for (const row of this.histogramRows()) units += row.numbers[0];
    return units;
  }

  *histogramRows(): Generator<{ series: number; numbers: Float64Array }> {
    const { byteOffset } = this.#histograms;
    for (let row = 0, at = 0; row < this.#control[HISTOGRAM_ROWS]; row++) {
      const [series, buckets] = new Uint32Array(this.memory, byteOffset + at, 2);
      yield { series, numbers: new Float64Array(this.memory, byteOffset + at + 8, 4 + buckets) };
      at += histogramRowBytes(buckets);
    }
  }

  // The rest is for memory that is shared with the main thread.

  /** Takes a free slot for a journal, whose directory the main thread must know to rescue the batch. */
  claim(directory: string, thread: number, watcher: number): boolean {
    const text = new TextEncoder().encode(directory);
    if (text.length > PATH_BYTES || Atomics.compareExchange(this.#control, OWNER, 0, thread) !== 0)
      return false;
    this.#watcher[0] = watcher;
    this.#path.set(text);
    Atomics.store(this.#control, PATH_LENGTH, text.length);
    return true;
  }

  /** Gives the slot back: only once nothing is in it. */
  free(): void {
    Atomics.store(this.#control, PATH_LENGTH, 0);
    Atomics.store(this.#control, CLOSED, 0);
    this.#sequence[0] = 0;
    // The main thread, which is no worker whose end anybody sees.
    this.#watcher[0] = 0;
    Atomics.store(this.#control, OWNER, 0);
  }

  get isClosed(): boolean {
    return this.#control[CLOSED] !== 0;
  }

  /** From now on its recorder counts what it is given as dropped. */
  close(): void {
    Atomics.store(this.#control, CLOSED, 1);
  }

  /** The journal's directory, where a thread has claimed the slot. */
  get directory(): string | undefined {
    const length = Atomics.load(this.#control, PATH_LENGTH);
    return length === 0 ? undefined : new TextDecoder().decode(this.#path.slice(0, length));
  }

  /** The thread that sees the owner end. */
  get watcher(): number {
    return this.#watcher[0];
  }

  /** The thread that claimed the slot; 0 while it is free. */
  get owner(): number {
    return Atomics.load(this.#control, OWNER);
  }
}
