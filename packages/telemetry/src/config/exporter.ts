import { invalid, TelemetryError, type Problem } from '../errors.ts';
import type { ExporterConfig } from '../exporters/exporter.ts';
import { resolveExporter, type ExporterOptions } from '../exporters/resolve.ts';
import { anything, object } from './schema.ts';
import { withoutSecrets } from './secrets.ts';

const SECTION = object<ExporterOptions>({ type: anything(), options: anything() });

/** The section that an exporter belongs to. */
export interface ExporterPlace {
  readonly signal: 'metrics' | 'traces';
  readonly program: string | undefined;
  /** What else is wrong with the section. */
  readonly problems: readonly Problem[];
}

/**
 * The last step of resolving a section: its exporter.
 * @throws TelemetryError `MSC_CONFIGURATION_INVALID` with every problem of the section, `MSC_EXPORTER_UNUSABLE` where only
 *   the exporter is at fault.
 */
export function resolveSectionExporter(
  given: unknown,
  env: Readonly<NodeJS.ProcessEnv>,
  { signal, program, problems }: ExporterPlace,
): ExporterConfig {
  const section: Problem[] = [...problems];
  const own: Problem[] = [];
  const exporter = SECTION.read(given, { path: 'exporter', section: signal, problems: own });
  // Unknown keys are the section's fault; that there is no exporter at all is the exporter's.
  if (exporter !== undefined) section.push(...own.splice(0));
  let config: ExporterConfig | undefined;
  try {
    const target = program === undefined ? { signal } : { signal, program };
    if (exporter !== undefined) config = resolveExporter(exporter, env, target);
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    own.push(...error.problems);
  }
  if (section.length > 0) throw invalidSection(signal, [...section, ...own]);
  if (config === undefined)
    throw invalid('MSC_EXPORTER_UNUSABLE', 'exporter cannot be used', own.map(withoutSecrets));
  return config;
}

export function invalidSection(signal: string, problems: readonly Problem[]): TelemetryError {
  const shown = problems.map(withoutSecrets);
  return invalid('MSC_CONFIGURATION_INVALID', `${signal} configuration is invalid`, shown);
}
