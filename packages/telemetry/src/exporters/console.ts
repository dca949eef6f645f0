import { ConsoleMetricExporter } from '@opentelemetry/sdk-metrics';
import type { MetricsExporter } from './exporter.ts';
import { PushExporter } from './push-exporter.ts';

/** Prints metrics to standard output, for looking at them while developing: long lists of points are abridged. */
export function createConsoleExporter(): MetricsExporter {
  return new PushExporter(new ConsoleMetricExporter(), 'console');
}
