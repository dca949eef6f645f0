/** Arbitrary metrics for property tests: every kind of point, and attributes of every kind. */
import { type Attributes, ValueType } from '@opentelemetry/api';
import fc from 'fast-check';
import type {
  ExponentialHistogramValue,
  HistogramValue,
  MetricDescriptor,
  MetricPoints,
  PointBatch,
  SeriesColumns,
} from '../../src/exporters/exporter.ts';
import { batchOf, OTHER_RESOURCE, RESOURCE, SCOPE } from './batches.ts';

/** Lone surrogates too. */
export const anyText: fc.Arbitrary<string> = fc.oneof(
  fc.string(),
  fc.array(fc.nat(0xffff), { maxLength: 20 }).map((codes) => String.fromCharCode(...codes)),
);

export const anyNumber: fc.Arbitrary<number> = fc.oneof(
  fc.double(),
  fc.integer(),
  fc.maxSafeInteger(),
  fc.constantFrom(-0, NaN, Infinity, 2 ** 53, -(2 ** 63), 2 ** 63, 1e300),
);

const anyInteger = fc.oneof(fc.integer(), fc.maxSafeInteger(), fc.constantFrom(2 ** 62, -(2 ** 63)));
const anyCount = fc.oneof(fc.nat(300), fc.maxSafeNat());

const { anyValue } = fc.letrec<{ anyValue: unknown }>((tie) => ({
  anyValue: fc.oneof(
    { maxDepth: 3 },
    anyText,
    anyNumber,
    fc.boolean(),
    fc.uint8Array({ maxLength: 200 }),
    fc.constantFrom(undefined, null, 7n),
    fc.array(tie('anyValue'), { maxLength: 4 }),
    fc.dictionary(anyText, tie('anyValue'), { maxKeys: 4 }),
  ),
}));

export const anyAttributes: fc.Arbitrary<Attributes> = fc.dictionary(anyText, anyValue, {
  maxKeys: 8,
});

function column(length: number, max: number): fc.Arbitrary<Uint32Array> {
  return fc.uint32Array({ minLength: length, maxLength: length, max });
}

function columns<Values>(
  values: fc.Arbitrary<Values>,
  length: number,
  isStarted: boolean,
): fc.Arbitrary<SeriesColumns & { values: Values }> {
  const [seconds, nanos] = [column(length, 2 ** 32 - 1), column(length, 999_999_999)];
  const series = { attributes: anyAttributes, seconds, nanos, values };
  return isStarted ? fc.record({ ...series, startSeconds: seconds, startNanos: nanos }) : fc.record(series);
}

const anyLength = fc.oneof(fc.nat(5), fc.nat(40));

function seriesOf<T>(value: fc.Arbitrary<T>): fc.Arbitrary<(SeriesColumns & { values: T[] })[]> {
  const series = anyLength.chain((length) =>
    columns(fc.array(value, { minLength: length, maxLength: length }), length, true),
  );
  return fc.array(series, { maxLength: 3 });
}

function numberSeriesOf(value: fc.Arbitrary<number>, isStarted: boolean) {
  const series = anyLength.chain((length) => {
    const values = fc.array(value, { minLength: length, maxLength: length });
    return columns(
      values.map((numbers) => Float64Array.from(numbers)),
      length,
      isStarted,
    );
  });
  return fc.array(series, { maxLength: 3 });
}

const anyCounts = fc.array(anyCount, { maxLength: 20 }).map((counts) => Float64Array.from(counts));
const anyKnown = fc.double({ noNaN: true });

const anyHistogram: fc.Arbitrary<HistogramValue> = fc.record({
  count: anyCount,
  sum: anyNumber,
  min: fc.double(),
  max: fc.double(),
  boundaries: fc.array(fc.double(), { maxLength: 20 }),
  counts: anyCounts,
});

const anyOffset = fc.integer({ min: -(2 ** 31), max: 2 ** 31 - 1 });
const anyRange = fc.record({ offset: anyOffset, counts: anyCounts });

/** Of what OpenTelemetry's serializer can write: without a zero threshold, and with extremes. */
const anyExponential: fc.Arbitrary<ExponentialHistogramValue> = fc.record({
  count: anyCount,
  sum: anyNumber,
  min: anyKnown,
  max: anyKnown,
  scale: fc.integer({ min: -10, max: 20 }),
  zeroCount: anyCount,
  zeroThreshold: fc.constant(0),
  positive: anyRange,
  negative: anyRange,
});

function descriptorOf(...valueTypes: readonly ValueType[]): fc.Arbitrary<MetricDescriptor> {
  const valueType = fc.constantFrom(...valueTypes);
  return fc.record({ name: anyText, description: anyText, unit: anyText, valueType });
}

const shared = {
  resource: fc.constantFrom(RESOURCE, OTHER_RESOURCE),
  scope: fc.constantFrom(SCOPE, { name: '', schemaUrl: 'https://example.com/scope' }),
};
const temporality = fc.constantFrom('cumulative' as const, 'delta' as const);
const INT = descriptorOf(ValueType.INT);
const DOUBLE = descriptorOf(ValueType.DOUBLE);

function gaugeOf(descriptor: fc.Arbitrary<MetricDescriptor>, value: fc.Arbitrary<number>) {
  const series = numberSeriesOf(value, false);
  return fc.record({ kind: fc.constant('gauge' as const), ...shared, descriptor, series });
}

function sumOf(descriptor: fc.Arbitrary<MetricDescriptor>, value: fc.Arbitrary<number>) {
  const series = numberSeriesOf(value, true);
  const kind = fc.constant('sum' as const);
  return fc.record({ kind, ...shared, descriptor, series, temporality, monotonic: fc.boolean() });
}

const anyMetric: fc.Arbitrary<MetricPoints> = fc.oneof(
  gaugeOf(INT, anyInteger),
  gaugeOf(DOUBLE, anyNumber),
  sumOf(INT, anyInteger),
  sumOf(DOUBLE, anyNumber),
  fc.record({
    kind: fc.constant('histogram' as const),
    ...shared,
    descriptor: descriptorOf(ValueType.INT, ValueType.DOUBLE),
    temporality,
    series: seriesOf(anyHistogram),
  }),
  fc.record({
    kind: fc.constant('exponential_histogram' as const),
    ...shared,
    descriptor: DOUBLE,
    temporality,
    series: seriesOf(anyExponential),
  }),
);

export const anyBatch: fc.Arbitrary<PointBatch> = fc
  .array(anyMetric, { maxLength: 4 })
  .map((metrics) => batchOf(...metrics));
