/**
 * Targets: what the rows of one local series of a journal become.
 *
 * In: a series that the journal defines. Out: the exported series or aggregates that its rows go to.
 * Invariant: resolved once per series; it depends on the configuration, the definitions, and on which attribute sets came
 * before (`admitted-sets.ts`), of which the checkpoint knows.
 */
import type { Attributes } from '@opentelemetry/api';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { CounterName, GaugeName, METER_NAME, UNITS } from '../names.ts';
import type { Decimation } from '../resample/decimation.ts';
import type { ExponentialHistogram } from '../resample/exponential-histogram.ts';
import type { Histogram } from '../resample/histogram.ts';
import type { LastValue } from '../resample/last-value.ts';
import type { ObservedSum } from '../resample/observed-sum.ts';
import type { Sum } from '../resample/sum.ts';
import type { Aggregates } from './aggregates.ts';
import type { SelfPoint } from './self-telemetry.ts';
import type { ExportedSeries, SeriesIndex } from './series.ts';
import type { TailedJournal } from './tailed-journal.ts';

/** What becomes of the samples of one exported series. */
export type SampleTarget =
  | { readonly method: 'none'; readonly series: ExportedSeries }
  | { readonly method: 'decimation'; readonly series: ExportedSeries; readonly factor: number }
  | { readonly method: 'last_value'; readonly lastValue: LastValue }
  | { readonly method: 'histogram'; readonly histogram: ExponentialHistogram | Histogram };

export type Target = {
  /** Its attributes are beyond the cardinality limit. */
  readonly isOverflow: boolean;
} & (
  | {
      readonly kind: 'gauge';
      readonly samples: SampleTarget;
      /** Where samples are decimated. */
      readonly decimation: Decimation | undefined;
    }
  | { readonly kind: 'sum'; readonly sum: Sum }
  | { readonly kind: 'observed'; readonly sum: ObservedSum; readonly writer: string }
  | { readonly kind: 'histogram'; readonly histogram: Histogram }
  | {
      readonly kind: 'operation';
      readonly latency: SampleTarget;
      readonly size: SampleTarget;
      readonly rate: SampleTarget;
      /** Where any of the three is decimated: they leave together or not at all. */
      readonly decimation: Decimation | undefined;
      readonly responses: Sum;
      readonly bytes: Sum;
      /** Of the frame that is read: operations, those that moved bytes, and these bytes. 0 between frames. */
      operations: number;
      moved: number;
      movedBytes: number;
    }
);

export type OperationTarget = Extract<Target, { readonly kind: 'operation' }>;

export type SelfTarget =
  | { readonly kind: 'gauge'; readonly samples: SampleTarget }
  | { readonly kind: 'observed'; readonly sum: ObservedSum };

export class Targets {
  readonly #index: SeriesIndex;
  readonly #aggregates: Aggregates;

  constructor(index: SeriesIndex, aggregates: Aggregates) {
    this.#index = index;
    this.#aggregates = aggregates;
  }

  /** `undefined` where the journal does not define the series. */
  of(journal: TailedJournal, id: number): Target | undefined {
    const known = journal.targets[id];
    if (known !== undefined) return known;
    const defined = journal.dictionary.series(id);
    if (defined === undefined) return undefined;
    const target = this.#resolve(journal, id, defined.instrument, defined.attributes);
    journal.targets[id] = target;
    if (target.kind === 'gauge' && target.samples.method === 'none' && !target.isOverflow) {
      journal.raw[id] = target.samples.series;
    }
    return target;
  }

  /** What an observation of the server itself goes to. */
  ofSelf({ name, unit, kind, attributes }: SelfPoint, startMillis: number): SelfTarget {
    const scope = { name: METER_NAME };
    const instrument = { id: 0, kind, scope, name, unit, description: '', valueType: 'double' } as const;
    // It belongs to the tree, as its name says.
    const series = this.#index.series('', { attributes: {} }, instrument, attributes);
    return kind === 'gauge'
      ? { kind, samples: this.#samples(series, startMillis) }
      : { kind: 'observed', sum: this.#aggregates.observedSum(series, startMillis) };
  }

  #resolve(
    journal: TailedJournal,
    id: number,
    instrument: InstrumentDefinition,
    attributes: Attributes,
  ): Target {
    const { resourceKey, resource, startMillis } = journal;
    if (instrument.kind === 'operation') return this.#operation(journal, instrument, attributes);
    const series = this.#index.series(resourceKey, resource, instrument, attributes);
    const { isOverflow } = series;
    switch (instrument.kind) {
      case 'gauge':
      case 'observable_gauge': {
        const samples = this.#samples(series, startMillis);
        const decimation = samples.method === 'decimation' ? this.#aggregates.decimation(series) : undefined;
        return { kind: 'gauge', isOverflow, samples, decimation };
      }
      case 'histogram':
        return { kind: 'histogram', isOverflow, histogram: this.#aggregates.histogram(series, startMillis) };
      case 'observable_counter':
      case 'observable_up_down_counter': {
        // Several sets of one writer come together in the overflow: each has a total of its own.
        const writer = isOverflow ? `${journal.id}:${id}` : journal.id;
        const sum = this.#aggregates.observedSum(series, startMillis);
        return { kind: 'observed', isOverflow, sum, writer };
      }
      default:
        return { kind: 'sum', isOverflow, sum: this.#aggregates.sum(series, startMillis) };
    }
  }

  #operation(
    { resourceKey, resource, startMillis }: TailedJournal,
    instrument: InstrumentDefinition,
    attributes: Attributes,
  ): Target {
    const series = (of: InstrumentDefinition) => this.#index.series(resourceKey, resource, of, attributes);
    const gauge = (name: GaugeName) => this.#samples(series(derived(name, 'gauge')), startMillis);
    const sum = (name: CounterName) => this.#aggregates.sum(series(derived(name, 'counter')), startMillis);
    const [latency, size, rate] = [
      gauge(GaugeName.LATENCY),
      gauge(GaugeName.DATA_SIZE),
      gauge(GaugeName.DATA_RATE),
    ];
    const isDecimated = [latency, size, rate].some(({ method }) => method === 'decimation');
    return {
      kind: 'operation',
      isOverflow: series(derived(GaugeName.LATENCY, 'gauge')).isOverflow,
      latency,
      size,
      rate,
      decimation: isDecimated ? this.#aggregates.decimation(series(instrument)) : undefined,
      responses: sum(CounterName.RESPONSE_SUM),
      bytes: sum(CounterName.DATA_SIZE_SUM),
      operations: 0,
      moved: 0,
      movedBytes: 0,
    };
  }

  #samples(series: ExportedSeries, startMillis: number): SampleTarget {
    const { resampling } = series.metric;
    switch (resampling.type) {
      case 'decimation':
        return { method: 'decimation', series, factor: resampling.factor };
      case 'last_value':
        return { method: 'last_value', lastValue: this.#aggregates.lastValue(series) };
      case 'exponential_histogram': {
        const histogram = this.#aggregates.exponentialHistogram(series, resampling, startMillis);
        return { method: 'histogram', histogram };
      }
      case 'explicit_bucket_histogram':
        return { method: 'histogram', histogram: this.#aggregates.histogram(series, startMillis) };
      default:
        return { method: 'none', series };
    }
  }
}

/** The instruments that operations are turned into: the same as those of `Telemetry.gauge` and `Telemetry.counter`. */
function derived(name: GaugeName | CounterName, kind: 'gauge' | 'counter'): InstrumentDefinition {
  const scope = { name: METER_NAME };
  return { id: 0, kind, scope, name, unit: UNITS[name], description: '', valueType: 'double' };
}
