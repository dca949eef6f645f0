import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import { JsonMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { isRecord } from '../../src/exporters/json.ts';
import { encodeJson } from '../../src/exporters/otlp-json.ts';
import { toResourceMetrics } from '../../src/exporters/resource-metrics.ts';
import { batchOf, exponential, gauge, histogram, OTHER_RESOURCE, SECONDS, sum } from './batches.ts';

interface Tree {
  readonly [name: string]: Tree;
}

function decode(text: string): Tree {
  const tree: Tree = JSON.parse(text);
  return tree;
}

/** What both notations mean: integers may be numbers or strings, defaults and unknown fields may be left out. */
function normalize(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(normalize);
  if (typeof value === 'number') return String(value);
  if (!isRecord(value)) return value;
  const { droppedAttributesCount, ...fields } = { ...value };
  // The SDK writes the resource's schema URL twice, once where OTLP has no such field.
  if (droppedAttributesCount !== undefined) delete fields['schemaUrl'];
  if (fields['startTimeUnixNano'] === '0') delete fields['startTimeUnixNano'];
  const entries = Object.entries(fields).filter(([, field]) => field !== '' && field !== undefined);
  return Object.fromEntries(entries.map(([name, field]) => [name, normalize(field)]));
}

suite('OTLP JSON', () => {
  test("means the same as the SDK's serializer, for what that one can write", () => {
    const batch = batchOf(gauge([0.1, -2e-9, 1e21]), sum(41), histogram());
    const [resourceMetrics] = toResourceMetrics(batch);
    const expected = new TextDecoder().decode(JsonMetricsSerializer.serializeRequest(resourceMetrics));
    assert.deepEqual(normalize(decode(encodeJson(batch))), normalize(decode(expected)));
  });

  test('exemplars have the time and value of their point', () => {
    const traceId = 'a'.repeat(32);
    const spanId = 'b'.repeat(16);
    const [series] = gauge([0.5, 1.5]).series;
    const exemplars = [undefined, { traceId, spanId }];
    const [metric] = Object.values(
      decode(encodeJson(batchOf(gauge([], { series: [{ ...series, exemplars }] })))).resourceMetrics[0]
        .scopeMetrics[0].metrics,
    );
    const [plain, traced] = Object.values(metric.gauge.dataPoints);
    assert.equal('exemplars' in plain, false);
    const { timeUnixNano } = traced;
    assert.deepEqual(traced.exemplars, [{ timeUnixNano, asDouble: 1.5, spanId, traceId }]);
  });

  test('times and 64-bit integers are strings with every digit', () => {
    const values = [2 ** 53 + 2, -(2 ** 62), 5];
    const descriptor = { name: 'n', description: '', unit: '', valueType: ValueType.INT };
    const metric = decode(encodeJson(batchOf(gauge(values, { descriptor })))).resourceMetrics[0]
      .scopeMetrics[0].metrics[0];
    assert.deepEqual(
      Object.values(metric.gauge.dataPoints).map(({ timeUnixNano, asInt }) => [timeUnixNano, asInt]),
      [
        [`${SECONDS}123456789`, '9007199254740994'],
        [`${SECONDS}123456790`, '-4611686018427387904'],
        [`${SECONDS}123456791`, '5'],
      ],
    );
  });

  test('times right after the epoch and nanoseconds with leading zeros', () => {
    const [series] = gauge([1, 2]).series;
    const early = { ...series, seconds: Uint32Array.of(0, 1), nanos: Uint32Array.of(70, 70) };
    const text = encodeJson(batchOf(gauge([], { series: [early] })));
    assert.deepEqual(text.match(/"timeUnixNano":"\d+"/g), [
      '"timeUnixNano":"70"',
      '"timeUnixNano":"1000000070"',
    ]);
  });

  test('exponential histograms carry scale, zeros and both ranges', () => {
    const { metrics } = decode(encodeJson(batchOf(exponential()))).resourceMetrics[0].scopeMetrics[0];
    const { name, exponentialHistogram } = metrics[0];
    assert.equal(name, 'latencies');
    assert.deepEqual(exponentialHistogram, {
      aggregationTemporality: 1,
      dataPoints: [
        {
          attributes: [{ key: 'operation', value: { stringValue: 'read' } }],
          startTimeUnixNano: `${SECONDS - 1}000000003`,
          timeUnixNano: `${SECONDS}000000001`,
          count: '306',
          sum: -7.25,
          scale: -2,
          zeroCount: '2',
          zeroThreshold: 0,
          positive: { offset: -3, bucketCounts: ['300', '0', '1'] },
          negative: { offset: 70, bucketCounts: ['3'] },
          min: -8,
          max: 3,
        },
      ],
    });
  });

  test('what JSON has no number for is a string, also where the instrument holds integers', () => {
    const values = [NaN, Infinity, -Infinity];
    const descriptor = { name: 'n', description: '', unit: '', valueType: ValueType.INT };
    const { metrics } = decode(encodeJson(batchOf(gauge(values), gauge(values, { descriptor }))))
      .resourceMetrics[0].scopeMetrics[0];
    for (const metric of Object.values(metrics)) {
      const found = Object.values(metric.gauge.dataPoints).map(({ asDouble }) => asDouble);
      assert.deepEqual(found, ['NaN', 'Infinity', '-Infinity']);
    }
  });

  test('zero keeps its sign', () => {
    const [metric] = Object.values(
      decode(encodeJson(batchOf(gauge([0, -0])))).resourceMetrics[0].scopeMetrics[0].metrics,
    );
    const found = Object.values(metric.gauge.dataPoints).map(({ asDouble }) => asDouble);
    assert.deepEqual(found, [0, -0]);
  });

  test('attributes of every type', () => {
    const attributes = {
      text: 'a "quote"\n',
      flag: false,
      integer: -3,
      big: 2 ** 60,
      huge: 1e300,
      fraction: 0.5,
      nothing: null,
      bytes: Uint8Array.of(1, 255),
      list: ['x', 1],
      map: { inner: true },
    };
    const resource = { attributes };
    const found = decode(encodeJson(batchOf(sum(1, { resource })))).resourceMetrics[0].resource.attributes;
    assert.deepEqual(found, [
      { key: 'text', value: { stringValue: 'a "quote"\n' } },
      { key: 'flag', value: { boolValue: false } },
      { key: 'integer', value: { intValue: '-3' } },
      { key: 'big', value: { intValue: '1152921504606846976' } },
      { key: 'huge', value: { doubleValue: 1e300 } },
      { key: 'fraction', value: { doubleValue: 0.5 } },
      { key: 'nothing', value: {} },
      { key: 'bytes', value: { bytesValue: 'Af8=' } },
      { key: 'list', value: { arrayValue: { values: [{ stringValue: 'x' }, { intValue: '1' }] } } },
      { key: 'map', value: { kvlistValue: { values: [{ key: 'inner', value: { boolValue: true } }] } } },
    ]);
  });

  test('a batch is one line, whatever its strings hold', () => {
    const batch = batchOf(
      gauge([1], { scope: { name: 'a\nb\u2028' } }),
      sum(1, { resource: OTHER_RESOURCE }),
    );
    const text = encodeJson(batch);
    assert.ok(!text.includes('\n'));
    assert.equal(decode(text).resourceMetrics[0].scopeMetrics[0].scope.name, 'a\nb\u2028');
    assert.equal(Object.keys(decode(text).resourceMetrics).length, 2);
  });
});
