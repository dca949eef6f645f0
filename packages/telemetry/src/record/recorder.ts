/**
 * Recorder: everything that one thread records for one configuration.
 *
 * In: samples, sums, histogram values, ended operations. Out: batches, appended to a journal at the end of the turn.
 * Invariant: what was recorded is in the batch, in the journal, or counted as dropped by reason; nothing throws.
 * On failure: where the journal has no room, raw samples are dropped and counted; sums, counts and histograms are
 * carried and enter the next frame that fits.
 */
import type { SpanContext } from '@opentelemetry/api';
import { DEFAULT_CARDINALITY_LIMIT } from '../config/signals.ts';
import type { JournalWriter } from '../journal/writer.ts';
import { encodeFrames, encodeJson, encodeJsonFrame, FrameType, type FramePart } from '../journal/frame.ts';
import type { EncodedAttributes } from '../journal/attributes.ts';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { Batch, COMPOSED_BYTES, MAX_OPERATIONS, MAX_SAMPLES, MAX_SUMS } from './batch.ts';
import { bucketOf } from './bucket-of.ts';
import { isOverflow } from './cardinality.ts';
import { Carry } from './carry.ts';
import { monotonic, wallTime } from './clock.ts';

/** When a batch is written: at the end of the event loop's turn, at every record, or after so many milliseconds. */
export type Flush = 'turn' | 'record' | number;

/** Why a call of `record`, `add` or an operation's end is not in the journal. */
export type DropReason = 'invalid_value' | 'invalid_attributes' | 'budget' | 'closed';

/** A series of sums, and its row in the current batch. */
export interface SumSeries {
  readonly id: number;
  row: number;
  epoch: number;
}

export interface HistogramSeries {
  readonly id: number;
  readonly boundaries: readonly number[];
  /** Its row in the current batch. */
  numbers: Float64Array;
  epoch: number;
}

/** Series that an operation's totals go to when its raw record had to be dropped. */
export interface OperationSeries {
  readonly id: number;
  readonly responses: () => SumSeries;
  readonly bytes: () => SumSeries;
}

/** Of one account: an outage of hours must not fill the memory. */
const MAX_LOST_SPANS = 65_536;

/** Captured at load: tests fake timers. */
const { setImmediate, setTimeout } = globalThis;

/** One buffer per thread: a flush is synchronous. */
let composed: Uint8Array | undefined;

