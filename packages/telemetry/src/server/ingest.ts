/**
 * Ingest: frames of the journals → points of a request (raw samples) and aggregates (everything else).
 *
 * In: proven frames of one journal at a time. Out: sealed requests, and counts in the journal's account.
 * Invariant: every unit of a frame is exported by a request, merged, held in a window, or dropped with a reason.
 * On failure: a row whose series is not defined is dropped as `undefined_series`, one that would spoil a total as
 * `invalid_value`; a frame that contradicts itself is refused; nothing throws for what is in a file.
 */
import type { Exemplar, PointBatch } from '../exporters/exporter.ts';
import {
  readBase,
  viewHistograms,
  viewOperations,
  viewSamples,
  viewSums,
  viewTracedOperations,
  type OperationsView,
  type TimeBase,
} from '../journal/columns.ts';
import { FrameType, type Frame } from '../journal/frame.ts';
import type { CountMerged } from '../resample/last-value.ts';
import { fromMillis, type Close } from '../resample/windows.ts';
import { JournalAccount } from './account.ts';
import type { Aggregates, Emit } from './aggregates.ts';
import type { RequestBuilder } from './request.ts';
import type { Request } from './signal.ts';
import type { SelfObservation } from './self-telemetry.ts';
import type { TailedJournal } from './tailed-journal.ts';
import type { ExportedSeries } from './series.ts';
import type { OperationTarget, SampleTarget, Targets } from './targets.ts';

/** Whose unit a sample is, and where that is counted. */
type Recorded = Pick<TailedJournal, 'id' | 'account'>;

/** What the server says of itself is nobody's unit. */
const SERVER: Recorded = { id: 'server', account: new JournalAccount() };

export class Ingest {
  readonly #targets: Targets;
  readonly #aggregates: Aggregates;
  readonly #builder: RequestBuilder;
  readonly #intervalMillis: number;
  readonly #countMerged: CountMerged;
  /** Requests that are full, in order. The cycle takes them out after each frame. */
  readonly sealed: Request<PointBatch>[] = [];

  constructor(
    targets: Targets,
    aggregates: Aggregates,
    builder: RequestBuilder,
    options: { readonly intervalMillis: number; readonly countMerged: CountMerged },
  ) {
    this.#countMerged = options.countMerged;
    this.#targets = targets;
    this.#aggregates = aggregates;
    this.#builder = builder;
    this.#intervalMillis = options.intervalMillis;
  }

