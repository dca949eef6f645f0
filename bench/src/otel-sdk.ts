/** The baseline: instruments of OpenTelemetry's JavaScript SDK, with a reader that collects when it is asked. */
import { MeterProvider, MetricReader } from '@opentelemetry/sdk-metrics';
import type { Meter } from '@opentelemetry/api';

class OnDemandReader extends MetricReader {
  protected async onForceFlush(): Promise<void> {}
  protected async onShutdown(): Promise<void> {}
}

export function otelMeter(): { readonly meter: Meter; readonly reader: MetricReader } {
  const reader = new OnDemandReader();
  const views = [{ instrumentName: '*', aggregationCardinalityLimit: 200_000 }];
  const meter = new MeterProvider({ readers: [reader], views }).getMeter('bench');
  return { meter, reader };
}