export class Recorder {
  /** Series that one instrument may have here; the server sees to it for all writers together. */
  readonly cardinalityLimit: number;
  readonly #journal: JournalWriter;
  readonly #batch: Batch;
  #flush: Flush;
  #scheduled = false;
  #baseSeconds = 0;
  #baseNanos = 0;
  #instruments = 0;
  #series = 0;
  #recorded = 0;
  readonly #dropped = new Map<DropReason, number>();
  #accountChanged = false;
  readonly #carry = new Carry();
  /** Definitions that found no room: nothing that may refer to them is written before they are. */
  readonly #unwritten: Uint8Array[] = [];
  readonly #operations = new Map<number, OperationSeries>();
  readonly #lostSpans: string[] = [];
  readonly #observed = new Set<number>();
  readonly #overflow = new Set<number>();
  #overflowed = 0;
  readonly #onFlush = (): void => {
    this.#scheduled = false;
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
    if (batch.sequence === 0) batch.sequence = 1;
  }

  /** Writes an instrument's definition; its id holds for this journal. */
  defineInstrument(instrument: Omit<InstrumentDefinition, 'id'>): number {
    const id = ++this.#instruments;
    this.#define({ instruments: [{ id, ...instrument }] });
    return id;
  }

  /** Writes the definition of an instrument with one attribute set, before its first use. */
  defineSeries(instrument: number, attributes: EncodedAttributes): number {
    const id = ++this.#series;
    if (isOverflow(attributes)) this.#overflow.add(id);
    this.#define({ series: [{ id, instrument, attributes }] });
    return id;
  }

  defineOperation(series: OperationSeries): void {
    this.#operations.set(series.id, series);
  }

  /** Appends a raw sample. */
  sample(series: number, value: number): void {
    const batch = this.#batch;
    const now = monotonic();
    const isFirst = batch.isEmpty || batch.samples === MAX_SAMPLES;
    if (batch.isClosed || (isFirst && !this.#begin(now))) return this.drop('closed', 1);
    const row = batch.samples;
    batch.sampleDeltas[row] = (now[0] - this.#baseSeconds) * 1e9 + (now[1] - this.#baseNanos);
    batch.sampleValues[row] = value;
    batch.sampleSeries[row] = series;
    batch.publishSamples(row + 1);
    if (!this.#scheduled) this.#schedule();
  }

  /** Adds to a sum. `calls` is 0 for what is no call of its own, such as an operation's start. */
  add(series: SumSeries, value: number, calls = 1): void {
    const batch = this.#batch;
    const isFirst = series.epoch !== batch.epoch;
    if (batch.isClosed || (isFirst && !this.#sumRow(series, 0))) return this.drop('closed', calls);
    batch.sumValues[series.row] += value;
    batch.sumCalls[series.row] += calls;
    if (!this.#scheduled) this.#schedule();
  }

  /** Sets an observed total: the last value of a batch counts. */
  observe(series: SumSeries, value: number, calls = 1): void {
    const batch = this.#batch;
    const isFirst = series.epoch !== batch.epoch;
    if (batch.isClosed || (isFirst && !this.#sumRow(series, value))) return this.drop('closed', calls);
    if (isFirst) this.#observed.add(series.id);
    batch.sumValues[series.row] = value;
    batch.sumCalls[series.row] += calls;
    if (!this.#scheduled) this.#schedule();
  }

  histogram(series: HistogramSeries, value: number): void {
    const batch = this.#batch;
    const isFirst = series.epoch !== batch.epoch;
    if (batch.isClosed || (isFirst && !this.#histogramRow(series))) return this.drop('closed', 1);
    const { numbers, boundaries } = series;
    numbers[0] += 1;
    numbers[1] += value;
    if (value < numbers[2]) numbers[2] = value;
    if (value > numbers[3]) numbers[3] = value;
    numbers[4 + bucketOf(boundaries, value)] += 1;
    if (!this.#scheduled) this.#schedule();
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
    const isFirst = batch.isEmpty || batch.operations === MAX_OPERATIONS;
    if (batch.isClosed || (isFirst && !this.#begin(end))) return this.drop('closed', 1);
    const row = batch.operations;
    batch.operationDeltas[row] = (end[0] - this.#baseSeconds) * 1e9 + (end[1] - this.#baseNanos);
    batch.operationLatencies[row] = latencyNanos;
    batch.operationBytes[row] = bytes;
    batch.operationSeries[row] = series;
    batch.setSpan(span);
    batch.publishOperations(row + 1);
    if (!this.#scheduled) this.#schedule();
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
    // Before the write, as in `#flushCarry`.
    batch.sequence = sequence + 1;
    this.#recorded += part.units;
    if (this.#journal.append(bytes, bytes.length)) return true;
    batch.sequence = sequence;
    this.drop('budget', part.units);
    return false;
  }

  /** Says with the next account that a span which was dropped has ended: it is not open. */
  loseSpan(spanId: string): void {
    if (this.#lostSpans.length < MAX_LOST_SPANS) this.#lostSpans.push(spanId);
  }

  /** Counts calls that cannot be kept; the account reaches the journal with the next flush. */
  drop(reason: DropReason, calls: number): void {
    if (calls === 0) return;
    this.#dropped.set(reason, (this.#dropped.get(reason) ?? 0) + calls);
    this.#accountChanged = true;
    if (!this.#scheduled) this.#schedule();
  }

  /** Writes the batch now. `force` ignores the byte budget for sums and accounts: the last words of a process. */
  flush(force = false): void {
    const batch = this.#batch;
    if (batch.isClosed || (batch.isEmpty && !this.#accountChanged && this.#carry.isEmpty)) return;
    // What was carried is older than the batch, and an observed total must not be overtaken by an older one.
    this.#flushCarry(force);
    this.#recorded += batch.units;
    this.#overflowed += batch.unitsOf(this.#overflow);
    if (batch.isEmpty) return;
    composed ??= new Uint8Array(COMPOSED_BYTES);
    const { length, nextSequence } = batch.compose(composed, batch.sequence);
    if (this.#carry.isEmpty && this.#writeDefinitions() && this.#journal.append(composed, length)) {
      batch.clear(nextSequence);
    } else {
      this.#carryOver();
      this.#flushCarry(force);
    }
  }

  /** The process is about to leave: from now on every record is written by itself. */
  leave(): void {
    this.flush(true);
    this.#flush = 'record';
    // What is scheduled may never run.
    this.#scheduled = false;
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
    return this.#batch.owner !== 0;
  }

  /** Calls so far: `recorded` includes those dropped. */
  get account(): {
    recorded: number;
    dropped: Readonly<Record<string, number>>;
    overflowed: number;
    outstandingBytes: number;
  } {
    let dropped = 0;
    for (const [reason, count] of this.#dropped) dropped += reason === 'budget' ? 0 : count;
    const recorded = this.#recorded + this.#batch.units + dropped;
    return {
      recorded,
      dropped: Object.fromEntries(this.#dropped),
      overflowed: this.#overflowed + this.#batch.unitsOf(this.#overflow),
      outstandingBytes: this.#journal.outstandingBytes,
    };
  }

  #define(definitions: object): void {
    if (this.#batch.isClosed) return;
    const header = { type: FrameType.DEFINITIONS, sequence: 0, rows: 1, units: 0 };
    this.#unwritten.push(encodeJsonFrame(header, definitions));
    this.#writeDefinitions();
  }

  #writeDefinitions(): boolean {
    while (this.#unwritten.length > 0) {
      if (!this.#journal.define(this.#unwritten[0])) return false;
      this.#unwritten.shift();
    }
    return true;
  }

  /** Makes room. `false`: the main thread closed the batch in the meantime. */
  #begin(now: readonly [number, number]): boolean {
    if (!this.#batch.isEmpty) this.flush();
    if (this.#batch.isClosed) return false;
    [this.#baseSeconds, this.#baseNanos] = now;
    const [wallSeconds, wallNanos] = wallTime(now[0], now[1]);
    this.#batch.setBase(wallSeconds, wallNanos, now[0], now[1]);
    return true;
  }

  #sumRow(series: SumSeries, value: number): boolean {
    const batch = this.#batch;
    if ((batch.isEmpty || batch.sums === MAX_SUMS) && !this.#begin(monotonic())) return false;
    const row = batch.sums;
    batch.sumSeries[row] = series.id;
    batch.sumValues[row] = value;
    batch.sumCalls[row] = 0;
    series.row = row;
    series.epoch = batch.epoch;
    batch.publishSums(row + 1);
    return true;
  }

  #histogramRow(series: HistogramSeries): boolean {
    const batch = this.#batch;
    const buckets = series.boundaries.length + 1;
    if ((batch.isEmpty || !batch.hasRoomFor(buckets)) && !this.#begin(monotonic())) return false;
    series.numbers = batch.addHistogram(series.id, buckets);
    series.epoch = batch.epoch;
    return true;
  }

  #schedule(): void {
    if (this.#flush === 'record') return this.flush();
    this.#scheduled = true;
    if (this.#flush === 'turn') setImmediate(this.#onFlush).unref();
    else setTimeout(this.#onFlush, this.#flush).unref();
  }

  /** No room: raw rows are dropped, totals go to the carry. */
  #carryOver(): void {
    const batch = this.#batch;
    for (let row = 0; row < batch.sums; row++) {
      const series = batch.sumSeries[row];
      if (this.#observed.has(series)) this.#carry.drop(series);
      this.#carry.add(series, batch.sumValues[row], batch.sumCalls[row]);
    }
    for (const { series, numbers } of batch.histogramRows()) this.#carry.merge(series, numbers);
    for (let row = 0; row < batch.operations; row++) {
      const series = this.#operations.get(batch.operationSeries[row]);
      if (series === undefined) continue;
      this.#carry.add(series.responses().id, 1, 0);
      const bytes = batch.operationBytes[row];
      if (!Number.isNaN(bytes)) this.#carry.add(series.bytes().id, bytes, 0);
    }
    const raw = batch.samples + batch.operations;
    if (raw > 0) {
      this.#dropped.set('budget', (this.#dropped.get('budget') ?? 0) + raw);
      this.#accountChanged = true;
    }
    batch.clear(batch.sequence);
  }

  #flushCarry(force: boolean): void {
    if (this.#carry.isEmpty && !this.#accountChanged) return;
    const [seconds, nanos] = monotonic();
    const parts = this.#carry.parts([...wallTime(seconds, nanos), seconds, nanos]);
    if (this.#accountChanged) {
      const payload = encodeJson({ dropped: Object.fromEntries(this.#dropped) });
      parts.push({ type: FrameType.ACCOUNT, rows: 0, units: 0, payload });
    }
    if (this.#lostSpans.length > 0) {
      const payload = encodeJson(this.#lostSpans);
      parts.push({ type: FrameType.LOST_SPANS, rows: this.#lostSpans.length, units: 0, payload });
    }
    const batch = this.#batch;
    const { sequence } = batch;
    const bytes = encodeFrames(parts, sequence);
    // Before the write: were this thread terminated behind it, the rescued batch would repeat the numbers and be lost.
    batch.sequence = sequence + parts.length;
    if (this.#writeDefinitions() && this.#journal.append(bytes, bytes.length, force)) {
      this.#carry.clear();
      this.#accountChanged = false;
      this.#lostSpans.length = 0;
    } else {
      batch.sequence = sequence;
    }
  }
}
