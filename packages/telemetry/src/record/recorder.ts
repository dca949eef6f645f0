/**
 * Recorder: everything that one thread records for one configuration.
 *
 * In: samples, sums, histogram values, ended operations. Out: batches, appended to a journal at the end of the turn.
 * Invariant: what was recorded is in the batch, in the journal, or counted as dropped by reason; nothing throws.
 * The batch takes what it has a row for; the rest of the work (a base, a row, the flush of a full batch, its schedule) is
 * done for the first record of a batch and not for each.
 * On failure: where the journal has no room, raw samples are dropped and counted; sums, counts and histograms are
 * carried and enter the next frame that fits.
 */
import type { SpanContext } from '@opentelemetry/api';
import { DEFAULT_CARDINALITY_LIMIT } from '../config/signals.ts';
import type { JournalWriter } from '../journal/writer.ts';
import { encodeFrames, encodeJsonFrame, FrameType, type FramePart } from '../journal/frame.ts';
import type { EncodedAttributes } from '../journal/attributes.ts';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { Batch, type HistogramSeries, type SumSeries } from './batch.ts';
import { Carry, type OperationSeries } from './carry.ts';
import { monotonic, wallTime } from './clock.ts';
import { Composed } from './composed.ts';
import { Defined } from './defined.ts';
import { Losses, type DropReason } from './losses.ts';
import { unitsOf } from './rows.ts';
import { after, atEndOfTurn } from './turn.ts';

/** When a batch is written: at the end of the event loop's turn, at every record, or after so many milliseconds. */
export type Flush = 'turn' | 'record' | number;

/** One buffer per thread: a flush is synchronous. */
let composed: Composed | undefined;

