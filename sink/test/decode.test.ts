import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Attributes, ValueType } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  type ExponentialHistogram,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics';
import { Decoder } from '../src/decode.ts';
import { Points } from '../src/points.ts';
import { MalformedError } from '../src/wire.ts';
import {
  doubleField,
  encode,
  field,
  fixedField,
  gauge,
  gaugeRequest,
  resourceMetrics,
  varint,
} from './encode.ts';

function decode(...bodies: Uint8Array[]): Points {
  const points = new Points();
  const decoder = new Decoder(points);
  for (const body of bodies) {
    const before = points.length;
    assert.equal(decoder.decode(body), points.length - before);
  }
  return points;
}

/** A request around one Gauge message by hand. */
function gaugeByHand(...points: number[][]): Uint8Array {
  const data = points.flatMap((point) => field(1, point));
  return Uint8Array.from(field(1, field(2, field(2, [...field(1, 'level'), ...field(5, data)]))));
}

const TIME = fixedField(3, 5n);

/** A Resource with one attribute, in the field that ResourceMetrics has it in. */
function resourceField(value: string): number[] {
  return field(1, field(1, field(1, 'r'), field(2, field(1, value))));
}

/** ScopeMetrics, in the field that ResourceMetrics has them in. */
function scopeField(scope: string, ...metrics: number[][]): number[] {
  return field(2, [...field(1, field(1, scope)), ...metrics.flat()]);
}

/** A Metric with one point, whose data are in the field of this number. */
function metricField(dataField: number, name: string): number[] {
  return field(2, [...field(1, name), ...field(dataField, field(1, [...TIME, ...doubleField(4, 1)]))]);
}

/** Buckets of an exponential histogram; the counts are not packed. */
function buckets(offset: number, ...counts: number[]): number[] {
  return [...field(1, offset), ...counts.flatMap((count) => field(2, count))];
}

/** A request around one point with one attribute. */
function requestWith(value: number[]): Uint8Array {
  return gaugeByHand(field(7, field(1, 'k'), field(2, value)));
}

