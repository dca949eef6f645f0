/**
 * What a configuration comes to, for tools: nothing is recorded with it.
 *
 * In: a loaded configuration and the environment. Out: its signals, resolved, and what is wrong with them.
 * On failure: problems, not errors.
 */
import { TelemetryError, type Problem } from '../errors.ts';
import type { Surroundings } from './attributes.ts';
import type { LoadedConfiguration } from './load.ts';
import { resolveMetricsConfig } from './metrics.ts';
import { resolvedFrom, sectionOf, type SignalName } from './section.ts';
import { unknownSections } from './sections.ts';
import type { MetricsConfig, TracesConfig } from './signals.ts';
import { resolveTracesConfig } from './traces.ts';

export interface CheckedConfiguration {
  readonly problems: readonly Problem[];
  /** Sections that are not known, and left alone. */
  readonly unknownSections: readonly string[];
  /** `undefined` where it is not configured, or wrong. */
  readonly metrics: MetricsConfig | undefined;
  readonly traces: TracesConfig | undefined;
}

/** @param program path from which classes of the program are resolved; default: the running program. */
export function checkConfiguration(
  loaded: LoadedConfiguration,
  env: Readonly<NodeJS.ProcessEnv> = process.env,
  program?: string,
): CheckedConfiguration {
  const problems: Problem[] = [];
  const surroundings: Surroundings = {
    configuration: () => loaded.configuration,
    ...(program === undefined ? {} : { program }),
  };
  function check<C>(
    signal: SignalName,
    resolve: (options: object, env: Readonly<NodeJS.ProcessEnv>, surroundings: Surroundings) => C,
  ): C | undefined {
    const section = sectionOf(loaded, signal);
    if (section?.['exporter'] === undefined) return undefined;
    try {
      return resolvedFrom(loaded, signal, () => resolve(section, env, surroundings));
    } catch (error) {
      if (!(error instanceof TelemetryError)) throw error;
      problems.push(...error.problems);
      return undefined;
    }
  }
  const metrics = check('metrics', resolveMetricsConfig);
  const traces = check('traces', resolveTracesConfig);
  return { problems, unknownSections: unknownSections(loaded.configuration), metrics, traces };
}
