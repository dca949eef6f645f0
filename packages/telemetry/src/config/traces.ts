/**
 * Configuration of traces: the `opentelemetry.traces` section of an MSC configuration.
 *
 * In: what a user passes, and the environment. Out: a frozen configuration that needs neither any more.
 * On failure: one error that names every wrong field. A wrong variable is warned about, as OpenTelemetry has it.
 */
import type { Problem } from '../errors.ts';
import type { Surroundings } from './attributes.ts';
import { fromEnvironment } from './environment.ts';
import { invalidSection, resolveSectionExporter } from './exporter.ts';
import { freeze } from './freeze.ts';
import { choice, integer, millis, share } from './scalars.ts';
import { SAMPLERS, TRACES, type GivenProcessor, type GivenTraces } from './sections.ts';
import type { SamplerConfig, SpanProcessorConfig, TracesConfig } from './signals.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;
type Options = Readonly<Record<string, unknown>>;

/** Keys in snake_case, as in a configuration file, or in camelCase, everywhere. */
export interface TracesOptions {
  /** Where spans go. Without it traces are disabled, with one logged error. */
  readonly exporter?: { readonly type: string; readonly options?: Options };
  /**
   * Which traces are kept. Default `OTEL_TRACES_SAMPLER`, else `parentbased_always_on`. The two with `traceidratio` take
   * the option `ratio` in [0, 1], default `OTEL_TRACES_SAMPLER_ARG`, else 1.
   */
  readonly sampler?: { readonly type: SamplerConfig['type']; readonly options?: { readonly ratio?: number } };
  /**
   * How spans leave: `schedule_delay_millis` in (0, ∞) from one export to the next (default `OTEL_BSP_SCHEDULE_DELAY`,
   * else 5000), `export_timeout_millis` in (0, ∞) (`OTEL_BSP_EXPORT_TIMEOUT`, 30000), `max_export_batch_size` from 1
   * (`OTEL_BSP_MAX_EXPORT_BATCH_SIZE`, 512).
   */
  readonly processor?: { readonly options?: Options };
}

/**
 * Resolves a configuration of traces.
 * @throws TelemetryError `MSC_CONFIGURATION_INVALID` for wrong fields, `MSC_EXPORTER_UNUSABLE` where only the exporter
 *   is at fault.
 */
export function resolveTracesConfig(
  options: TracesOptions,
  env: Environment,
  { program }: Surroundings = {},
): TracesConfig {
  const problems: Problem[] = [];
  const given = TRACES.read(options, { path: '', section: 'traces', problems });
  if (given === undefined) throw invalidSection('traces', problems);
  const exporter = resolveSectionExporter(given.exporter, env, { signal: 'traces', program, problems });
  return freeze({
    signal: 'traces',
    exporter,
    sampler: resolveSampler(given.sampler, env),
    processor: resolveProcessor(given.processor?.options ?? {}, env),
  });
}

function resolveSampler(given: GivenTraces['sampler'], env: Environment): SamplerConfig {
  const type =
    given?.type ??
    fromEnvironment(env, 'OTEL_TRACES_SAMPLER', choice(...SAMPLERS)) ??
    'parentbased_always_on';
  if (!type.endsWith('traceidratio')) return { type, ratio: 1 };
  const own = given !== undefined && 'ratio' in given.options ? given.options.ratio : undefined;
  return { type, ratio: own ?? fromEnvironment(env, 'OTEL_TRACES_SAMPLER_ARG', share(), Number) ?? 1 };
}

function resolveProcessor(given: GivenProcessor, env: Environment): SpanProcessorConfig {
  const ms = millis();
  return {
    scheduleDelayMillis:
      given.scheduleDelayMillis ?? fromEnvironment(env, 'OTEL_BSP_SCHEDULE_DELAY', ms, Number) ?? 5000,
    exportTimeoutMillis:
      given.exportTimeoutMillis ?? fromEnvironment(env, 'OTEL_BSP_EXPORT_TIMEOUT', ms, Number) ?? 30_000,
    maxExportBatchSize:
      given.maxExportBatchSize ??
      fromEnvironment(env, 'OTEL_BSP_MAX_EXPORT_BATCH_SIZE', integer(1), Number) ??
      512,
  };
}
