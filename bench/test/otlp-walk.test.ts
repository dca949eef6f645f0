import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { Attributes } from '@opentelemetry/api';
import { countPoints, decodePoint, PointCounter, type Point } from '../src/otlp-walk.ts';
import { otelMeter } from '../src/otel-sdk.ts';

/** A request of OpenTelemetry's own serializer, with points of every kind. */
async function request(sets: readonly Attributes[]): Promise<Buffer> {
  const { meter, reader } = otelMeter();
  for (const attributes of sets) {
    meter.createGauge('gauge').record(1.5, attributes);
    meter.createCounter('sum', { description: 'x'.repeat(300) }).add(3, attributes);
    meter.createHistogram('histogram').record(42, attributes);
  }
  const { resourceMetrics } = await reader.collect();
  return Buffer.from(ProtobufMetricsSerializer.serializeRequest(resourceMetrics)!);
}

suite('OTLP walk', () => {
  test('counts the points of all kinds', async () => {
    const sets = Array.from({ length: 300 }, (_, index) => ({ index, text: 'y'.repeat(index) }));
    assert.equal(countPoints(await request(sets)), 900);
    assert.equal(countPoints(Buffer.alloc(0)), 0);
  });

  test('visits where each point lies, and decodes numbers', async () => {
    const bytes = await request([{ a: 1, b: 'two' }, {}]);
    const points: Point[] = [];
    countPoints(bytes, (all, start, end) => points.push(decodePoint(all, start, end)));
    assert.equal(points.length, 6);
    assert.deepEqual(
      points.slice(0, 4).map(({ value, attributes }) => [value, attributes]),
      [
        [1.5, 2],
        [1.5, 0],
        [3, 2],
        [3, 0],
      ],
    );
    const offMillis = Date.now() - Number(points[0].epochNanos / 1_000_000n);
    assert.ok(Math.abs(offMillis) < 3_600_000);
  });

  test('counts the same in pieces of any size', async () => {
    const bytes = await request(
      Array.from({ length: 40 }, (_, index) => ({ index, text: 'y'.repeat(index * 5) })),
    );
    for (let size = 1; size < 700; size++) {
      const counter = new PointCounter();
      for (let at = 0; at < bytes.length; at += size) counter.push(bytes.subarray(at, at + size));
      assert.equal(counter.end(), 120, `pieces of ${size}`);
    }
  });

  test('random pieces, and random bytes, count or are an error', () => {
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ maxLength: 40 })), (pieces) => {
        const counter = new PointCounter();
        try {
          for (const piece of pieces) counter.push(Buffer.from(piece));
          assert.ok(counter.end() >= 0);
        } catch (error) {
          assert.ok(error instanceof RangeError, String(error));
        }
      }),
    );
  });

  test('a request that is cut anywhere is an error, or ends between two messages', async () => {
    const bytes = await request([{ a: 1 }]);
    const whole = countPoints(bytes);
    for (let length = 1; length < bytes.length; length++) {
      assert.throws(() => countPoints(bytes.subarray(0, length)), RangeError, `${length} of ${bytes.length}`);
    }
    assert.equal(whole, 3);
  });
});