  /** Closes windows and seals what is left. `ending` are the resources of processes that are gone. */
  finish(close: Close, ending: ReadonlySet<string>): void {
    const emit: Emit = {
      number: (series, millis, value, start) => {
        this.#room();
        this.#builder.addSum(series, ...fromMillis(millis), value, fromMillis(start));
      },
      histogram: (series, millis, value, start) => {
        this.#room();
        this.#builder.addHistogram(series, ...fromMillis(millis), value, fromMillis(start));
      },
      exponential: (series, millis, value, start) => {
        this.#room();
        this.#builder.addExponential(series, ...fromMillis(millis), value, fromMillis(start));
      },
      sample: (series, at, value, writer, units) => {
        this.#room();
        this.#builder.add(series, at[0], at[1], value, units > 0 ? writer : undefined);
      },
    };
    this.#aggregates.close(close, ending, emit);
    if (!this.#builder.isEmpty) this.sealed.push(this.#builder.seal());
  }

  /** Takes in the rows of one frame; `false` where it contradicts itself. */
  frame(journal: TailedJournal, frame: Frame): boolean {
    switch (frame.type) {
      case FrameType.SAMPLES:
        return this.#samples(journal, frame);
      case FrameType.SUMS:
        return this.#sums(journal, frame);
      case FrameType.HISTOGRAMS:
        return this.#histograms(journal, frame);
      case FrameType.OPERATIONS:
        return this.#operations(journal, frame, viewOperations(frame));
      case FrameType.TRACED_OPERATIONS:
        return this.#operations(journal, frame, viewTracedOperations(frame));
      default:
        return false;
    }
  }

  /** Takes in what the server says of itself, as of now where a point has no time of its own. */
  observe({ startMillis, points }: SelfObservation, { nowMillis, intervalMillis }: Close): void {
    for (const point of points) {
      const target = this.#targets.ofSelf(point, startMillis);
      if (target.kind === 'observed') {
        target.sum.observe(Math.floor(nowMillis / intervalMillis), point.value, SERVER.id);
      } else {
        const [seconds, nanos] = point.at ?? fromMillis(nowMillis);
        this.#sample(SERVER, target.samples, { seconds, nanos }, 0, point.value, 0, 0);
      }
    }
  }

  #samples(journal: TailedJournal, frame: Frame): boolean {
    const view = viewSamples(frame);
    if (view === undefined || frame.units !== frame.rows) return false;
    const { deltas, values, series } = view;
    const { id, raw, account } = journal;
    const base = readBase(frame);
    for (let row = 0; row < frame.rows; row++) {
      const exported = raw[series[row]];
      if (exported !== undefined) {
        this.#raw(exported, base, deltas[row], values[row], id);
        continue;
      }
      const target = this.#targets.of(journal, series[row]);
      if (target?.kind !== 'gauge') {
        account.drop('undefined_series', 1);
        continue;
      }
      if (target.isOverflow) account.overflowed++;
      const place = target.decimation?.next() ?? 0;
      this.#sample(journal, target.samples, base, deltas[row], values[row], place, 1);
    }
    return true;
  }

