import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Decoder } from '../src/decode.ts';
import { type Point, Points } from '../src/index.ts';
import { transcode } from '../src/json.ts';
import { METRICS_REQUEST, TRACES_REQUEST } from '../src/otlp-schema.ts';
import { MalformedError } from '../src/wire.ts';

function decode(...metrics: object[]): Point[] {
  const resource = { attributes: [{ key: 'service.name', value: { stringValue: 'x' } }] };
  const scope = { name: 's', version: '1' };
  const request = { resourceMetrics: [{ resource, scopeMetrics: [{ scope, metrics }] }] };
  const points = new Points();
  new Decoder(points).decode(transcode(Buffer.from(JSON.stringify(request)), METRICS_REQUEST));
  return [...points];
}

const TIMES = { startTimeUnixNano: '1700000000000000001', timeUnixNano: '1700000000000000002' };

describe('requests in JSON', () => {
  it('give the points that they hold', () => {
    const attributes = [
      { key: 'text', value: { stringValue: 'é' } },
      { key: 'flag', value: { boolValue: true } },
      { key: 'big', value: { intValue: '-9223372036854775808' } },
      { key: 'ratio', value: { doubleValue: 0.5 } },
      { key: 'list', value: { arrayValue: { values: [{ intValue: '1' }, {}] } } },
      { key: 'map', value: { kvlistValue: { values: [{ key: 'k', value: { bytesValue: 'AAE=' } }] } } },
    ];
    const [gauge, lost, sum, histogram] = decode(
      {
        name: 'g',
        unit: 's',
        gauge: { dataPoints: [{ ...TIMES, asDouble: 0.1, attributes }, { asDouble: 'Infinity' }] },
      },
      {
        name: 's',
        sum: { aggregationTemporality: 2, isMonotonic: true, dataPoints: [{ ...TIMES, asInt: '-7' }] },
      },
      {
        name: 'h',
        histogram: {
          aggregationTemporality: 1,
          dataPoints: [
            { ...TIMES, count: '300', sum: 1.5, bucketCounts: ['1', '299'], explicitBounds: [0.5], min: 0 },
          ],
        },
      },
    );
    assert.deepEqual(
      [gauge.value, gauge.time, gauge.startTime],
      [0.1, 1700000000000000002n, 1700000000000000001n],
    );
    assert.deepEqual(gauge.attributes, {
      text: 'é',
      flag: true,
      big: -(2n ** 63n),
      ratio: 0.5,
      list: [1, null],
      map: { k: new Uint8Array([0, 1]) },
    });
    assert.deepEqual(
      [gauge.metric.unit, gauge.metric.resource, gauge.metric.scope],
      ['s', { 'service.name': 'x' }, { name: 's', version: '1' }],
    );
    assert.equal(lost.value, Infinity);
    assert.deepEqual([sum.value, sum.metric.temporality, sum.metric.monotonic], [-7, 'cumulative', true]);
    assert.equal(histogram.metric.temporality, 'delta');
    assert.deepEqual(histogram.histogram, {
      count: 300,
      sum: 1.5,
      min: 0,
      max: undefined,
      boundaries: [0.5],
      counts: [1, 299],
    });
  });

  it('give exponential histograms', () => {
    const [point] = decode({
      name: 'e',
      exponentialHistogram: {
        aggregationTemporality: 2,
        dataPoints: [
          {
            ...TIMES,
            count: '205',
            sum: 9,
            scale: -3,
            zeroCount: '1',
            zeroThreshold: 0.25,
            positive: { offset: -2, bucketCounts: ['3', '200'] },
            negative: { offset: 4, bucketCounts: ['1'] },
          },
        ],
      },
    });
    const { scale, positive, negative, zeroCount } =
      point.exponential ?? assert.fail('no exponential histogram');
    assert.deepEqual([scale, zeroCount], [-3, 1]);
    assert.deepEqual(positive, { offset: -2, counts: [3, 200] });
    assert.deepEqual(negative, { offset: 4, counts: [1] });
  });

  it('that break the rules are refused, with the path', () => {
    const wrong: [object, RegExp][] = [
      [{ resourceSpans: {} }, /^MalformedError: resourceSpans: got \{\}, expected a list$/],
      [{ spans: [] }, /spans: got \[\], expected no such field/],
      [{ toString: 1 }, /toString: got 1, expected no such field/],
      [span({ traceId: 'abc' }), /spans\[0\]\.traceId: got "abc", expected 32 hexadecimal digits/],
      [span({ spanId: '00F067AA0BA902B7' }), /expected 16 hexadecimal digits/],
      [span({ startTimeUnixNano: 5 }), /startTimeUnixNano: got 5, expected a 64-bit integer, as a string/],
      [span({ startTimeUnixNano: '18446744073709551616' }), /as a string/],
      [span({ startTimeUnixNano: '-1' }), /as a string/],
      [span({ kind: 'SPAN_KIND_CLIENT' }), /kind: got "SPAN_KIND_CLIENT", expected a 32-bit integer/],
      [span({ name: null }), /name: got null, expected a string/],
      [
        span({ attributes: [{ key: 'a', value: { doubleValue: '1' } }] }),
        /doubleValue: got "1", expected a number/,
      ],
      [span({ attributes: [{ key: 'a', value: 1 }] }), /value: got 1, expected an object/],
    ];
    for (const [request, message] of wrong) {
      assert.throws(() => transcode(Buffer.from(JSON.stringify(request)), TRACES_REQUEST), message);
    }
    for (const text of ['', '{', '[]', 'null']) {
      assert.throws(() => transcode(Buffer.from(text), TRACES_REQUEST), MalformedError);
    }
  });
});

function span(fields: object): object {
  return { resourceSpans: [{ scopeSpans: [{ spans: [fields] }] }] };
}
