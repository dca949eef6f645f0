/**
 * Configuration of metrics: the `opentelemetry.metrics` section of an MSC configuration.
 *
 * In: what a user passes, and the environment. Out: a frozen configuration that needs neither any more; it is stored
 * in the journal, so that whoever drains it later knows where to send it.
 * On failure: one error that names every wrong field.
 */
import { invalid, TelemetryError, type Problem } from '../errors.ts';
import type { ExporterConfig } from '../exporters/exporter.ts';
import { isRecord } from '../exporters/json.ts';
import { resolveExporter } from '../exporters/resolve.ts';
import { resolveReaderConfig, type ReaderConfig } from '../readers/intervals.ts';
import type { MetricsConfig } from './signals.ts';

export interface MetricsOptions {
  /** Where metrics go. Without it metrics are disabled, with one logged error. */
  readonly exporter?: { readonly type: string; readonly options?: Readonly<Record<string, unknown>> };
  /** Collect and export intervals; see `ReaderOptions`. Keys in snake_case, as in a configuration file, or camelCase. */
  readonly reader?: { readonly options?: Readonly<Record<string, unknown>> };
  /**
   * What becomes of raw samples of gauges: `none` keeps every one (default), `last_value` keeps the last of each collect
   * interval. Sums and histograms are always exact.
   */
  readonly resampling?: { readonly type: ResamplingType };
}

export type ResamplingType = 'none' | 'last_value';
const RESAMPLING_TYPES: readonly ResamplingType[] = ['none', 'last_value'];

const SUBJECT = 'metrics configuration is invalid';

/**
 * Resolves a metrics configuration.
 * @throws TelemetryError `MSC_CONFIGURATION_INVALID` for wrong fields, `MSC_EXPORTER_UNUSABLE` where only the exporter
 *   is at fault.
 */
export function resolveMetricsConfig(
  options: MetricsOptions,
  env: Readonly<NodeJS.ProcessEnv>,
): MetricsConfig {
  const problems: Problem[] = [];
  // As JavaScript may pass it.
  const given: unknown = options;
  if (!isSection(given, 'metrics', ['exporter', 'reader', 'resampling'], problems)) {
    throw invalid('MSC_CONFIGURATION_INVALID', SUBJECT, problems);
  }
  const reader = resolveReader(options.reader, env, problems);
  const type = resolveResampling(options.resampling, problems);
  if (isRecord(options.exporter)) isSection(options.exporter, 'exporter', ['type', 'options'], problems);
  let exporter: ExporterConfig | undefined;
  try {
    exporter = resolveExporter(options.exporter, env);
  } catch (error) {
    if (!(error instanceof TelemetryError) || problems.length === 0) throw error;
    problems.push(...error.problems);
  }
  if (exporter === undefined || problems.length > 0) {
    throw invalid('MSC_CONFIGURATION_INVALID', SUBJECT, problems);
  }
  return Object.freeze({ exporter, reader, resampling: Object.freeze({ type }) });
}

function resolveReader(reader: unknown, env: Readonly<NodeJS.ProcessEnv>, problems: Problem[]): ReaderConfig {
  const isGiven = reader !== undefined && isSection(reader, 'reader', ['options'], problems);
  return resolveReaderConfig(isGiven ? reader['options'] : undefined, env, 'reader.options', problems);
}

function resolveResampling(resampling: unknown, problems: Problem[]): ResamplingType {
  if (resampling === undefined || !isSection(resampling, 'resampling', ['type'], problems)) return 'none';
  const { type } = resampling;
  const known = RESAMPLING_TYPES.find((candidate) => candidate === type);
  if (known !== undefined) return known;
  problems.push({ path: 'resampling.type', value: type, expected: RESAMPLING_TYPES.join(' or ') });
  return 'none';
}

/** Whether a value is an object; each of its keys that is not known is a problem. */
function isSection(
  value: unknown,
  path: string,
  known: readonly string[],
  problems: Problem[],
): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value) || Array.isArray(value)) {
    problems.push({ path, value, expected: `an object with the keys ${known.join(', ')}` });
    return false;
  }
  const prefix = path === 'metrics' ? '' : `${path}.`;
  for (const [key, field] of Object.entries(value)) {
    if (known.includes(key) || field === undefined) continue;
    problems.push({ path: prefix + key, value: field, expected: `one of the keys ${known.join(', ')}` });
  }
  return true;
}
