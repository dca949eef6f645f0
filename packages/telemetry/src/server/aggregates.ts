/**
 * Aggregates: the state of one configuration that must outlive the server: totals, distributions, open windows.
 *
 * In: rows of ingest. Out: points of closed windows; its own state, for the checkpoint.
 * Invariant: restored from a checkpoint and given the same rows again, it emits the same points in the same order.
 */
import type { ExponentialHistogramValue, HistogramValue, ResourceDescriptor } from '../exporters/exporter.ts';
import { decodeAttributes, encodeAttributes, type EncodedAttributes } from '../journal/attributes.ts';
import type { InstrumentDefinition } from '../journal/definitions.ts';
import { Decimation } from '../resample/decimation.ts';
import type { ExponentialShape } from '../resample/exponential-buckets.ts';
import { ExponentialHistogram, type ExponentialHistogramState } from '../resample/exponential-histogram.ts';
import { Histogram, type HistogramState } from '../resample/histogram.ts';
import { LastValue, type LastValueState } from '../resample/last-value.ts';
import { ObservedSum, type ObservedSumState } from '../resample/observed-sum.ts';
import { Sum, type SumState } from '../resample/sum.ts';
import type { Close, Instant } from '../resample/windows.ts';
import type { ExportedSeries, SeriesIndex } from './series.ts';

type Aggregate = Sum | ObservedSum | Histogram | ExponentialHistogram | LastValue | Decimation;

interface Entry {
  readonly series: ExportedSeries;
  readonly aggregate: Aggregate;
  /** Identity as JSON: it never changes, and is most of a checkpoint. */
  readonly identity: string;
}

/** One series in the checkpoint. */
export interface AggregateState {
  readonly resource: string;
  readonly instrument: InstrumentDefinition;
  readonly attributes: EncodedAttributes;
  readonly sum?: SumState;
  readonly observedSum?: ObservedSumState;
  readonly histogram?: HistogramState;
  readonly exponentialHistogram?: ExponentialHistogramState;
  readonly lastValue?: LastValueState;
  readonly decimation?: number;
}

/** Where emitted points go. */
export interface Emit {
  number(series: ExportedSeries, millis: number, value: number, startMillis: number): void;
  histogram(series: ExportedSeries, millis: number, value: HistogramValue, startMillis: number): void;
  exponential(
    series: ExportedSeries,
    millis: number,
    value: ExponentialHistogramValue,
    startMillis: number,
  ): void;
  sample(series: ExportedSeries, at: Instant, value: number, writer: string, units: number): void;
}

export class Aggregates {
  readonly #entries = new Map<ExportedSeries, Entry>();

  sum(series: ExportedSeries, startMillis: number): Sum {
    return this.#aggregate(series, () => new Sum(retracts(series), { startMillis })) as Sum;
  }

  observedSum(series: ExportedSeries, startMillis: number): ObservedSum {
    return this.#aggregate(series, () => new ObservedSum(retracts(series), { startMillis })) as ObservedSum;
  }

  histogram(series: ExportedSeries, startMillis: number): Histogram {
    const { boundaries } = series.metric;
    return this.#aggregate(series, () => new Histogram(boundaries, { startMillis })) as Histogram;
  }

  exponentialHistogram(
    series: ExportedSeries,
    shape: ExponentialShape,
    startMillis: number,
  ): ExponentialHistogram {
    const create = () => new ExponentialHistogram(shape, { startMillis });
    return this.#aggregate(series, create) as ExponentialHistogram;
  }

  decimation(series: ExportedSeries): Decimation {
    return this.#aggregate(series, () => new Decimation()) as Decimation;
  }

  lastValue(series: ExportedSeries): LastValue {
    return this.#aggregate(series, () => new LastValue()) as LastValue;
  }