export class Recorder {
  /** Series that one instrument may have here; the server sees to it for all writers together. */
  readonly cardinalityLimit: number;
  readonly #journal: JournalWriter;
  readonly #batch: Batch;
  readonly #defined: Defined;
  readonly #losses = new Losses();
  readonly #carry = new Carry();
  readonly #operations = new Map<number, OperationSeries>();
  readonly #observed = new Set<number>();
  #flush: Flush;
  #isScheduled = false;
  /** Calls of the batches that are flushed. */
  #recorded = 0;
  #overflowed = 0;
  readonly #onFlush = (): void => {
    this.#isScheduled = false;
    this.flush();
  };

  constructor(
    journal: JournalWriter,
    flush: Flush,
    batch: Batch = new Batch(),
    cardinalityLimit: number = DEFAULT_CARDINALITY_LIMIT,
  ) {
    this.#journal = journal;
    this.cardinalityLimit = cardinalityLimit;
    this.#flush = flush;
    this.#batch = batch;
    this.#defined = new Defined(journal, batch);
    if (batch.sequence === 0) batch.sequence = 1;
  }

  /** Writes an instrument's definition; its id holds for this journal. */
  defineInstrument(instrument: Omit<InstrumentDefinition, 'id'>): number {
    return this.#defined.instrument(instrument);
  }

  /** Writes the definition of an instrument with one attribute set, before its first use. */
  defineSeries(instrument: number, attributes: EncodedAttributes): number {
    return this.#defined.series(instrument, attributes);
  }

  defineOperation(series: OperationSeries): void {
    this.#operations.set(series.id, series);
  }

  /** Appends a raw sample. */
  sample(series: number, value: number): void {
    const now = monotonic();
    if (!this.#batch.addSample(series, value, now)) this.#sampleInNext(series, value, now);
  }

  /** Adds to a sum. `calls` is 0 for what is no call of its own, such as an operation's start. */
  add(series: SumSeries, value: number, calls = 1): void {
    if (!this.#batch.addToSum(series, value, calls)) this.#addInNew(series, value, calls);
  }

  /** Sets an observed total: the last value of a batch counts. */
  observe(series: SumSeries, value: number, calls = 1): void {
    this.#observed.add(series.id);
    const batch = this.#batch;
    if (batch.setTotal(series, value, calls)) return;
    if (!this.#beginSum(series)) return this.drop('closed', calls);
    batch.setTotal(series, value, calls);
    this.#afterFirst();
  }

  /** Adds a value to a distribution. */
  histogram(series: HistogramSeries, value: number): void {
    if (!this.#batch.addToHistogram(series, value)) this.#histogramInNew(series, value);
  }

  /** Appends an ended operation. `bytes` is NaN where it moved none; `span` is the one that it was measured in. */
  operation(
    series: number,
    end: readonly [number, number],
    latencyNanos: number,
    bytes: number,
    span?: SpanContext,
  ): void {
    const batch = this.#batch;
    if (batch.addOperation(series, end, latencyNanos, bytes, span)) return;
    if (!this.#begin(end)) return this.drop('closed', 1);
    batch.addOperation(series, end, latencyNanos, bytes, span);
    this.#afterFirst();
  }

  /** Appends a frame at once: what is in no batch, such as a span. `false`: its units are dropped. */
  append(part: FramePart): boolean {
    const batch = this.#batch;
    if (batch.isClosed) {
      this.drop('closed', part.units);
      return false;
    }
    const { sequence } = batch;
    const bytes = encodeFrames([part], sequence);
    // Before the write, as in `#flushRest`.
    batch.sequence = sequence + 1;
    this.#recorded += part.units;
    if (this.#journal.append(bytes, bytes.length)) return true;
    batch.sequence = sequence;
    this.drop('budget', part.units);
    return false;
  }

  /** Says with the next account that a span which was dropped has ended: it is not open. */
  loseSpan(spanId: string): void {
    this.#losses.loseSpan(spanId);
  }

  /** Counts calls that cannot be kept; the account reaches the journal with the next flush. */
  drop(reason: DropReason, calls: number): void {
    if (calls === 0) return;
    this.#losses.drop(reason, calls);
    this.#schedule();
    this.#afterFirst();
  }

  /** Writes the batch now. `force` ignores the byte budget for sums and accounts: the last words of a process. */
  flush(force = false): void {
    const batch = this.#batch;
    if (batch.isClosed) return;
    // What was carried is older than the batch, and an observed total must not be overtaken by an older one.
    this.#flushRest(force);
    if (batch.isEmpty) return;
    composed ??= new Composed();
    composed.compose(batch, batch.sequence);
    this.#recorded += composed.units;
    const { overflow } = this.#defined;
    if (overflow.size > 0) this.#overflowed += unitsOf(batch, overflow);
    if (
      this.#carry.isEmpty &&
      this.#defined.writeAll() &&
      this.#journal.append(composed.bytes, composed.length)
    ) {
      batch.clear(composed.nextSequence);
    } else {
      this.#carryOver();
      this.#flushRest(force);
    }
  }

  /** The process is about to leave: from now on every record is written by itself. */
  leave(): void {
    this.flush(true);
    // What is scheduled may never run.
    this.#flush = 'record';
  }

  /** Ends the journal: what is recorded from now on is dropped, counted as `closed`. */
  close(): void {
    if (this.#batch.isClosed) return;
    this.flush(true);
    const header = { type: FrameType.GOODBYE, sequence: this.#batch.sequence++, rows: 0, units: 0 };
    const frame = encodeJsonFrame(header, {});
    this.#journal.append(frame, frame.length, true);
    this.#journal.close();
    this.#batch.close();
  }

  /** A thread whose main thread watches its slot is ended by it; any other says goodbye itself. */
  get isWatched(): boolean {
    return this.#batch.isShared;
  }

  /** Calls so far: `recorded` includes those dropped. */
  get account(): {
    recorded: number;
    dropped: Readonly<Record<string, number>>;
    overflowed: number;
    outstandingBytes: number;
  } {
    return {
      recorded: this.#recorded + unitsOf(this.#batch) + this.#losses.unrecorded,
      dropped: this.#losses.dropped,
      overflowed: this.#overflowed + unitsOf(this.#batch, this.#defined.overflow),
      outstandingBytes: this.#journal.outstandingBytes,
    };
  }

  #sampleInNext(series: number, value: number, now: readonly [number, number]): void {
    if (!this.#begin(now)) return this.drop('closed', 1);
    this.#batch.addSample(series, value, now);
    this.#afterFirst();
  }

  #addInNew(series: SumSeries, value: number, calls: number): void {
    if (!this.#beginSum(series)) return this.drop('closed', calls);
    this.#batch.addToSum(series, value, calls);
    this.#afterFirst();
  }

  #histogramInNew(series: HistogramSeries, value: number): void {
    const batch = this.#batch;
    if (batch.isClosed) return this.drop('closed', 1);
    if (batch.isEmpty || !batch.addHistogram(series)) {
      if (!this.#begin(monotonic())) return this.drop('closed', 1);
      batch.addHistogram(series);
    }
    batch.addToHistogram(series, value);
    this.#afterFirst();
  }

  /** Gives a sum its row. `false`: the batch is closed. */
  #beginSum(series: SumSeries): boolean {
    const batch = this.#batch;
    if (batch.isClosed) return false;
    if (!batch.isEmpty && batch.addSum(series)) return true;
    return this.#begin(monotonic()) && batch.addSum(series);
  }

  /** An empty batch. `false`: it is closed, perhaps by the main thread in the meantime. */
  #begin(now: readonly [number, number]): boolean {
    if (!this.#batch.isEmpty) this.flush();
    if (this.#batch.isClosed) return false;
    const [wallSeconds, wallNanos] = wallTime(now[0], now[1]);
    this.#batch.begin(wallSeconds, wallNanos, now[0], now[1]);
    this.#schedule();
    return true;
  }

  #schedule(): void {
    if (this.#isScheduled || this.#flush === 'record') return;
    this.#isScheduled = true;
    if (this.#flush === 'turn') atEndOfTurn(this.#onFlush);
    else after(this.#flush, this.#onFlush);
  }

  /** Where each record is written by itself, each is the first of its batch. */
  #afterFirst(): void {
    if (this.#flush === 'record') this.flush();
  }

  /** No room: raw rows are dropped, totals go to the carry. */
  #carryOver(): void {
    const batch = this.#batch;
    this.#carry.take(batch, this.#observed, this.#operations);
    const raw = batch.samples + batch.operations;
    if (raw > 0) this.#losses.drop('budget', raw);
    batch.clear(batch.sequence);
  }

  /** What is in no batch: totals that were carried, and the account. */
  #flushRest(force: boolean): void {
    if (this.#carry.isEmpty && !this.#losses.isChanged) return;
    const [seconds, nanos] = monotonic();
    const parts = this.#carry.parts([...wallTime(seconds, nanos), seconds, nanos]);
    parts.push(...this.#losses.parts());
    const batch = this.#batch;
    const { sequence } = batch;
    const bytes = encodeFrames(parts, sequence);
    // Before the write: were this thread terminated behind it, the rescued batch would repeat the numbers and be lost.
    batch.sequence = sequence + parts.length;
    if (this.#defined.writeAll() && this.#journal.append(bytes, bytes.length, force)) {
      this.#carry.clear();
      this.#losses.settle();
    } else {
      batch.sequence = sequence;
    }
  }
}
