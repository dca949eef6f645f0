/** The baseline: instruments of OpenTelemetry's JavaScript SDK, with a reader that collects when it is asked. */
import { ValueType, type Meter } from '@opentelemetry/api';
import type { Resource } from '@opentelemetry/resources';
import {
  DataPointType,
  InstrumentType,
  MeterProvider,
  MetricReader,
  type DataPoint,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

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

/** What its serializer takes for the points of one gauge. */
export function gaugeMetrics(
  resource: Resource,
  { name, unit }: { readonly name: string; readonly unit: string },
  dataPoints: DataPoint<number>[],
): ResourceMetrics {
  const valueType = ValueType.DOUBLE;
  const descriptor = { name, unit, description: '', type: InstrumentType.GAUGE, valueType, advice: {} };
  const metric = {
    descriptor,
    aggregationTemporality: 1,
    dataPointType: DataPointType.GAUGE,
    dataPoints,
  } as const;
  return { resource, scopeMetrics: [{ scope: { name: 'multistorageclient' }, metrics: [metric] }] };
}