  #sums(journal: TailedJournal, frame: Frame): boolean {
    const view = viewSums(frame);
    if (view === undefined || sum(view.calls) !== frame.units) return false;
    const window = this.#window(readBase(frame));
    for (let row = 0; row < frame.rows; row++) {
      const target = this.#targets.of(journal, view.series[row]);
      const value = view.values[row];
      const calls = view.calls[row];
      if (target?.kind !== 'sum' && target?.kind !== 'observed') {
        journal.account.drop('undefined_series', calls);
      } else if (Number.isFinite(value)) {
        if (target.kind === 'sum') target.sum.add(window, value, journal.id);
        else target.sum.observe(window, value, target.writer);
        journal.account.merged += calls;
        if (target.isOverflow) journal.account.overflowed += calls;
      } else {
        // A total that has taken NaN or an infinity never recovers.
        journal.account.drop('invalid_value', calls);
      }
    }
    return true;
  }

  #histograms(journal: TailedJournal, frame: Frame): boolean {
    const rows = viewHistograms(frame);
    if (rows === undefined || sum(rows.map(({ count }) => count)) !== frame.units) return false;
    const window = this.#window(readBase(frame));
    for (const row of rows) {
      const target = this.#targets.of(journal, row.series);
      if (target?.kind !== 'histogram') {
        journal.account.drop('undefined_series', row.count);
      } else if (Number.isFinite(row.sum)) {
        target.histogram.add(window, row);
        journal.account.merged += row.count;
        if (target.isOverflow) journal.account.overflowed += row.count;
      } else {
        journal.account.drop('invalid_value', row.count);
      }
    }
    return true;
  }

  #operations(journal: TailedJournal, frame: Frame, view: OperationsView | undefined): boolean {
    if (view === undefined || frame.units !== frame.rows) return false;
    const base = readBase(frame);
    const seen = new Set<OperationTarget>();
    for (let row = 0; row < frame.rows; row++) {
      const target = this.#targets.of(journal, view.series[row]);
      if (target?.kind !== 'operation') {
        journal.account.drop('undefined_series', 1);
        continue;
      }
      if (target.isOverflow) journal.account.overflowed++;
      if (target.operations === 0) seen.add(target);
      target.operations++;
      const delta = view.deltas[row];
      const place = target.decimation?.next() ?? 0;
      // A clock cannot tell less than a nanosecond, and a rate needs a time.
      const seconds = Math.max(1, view.latencyNanos[row]) / 1e9;
      const bytes = view.bytes[row];
      this.#sample(journal, target.latency, base, delta, seconds, place, 1, exemplarOf(view, row));
      if (!Number.isFinite(bytes)) continue;
      this.#sample(journal, target.size, base, delta, bytes, place, 0);
      this.#sample(journal, target.rate, base, delta, bytes / seconds, place, 0);
      target.moved++;
      target.movedBytes += bytes;
    }
    this.#total(seen, this.#window(base), journal.id);
    return true;
  }

  /** Adds what a frame's operations come to: all of them are in one window. */
  #total(seen: Iterable<OperationTarget>, window: number, writer: string): void {
    for (const target of seen) {
      target.responses.add(window, target.operations, writer);
      if (target.moved > 0) target.bytes.add(window, target.movedBytes, writer);
      target.operations = 0;
      target.moved = 0;
      target.movedBytes = 0;
    }
  }

  /** A sample that leaves as it is: a point, and a unit of `owner` if that is given. */
  #raw(
    series: ExportedSeries,
    base: Pick<TimeBase, 'seconds' | 'nanos'>,
    delta: number,
    value: number,
    owner: string | undefined,
    exemplar?: Exemplar,
  ): void {
    this.#room();
    let { seconds } = base;
    let nanos = base.nanos + delta;
    if (!(nanos >= 0 && nanos < 1e9)) {
      const carry = Math.floor(nanos / 1e9);
      seconds += carry;
      nanos -= carry * 1e9;
    }
    this.#builder.add(series, seconds, nanos, value, owner, exemplar);
  }

  /** `place`: among the samples that are decimated together. */
  #sample(
    journal: Recorded,
    target: SampleTarget,
    base: Pick<TimeBase, 'seconds' | 'nanos'>,
    delta: number,
    value: number,
    place: number,
    units: number,
    exemplar?: Exemplar,
  ): void {
    if (target.method === 'none' || (target.method === 'decimation' && place % target.factor === 0)) {
      return this.#raw(target.series, base, delta, value, units > 0 ? journal.id : undefined, exemplar);
    }
    if (target.method === 'decimation') {
      journal.account.merged += units;
      return;
    }
    const nanos = base.nanos + delta;
    const carry = Math.floor(nanos / 1e9);
    const seconds = base.seconds + carry;
    const rest = nanos - carry * 1e9;
    const window = Math.floor((seconds * 1000 + rest / 1e6) / this.#intervalMillis);
    if (target.method === 'last_value') {
      const sample = { at: [seconds, rest] as const, value, writer: journal.id, units };
      target.lastValue.add(window, sample, this.#countMerged);
    } else if (Number.isFinite(value)) {
      target.histogram.record(window, value);
      journal.account.merged += units;
    } else {
      // NaN and infinities have no bucket, and a sum never recovers from them.
      journal.account.drop('invalid_value', units);
    }
  }

  #window({ seconds, nanos }: TimeBase): number {
    return Math.floor((seconds * 1000 + nanos / 1e6) / this.#intervalMillis);
  }

  #room(): void {
    if (this.#builder.isFull) this.sealed.push(this.#builder.seal());
  }
}

/** The span of an operation; `undefined` where its columns are zero. */
function exemplarOf({ traceIds, spanIds }: OperationsView, row: number): Exemplar | undefined {
  if (traceIds === undefined || spanIds === undefined) return undefined;
  const traceId = traceIds.subarray(16 * row, 16 * (row + 1));
  const spanId = spanIds.subarray(8 * row, 8 * (row + 1));
  const isNone = !traceId.some(Boolean) || !spanId.some(Boolean);
  return isNone ? undefined : { traceId: hex(traceId), spanId: hex(spanId) };
}

function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('hex');
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}