describe('the decoder against the encoder of OpenTelemetry', () => {
  it('reads a gauge: names, unit, resource, scope, attributes, times to the nanosecond', () => {
    const [, second] = decode(encode(resourceMetrics(gauge('multistorageclient.latency', [0.25, -1e300]))));
    assert.deepEqual(second, {
      metric: {
        name: 'multistorageclient.latency',
        unit: 's',
        kind: 'gauge',
        temporality: 'unspecified',
        monotonic: false,
        resource: { 'service.name': 'encoder' },
        scope: { name: 'scope', version: '1.2.3' },
      },
      attributes: { i: 1 },
      time: 1_700_000_000_000_000_001n,
      startTime: 1_700_000_000_000_000_000n,
      value: -1e300,
      histogram: undefined,
      exponential: undefined,
    });
  });

  it('reads doubles and integers of every size and sign', () => {
    const doubles = [0, -0, 1.5, -1.5, 5e-324, Number.MAX_VALUE, Infinity, -Infinity, NaN];
    assert.deepEqual([...decode(encode(resourceMetrics(gauge('x', doubles)))).values], doubles);
    const integers = [
      0,
      1,
      -1,
      2 ** 31,
      -(2 ** 31),
      2 ** 32 + 1,
      -(2 ** 40) - 3,
      Number.MAX_SAFE_INTEGER,
      Number.MIN_SAFE_INTEGER,
    ];
    const metric = gauge('x', integers);
    const request = resourceMetrics({
      ...metric,
      descriptor: { ...metric.descriptor, valueType: ValueType.INT },
    });
    assert.deepEqual([...decode(encode(request)).values], integers);
  });

  it('reads attribute values of every type', () => {
    const attributes = {
      string: 'schlüssel 🔑',
      empty: '',
      true: true,
      false: false,
      zero: 0,
      integer: 300,
      negative: -5,
      safe: Number.MAX_SAFE_INTEGER,
      beyond: 2 ** 60,
      double: 0.1,
      strings: ['a', '', 'c'],
      mixed: [1, 0.5, 'x', true, [false]],
      nothing: [],
      bytes: new Uint8Array([0, 255, 128]),
      nested: { map: { deep: [{ key: 'value' }] }, none: {} },
      __proto__x: 1,
    };
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- the API's type has no maps and bytes, OTLP has
    const asAttributes = attributes as unknown as Attributes;
    const metric = gauge('x', [1]);
    const dataPoints = [{ startTime: [0, 0], endTime: [0, 0], attributes: asAttributes, value: 1 }];
    const request = encode(resourceMetrics(Object.assign(metric, { dataPoints })));
    assert.deepEqual(decode(request).at(0).attributes, { ...attributes, beyond: 2n ** 60n });
  });

  for (const monotonic of [true, false]) {
    for (const temporality of [AggregationTemporality.DELTA, AggregationTemporality.CUMULATIVE]) {
      it(`reads a sum: monotonic ${monotonic}, temporality ${temporality}`, () => {
        const request = resourceMetrics({
          ...gauge('total', [1, 2]),
          dataPointType: DataPointType.SUM,
          isMonotonic: monotonic,
          aggregationTemporality: temporality,
        });
        const [first] = decode(encode(request));
        assert.equal(first.metric.kind, 'sum');
        assert.equal(first.metric.monotonic, monotonic);
        assert.equal(
          first.metric.temporality,
          temporality === AggregationTemporality.DELTA ? 'delta' : 'cumulative',
        );
        assert.equal(first.value, 1);
      });
    }
  }

  it('reads histograms, with and without sum, min and max, and shares their boundaries', () => {
    const full = {
      count: 2 ** 33,
      sum: -7.5,
      min: -9,
      max: 4,
      buckets: { boundaries: [0, 2.5], counts: [2 ** 33 - 1, 0, 1] },
    };
    const bare = { count: 0, buckets: { boundaries: [0, 2.5], counts: [0, 0, 0] } };
    const { dataPoints, ...metric } = gauge('latency', [1, 2]);
    const request = resourceMetrics({
      ...metric,
      dataPointType: DataPointType.HISTOGRAM,
      aggregationTemporality: AggregationTemporality.DELTA,
      dataPoints: [full, bare].map((value, i) => ({ ...dataPoints[i], attributes: { i }, value })),
    });
    const [first, second] = decode(encode(request));
    assert.equal(first.metric.temporality, 'delta');
    assert.ok(Number.isNaN(first.value));
    assert.deepEqual(first.histogram, {
      count: 2 ** 33,
      sum: -7.5,
      min: -9,
      max: 4,
      boundaries: [0, 2.5],
      counts: [2 ** 33 - 1, 0, 1],
    });
    assert.deepEqual(second.histogram, {
      count: 0,
      sum: undefined,
      min: undefined,
      max: undefined,
      boundaries: [0, 2.5],
      counts: [0, 0, 0],
    });
    assert.equal(first.histogram?.boundaries, second.histogram?.boundaries);
  });

  it('reads what a real SDK collects', async () => {
    const reader = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
      exportIntervalMillis: 1e8,
    });
    const resource = resourceFromAttributes({ host: 'h', pid: 7 });
    const provider = new MeterProvider({ readers: [reader], resource });
    const meter = provider.getMeter('real', '9');
    meter.createCounter('c', { unit: 'By' }).add(5, { k: 'v' });
    meter.createUpDownCounter('u').add(-2);
    meter.createGauge('g').record(1.5);
    meter.createHistogram('h', { advice: { explicitBucketBoundaries: [1, 2] } }).record(2);
    const { resourceMetrics: collected } = await reader.collect();
    await provider.shutdown();
    const points = decode(encode(collected));
    const seen = [...points].map(({ metric, attributes, value, histogram }) => ({
      ...metric,
      attributes,
      value: histogram ?? value,
    }));
    const common = {
      unit: '',
      resource: { host: 'h', pid: 7 },
      scope: { name: 'real', version: '9' },
      attributes: {},
    };
    const histogram = { count: 1, sum: 2, min: 2, max: 2, boundaries: [1, 2], counts: [0, 1, 0] };
    assert.deepEqual(seen, [
      {
        ...common,
        name: 'c',
        unit: 'By',
        kind: 'sum',
        temporality: 'cumulative',
        monotonic: true,
        attributes: { k: 'v' },
        value: 5,
      },
      { ...common, name: 'u', kind: 'sum', temporality: 'cumulative', monotonic: false, value: -2 },
      { ...common, name: 'g', kind: 'gauge', temporality: 'unspecified', monotonic: false, value: 1.5 },
      {
        ...common,
        name: 'h',
        kind: 'histogram',
        temporality: 'cumulative',
        monotonic: false,
        value: histogram,
      },
    ]);
  });

  it('decodes an exponential histogram as the SDK gave it', async () => {
    const reader = new PeriodicExportingMetricReader({
      exporter: new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE),
      exportIntervalMillis: 1e8,
    });
    const views = [
      { instrumentName: '*', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } as const },
    ];
    const provider = new MeterProvider({ readers: [reader], views });
    const histogram = provider.getMeter('real').createHistogram('latency');
    for (const value of [0, 0.001, 0.001, 1, 3, 1000]) histogram.record(value, { a: 1 });
    const { resourceMetrics: collected } = await reader.collect();
    await provider.shutdown();
    const [point] = decode(encode(collected));
    const [given] = collected.scopeMetrics[0].metrics[0].dataPoints;
    const { positive, negative, ...rest } = given.value as ExponentialHistogram;
    assert.deepEqual([point.metric.kind, point.attributes], ['exponential_histogram', { a: 1 }]);
    assert.ok(Number.isNaN(point.value));
    assert.deepEqual(point.exponential, {
      ...rest,
      zeroThreshold: 0,
      positive: { offset: positive.offset, counts: positive.bucketCounts },
      negative: { offset: negative.offset, counts: negative.bucketCounts },
    });
  });

  it('decodes negative scales and offsets, negative ranges, thresholds, and counts that are not packed', () => {
    const point = [
      ...TIME,
      ...fixedField(4, 306n),
      ...field(6, 3),
      ...fixedField(7, 2n),
      ...field(8, buckets(5, 300, 1)),
      ...field(9, buckets(140, 3)),
      ...doubleField(14, 0.5),
    ];
    const data = field(10, [...field(1, point), ...field(2, 2)]);
    const [{ exponential }] = decode(
      Uint8Array.from(field(1, field(2, field(2, [...field(1, 'e'), ...data])))),
    );
    assert.deepEqual(exponential, {
      count: 306,
      sum: undefined,
      min: undefined,
      max: undefined,
      scale: -2,
      zeroCount: 2,
      zeroThreshold: 0.5,
      positive: { offset: -3, counts: [300, 1] },
      negative: { offset: 70, counts: [3] },
    });
  });
});

