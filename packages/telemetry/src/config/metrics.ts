/**
 * Configuration of metrics: the `opentelemetry.metrics` section of an MSC configuration.
 *
 * In: what a user passes, and the environment. Out: a frozen configuration that needs neither any more; it is stored
 * in the journal, so that whoever drains it later knows where to send it. What has its default is left out where it may be.
 * On failure: one error that names every wrong field.
 */
import type { Problem } from '../errors.ts';
import { resolveReaderConfig } from '../readers/intervals.ts';
import { resolveAttributes, type Surroundings } from './attributes.ts';
import { invalidSection, resolveSectionExporter } from './exporter.ts';
import { freeze } from './freeze.ts';
import { inside, type Place } from './schema.ts';
import { MAX_BUCKETS, MAX_SCALE, METRICS, type GivenPolicy, type GivenResampling } from './sections.ts';
import {
  DEFAULT_CARDINALITY_LIMIT,
  DEFAULT_PROMETHEUS,
  type MetricsConfig,
  type PrometheusConfig,
  type ResamplingConfig,
  type ResamplingPolicy,
} from './signals.ts';

type Options = Readonly<Record<string, unknown>>;

/** Keys in snake_case, as in a configuration file, or in camelCase, everywhere. */
export interface MetricsOptions {
  /** Where metrics go. Without it metrics are disabled, with one logged error. */
  readonly exporter?: { readonly type: string; readonly options?: Options };
  /** Collect and export intervals; see `ReaderOptions`. `async` is accepted for the original, and changes nothing. */
  readonly reader?: { readonly options?: Options; readonly async?: boolean };
  /**
   * What becomes of raw samples of gauges: `none` keeps every one (default), `last_value` the last of each collect interval,
   * `decimation` one of `factor` (a whole number from 2), `exponential_histogram` their distribution in at most `max_size`
   * buckets (2 to 512, default 160) at a scale of at most `max_scale` (-10 to 20, default 20), `explicit_bucket_histogram`
   * their distribution in buckets up to its `boundaries` (ascending). Sums and histograms are always
   * exact. `instruments`: the first whose `name` (`*` and `?` as in OpenTelemetry's views) fits an instrument holds for it.
   */
  readonly resampling?: ResamplingOptions & {
    readonly instruments?: readonly (ResamplingOptions & { readonly name: string })[];
  };
  /** Attributes of everything that is recorded; later providers win. See docs/configuration.md. */
  readonly attributes?: readonly { readonly type: string; readonly options?: Options }[];
  /** Attribute sets of one instrument, from 1; default 2000. The rest share one series with `otel.metric.overflow`. */
  readonly cardinality_limit?: number;
  readonly cardinalityLimit?: number;
  /** Whether the telemetry server's own metrics, `multistorageclient.telemetry.*`, are exported too; default true. */
  readonly self_telemetry?: boolean;
  readonly selfTelemetry?: boolean;
  /** Serves `/metrics` of the whole tree beside the exporter; `host` 127.0.0.1, `port` 9464 (0: any free one). */
  readonly prometheus?: { readonly options?: { readonly host?: string; readonly port?: number } };
}

export type ResamplingType = ResamplingPolicy['type'];

interface ResamplingOptions {
  readonly type: ResamplingType;
  readonly options?: Options;
}

/**
 * Resolves a metrics configuration.
 * @throws TelemetryError `MSC_CONFIGURATION_INVALID` for wrong fields, `MSC_EXPORTER_UNUSABLE` where only the exporter
 *   is at fault.
 */
export function resolveMetricsConfig(
  options: MetricsOptions,
  env: Readonly<NodeJS.ProcessEnv>,
  surroundings: Surroundings = {},
): MetricsConfig {
  const problems: Problem[] = [];
  const place: Place = { path: '', section: 'metrics', problems };
  const given = METRICS.read(options, place);
  if (given === undefined) throw invalidSection('metrics', problems);
  // It reports its own problems, and was read above: here for the environment and the defaults.
  const reader = resolveReaderConfig(given.reader?.options, env, 'reader.options', problems);
  const attributes = resolveAttributes(given.attributes ?? [], surroundings, inside(place, 'attributes'));
  const { program } = surroundings;
  const exporter = resolveSectionExporter(given.exporter, env, { signal: 'metrics', program, problems });
  const { cardinalityLimit = DEFAULT_CARDINALITY_LIMIT, prometheus } = given;
  return freeze({
    exporter,
    reader,
    resampling: resolveResampling(given.resampling),
    ...(cardinalityLimit === DEFAULT_CARDINALITY_LIMIT ? {} : { cardinalityLimit }),
    ...(attributes.length === 0 ? {} : { attributes }),
    ...(given.selfTelemetry === false ? { selfTelemetry: false } : {}),
    ...(prometheus === undefined ? {} : { prometheus: resolvePrometheus(prometheus.options) }),
  });
}

function resolveResampling(given: GivenResampling = { type: 'none', options: {} }): ResamplingConfig {
  const instruments = (given.instruments ?? []).flatMap((instrument) =>
    instrument === undefined ? [] : { ...resolvePolicy(instrument), name: instrument.name },
  );
  return { ...resolvePolicy(given), ...(instruments.length === 0 ? {} : { instruments }) };
}

function resolvePolicy(given: GivenPolicy): ResamplingPolicy {
  if (given.type === 'decimation') return { type: given.type, factor: given.options.factor };
  if (given.type === 'explicit_bucket_histogram') {
    return { type: given.type, boundaries: given.options.boundaries };
  }
  if (given.type !== 'exponential_histogram') return { type: given.type };
  const { maxSize = MAX_BUCKETS, maxScale = MAX_SCALE } = given.options;
  return { type: given.type, maxBuckets: maxSize, maxScale };
}

function resolvePrometheus({ host, port }: Partial<PrometheusConfig> = {}): PrometheusConfig {
  return { host: host ?? DEFAULT_PROMETHEUS.host, port: port ?? DEFAULT_PROMETHEUS.port };
}