  /** Emits the points of the windows that close: all windows of processes that are ending. */
  close(closing: Close, ending: ReadonlySet<string>, emit: Emit): void {
    const all = { ...closing, untilMillis: Infinity };
    for (const { series, aggregate } of this.#entries.values()) {
      const { temporality, resourceKey } = series.metric;
      const close = ending.has(resourceKey) ? all : closing;
      if (aggregate instanceof Sum || aggregate instanceof ObservedSum) {
        aggregate.close(close, temporality, (millis, value, start) =>
          emit.number(series, millis, value, start),
        );
      } else if (aggregate instanceof Histogram) {
        aggregate.close(close, temporality, (millis, value, start) =>
          emit.histogram(series, millis, value, start),
        );
      } else if (aggregate instanceof ExponentialHistogram) {
        aggregate.close(close, temporality, (millis, value, start) =>
          emit.exponential(series, millis, value, start),
        );
      } else if (aggregate instanceof LastValue) {
        aggregate.close(close, (at, value, writer, units) => emit.sample(series, at, value, writer, units));
      }
    }
  }

  /** A writer is gone: what it held of up-down counters goes with it. */
  retract(window: number, writer: string): void {
    for (const { aggregate } of this.#entries.values()) {
      if (aggregate instanceof Sum || aggregate instanceof ObservedSum) aggregate.retract(window, writer);
    }
  }

  /** The series of a process that is gone are sent no more. */
  forget(resourceKey: string): void {
    for (const series of this.#entries.keys()) {
      if (series.metric.resourceKey === resourceKey) this.#entries.delete(series);
    }
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Whether anything waits for its window to close. */
  get hasOpenWindows(): boolean {
    return this.#entries
      .values()
      .some(({ aggregate }) => !(aggregate instanceof Decimation) && aggregate.isOpen);
  }

  /** JSON of all series, in their order. */
  get state(): string {
    const parts: string[] = [];
    for (const { aggregate, identity } of this.#entries.values()) {
      parts.push(`${identity.slice(0, -1)},${JSON.stringify(stateOf(aggregate)).slice(1)}`);
    }
    return `[${parts.join(',')}]`;
  }

  restore(
    states: readonly AggregateState[],
    index: SeriesIndex,
    resourceOf: (key: string) => ResourceDescriptor,
  ): void {
    for (const state of states) {
      const resource = resourceOf(state.resource);
      const series = index.series(
        state.resource,
        resource,
        state.instrument,
        decodeAttributes(state.attributes),
      );
      this.#aggregate(series, () => aggregateOf(series, state));
    }
  }

  #aggregate(series: ExportedSeries, create: () => Aggregate): Aggregate {
    let entry = this.#entries.get(series);
    if (entry === undefined) {
      const { resourceKey, instrument } = series.metric;
      const attributes = encodeAttributes(series.attributes);
      const identity = JSON.stringify({ resource: resourceKey, instrument, attributes });
      entry = { series, aggregate: create(), identity };
      this.#entries.set(series, entry);
    }
    return entry.aggregate;
  }
}

/** Whether the death of a writer takes back what it contributed. */
function retracts({ metric }: ExportedSeries): boolean {
  return !metric.monotonic;
}

function stateOf(aggregate: Aggregate): Omit<AggregateState, 'resource' | 'instrument' | 'attributes'> {
  if (aggregate instanceof Sum) return { sum: aggregate.state };
  if (aggregate instanceof ObservedSum) return { observedSum: aggregate.state };
  if (aggregate instanceof Histogram) return { histogram: aggregate.state };
  if (aggregate instanceof ExponentialHistogram) return { exponentialHistogram: aggregate.state };
  if (aggregate instanceof LastValue) return { lastValue: aggregate.state };
  return { decimation: aggregate.state };
}

function aggregateOf(series: ExportedSeries, state: AggregateState): Aggregate {
  const { sum, observedSum, histogram, exponentialHistogram, lastValue, decimation } = state;
  const { resampling, boundaries } = series.metric;
  if (sum !== undefined) return new Sum(retracts(series), sum);
  if (observedSum !== undefined) return new ObservedSum(retracts(series), observedSum);
  if (histogram !== undefined) return new Histogram(boundaries, histogram);
  if (exponentialHistogram !== undefined && resampling.type === 'exponential_histogram') {
    return new ExponentialHistogram(resampling, exponentialHistogram);
  }
  if (decimation !== undefined) return new Decimation(decimation);
  return new LastValue(lastValue);
}
