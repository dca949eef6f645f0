/**
 * Points in the form of OpenTelemetry's SDK, for its exporters and its protobuf encoder.
 *
 * In: a batch in columns. Out: one `ResourceMetrics` per resource, with an object per point.
 * Invariant: every point is there, in order, with its exact time; the SDK has no place for exemplars and zero thresholds.
 * On failure: what it throws, callers take for a batch that cannot be encoded (`outcomeOfEncodingError`).
 */
import type { HrTime } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type DataPoint,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import { groupByResource } from './batch-groups.ts';
import type {
  ExponentialHistogramValue,
  HistogramValue,
  MetricPoints,
  PointBatch,
  SeriesColumns,
} from './exporter.ts';

/** A batch in the SDK's form, one entry per resource. Times stay exact: seconds and nanoseconds are never summed. */
export function toResourceMetrics(batch: PointBatch): ResourceMetrics[] {
  return groupByResource(batch).map(({ resource, scopes }) => ({
    resource: resourceFromAttributes(
      resource.attributes,
      resource.schemaUrl === undefined ? {} : { schemaUrl: resource.schemaUrl },
    ),
    scopeMetrics: scopes.map(({ scope, metrics }) => ({ scope, metrics: metrics.map(toMetricData) })),
  }));
}

function toMetricData(metric: MetricPoints): MetricData {
  const { descriptor } = metric;
  if (metric.kind === 'histogram') {
    return {
      descriptor,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: toTemporality(metric.temporality),
      dataPoints: metric.series.flatMap((series) =>
        toDataPoints(series, (index) => toHistogram(series.values[index])),
      ),
    };
  }
  if (metric.kind === 'exponential_histogram') {
    return {
      descriptor,
      dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM,
      aggregationTemporality: toTemporality(metric.temporality),
      dataPoints: metric.series.flatMap((series) =>
        toDataPoints(series, (index) => toExponential(series.values[index])),
      ),
    };
  }
  const dataPoints = metric.series.flatMap((series) => {
    const { values } = series;
    return toDataPoints(series, (index) => values[index]);
  });
  return metric.kind === 'gauge'
    ? {
        descriptor,
        dataPointType: DataPointType.GAUGE,
        aggregationTemporality: AggregationTemporality.CUMULATIVE,
        dataPoints,
      }
    : {
        descriptor,
        dataPointType: DataPointType.SUM,
        aggregationTemporality: toTemporality(metric.temporality),
        isMonotonic: metric.monotonic,
        dataPoints,
      };
}

function toTemporality(temporality: 'cumulative' | 'delta'): AggregationTemporality {
  return temporality === 'delta' ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE;
}

function toDataPoints<T>(series: SeriesColumns, valueAt: (index: number) => T): DataPoint<T>[] {
  const { attributes, seconds, nanos, startSeconds, startNanos } = series;
  return Array.from(seconds, (second, index) => ({
    attributes,
    // Zero means "not known" in OTLP, which is right for gauges.
    startTime: [startSeconds?.[index] ?? 0, startNanos?.[index] ?? 0] satisfies HrTime,
    endTime: [second, nanos[index]] satisfies HrTime,
    value: valueAt(index),
  }));
}

function toHistogram({ count, sum, min, max, boundaries, counts }: HistogramValue): Histogram {
  return {
    count,
    sum,
    buckets: { boundaries: [...boundaries], counts: [...counts] },
    ...(Number.isNaN(min) ? {} : { min }),
    ...(Number.isNaN(max) ? {} : { max }),
  };
}

/** The SDK has no zero threshold: it is 0 here. */
function toExponential(value: ExponentialHistogramValue): ExponentialHistogram {
  const { count, sum, min, max, scale, zeroCount, positive, negative } = value;
  return {
    count,
    sum,
    min,
    max,
    scale,
    zeroCount,
    positive: { offset: positive.offset, bucketCounts: [...positive.counts] },
    negative: { offset: negative.offset, bucketCounts: [...negative.counts] },
  };
}
