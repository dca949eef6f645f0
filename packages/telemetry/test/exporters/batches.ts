import { ValueType } from '@opentelemetry/api';
import type {
  ExponentialHistogramPoints,
  GaugePoints,
  HistogramPoints,
  MetricPoints,
  PointBatch,
  ResourceDescriptor,
  ScopeDescriptor,
  SumPoints,
} from '../../src/exporters/exporter.ts';

export const RESOURCE: ResourceDescriptor = {
  attributes: { 'service.name': 'copier', replicas: 3, weights: [0.5, 2] },
  schemaUrl: 'https://example.com/schema',
};
export const OTHER_RESOURCE: ResourceDescriptor = { attributes: { 'service.name': 'reader' } };
export const SCOPE: ScopeDescriptor = { name: 'storage', version: '1.2.3' };

/** Seconds of the first point; nanoseconds next to it do not fit into a double. */
export const SECONDS = 1_700_000_000;

export function batchOf(...metrics: readonly MetricPoints[]): PointBatch {
  const points = metrics.flatMap(({ series }) => series.map(({ values }) => values.length));
  return { metrics, points: points.reduce((total, count) => total + count, 0) };
}

/** One series; its points are a nanosecond apart. */
export function gauge(values: readonly number[], over: Partial<GaugePoints> = {}): GaugePoints {
  return {
    kind: 'gauge',
    resource: RESOURCE,
    scope: SCOPE,
    descriptor: { name: 'latency', description: 'How long', unit: 's', valueType: ValueType.DOUBLE },
    series: [
      {
        attributes: { operation: 'read', part: 7, ok: true },
        seconds: new Uint32Array(values.length).fill(SECONDS),
        nanos: Uint32Array.from(values, (_, index) => 123_456_789 + index),
        values: Float64Array.from(values),
      },
    ],
    ...over,
  };
}

export function sum(value: number, over: Partial<SumPoints> = {}): SumPoints {
  return {
    kind: 'sum',
    resource: RESOURCE,
    scope: SCOPE,
    descriptor: { name: 'bytes', description: '', unit: 'By', valueType: ValueType.INT },
    monotonic: true,
    temporality: 'cumulative',
    series: [
      {
        attributes: {},
        seconds: Uint32Array.of(SECONDS + 1),
        nanos: Uint32Array.of(5),
        startSeconds: Uint32Array.of(SECONDS - 60),
        startNanos: Uint32Array.of(999_999_999),
        values: Float64Array.of(value),
      },
    ],
    ...over,
  };
}

export function histogram(over: Partial<HistogramPoints> = {}): HistogramPoints {
  return {
    kind: 'histogram',
    resource: RESOURCE,
    scope: SCOPE,
    descriptor: { name: 'sizes', description: '', unit: 'By', valueType: ValueType.DOUBLE },
    temporality: 'delta',
    series: [
      {
        attributes: { operation: 'list' },
        seconds: Uint32Array.of(SECONDS, SECONDS + 1),
        nanos: Uint32Array.of(1, 2),
        startSeconds: Uint32Array.of(SECONDS - 1, SECONDS),
        startNanos: Uint32Array.of(3, 1),
        values: [
          { count: 3, sum: 17.5, min: 0.5, max: 12, boundaries: [1, 10], counts: Float64Array.of(1, 1, 1) },
          { count: 0, sum: 0, min: NaN, max: NaN, boundaries: [1, 10], counts: Float64Array.of(0, 0, 0) },
        ],
      },
    ],
    ...over,
  };
}

/** One point with buckets on both sides of zero. */
export function exponential(over: Partial<ExponentialHistogramPoints> = {}): ExponentialHistogramPoints {
  return {
    kind: 'exponential_histogram',
    resource: RESOURCE,
    scope: SCOPE,
    descriptor: { name: 'latencies', description: '', unit: 's', valueType: ValueType.DOUBLE },
    temporality: 'delta',
    series: [
      {
        attributes: { operation: 'read' },
        seconds: Uint32Array.of(SECONDS),
        nanos: Uint32Array.of(1),
        startSeconds: Uint32Array.of(SECONDS - 1),
        startNanos: Uint32Array.of(3),
        values: [
          {
            count: 306,
            sum: -7.25,
            min: -8,
            max: 3,
            scale: -2,
            zeroCount: 2,
            zeroThreshold: 0,
            positive: { offset: -3, counts: Float64Array.of(300, 0, 1) },
            negative: { offset: 70, counts: Float64Array.of(3) },
          },
        ],
      },
    ],
    ...over,
  };
}
