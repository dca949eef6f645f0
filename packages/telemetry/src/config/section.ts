/**
 * The sections of a configuration that was loaded.
 *
 * In: a loaded configuration. Out: its metrics or traces, resolved.
 * On failure: the error of the section, with the paths, files and lines of the configuration.
 */
import { invalid, TelemetryError, type Problem } from '../errors.ts';
import type { LoadedConfiguration } from './load.ts';
import { isObject } from './object.ts';

export type SignalName = 'metrics' | 'traces';

/** What a configuration says of a signal; `undefined` where it has no `opentelemetry` at all. */
export function sectionOf(
  { configuration }: LoadedConfiguration,
  signal: SignalName,
): Readonly<Record<string, unknown>> | undefined {
  const { opentelemetry } = configuration;
  if (!isObject(opentelemetry)) return undefined;
  const section = opentelemetry[signal];
  return isObject(section) ? section : {};
}

/** Runs what resolves a section, and says of its problems where in the configuration they are. */
export function resolvedFrom<T>(loaded: LoadedConfiguration, signal: SignalName, resolve: () => T): T {
  try {
    return resolve();
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    const problems = error.problems.map((problem) => located(problem, loaded, signal));
    throw invalid(error.code, error.message.slice(0, error.message.indexOf(':')), problems);
  }
}

function located(problem: Problem, loaded: LoadedConfiguration, signal: SignalName): Problem {
  // A variable is not in the file.
  if (problem.path.startsWith('OTEL_')) return problem;
  const inside = problem.path === signal ? '' : `.${problem.path}`;
  const path = `opentelemetry.${signal}${inside}`;
  return { ...problem, path, ...loaded.locate(path) };
}
