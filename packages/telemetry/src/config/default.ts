import { logError } from '../log.ts';
import { fromEnvironment } from './environment.ts';
import { integer, text } from './scalars.ts';
import { DEFAULT_PROMETHEUS } from './signals.ts';
import { alternatives } from './spelling.ts';

type Environment = Readonly<NodeJS.ProcessEnv>;

/** What OpenTelemetry's variables can name beside `otlp`, which is the default, and `none`. */
const OTHERS = { metrics: ['console', 'prometheus'], traces: ['console'] } as const;

/**
 * A section of metrics or traces where nothing is configured: the exporter that `OTEL_METRICS_EXPORTER` or
 * `OTEL_TRACES_EXPORTER` names. `undefined` for `none`, and, with one logged error, for what is not known.
 */
export function defaultSection(
  signal: 'metrics' | 'traces',
  env: Environment,
): { readonly exporter: { readonly type: string; readonly options?: object } } | undefined {
  const variable = `OTEL_${signal.toUpperCase()}_EXPORTER`;
  const type = env[variable]?.trim().toLowerCase() || 'otlp';
  const known = ['otlp', ...OTHERS[signal], 'none'];
  if (type === 'none') return undefined;
  if (!known.includes(type)) {
    logError(
      `${variable}: got ${JSON.stringify(type)}, expected ${alternatives(known)}: ${signal} are disabled`,
    );
    return undefined;
  }
  return { exporter: type === 'prometheus' ? { type, options: prometheusOptions(env) } : { type } };
}

function prometheusOptions(env: Environment): object {
  const host = text('a host name or an address');
  return {
    host: fromEnvironment(env, 'OTEL_EXPORTER_PROMETHEUS_HOST', host) ?? DEFAULT_PROMETHEUS.host,
    port:
      fromEnvironment(env, 'OTEL_EXPORTER_PROMETHEUS_PORT', integer(0, 65_535), Number) ??
      DEFAULT_PROMETHEUS.port,
  };
}

/** `OTEL_SDK_DISABLED`: as OpenTelemetry has it, only `true` disables. */
export function isDisabled(env: Environment): boolean {
  return env['OTEL_SDK_DISABLED']?.trim().toLowerCase() === 'true';
}