describe('the decoder and the wire format', () => {
  it('makes one series of equal attributes, whatever their order, and wherever they lie in the point', () => {
    const a = field(7, field(1, 'a'), field(2, field(1, 'x')));
    const b = field(7, field(1, 'b'), field(2, field(3, 2)));
    const value = doubleField(4, 1);
    const points = decode(
      gaugeByHand(
        [...a, ...b, ...TIME, ...value],
        [...b, ...a, ...TIME, ...value],
        [...a, ...TIME, ...value, ...b],
      ),
    );
    assert.equal(points.series.length, 1);
    assert.deepEqual(
      [...points].map(({ attributes }) => attributes),
      [
        { a: 'x', b: 2 },
        { a: 'x', b: 2 },
        { a: 'x', b: 2 },
      ],
    );
  });

  it('keeps metrics apart that differ in resource, scope, kind or name only', () => {
    const request = Uint8Array.from([
      ...field(1, [
        ...resourceField('one'),
        ...scopeField('s', metricField(5, 'm'), metricField(7, 'm'), metricField(5, 'n')),
        ...scopeField('t', metricField(5, 'm')),
      ]),
      ...field(1, [...resourceField('two'), ...scopeField('s', metricField(5, 'm'))]),
    ]);
    const points = decode(request, request);
    assert.equal(points.length, 10);
    assert.equal(points.series.length, 5);
    assert.deepEqual(Object.fromEntries(points.counts()), { m: 8, n: 2 });
    assert.equal([...points.of('n')].length, 2);
  });

  it('does not depend on the order of fields, and passes over unknown ones', () => {
    const fixed32 = [...varint((61 << 3) | 5), 1, 2, 3, 4];
    const unknown = [...field(50, 300), ...doubleField(51, 1), ...field(60, 'x'), ...fixed32];
    const point = field(1, [...unknown, ...doubleField(4, 2), ...TIME]);
    const data = field(7, [...unknown, ...point, ...field(3, 1), ...field(2, 1)]);
    const late = field(2, [...data, ...field(3, 'By'), ...field(1, 'late')]);
    const scope = field(2, [...late, ...unknown, ...field(1, field(1, 'after'))]);
    const [first, ...others] = decode(
      Uint8Array.from(field(1, [...scope, ...resourceField('after'), ...unknown])),
    );
    assert.equal(others.length, 0);
    assert.deepEqual(first.metric, {
      name: 'late',
      unit: 'By',
      kind: 'sum',
      temporality: 'delta',
      monotonic: true,
      resource: { r: 'after' },
      scope: { name: 'after', version: '' },
    });
    assert.equal(first.value, 2);
  });

  it('reads bucket counts and boundaries that are not packed', () => {
    const point = field(1, [
      ...fixedField(4, 3n),
      ...fixedField(6, 1n),
      ...fixedField(6, 2n),
      ...doubleField(7, 0.5),
    ]);
    const [first] = decode(Uint8Array.from(field(1, field(2, field(2, field(9, point))))));
    assert.deepEqual(first.histogram, {
      count: 3,
      sum: undefined,
      min: undefined,
      max: undefined,
      boundaries: [0.5],
      counts: [1, 2],
    });
  });

  it('reads an empty request, and a point without anything', () => {
    assert.equal(decode(new Uint8Array()).length, 0);
    const empty = decode(gaugeByHand([])).at(0);
    assert.deepEqual([empty.time, empty.startTime, empty.attributes], [0n, 0n, {}]);
    assert.ok(Number.isNaN(empty.value));
  });

  it('keeps columns intact while they grow', () => {
    const values = Array.from({ length: 5000 }, (_, i) => i);
    const points = decode(gaugeRequest(...values));
    assert.deepEqual([...points.values], values);
    assert.deepEqual(
      [...points.times].map(Number),
      values.map((i) => Number(1_700_000_000_000_000_000n + BigInt(i))),
    );
    assert.equal(new Set(points.times).size, 5000);
    assert.equal(points.series.length, 10);
    assert.throws(() => points.at(5000), RangeError);
  });

  it('takes a request whole or not at all, at every byte where it may be cut', () => {
    const body = gaugeRequest(1, 2, 3);
    const points = new Points();
    const decoder = new Decoder(points);
    for (let length = 1; length < body.length; length++) {
      assert.throws(() => decoder.decode(body.subarray(0, length)), MalformedError);
      assert.equal(points.length, 0);
    }
    assert.equal(decoder.decode(body), 3);
    assert.deepEqual([...points.values], [1, 2, 3]);
  });

  it('answers every change of a byte with points or MalformedError, and never loses its count', () => {
    const body = gaugeRequest(1, 2);
    const points = new Points();
    const decoder = new Decoder(points);
    for (let at = 0; at < body.length; at++) {
      for (const byte of [0x00, 0x07, 0x7f, 0x80, 0xff, body[at] ^ 1]) {
        const changed = Uint8Array.from(body);
        changed[at] = byte;
        const before = points.length;
        let added = 0;
        try {
          added = decoder.decode(changed);
        } catch (error) {
          assert.ok(error instanceof MalformedError, String(error));
        }
        assert.equal(points.length, before + added);
      }
    }
    for (let index = 0; index < points.length; index++) assert.equal(typeof points.at(index).time, 'bigint');
  });

  let nested = field(1, 'x');
  for (let depth = 0; depth < 200; depth++) nested = field(5, field(1, nested));
  const malformed: Record<string, Uint8Array> = {
    'a string that is not UTF-8': requestWith(field(1, [0xc3, 0x28])),
    'a varint of eleven bytes': requestWith([3 << 3, ...Array<number>(10).fill(0xff), 1]),
    'a tag above 32 bits': Uint8Array.of(0xff, 0xff, 0xff, 0xff, 0x7f),
    'a length beyond its message': requestWith([(1 << 3) | 2, 100]),
    'a length above 32 bits': Uint8Array.of(0x0a, 0xff, 0xff, 0xff, 0xff, 0xff, 0x01),
    'field number 0': Uint8Array.of(0, 0),
    'a group': Uint8Array.of(0x0b, 0x0c),
    'an exponential histogram whose buckets do not make up its count': Uint8Array.from(
      field(1, field(2, field(2, field(10, field(1, fixedField(4, 1n)))))),
    ),
    'a summary': Uint8Array.from(field(1, field(2, field(2, field(11, []))))),
    'values nested 200 deep': requestWith(nested),
  };
  for (const [what, body] of Object.entries(malformed)) {
    it(`refuses ${what}`, () => {
      assert.throws(() => decode(body), MalformedError);
    });
  }
});
