/**
 * The frames of a batch, in one buffer for one write.
 *
 * In: a batch. Out: bytes, their length, the calls that they represent, and the next sequence number.
 * Invariant: the same rows and the same sequence number give the same bytes, whichever thread composes them: the reader
 * drops what it saw before. Nothing is allocated for a batch of few rows.
 */
import {
  BASE_BYTES,
  operationsBytes,
  samplesBytes,
  sumsBytes,
  tracedOperationsBytes,
} from '../journal/columns.ts';
import { FrameType, HEADER_BYTES, MORE_FOLLOWS, sealFrame } from '../journal/frame.ts';
import type { Batch } from './batch.ts';
import { BATCH_BYTES } from './block.ts';

/** Up to here a loop is faster than a view of the column and one call. */
const FEW = 32;

export class Composed {
  /** Room for every frame that a full batch can give. */
  readonly bytes: Uint8Array = new Uint8Array(BATCH_BYTES + 4 * (HEADER_BYTES + BASE_BYTES + 8));
  readonly #view = new DataView(this.bytes.buffer);
  readonly #words = new Uint32Array(this.bytes.buffer);
  readonly #numbers = new Float64Array(this.bytes.buffer);
  /** Where the next column goes. */
  #at = 0;
  length = 0;
  units = 0;
  nextSequence = 0;

  /** Sums first: if the rest of a turn is torn off by a kill, the totals are whole. */
  compose(batch: Batch, sequence: number): void {
    batch.refresh();
    this.length = 0;
    this.units = 0;
    this.nextSequence = sequence;
    const { samples, sums, operations, histograms } = batch;
    if (sums > 0) {
      this.#begin(batch.base);
      this.#addNumbers(batch.sumValues, sums);
      this.#addWords(batch.sumSeries, sums);
      this.#addWords(batch.sumCalls, sums);
      // From what was copied: the thread that is rescued may still count.
      const end = this.#at / 4;
      let units = 0;
      for (let at = end - sums; at < end; at++) units += this.#words[at];
      this.#end(FrameType.SUMS, sums, units, sumsBytes(sums), (samples | operations | histograms) > 0);
    }
    if (histograms > 0) {
      this.#begin(batch.base);
      const start = this.#at / 8;
      this.#addWords(batch.histogramWords, batch.histogramBytes / 4);
      const bytes = BASE_BYTES + batch.histogramBytes;
      const units = this.#countsFrom(start, histograms);
      this.#end(FrameType.HISTOGRAMS, histograms, units, bytes, (samples | operations) > 0);
    }
    if (operations > 0) this.#addOperations(batch, samples > 0);
    if (samples > 0) {
      this.#begin(batch.base);
      this.#addNumbers(batch.sampleDeltas, samples);
      this.#addNumbers(batch.sampleValues, samples);
      this.#addWords(batch.sampleSeries, samples);
      this.#end(FrameType.SAMPLES, samples, samples, samplesBytes(samples), false);
    }
  }

  #addOperations(batch: Batch, isFollowed: boolean): void {
    const rows = batch.operations;
    this.#begin(batch.base);
    this.#addNumbers(batch.operationDeltas, rows);
    this.#addNumbers(batch.operationLatencies, rows);
    this.#addNumbers(batch.operationBytes, rows);
    if (batch.isTraced) {
      this.#addBytes(batch.traceIds, 16 * rows);
      this.#addBytes(batch.spanIds, 8 * rows);
    }
    this.#addWords(batch.operationSeries, rows);
    const type = batch.isTraced ? FrameType.TRACED_OPERATIONS : FrameType.OPERATIONS;
    this.#end(type, rows, rows, (batch.isTraced ? tracedOperationsBytes : operationsBytes)(rows), isFollowed);
  }

  #begin(base: Uint32Array): void {
    this.#at = this.length + HEADER_BYTES;
    this.#addWords(base, 4);
  }

  #end(type: FrameType, rows: number, units: number, payloadBytes: number, isFollowed: boolean): void {
    // What earlier batches have left there.
    if (this.#at % 8 !== 0) this.#words[this.#at / 4] = 0;
    const header = { type, sequence: this.nextSequence++, rows, units, flags: isFollowed ? MORE_FOLLOWS : 0 };
    this.length = sealFrame(this.bytes, this.#view, this.length, header, payloadBytes);
    this.units += units;
  }

  #addNumbers(column: Float64Array, rows: number): void {
    const to = this.#numbers;
    const at = this.#at / 8;
    if (rows > FEW) to.set(column.subarray(0, rows), at);
    else for (let row = 0; row < rows; row++) to[at + row] = column[row];
    this.#at += 8 * rows;
  }

  #addWords(column: Uint32Array, rows: number): void {
    const to = this.#words;
    const at = this.#at / 4;
    if (rows > FEW) to.set(column.subarray(0, rows), at);
    else for (let row = 0; row < rows; row++) to[at + row] = column[row];
    this.#at += 4 * rows;
  }

  #addBytes(column: Uint8Array, length: number): void {
    this.bytes.set(column.subarray(0, length), this.#at);
    this.#at += length;
  }

  /** What the histogram rows count that lie here now. */
  #countsFrom(start: number, rows: number): number {
    let units = 0;
    for (let row = 0, at = start; row < rows; row++, at += 5 + this.#words[2 * at + 1]) {
      units += this.#numbers[at + 1];
    }
    return units;
  }
}
