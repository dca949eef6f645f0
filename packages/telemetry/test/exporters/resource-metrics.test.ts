import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { AggregationTemporality, DataPointType } from '@opentelemetry/sdk-metrics';
import { toResourceMetrics } from '../../src/exporters/resource-metrics.ts';
import {
  batchOf,
  exponential,
  gauge,
  histogram,
  OTHER_RESOURCE,
  RESOURCE,
  SCOPE,
  SECONDS,
  sum,
} from './batches.ts';

suite('resource metrics', () => {
  test('one entry per resource, one per scope in it, in the order of the batch', () => {
    const other = { name: 'network' };
    const batch = batchOf(
      gauge([1]),
      sum(2, { scope: { ...SCOPE } }),
      gauge([3], { scope: other }),
      gauge([4], { scope: other, resource: OTHER_RESOURCE }),
    );
    const found = toResourceMetrics(batch).map(({ resource, scopeMetrics }) => ({
      resource: resource.attributes,
      schemaUrl: resource.schemaUrl,
      scopes: scopeMetrics.map(({ scope, metrics }) => [
        scope.name,
        ...metrics.map((m) => m.descriptor.name),
      ]),
    }));
    assert.deepEqual(found, [
      {
        resource: RESOURCE.attributes,
        schemaUrl: RESOURCE.schemaUrl,
        scopes: [
          ['storage', 'latency', 'bytes'],
          ['network', 'latency'],
        ],
      },
      { resource: OTHER_RESOURCE.attributes, schemaUrl: undefined, scopes: [['network', 'latency']] },
    ]);
  });

  test('gauges keep every point with its own time and no start', () => {
    const [{ scopeMetrics }] = toResourceMetrics(batchOf(gauge([0.25, NaN])));
    const [metric] = scopeMetrics[0].metrics;
    assert.equal(metric.dataPointType, DataPointType.GAUGE);
    const attributes = { operation: 'read', part: 7, ok: true };
    assert.deepEqual(metric.dataPoints, [
      { attributes, startTime: [0, 0], endTime: [SECONDS, 123_456_789], value: 0.25 },
      { attributes, startTime: [0, 0], endTime: [SECONDS, 123_456_790], value: NaN },
    ]);
  });

  test('sums keep monotonicity, temporality and start', () => {
    const batch = batchOf(sum(9), sum(-1, { monotonic: false, temporality: 'delta' }));
    const [first, second] = toResourceMetrics(batch)[0].scopeMetrics[0].metrics;
    assert.ok(first.dataPointType === DataPointType.SUM && second.dataPointType === DataPointType.SUM);
    assert.equal(first.isMonotonic, true);
    assert.equal(first.aggregationTemporality, AggregationTemporality.CUMULATIVE);
    assert.deepEqual(first.dataPoints, [
      { attributes: {}, startTime: [SECONDS - 60, 999_999_999], endTime: [SECONDS + 1, 5], value: 9 },
    ]);
    assert.equal(second.isMonotonic, false);
    assert.equal(second.aggregationTemporality, AggregationTemporality.DELTA);
  });

  test('histograms have no minimum and maximum where these are not known', () => {
    const [metric] = toResourceMetrics(batchOf(histogram()))[0].scopeMetrics[0].metrics;
    assert.ok(metric.dataPointType === DataPointType.HISTOGRAM);
    assert.deepEqual(
      metric.dataPoints.map(({ value }) => value),
      [
        { count: 3, sum: 17.5, min: 0.5, max: 12, buckets: { boundaries: [1, 10], counts: [1, 1, 1] } },
        { count: 0, sum: 0, buckets: { boundaries: [1, 10], counts: [0, 0, 0] } },
      ],
    );
  });

  test('exponential histograms keep scale, zeros and both ranges', () => {
    const [metric] = toResourceMetrics(batchOf(exponential()))[0].scopeMetrics[0].metrics;
    assert.ok(metric.dataPointType === DataPointType.EXPONENTIAL_HISTOGRAM);
    assert.equal(metric.aggregationTemporality, AggregationTemporality.DELTA);
    const [{ startTime, endTime, value }] = metric.dataPoints;
    assert.deepEqual(
      [startTime, endTime],
      [
        [SECONDS - 1, 3],
        [SECONDS, 1],
      ],
    );
    assert.deepEqual(value, {
      count: 306,
      sum: -7.25,
      min: -8,
      max: 3,
      scale: -2,
      zeroCount: 2,
      positive: { offset: -3, bucketCounts: [300, 0, 1] },
      negative: { offset: 70, bucketCounts: [3] },
    });
  });
});
