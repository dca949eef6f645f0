/**
 * What a configuration is once it is resolved: frozen plain JSON that needs neither the environment nor the program any
 * more. It is stored in the journal, so that whoever drains it later knows what to do with it.
 */
import type { ExporterConfig } from '../exporters/exporter.ts';
import type { ReaderConfig } from '../readers/intervals.ts';

/** What a configuration is about; each signal has journals and a pipeline of its own. */
export type SignalConfig = MetricsConfig | TracesConfig;

export interface MetricsConfig {
  /** Absent in journals of version 0.1.0. */
  readonly signal?: 'metrics';
  readonly exporter: ExporterConfig;
  readonly reader: ReaderConfig;
  readonly resampling: ResamplingConfig;
  /** Attribute sets per instrument, default 2000; the rest share one series with `otel.metric.overflow`. */
  readonly cardinalityLimit?: number;
  /** Evaluated where something is recorded; later ones win. */
  readonly attributes?: readonly AttributesProviderConfig[];
  /** Whether the server's own telemetry is among them; default true. */
  readonly selfTelemetry?: boolean;
  /** Where `/metrics` of the whole tree is served, beside the exporter. */
  readonly prometheus?: PrometheusConfig;
}

/** Series per instrument where a configuration says nothing else, the one for the overflow included. */
export const DEFAULT_CARDINALITY_LIMIT = 2000;

/** What becomes of raw samples of gauges. */
export type ResamplingPolicy =
  | { readonly type: 'none' | 'last_value' }
  | { readonly type: 'decimation'; readonly factor: number }
  | { readonly type: 'exponential_histogram'; readonly maxBuckets: number; readonly maxScale: number }
  | { readonly type: 'explicit_bucket_histogram'; readonly boundaries: readonly number[] };

export type ResamplingConfig = ResamplingPolicy & {
  /** The first whose name fits an instrument holds for it; `*` and `?` as in OpenTelemetry's views. */
  readonly instruments?: readonly (ResamplingPolicy & { readonly name: string })[];
};

export interface AttributesProviderConfig {
  /** `static`, `host`, `process`, `thread`, `environment_variables`, or `module#Class`. */
  readonly type: string;
  readonly options: Readonly<Record<string, unknown>>;
  /** File URL of the module of `module#Class`, resolved from the program. */
  readonly module?: string;
}

export interface PrometheusConfig {
  readonly host: string;
  readonly port: number;
}

/** OpenTelemetry's port for it, for this machine only. */
export const DEFAULT_PROMETHEUS: PrometheusConfig = Object.freeze({ host: '127.0.0.1', port: 9464 });

export interface TracesConfig {
  readonly signal: 'traces';
  readonly exporter: ExporterConfig;
  readonly sampler: SamplerConfig;
  readonly processor: SpanProcessorConfig;
}

export interface SamplerConfig {
  readonly type:
    | 'always_on'
    | 'always_off'
    | 'traceidratio'
    | 'parentbased_always_on'
    | 'parentbased_always_off'
    | 'parentbased_traceidratio';
  /** Of the two that take one: the share of traces in [0, 1]. */
  readonly ratio: number;
}

/** OpenTelemetry's batch span processor: here it is the telemetry server's. */
export interface SpanProcessorConfig {
  /** Milliseconds from one export to the next. */
  readonly scheduleDelayMillis: number;
  /** Milliseconds that one export may take. */
  readonly exportTimeoutMillis: number;
  /** Spans of one request at most. */
  readonly maxExportBatchSize: number;
}
