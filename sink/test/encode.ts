import { ValueType } from '@opentelemetry/api';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type GaugeMetricData,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';

/** A request as OpenTelemetry's own exporter encodes it: the independent half of these tests. */
export function encode(metrics: ResourceMetrics): Uint8Array {
  const bytes = ProtobufMetricsSerializer.serializeRequest(metrics);
  if (bytes === undefined) throw new Error('nothing was serialized');
  return bytes;
}

export function resourceMetrics(...metrics: MetricData[]): ResourceMetrics {
  return {
    resource: resourceFromAttributes({ 'service.name': 'encoder' }),
    scopeMetrics: [{ scope: { name: 'scope', version: '1.2.3' }, metrics }],
  };
}

/** A gauge with one point per value; values, times and the attribute `i` count up. */
export function gauge(name: string, values: readonly number[]): GaugeMetricData {
  return {
    descriptor: { name, description: '', unit: 's', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
    dataPointType: DataPointType.GAUGE,
    dataPoints: values.map((value, i) => ({
      startTime: [1_700_000_000, 0],
      endTime: [1_700_000_000, i],
      attributes: { i: i % 10 },
      value,
    })),
  };
}

/** A request with one gauge. */
export function gaugeRequest(...values: number[]): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(encode(resourceMetrics(gauge('level', values))));
}

type Part = number | string | readonly number[];

/** A protobuf field by hand: a number as varint, a string or the bytes of a message as length-delimited. */
export function field(number: number, ...parts: Part[]): number[] {
  if (parts.length === 1 && typeof parts[0] === 'number')
    return [...varint(number << 3), ...varint(parts[0])];
  const content = parts.flatMap((part) => (typeof part === 'string' ? [...Buffer.from(part)] : part));
  return [...varint((number << 3) | 2), ...varint(content.length), ...content];
}

/** A field of eight bytes with a double. */
export function doubleField(number: number, value: number): number[] {
  return [...varint((number << 3) | 1), ...new Uint8Array(Float64Array.of(value).buffer)];
}

/** A field of eight bytes with an integer. */
export function fixedField(number: number, value: bigint): number[] {
  return [...varint((number << 3) | 1), ...new Uint8Array(BigInt64Array.of(value).buffer)];
}

export function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)];
}
