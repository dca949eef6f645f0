/**
 * Ingest: frames of the journals → points of a request (raw samples) and aggregates (everything else).
 *
 * In: proven frames of one journal at a time. Out: sealed requests, and counts in the journal's account.
 * Invariant: every unit of a frame is exported by a request, merged, held in a window, or dropped with a reason.
 * On failure: a row whose series is not defined is dropped as `undefined_series`, one that would spoil a total as
 * `invalid_value`; a frame that contradicts itself is refused; nothing throws for what is in a file.
 */
import type { Attributes } from '@opentelemetry/api';
import type { ResamplingConfig } from '../config/signals.ts';
import type { PointBatch } from '../exporters/exporter.ts';
import {
  readBase,
  viewHistograms,
  viewOperations,
  viewSamples,
  viewSums,
  type TimeBase,
} from '../journal/columns.ts';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { FrameType, type Frame } from '../journal/frame.ts';
import { CounterName, GaugeName, METER_NAME, UNITS } from '../names.ts';
import type { Histogram } from '../resample/histogram.ts';
import type { CountMerged } from '../resample/last-value.ts';
import type { ObservedSum } from '../resample/observed-sum.ts';
import type { Sum } from '../resample/sum.ts';
import { fromMillis, type Close } from '../resample/windows.ts';
import type { Aggregates, Emit } from './aggregates.ts';
import type { RequestBuilder } from './request.ts';
import { pointKind, type ExportedSeries, type SeriesIndex } from './series.ts';
import type { Request } from './signal.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** What the rows of one local series become. */
type Target =
  | { readonly kind: 'gauge'; readonly series: ExportedSeries }
  | { readonly kind: 'sum'; readonly sum: Sum }
  | { readonly kind: 'observed'; readonly sum: ObservedSum }
  | { readonly kind: 'histogram'; readonly histogram: Histogram }
  | {
      readonly kind: 'operation';
      readonly latency: ExportedSeries;
      readonly size: ExportedSeries;
      readonly rate: ExportedSeries;
      readonly responses: Sum;
      readonly bytes: Sum;
    };

export type Targets = Map<number, Target>;

export class Ingest {
  readonly #index: SeriesIndex;
  readonly #aggregates: Aggregates;
  readonly #builder: RequestBuilder;
  readonly #intervalMillis: number;
  readonly #isRaw: boolean;
  readonly #countMerged: CountMerged;
  /** Requests that are full, in order. The cycle takes them out after each frame. */
  readonly sealed: Request<PointBatch>[] = [];

