import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ExponentialHistogram as SdkHistogram,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import type { ExponentialHistogramValue, ExponentialRange } from '../../src/exporters/exporter.ts';
import { bucketIndex, lowerBound } from '../../src/resample/bucket-index.ts';
import { ExponentialBuckets, type ExponentialState } from '../../src/resample/exponential-buckets.ts';
import { magnitude } from './magnitudes.ts';

const DEFAULTS = { maxBuckets: 160, maxScale: 20 };
const value = fc.oneof(
  { weight: 8, arbitrary: magnitude },
  { weight: 3, arbitrary: magnitude.map((each) => -each) },
  { weight: 1, arbitrary: fc.constantFrom(0, -0) },
);
const shape = fc.record({
  maxBuckets: fc.integer({ min: 2, max: 200 }),
  maxScale: fc.integer({ min: -10, max: 20 }),
});

function bucketsOf(values: readonly number[], of = DEFAULTS): ExponentialBuckets {
  const buckets = new ExponentialBuckets(of);
  for (const each of values) buckets.add(each);
  return buckets;
}

/** All but the sum, whose rounding depends on the order. */
const withoutSum = ({ value: all }: ExponentialBuckets): unknown => ({ ...all, sum: undefined });

/** What the counts of a range have to be, by the definition. */
function countsOf(magnitudes: readonly number[], scale: number): Map<number, number> {
  const counts = new Map<number, number>();
  for (const each of magnitudes) {
    const index = bucketIndex(each, scale);
    counts.set(index, (counts.get(index) ?? 0) + 1);
  }
  return counts;
}

function filled({ offset, counts }: ExponentialRange): Map<number, number> {
  return new Map([...counts].flatMap((count, at) => (count === 0 ? [] : [[offset + at, count] as const])));
}

function sorted(counts: Map<number, number>): [number, number][] {
  return [...counts].toSorted(([a], [b]) => a - b);
}

suite('exponential buckets', () => {
  test('hold every value where it belongs, at the greatest scale at which all fit', () => {
    fc.assert(
      fc.property(fc.array(value, { maxLength: 60 }), shape, (values, of) => {
        const { count, sum, min, max, scale, zeroCount, positive, negative } = bucketsOf(values, of).value;
        const above = values.filter((each) => each > 0);
        const below = values.filter((each) => each < 0).map((each) => -each);
        assert.equal(count, values.length);
        assert.equal(zeroCount, values.length - above.length - below.length);
        assert.equal(min, Math.min(...values) + 0);
        assert.equal(max, Math.max(...values) + 0);
        assert.ok(Number.isFinite(sum));
        assert.deepEqual(sorted(filled(positive)), sorted(countsOf(above, scale)));
        assert.deepEqual(sorted(filled(negative)), sorted(countsOf(below, scale)));
        for (const { counts } of [positive, negative]) assert.ok(counts.length <= of.maxBuckets);
        const finer = [above, below].map((side) => side.map((each) => bucketIndex(each, scale + 1)));
        const fitsFiner = finer.every(
          (side) => Math.max(...side) - Math.min(...side) < of.maxBuckets || side.length === 0,
        );
        assert.ok(scale === of.maxScale || !fitsFiner, `scale ${scale} is coarser than it must be`);
      }),
    );
  });

  test('know a value up to the error that their scale says', () => {
    fc.assert(
      fc.property(magnitude, fc.integer({ min: 0, max: 20 }), (each, maxScale) => {
        fc.pre(each > 2 ** -1022);
        const { scale, positive } = bucketsOf([each], { maxBuckets: 160, maxScale }).value;
        const low = lowerBound(positive.offset, scale);
        assert.ok((each - low) / low <= 2 ** (2 ** -scale) - 1 + 1e-15);
      }),
    );
  });

  test('merged are those of the union', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), shape, (a, b, of) => {
        const merged = bucketsOf(a, of);
        const other = bucketsOf(b, of);
        const before = withoutSum(other);
        merged.merge(other);
        assert.deepEqual(withoutSum(merged), withoutSum(bucketsOf([...a, ...b], of)));
        assert.deepEqual(withoutSum(other), before, 'what is merged stays as it is');
      }),
    );
  });

  test('do not depend on the order, and go on from a checkpoint', () => {
    fc.assert(
      fc.property(fc.array(value), fc.array(value), shape, (a, b, of) => {
        const restored = new ExponentialBuckets(
          of,
          JSON.parse(JSON.stringify(bucketsOf(a, of).state)) as ExponentialState,
        );
        for (const each of b) restored.add(each);
        assert.deepEqual(restored.value, bucketsOf([...a, ...b], of).value);
        assert.deepEqual(withoutSum(restored), withoutSum(bucketsOf([...b, ...a], of)));
      }),
    );
  });

  test('a sum stays a number, however great the values are', () => {
    const huge = bucketsOf([Number.MAX_VALUE, Number.MAX_VALUE, 1]);
    assert.equal(huge.value.sum, Number.MAX_VALUE);
    assert.deepEqual(JSON.parse(JSON.stringify(huge.state)), huge.state);
  });

  test('a value that has been given out does not change any more', () => {
    const buckets = bucketsOf([1, -1]);
    const { positive, negative } = buckets.value;
    buckets.add(1);
    buckets.add(-1);
    assert.deepEqual([[...positive.counts], [...negative.counts]], [[1], [1]]);
  });

  test('even one bucket too few for both sides of 1 comes to an end', () => {
    const { positive } = bucketsOf([5e-324, Number.MAX_VALUE], { maxBuckets: 1, maxScale: 20 }).value;
    assert.deepEqual([...positive.counts], [1, 1]);
  });

  test('are those of the OpenTelemetry SDK', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.double({ min: 1e-9, max: 1e9, noNaN: true, noDefaultInfinity: true }), { minLength: 1 }),
        async (values) => {
          const theirs = await sdkHistogram(values);
          const ours = bucketsOf(values).value;
          assert.deepEqual(comparable(ours), { ...comparable(ours), ...theirs });
        },
      ),
      { numRuns: 50 },
    );
  });
});

function comparable({ count, sum, min, max, scale, zeroCount, positive }: ExponentialHistogramValue): object {
  return {
    count,
    sum,
    min,
    max,
    scale,
    zeroCount,
    positive: { offset: positive.offset, bucketCounts: [...positive.counts] },
  };
}

/** What the SDK makes of the same values: its aggregator by way of a view. */
async function sdkHistogram(values: readonly number[]): Promise<object> {
  const exporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
  const reader = new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 1e9 });
  const provider = new MeterProvider({
    resource: resourceFromAttributes({}),
    readers: [reader],
    views: [
      {
        instrumentName: 'h',
        aggregation: {
          type: AggregationType.EXPONENTIAL_HISTOGRAM,
          options: { maxSize: 160, recordMinMax: true },
        },
      },
    ],
  });
  const histogram = provider.getMeter('test').createHistogram('h');
  for (const each of values) histogram.record(each);
  await reader.forceFlush();
  const [{ scopeMetrics }] = exporter.getMetrics();
  const { count, sum, min, max, scale, zeroCount, positive } = scopeMetrics[0].metrics[0].dataPoints[0]
    .value as SdkHistogram;
  await provider.shutdown();
  return { count, sum, min, max, scale, zeroCount, positive };
}
