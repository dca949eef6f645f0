/**
 * Where `run` sends what is recorded.
 *
 * In: the options of `run`. Out: a metrics configuration, and the file that a summary can be made of, if there is one.
 * On failure: a UsageError that names the option or the field.
 */
import path from 'node:path';
import { TelemetryError, type MetricsOptions } from '@multistorageclient/telemetry';
import { loadConfiguration, sectionOf } from '@multistorageclient/telemetry/config';
import { textOf, UsageError, type Invocation } from './command.ts';

export interface Destination {
  readonly config: MetricsOptions;
  /** Written by the exporter. */
  readonly file: string | undefined;
  /** The MSC configuration that it comes from. */
  readonly configuration?: string;
}

const READER = { options: { collect_interval_millis: 1000, export_interval_millis: 1000 } };

/** `undefined` where no option says anything: then a temporary file will do. */
export function destinationOf(invocation: Invocation): Destination | undefined {
  const configured = textOf(invocation, 'config');
  const exporter = textOf(invocation, 'exporter');
  const endpoint = textOf(invocation, 'endpoint');
  const output = textOf(invocation, 'output');
  if (configured !== undefined) {
    refuse({ exporter, endpoint, output }, '--config');
    return fromFile(configured);
  }
  if (exporter !== 'otlp') refuse({ endpoint }, `--exporter ${exporter ?? 'file'}`);
  if (exporter === undefined || exporter === 'file') {
    return output === undefined ? undefined : toFile(path.resolve(output));
  }
  refuse({ output }, `--exporter ${exporter}`);
  if (exporter === 'console')
    return { config: { exporter: { type: 'console' }, reader: READER }, file: undefined };
  if (exporter !== 'otlp') {
    throw new UsageError(`--exporter: got ${exporter}, expected file, otlp or console (--config knows more)`);
  }
  if (endpoint !== undefined && !/^https?:$/u.test(URL.parse(endpoint)?.protocol ?? '')) {
    throw new UsageError(
      `--endpoint: got ${endpoint}, expected a URL such as http://localhost:4318/v1/metrics`,
    );
  }
  const options = endpoint === undefined ? {} : { endpoint };
  return { config: { exporter: { type: 'otlp', options }, reader: READER }, file: undefined };
}

/** @param file absolute: the program's processes may work elsewhere. */
export function toFile(file: string): Destination {
  return { config: { exporter: { type: 'file', options: { path: file } }, reader: READER }, file };
}

/** The metrics section of an MSC configuration. */
function fromFile(named: string): Destination {
  const file = path.resolve(named);
  const config: MetricsOptions = sectionIn(file);
  if (config.exporter === undefined) {
    throw new UsageError(`--config: ${file}: got no exporter, expected opentelemetry.metrics with one`);
  }
  const { type, options } = config.exporter;
  const target = options?.['path'];
  if (type !== 'file' || typeof target !== 'string') return { config, file: undefined, configuration: file };
  const absolute = path.resolve(target);
  return {
    config: { ...config, exporter: { type, options: { ...options, path: absolute } } },
    file: absolute,
    configuration: file,
  };
}

function sectionIn(file: string): MetricsOptions {
  try {
    const loaded = loadConfiguration(file);
    return (loaded && sectionOf(loaded, 'metrics')) ?? {};
  } catch (error) {
    if (!(error instanceof TelemetryError)) throw error;
    throw new UsageError(`--config: ${error.message}`);
  }
}

function refuse(options: Readonly<Record<string, string | undefined>>, by: string): void {
  for (const [name, value] of Object.entries(options)) {
    if (value !== undefined) throw new UsageError(`--${name}: got ${value}, expected nothing beside ${by}`);
  }
}
