/**
 * From an exporter's resolved configuration to the exporter; runs in the telemetry server, or in LOCAL mode.
 *
 * In: ExporterConfig. Out: a MetricsExporter. Each kind is imported only when it is used, so a server that writes a file
 * never loads the OpenTelemetry SDK.
 * On failure: a TelemetryError that says which exporter and why; the configuration cannot export then.
 */
import { show, TelemetryError } from '../errors.ts';
import type { MetricsExporter, ExporterConfig } from './exporter.ts';
import { isRecord } from './json.ts';
import { isOtlpConfig } from './otlp-config.ts';

/**
 * Loads and builds an exporter.
 *
 * @throws TelemetryError `MSC_EXPORTER_UNUSABLE`, with the original error as its cause.
 */
export async function loadExporter(config: ExporterConfig): Promise<MetricsExporter> {
  try {
    switch (config.type) {
      case 'console': {
        const { createConsoleExporter } = await import('./console.ts');
        return createConsoleExporter();
      }
      case 'file': {
        const { FileExporter } = await import('./file.ts');
        const { path } = config.options;
        if (typeof path !== 'string') throw new Error('its options were not resolved');
        return new FileExporter(path);
      }
      case 'otlp': {
        const { OtlpHttpExporter } = await import('./otlp-http.ts');
        if (!isOtlpConfig(config.options)) throw new Error('its options were not resolved');
        return new OtlpHttpExporter(config.options);
      }
      default:
        return await loadClass(config);
    }
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : show(cause);
    const message = `exporter ${show(config.type)} cannot be loaded: ${reason}`;
    throw new TelemetryError('MSC_EXPORTER_UNUSABLE', message, [], cause);
  }
}

async function loadClass({ type, options, module }: ExporterConfig): Promise<MetricsExporter> {
  if (module === undefined) throw new Error('its module was not resolved');
  const name = type.slice(type.lastIndexOf('#') + 1);
  const { PushExporter, isPushMetricExporter } = await import('./push-exporter.ts');
  const loaded: unknown = await import(module);
  const found = member(loaded, name) ?? member(member(loaded, 'default'), name);
  if (typeof found !== 'function') throw new Error(`${module} exports no class ${name}`);
  const exporter: unknown = Reflect.construct(found, [options]);
  if (!isPushMetricExporter(exporter)) {
    throw new Error(`${name} is no metric exporter: expected the methods export, forceFlush and shutdown`);
  }
  return new PushExporter(exporter, name);
}

/** A CommonJS module shows its names only inside `default` where they cannot be found without running it. */
function member(value: unknown, name: string): unknown {
  return isRecord(value) ? value[name] : undefined;
}
