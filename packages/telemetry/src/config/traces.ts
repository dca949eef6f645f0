/**
 * Configuration of traces: the `opentelemetry.traces` section of an MSC configuration.
 *
 * In: what a user passes, and the environment. Out: a frozen configuration that needs neither any more.
 * On failure: one error that names every wrong field.
 */
import { invalid, type Problem } from '../errors.ts';
import { resolveExporter } from '../exporters/resolve.ts';
import type { SamplerConfig, TracesConfig } from './signals.ts';

export interface TracesOptions {
  /** Where spans go. Without it traces are disabled, with one logged error. */
  readonly exporter?: { readonly type: string; readonly options?: Readonly<Record<string, unknown>> };
  /** Which traces are kept. Default `parentbased_always_on`. */
  readonly sampler?: { readonly type: SamplerConfig['type']; readonly options?: { readonly ratio?: number } };
  /** How the server exports them: OpenTelemetry's batch processor. */
  readonly processor?: { readonly options?: Readonly<Record<string, unknown>> };
}

const SAMPLERS: readonly SamplerConfig['type'][] = [
  'always_on',
  'always_off',
  'traceidratio',
  'parentbased_always_on',
  'parentbased_always_off',
  'parentbased_traceidratio',
];

/**
 * Resolves a traces configuration.
 * @throws TelemetryError `MSC_CONFIGURATION_INVALID` for wrong fields, `MSC_EXPORTER_UNUSABLE` where only the exporter
 *   is at fault.
 */
export function resolveTracesConfig(options: TracesOptions, env: Readonly<NodeJS.ProcessEnv>): TracesConfig {
  const problems: Problem[] = [];
  const type = options.sampler?.type ?? 'parentbased_always_on';
  const ratio = options.sampler?.options?.ratio ?? 1;
  if (!SAMPLERS.includes(type)) {
    problems.push({ path: 'sampler.type', value: type, expected: SAMPLERS.join(', ') });
  }
  if (!(ratio >= 0 && ratio <= 1)) {
    problems.push({ path: 'sampler.options.ratio', value: ratio, expected: 'a number from 0 to 1' });
  }
  if (problems.length > 0) {
    throw invalid('MSC_CONFIGURATION_INVALID', 'traces configuration is invalid', problems);
  }
  const { scheduleDelayMillis, exportTimeoutMillis, maxExportBatchSize } = options.processor?.options ?? {};
  return Object.freeze({
    signal: 'traces',
    exporter: resolveExporter(options.exporter, env),
    sampler: Object.freeze({ type, ratio }),
    processor: Object.freeze({
      scheduleDelayMillis: Number(scheduleDelayMillis ?? 5000),
      exportTimeoutMillis: Number(exportTimeoutMillis ?? 30_000),
      maxExportBatchSize: Number(maxExportBatchSize ?? 512),
    }),
  });
}
