import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import fc from 'fast-check';
import type { PointBatch } from '../../src/exporters/exporter.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { ProtobufWriter } from '../../src/exporters/protobuf-writer.ts';
import { toResourceMetrics } from '../../src/exporters/resource-metrics.ts';
import { anyBatch } from './any-points.ts';
import { batchOf, exponential, gauge, histogram, OTHER_RESOURCE, RESOURCE, SECONDS, sum } from './batches.ts';
import { edited, Message } from './protobuf.ts';

const SECOND_NANOS = 1_000_000_000n;

/** What OpenTelemetry's serializer makes of a batch, without the start times of gauges, which it writes as zeros. */
function officialBytes(batch: PointBatch): Buffer {
  const requests = toResourceMetrics(batch).map((resource) =>
    Buffer.from(ProtobufMetricsSerializer.serializeRequest(resource) ?? []),
  );
  const zeros = Buffer.of((2 << 3) | 1, 0, 0, 0, 0, 0, 0, 0, 0);
  return edited(Buffer.concat(requests), [1, 2, 2, 5, 1], (point) => {
    assert.deepEqual(point.subarray(0, zeros.length), zeros);
    return point.subarray(zeros.length);
  });
}

suite('OTLP protobuf', () => {
  test("whatever the batch, the bytes are those of OpenTelemetry's serializer", () => {
    const used = new ProtobufWriter();
    fc.assert(
      fc.property(anyBatch, (batch) => {
        const expected = officialBytes(batch).toString('hex');
        assert.equal(Buffer.from(encodeProtobuf(batch)).toString('hex'), expected);
        assert.equal(Buffer.from(encodeProtobuf(batch, used)).toString('hex'), expected);
      }),
    );
  });

  test('a request of the usual size has those bytes too', () => {
    const values = Array.from({ length: 16_384 }, (_, index) => Math.sqrt(index));
    const many = { ...gauge(values), series: [...gauge(values).series, ...gauge([1, 2, 3]).series] };
    const batch = batchOf(many, sum(1), gauge(values.slice(0, 1000), { resource: OTHER_RESOURCE }));
    assert.ok(officialBytes(batch).equals(encodeProtobuf(batch)));
  });

  test('an integer that is none leaves as a double', () => {
    const [series] = gauge([0.5, 7, 2 ** 63]).series;
    const integers = sum(0, { series: [series] });
    const points = new Message(encodeProtobuf(batchOf(integers))).only(1, 2, 2, 7).all(1);
    assert.deepEqual(
      points.map((point) => (point.has(6) ? point.fixed64(6) : point.double(4))),
      [0.5, 7n, 2 ** 63],
    );
  });

  test('a batch of several resources is one request', () => {
    const batch = batchOf(gauge([1, 2, 3]), sum(4), gauge([5], { resource: OTHER_RESOURCE }));
    const resources = new Message(encodeProtobuf(batch)).all(1);
    const names = resources.map((each) => each.only(1).all(1)[0].only(2).text(1));
    assert.deepEqual(names, ['copier', 'reader']);
    assert.deepEqual(
      resources.map((each) => each.text(3)),
      [RESOURCE.schemaUrl, ''],
    );
    const metrics = resources.map((each) =>
      each
        .only(2)
        .all(2)
        .map((metric) => metric.text(1)),
    );
    assert.deepEqual(metrics, [['latency', 'bytes'], ['latency']]);
  });

  test('times are exact to the nanosecond, values are of their type', () => {
    const [latency, bytes] = new Message(encodeProtobuf(batchOf(gauge([0.1, 0.2]), sum(2 ** 53))))
      .only(1, 2)
      .all(2);
    const points = latency.only(5).all(1);
    const base = BigInt(SECONDS) * SECOND_NANOS;
    assert.deepEqual(
      points.map((point) => [point.fixed64(3), point.double(4)]),
      [
        [base + 123_456_789n, 0.1],
        [base + 123_456_790n, 0.2],
      ],
    );
    const total = bytes.only(7).only(1);
    assert.equal(total.fixed64(2), base - 60n * SECOND_NANOS + 999_999_999n);
    assert.equal(total.fixed64(3), base + SECOND_NANOS + 5n);
    assert.equal(total.fixed64(6), 2n ** 53n);
    assert.equal(bytes.only(7).varint(2), 2n, 'cumulative');
    assert.equal(bytes.only(7).varint(3), 1n, 'monotonic');
  });

  test('histograms carry buckets, and a range where it is known', () => {
    const found = new Message(encodeProtobuf(batchOf(histogram()))).only(1, 2, 2).only(9);
    assert.equal(found.varint(2), 1n, 'delta');
    const [full, empty] = found.all(1);
    assert.equal(full.fixed64(4), 3n);
    assert.equal(full.double(5), 17.5);
    assert.deepEqual([full.double(11), full.double(12)], [0.5, 12]);
    assert.deepEqual([empty.has(11), empty.has(12)], [false, false]);
  });

  test('exponential histograms carry scale, zeros and both ranges', () => {
    const found = new Message(encodeProtobuf(batchOf(exponential()))).only(1, 2, 2).only(10);
    assert.equal(found.varint(2), 1n, 'delta');
    const point = found.only(1);
    assert.deepEqual([point.fixed64(4), point.fixed64(7)], [306n, 2n]);
    assert.deepEqual([point.double(5), point.double(12), point.double(13)], [-7.25, -8, 3]);
    // Signed numbers are written zigzag: -2 as 3, -3 as 5, 70 as 140.
    assert.deepEqual([point.varint(6), point.only(8).varint(1), point.only(9).varint(1)], [3n, 5n, 140n]);
  });

  test('a zero threshold is told, an unknown range is not', () => {
    const [series] = exponential().series;
    const values = [{ ...series.values[0], zeroThreshold: 0.25, min: NaN, max: NaN }];
    const batch = batchOf(exponential({ series: [{ ...series, values }] }));
    const point = new Message(encodeProtobuf(batch)).only(1, 2, 2, 10, 1);
    assert.equal(point.double(14), 0.25);
    assert.deepEqual([point.has(12), point.has(13)], [false, false]);
  });

  test('the same batch gives the same bytes', () => {
    const batch = batchOf(gauge([1, 2]), histogram());
    assert.deepEqual(encodeProtobuf(batch), encodeProtobuf(batch));
  });
});
