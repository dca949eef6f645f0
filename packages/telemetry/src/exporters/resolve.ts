/**
 * From what a user wrote under `exporter` to what the telemetry server builds the exporter from.
 *
 * In: type and options of the configuration, and the environment. Out: plain frozen JSON that needs neither the
 * environment, nor the working directory, nor the program any more, because the server has none of them.
 * Runs in every recording process, so it loads nothing: `module#Class` is located, not imported.
 * On failure: one TelemetryError that names every wrong field.
 */
import { resolve as absolutePath } from 'node:path';
import { freeze } from '../config/freeze.ts';
import { DEFAULT_PROMETHEUS, type PrometheusConfig } from '../config/signals.ts';
import { invalid, show, type Problem } from '../errors.ts';
import type { ExporterConfig } from './exporter.ts';
import { isRecord, parseJson } from './json.ts';
import { resolveMsal } from './msal-config.ts';
import { OptionSource, type Environment } from './option-source.ts';
import { resolveOtlp } from './otlp-config.ts';
import { locateModule } from './program-module.ts';
import { resolveVault } from './vault-config.ts';

/** What is exported. */
export type TelemetrySignal = 'metrics' | 'traces';

export interface ExporterOptions {
  readonly type: unknown;
  readonly options?: unknown;
}

const SUBJECT = 'exporter cannot be used';

type Resolve = (source: OptionSource, signal: TelemetrySignal) => object;

const BUILT_IN: ReadonlyMap<unknown, Resolve> = new Map<string, Resolve>([
  ['console', resolveConsole],
  ['file', resolveFile],
  ['otlp', resolveOtlp],
  ['prometheus', resolvePrometheus],
  ['_otlp_msal', resolveMsal],
  ['_otlp_mtls_vault', resolveVault],
]);
const TYPES = [...BUILT_IN.keys()].map((type) => `"${String(type)}"`).join(', ') + ', or "module#Class"';

export interface ResolveOptions {
  /** Decides on OTLP's paths, variables and options. Default `metrics`. */
  readonly signal?: TelemetrySignal;
  /** Path or file URL from which `module#Class` is resolved; default: the running program, then the working directory. */
  readonly program?: string;
}

/**
 * Resolves an exporter's configuration.
 *
 * @param exporter what the configuration holds: `{type, options?}`.
 * @param env where `OTEL_EXPORTER_OTLP_*` is read from.
 * @throws TelemetryError `MSC_EXPORTER_UNUSABLE` naming every wrong field, its value and what was expected.
 */
export function resolveExporter(
  exporter: ExporterOptions | undefined,
  env: Environment,
  { signal = 'metrics', program }: ResolveOptions = {},
): ExporterConfig {
  const type = exporter?.type;
  const problems: Problem[] = [];
  const options = plainOptions(exporter?.options ?? {}, problems);
  const source = new OptionSource(options, 'exporter.options', env, problems);
  const resolve = BUILT_IN.get(type);
  let config: ExporterConfig | undefined;
  if (typeof type === 'string' && resolve !== undefined) {
    config = { type, options: { ...resolve(source, signal) } };
  } else if (typeof type === 'string' && /^.+#[^#]+$/s.test(type)) {
    config = resolveClass(type, options, program, problems);
  } else {
    problems.push({ path: 'exporter.type', value: type, expected: TYPES });
  }
  if (config === undefined || problems.length > 0) throw invalid('MSC_EXPORTER_UNUSABLE', SUBJECT, problems);
  return freeze(config);
}

function resolveConsole(source: OptionSource): object {
  source.refuseOthers([]);
  return {};
}

function resolveFile(source: OptionSource): object {
  source.refuseOthers(['path']);
  return { path: absolutePath(source.text('path', 'the path of the file to append to')) };
}

/** No exporter of its own: the pipeline serves what it has at `/metrics`. */
function resolvePrometheus(source: OptionSource, signal: TelemetrySignal): PrometheusConfig {
  source.refuseOthers(['host', 'port']);
  if (signal !== 'metrics') {
    source.problems.push({ path: 'exporter.type', value: 'prometheus', expected: 'an exporter of traces' });
  }
  const { host = DEFAULT_PROMETHEUS.host, port = DEFAULT_PROMETHEUS.port } = source.options;
  const isHost = typeof host === 'string' && host !== '';
  const isPort = typeof port === 'number' && Number.isInteger(port) && port >= 0 && port <= 65_535;
  if (isHost && isPort) return { host, port };
  const [name, value] = isHost ? ['port', port] : ['host', host];
  const expected = isHost ? 'a whole number in [0, 65535]' : 'a host name or an address';
  source.problems.push({ path: `exporter.options.${name}`, value, expected });
  return DEFAULT_PROMETHEUS;
}

function resolveClass(
  type: string,
  options: Readonly<Record<string, unknown>>,
  program: string | undefined,
  problems: Problem[],
): ExporterConfig | undefined {
  const specifier = type.slice(0, type.lastIndexOf('#'));
  try {
    return { type, options, module: locateModule(specifier, program) };
  } catch (error) {
    const [reason] = String(error).split('\n');
    problems.push({
      path: 'exporter.type',
      value: type,
      expected: `${TYPES}, with a module that resolves (${reason})`,
    });
    return undefined;
  }
}

/** A copy that survives JSON unchanged; what would not is a problem. */
function plainOptions(options: unknown, problems: Problem[]): Readonly<Record<string, unknown>> {
  if (!isPlain(options)) {
    problems.push({ path: 'exporter.options', value: options, expected: 'an object' });
    return {};
  }
  try {
    const text = JSON.stringify(options, function (this: Record<string, unknown>, key: string) {
      const value = this[key];
      if (survivesJson(value)) return value;
      const path = key === '' ? 'exporter.options' : `exporter.options.${key}`;
      problems.push({ path, value, expected: 'a value that JSON can hold' });
      return undefined;
    });
    const copy = parseJson(text);
    return isRecord(copy) ? copy : {};
  } catch (error) {
    problems.push({ path: 'exporter.options', value: show(options), expected: `JSON (${String(error)})` });
    return {};
  }
}

function survivesJson(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (isRecord(value)) return Array.isArray(value) || isPlain(value);
  return value === null || ['string', 'boolean', 'undefined'].includes(typeof value);
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (!isRecord(value) || Array.isArray(value)) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}
