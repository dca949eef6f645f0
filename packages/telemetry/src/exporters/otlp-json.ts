/**
 * Metrics as OTLP JSON, for the file exporter and OTLP over HTTP.
 *
 * In: a batch in columns. Out: the text of one MetricsData, written straight from the columns.
 * Invariant: one line; times are exact to the nanosecond; an unknown start time, minimum or maximum is left out.
 * On failure: a RangeError where the text would be longer than a string can be.
 */
import { ValueType } from '@opentelemetry/api';
import { groupByResource } from './batch-groups.ts';
import type {
  Exemplar,
  ExponentialHistogramValue,
  ExponentialRange,
  HistogramValue,
  MetricPoints,
  PointBatch,
  SeriesColumns,
} from './exporter.ts';
import {
  array,
  double,
  encodeAttributes,
  encodeTime,
  int64,
  isInt64,
  object,
  text,
} from './otlp-json-values.ts';

/**
 * Encodes a batch as the JSON text of one MetricsData, without a line break.
 *
 * @throws RangeError where the batch is too big for a string.
 */
export function encodeJson(batch: PointBatch): string {
  const resourceMetrics = groupByResource(batch).map(({ resource, scopes }) => {
    const scopeMetrics = scopes.map(({ scope, metrics }) =>
      object({
        scope: object({ name: JSON.stringify(scope.name), version: text(scope.version) }),
        metrics: array(metrics.map(encodeMetric)),
        schemaUrl: text(scope.schemaUrl),
      }),
    );
    return object({
      resource: object({ attributes: encodeAttributes(resource.attributes) }),
      scopeMetrics: array(scopeMetrics),
      schemaUrl: text(resource.schemaUrl),
    });
  });
  return object({ resourceMetrics: array(resourceMetrics) });
}

/** Names of OTLP's oneof. */
const DATA = {
  gauge: 'gauge',
  sum: 'sum',
  histogram: 'histogram',
  exponential_histogram: 'exponentialHistogram',
} as const;

function encodeMetric(metric: MetricPoints): string {
  const { name, description, unit } = metric.descriptor;
  const dataPoints = encodeDataPoints(metric);
  return object({
    name: JSON.stringify(name),
    description: text(description),
    unit: text(unit),
    [DATA[metric.kind]]: object({
      ...(metric.kind === 'gauge'
        ? {}
        : { aggregationTemporality: metric.temporality === 'delta' ? '1' : '2' }),
      ...(metric.kind === 'sum' ? { isMonotonic: String(metric.monotonic) } : {}),
      dataPoints: array(dataPoints),
    }),
  });
}

function encodeDataPoints({ kind, descriptor, series: all }: MetricPoints): string[] {
  if (kind === 'histogram') {
    return all.flatMap((series) => encodePoints(series, (index) => encodeHistogram(series.values[index])));
  }
  if (kind === 'exponential_histogram') {
    return all.flatMap((series) => encodePoints(series, (index) => encodeExponential(series.values[index])));
  }
  const { valueType } = descriptor;
  return all.flatMap((series) => {
    const { values, exemplars } = series;
    return encodePoints(series, (index, time) => {
      const value = encodeNumber(values[index], valueType);
      const exemplar = exemplars?.[index];
      return exemplar === undefined ? value : `${value},${encodeExemplar(exemplar, value, time)}`;
    });
  });
}

/** With the time and value of its point. */
function encodeExemplar({ traceId, spanId }: Exemplar, value: string, time: string): string {
  return `"exemplars":[{"timeUnixNano":${time},${value},"spanId":"${spanId}","traceId":"${traceId}"}]`;
}

function encodePoints(series: SeriesColumns, valueAt: (index: number, time: string) => string): string[] {
  const { seconds, nanos, startSeconds, startNanos } = series;
  const attributes = encodeAttributes(series.attributes);
  const points: string[] = [];
  for (let index = 0; index < seconds.length; index++) {
    const start =
      startSeconds === undefined || startNanos === undefined
        ? ''
        : `"startTimeUnixNano":${encodeTime(startSeconds[index], startNanos[index])},`;
    const time = encodeTime(seconds[index], nanos[index]);
    points.push(`{"attributes":${attributes},${start}"timeUnixNano":${time},${valueAt(index, time)}}`);
  }
  return points;
}

function encodeNumber(value: number, valueType: ValueType): string {
  return valueType === ValueType.INT && isInt64(value)
    ? `"asInt":${int64(value)}`
    : `"asDouble":${double(value)}`;
}

function encodeHistogram({ count, sum, min, max, boundaries, counts }: HistogramValue): string {
  const bounds = `"explicitBounds":${array(boundaries.map(double))}`;
  const buckets = `"bucketCounts":${array(Array.from(counts, int64))}`;
  return `"count":${int64(count)},"sum":${double(sum)},${buckets},${bounds}${encodeExtremes(min, max)}`;
}

function encodeExponential(value: ExponentialHistogramValue): string {
  const { count, sum, min, max, scale, zeroCount, zeroThreshold, positive, negative } = value;
  const zero = `"scale":${scale},"zeroCount":${int64(zeroCount)},"zeroThreshold":${double(zeroThreshold)}`;
  const ranges = `"positive":${encodeRange(positive)},"negative":${encodeRange(negative)}`;
  return `"count":${int64(count)},"sum":${double(sum)},${zero},${ranges}${encodeExtremes(min, max)}`;
}

function encodeRange({ offset, counts }: ExponentialRange): string {
  return `{"offset":${offset},"bucketCounts":${array(Array.from(counts, int64))}}`;
}

function encodeExtremes(min: number, max: number): string {
  return [
    Number.isNaN(min) ? '' : `,"min":${double(min)}`,
    Number.isNaN(max) ? '' : `,"max":${double(max)}`,
  ].join('');
}
