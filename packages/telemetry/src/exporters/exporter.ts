import type { Attributes, ValueType } from '@opentelemetry/api';
import type { SpanBatch } from './spans.ts';

/**
 * What the pipeline hands to an exporter, and what it wants to hear back.
 *
 * A batch holds what one request carries. It is a pure function of the journal and of the plan, so that the same plan
 * gives the same bytes after a restart: an exporter adds no clock, no random id and no order of its own.
 */
export interface PointBatch {
  /** In a stable order: resource, then scope, then instrument. Groups of one resource and scope are adjacent. */
  readonly metrics: readonly MetricPoints[];
  /** Data points in all. */
  readonly points: number;
}

export interface ResourceDescriptor {
  readonly attributes: Attributes;
  readonly schemaUrl?: string;
}

export interface ScopeDescriptor {
  readonly name: string;
  readonly version?: string;
  readonly schemaUrl?: string;
}

export interface MetricDescriptor {
  readonly name: string;
  readonly description: string;
  readonly unit: string;
  readonly valueType: ValueType;
}

export type Temporality = 'cumulative' | 'delta';

interface MetricBase {
  /** The same object for the same resource, so that it can be compared and cached by identity. */
  readonly resource: ResourceDescriptor;
  readonly scope: ScopeDescriptor;
  readonly descriptor: MetricDescriptor;
}

export interface GaugePoints extends MetricBase {
  readonly kind: 'gauge';
  readonly series: readonly NumberSeries[];
}

export interface SumPoints extends MetricBase {
  readonly kind: 'sum';
  readonly monotonic: boolean;
  readonly temporality: Temporality;
  readonly series: readonly NumberSeries[];
}

export interface HistogramPoints extends MetricBase {
  readonly kind: 'histogram';
  readonly temporality: Temporality;
  readonly series: readonly HistogramSeries[];
}

export interface ExponentialHistogramPoints extends MetricBase {
  readonly kind: 'exponential_histogram';
  readonly temporality: Temporality;
  readonly series: readonly ExponentialHistogramSeries[];
}

export type MetricPoints = GaugePoints | SumPoints | HistogramPoints | ExponentialHistogramPoints;

/**
 * Points of one series in time order, as columns of equal length; epoch times are split in seconds and nanoseconds. A column may
 * be a view that is made when it is asked for (`number-range.ts`): ask once, not once per point.
 */
export interface SeriesColumns {
  readonly attributes: Attributes;
  readonly seconds: Uint32Array;
  readonly nanos: Uint32Array;
  /** Start times of sums and histograms; absent for gauges. */
  readonly startSeconds?: Uint32Array | undefined;
  readonly startNanos?: Uint32Array | undefined;
}

export interface NumberSeries extends SeriesColumns {
  readonly values: Float64Array;
  /** By the point's index; absent where no point has one. */
  readonly exemplars?: readonly (Exemplar | undefined)[] | undefined;
}

/** The span that a point was measured in: an OTLP exemplar with the point's own time and value. */
export interface Exemplar {
  /** 32 and 16 hexadecimal digits in lower case. */
  readonly traceId: string;
  readonly spanId: string;
}

export interface HistogramValue {
  readonly count: number;
  readonly sum: number;
  /** NaN where it is not known (an empty window). */
  readonly min: number;
  readonly max: number;
  readonly boundaries: readonly number[];
  readonly counts: Float64Array;
}

export interface HistogramSeries extends SeriesColumns {
  readonly values: readonly HistogramValue[];
}

/** Buckets of one range: `counts[i]` is that of bucket `offset + i`, which ends at base^(offset + i + 1). */
export interface ExponentialRange {
  readonly offset: number;
  readonly counts: Float64Array;
}

/** A base-2 exponential histogram: base = 2^(2^-scale). */
export interface ExponentialHistogramValue {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
  readonly scale: number;
  readonly zeroCount: number;
  readonly zeroThreshold: number;
  readonly positive: ExponentialRange;
  /** By magnitude. */
  readonly negative: ExponentialRange;
}

export interface ExponentialHistogramSeries extends SeriesColumns {
  readonly values: readonly ExponentialHistogramValue[];
}

/**
 * How a request ended.
 *
 * - `accepted`: the backend has it, all but `rejectedPoints` of it (OTLP partial success).
 * - `retry`: try the same bytes again, not sooner than `afterMillis` where the backend said so. `unanswered` says that
 *   the request may have arrived (timeout, connection lost behind it): the repeat is counted as a possible duplicate.
 * - `rejected`: the backend will never take it; the points are counted as dropped.
 * - `too-large`: the backend wants smaller requests; the pipeline splits it.
 */
export type ExportOutcome =
  | { readonly status: 'accepted'; readonly rejectedPoints: number; readonly message?: string }
  | {
      readonly status: 'retry';
      readonly error: Error;
      readonly afterMillis?: number;
      readonly unanswered?: boolean;
    }
  | { readonly status: 'rejected'; readonly error: Error }
  | { readonly status: 'too-large'; readonly error: Error };

/** An exporter as a pipeline sees it. It never throws: every failure is an outcome. */
export interface BatchExporter<Batch> {
  /** Whether a batch must have one resource only: each request then ends as a whole. Default false. */
  readonly takesOneResource?: boolean;
  /**
   * Begins to encode and compress a batch that is exported next: `export` of the same object uses it, and so does each retry.
   * Never throws: what fails is an outcome of `export`.
   */
  prepare?(batch: Batch): void;
  /** Sends one batch; resolves after at most `timeoutMillis`. */
  export(batch: Batch, timeoutMillis: number): Promise<ExportOutcome>;
  /** Flushes and closes; resolves even where the backend is away. Idempotent. */
  shutdown(): Promise<void>;
}

export interface MetricsExporter extends BatchExporter<PointBatch> {
  /** Temporality for sums and histograms; gauges have none. */
  temporality(kind: 'counter' | 'up_down_counter' | 'histogram'): Temporality;
}

export type SpansExporter = BatchExporter<SpanBatch>;

/** What an exporter is built from: its configuration, resolved in the recording process. */
export interface ExporterConfig {
  /** `console`, `file`, `otlp`, or `module#Class`. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** File URL of the module of `module#Class`, resolved from the program. */
  readonly module?: string;
}