  constructor(
    index: SeriesIndex,
    aggregates: Aggregates,
    builder: RequestBuilder,
    options: {
      readonly intervalMillis: number;
      readonly resampling: ResamplingConfig['type'];
      readonly countMerged: CountMerged;
    },
  ) {
    this.#countMerged = options.countMerged;
    this.#index = index;
    this.#aggregates = aggregates;
    this.#builder = builder;
    this.#intervalMillis = options.intervalMillis;
    this.#isRaw = options.resampling === 'none';
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
        return this.#operations(journal, frame);
      default:
        return false;
    }
  }

  #samples(journal: TailedJournal, frame: Frame): boolean {
    const view = viewSamples(frame);
    if (view === undefined || frame.units !== frame.rows) return false;
    const base = readBase(frame);
    for (let row = 0; row < frame.rows; row++) {
      const target = this.#target(journal, view.series[row]);
      if (target?.kind !== 'gauge') journal.account.drop('undefined_series', 1);
      else this.#sample(journal, target.series, base, view.deltas[row], view.values[row], 1);
    }
    return true;
  }

  #sums(journal: TailedJournal, frame: Frame): boolean {
    const view = viewSums(frame);
    if (view === undefined || sum(view.calls) !== frame.units) return false;
    const window = this.#window(readBase(frame));
    for (let row = 0; row < frame.rows; row++) {
      const target = this.#target(journal, view.series[row]);
      const value = view.values[row];
      const calls = view.calls[row];
      if (target?.kind !== 'sum' && target?.kind !== 'observed') {
        journal.account.drop('undefined_series', calls);
      } else if (Number.isFinite(value)) {
        if (target.kind === 'sum') target.sum.add(window, value, journal.id);
        else target.sum.observe(window, value, journal.id);
        journal.account.merged += calls;
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
      const target = this.#target(journal, row.series);
      if (target?.kind !== 'histogram') {
        journal.account.drop('undefined_series', row.count);
      } else if (Number.isFinite(row.sum)) {
        target.histogram.add(window, row);
        journal.account.merged += row.count;
      } else {
        journal.account.drop('invalid_value', row.count);
      }
    }
    return true;
  }

  #operations(journal: TailedJournal, frame: Frame): boolean {
    const view = viewOperations(frame);
    if (view === undefined || frame.units !== frame.rows) return false;
    const base = readBase(frame);
    const window = this.#window(base);
    for (let row = 0; row < frame.rows; row++) {
      const target = this.#target(journal, view.series[row]);
      if (target?.kind !== 'operation') {
        journal.account.drop('undefined_series', 1);
        continue;
      }
      const delta = view.deltas[row];
      // A clock cannot tell less than a nanosecond, and a rate needs a time.
      const seconds = Math.max(1, view.latencyNanos[row]) / 1e9;
      const bytes = view.bytes[row];
      this.#sample(journal, target.latency, base, delta, seconds, 1);
      target.responses.add(window, 1, journal.id);
      if (!Number.isFinite(bytes)) continue;
      this.#sample(journal, target.size, base, delta, bytes, 0);
      this.#sample(journal, target.rate, base, delta, bytes / seconds, 0);
      target.bytes.add(window, bytes, journal.id);
    }
    return true;
  }

  #sample(
    journal: TailedJournal,
    series: ExportedSeries,
    base: TimeBase,
    delta: number,
    value: number,
    units: number,
  ): void {
    const nanos = base.nanos + delta;
    const carry = Math.floor(nanos / 1e9);
    const seconds = base.seconds + carry;
    const rest = nanos - carry * 1e9;
    if (this.#isRaw) {
      this.#room();
      this.#builder.add(series, seconds, rest, value, units > 0 ? journal.id : undefined);
      return;
    }
    const window = Math.floor((seconds * 1000 + rest / 1e6) / this.#intervalMillis);
    const sample = { at: [seconds, rest] as const, value, writer: journal.id, units };
    this.#aggregates.lastValue(series).add(window, sample, this.#countMerged);
  }

  #window({ seconds, nanos }: TimeBase): number {
    return Math.floor((seconds * 1000 + nanos / 1e6) / this.#intervalMillis);
  }

  #room(): void {
    if (this.#builder.isFull) this.sealed.push(this.#builder.seal());
  }

  #target(journal: TailedJournal, id: number): Target | undefined {
    let target = journal.targets.get(id);
    if (target === undefined) {
      const defined = journal.dictionary.series(id);
      if (defined === undefined) return undefined;
      target = this.#resolve(journal, defined.instrument, defined.attributes);
      journal.targets.set(id, target);
    }
    return target;
  }

  #resolve(journal: TailedJournal, instrument: InstrumentDefinition, attributes: Attributes): Target {
    const { resourceKey, resource, startMillis } = journal;
    if (instrument.kind === 'operation') return this.#operationTarget(journal, attributes);
    const series = this.#index.series(resourceKey, resource, instrument, attributes);
    const kind = pointKind(instrument.kind);
    if (kind === 'gauge') return { kind, series };
    if (kind === 'histogram') return { kind, histogram: this.#aggregates.histogram(series, startMillis) };
    if (instrument.kind.startsWith('observable')) {
      return { kind: 'observed', sum: this.#aggregates.observedSum(series, startMillis) };
    }
    return { kind, sum: this.#aggregates.sum(series, startMillis) };
  }

  #operationTarget({ resourceKey, resource, startMillis }: TailedJournal, attributes: Attributes): Target {
    const series = (name: GaugeName | CounterName, kind: 'gauge' | 'counter') =>
      this.#index.series(resourceKey, resource, derived(name, kind), attributes);
    return {
      kind: 'operation',
      latency: series(GaugeName.LATENCY, 'gauge'),
      size: series(GaugeName.DATA_SIZE, 'gauge'),
      rate: series(GaugeName.DATA_RATE, 'gauge'),
      responses: this.#aggregates.sum(series(CounterName.RESPONSE_SUM, 'counter'), startMillis),
      bytes: this.#aggregates.sum(series(CounterName.DATA_SIZE_SUM, 'counter'), startMillis),
    };
  }
}

function sum(counts: Iterable<number>): number {
  let total = 0;
  for (const count of counts) total += count;
  return total;
}

/** The instruments that operations are turned into: the same as those of `Telemetry.gauge` and `Telemetry.counter`. */
function derived(name: GaugeName | CounterName, kind: 'gauge' | 'counter'): InstrumentDefinition {
  const scope = { name: METER_NAME };
  return { id: 0, kind, scope, name, unit: UNITS[name], description: '', valueType: 'double' };
}
