/**
 * From an exporter's resolved configuration to the exporter; runs in the telemetry server, or in LOCAL mode.
 *
 * In: ExporterConfig. Out: an exporter of metrics, or of spans. Each kind is imported only when it is used, so a server
 * that writes a file never loads the OpenTelemetry SDK.
 * On failure: a TelemetryError that says which exporter and why; the configuration cannot export then.
 */
import { show, TelemetryError } from '../errors.ts';
import type { ExporterConfig, MetricsExporter, SpansExporter } from './exporter.ts';
import { classNameOf, constructClass } from './program-module.ts';

/**
 * Loads and builds an exporter of metrics.
 *
 * @throws TelemetryError `MSC_EXPORTER_UNUSABLE`, with the original error as its cause.
 */
export function loadExporter(config: ExporterConfig): Promise<MetricsExporter> {
  return named(config, async () => {
    switch (config.type) {
      case 'console': {
        const { createConsoleExporter } = await import('./console.ts');
        return createConsoleExporter();
      }
      case 'file': {
        const { MetricsFileExporter } = await import('./file.ts');
        return new MetricsFileExporter(pathOf(config));
      }
      case 'otlp':
      case '_otlp_msal':
      case '_otlp_mtls_vault': {
        const [{ OtlpMetricsExporter }, { connectOtlp }] = await Promise.all([
          import('./otlp-metrics.ts'),
          import('./otlp-connect.ts'),
        ]);
        const { otlp, transport } = await connectOtlp(config, 'metrics');
        return new OtlpMetricsExporter(otlp, transport);
      }
      default: {
        const { PushExporter, isPushMetricExporter } = await import('./push-exporter.ts');
        const { name, exporter } = await construct(config);
        if (isPushMetricExporter(exporter)) return new PushExporter(exporter, name);
        throw new Error(
          `${name} is no metric exporter: expected the methods export, forceFlush and shutdown`,
        );
      }
    }
  });
}

/**
 * Loads and builds an exporter of spans.
 *
 * @throws TelemetryError `MSC_EXPORTER_UNUSABLE`, with the original error as its cause.
 */
export function loadSpansExporter(config: ExporterConfig): Promise<SpansExporter> {
  return named(config, async () => {
    switch (config.type) {
      case 'console': {
        const { ConsoleSpansExporter } = await import('./console-spans.ts');
        return new ConsoleSpansExporter();
      }
      case 'file': {
        const [{ FileExporter }, { encodeSpansJson }] = await Promise.all([
          import('./file.ts'),
          import('./span-json.ts'),
        ]);
        return new FileExporter(pathOf(config), encodeSpansJson);
      }
      case 'otlp':
      case '_otlp_msal':
      case '_otlp_mtls_vault': {
        const [{ OtlpExporter }, { TRACES }, { connectOtlp }] = await Promise.all([
          import('./otlp-exporter.ts'),
          import('./otlp-traces.ts'),
          import('./otlp-connect.ts'),
        ]);
        const { otlp, transport } = await connectOtlp(config, 'traces');
        return new OtlpExporter(TRACES, otlp, transport);
      }
      default: {
        const { PushSpansExporter, isSpanExporter } = await import('./push-spans-exporter.ts');
        const { name, exporter } = await construct(config);
        if (isSpanExporter(exporter)) return new PushSpansExporter(exporter, name);
        throw new Error(`${name} is no span exporter: expected the methods export and shutdown`);
      }
    }
  });
}

async function named<T>({ type }: ExporterConfig, load: () => Promise<T>): Promise<T> {
  try {
    return await load();
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : show(cause);
    const message = `exporter ${show(type)} cannot be loaded: ${reason}`;
    throw new TelemetryError('MSC_EXPORTER_UNUSABLE', message, [], cause);
  }
}

function pathOf({ options: { path } }: ExporterConfig): string {
  if (typeof path !== 'string') throw new Error('its options were not resolved');
  return path;
}

/** An instance of `module#Class`. */
async function construct(config: ExporterConfig): Promise<{ name: string; exporter: unknown }> {
  if (config.module === undefined) throw new Error('its module was not resolved');
  return { name: classNameOf(config.type), exporter: constructClass(config, await import(config.module)) };
}
