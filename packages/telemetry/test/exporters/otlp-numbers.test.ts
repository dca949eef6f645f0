import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ValueType } from '@opentelemetry/api';
import fc from 'fast-check';
import type { Exemplar, GaugePoints, NumberSeries, PointBatch } from '../../src/exporters/exporter.ts';
import { NumberRange } from '../../src/exporters/number-range.ts';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { ProtobufWriter } from '../../src/exporters/protobuf-writer.ts';
import { batchOf, gauge, histogram, OTHER_RESOURCE, SECONDS, sum } from './batches.ts';
import { edited, Message } from './protobuf.ts';

const exemplar = (digit: string): Exemplar => ({ traceId: digit.repeat(32), spanId: digit.repeat(16) });

function traced(exemplars: readonly (Exemplar | undefined)[], over: Partial<GaugePoints> = {}): GaugePoints {
  const plain = gauge(
    exemplars.map((_, index) => index + 0.5),
    over,
  );
  return { ...plain, series: plain.series.map((series): NumberSeries => ({ ...series, exemplars })) };
}

/** The request, and which bytes of each gauge's points are exemplars, taken out of it. */
function withoutExemplars(batch: PointBatch): [request: string, exemplars: string[]] {
  const found: string[] = [];
  const plain = edited(Buffer.from(encodeProtobuf(batch)), [1, 2, 2, 5, 1], (point) => {
    const count = new Message(point).all(5).length;
    found.push(point.subarray(point.length - 48 * count).toString('hex'));
    return point.subarray(0, point.length - 48 * count);
  });
  return [plain.toString('hex'), found];
}

suite('numbers as OTLP protobuf', () => {
  test('exemplars are behind their points, with the time and value of the point', () => {
    // A long description: lengths that take more than one byte.
    const description = { descriptor: { ...gauge([]).descriptor, description: 'x'.repeat(20_000) } };
    const batch = batchOf(
      sum(1),
      traced([undefined, exemplar('a'), undefined, exemplar('b')]),
      histogram(),
      traced([exemplar('c')], { resource: OTHER_RESOURCE, ...description }),
    );
    const [first, second] = new Message(encodeProtobuf(batch)).all(1);
    const points = [...first.only(2).all(2)[1].only(5).all(1), second.only(2, 2, 5, 1)];
    const base = BigInt(SECONDS) * 1_000_000_000n + 123_456_789n;
    assert.deepEqual(
      points.map((point) =>
        point.all(5).map((each) => [each.hex(5), each.hex(4), each.fixed64(2), each.double(3)]),
      ),
      [
        [],
        [['a'.repeat(32), 'a'.repeat(16), base + 1n, 1.5]],
        [],
        [['b'.repeat(32), 'b'.repeat(16), base + 3n, 3.5]],
        [['c'.repeat(32), 'c'.repeat(16), base, 0.5]],
      ],
    );
  });

  test('exemplars of integers are integers', () => {
    const descriptor = { ...gauge([]).descriptor, valueType: ValueType.INT };
    const [series] = gauge([3]).series;
    const metric = gauge([], { descriptor, series: [{ ...series, exemplars: [exemplar('a')] }] });
    assert.equal(new Message(encodeProtobuf(batchOf(metric))).only(1, 2, 2, 5, 1, 5).fixed64(6), 3n);
  });

  test('wherever exemplars are, everything else is the same', () => {
    const anyExemplars = fc.array(
      fc.option(fc.constantFrom(exemplar('a'), exemplar('0')), { nil: undefined }),
    );
    fc.assert(
      fc.property(anyExemplars, (exemplars) => {
        const [plain, found] = withoutExemplars(batchOf(traced(exemplars), gauge([1, 2])));
        const none = batchOf(traced(exemplars.map(() => undefined)), gauge([1, 2]));
        assert.equal(plain, Buffer.from(encodeProtobuf(none)).toString('hex'));
        const spans = found.map((bytes) => bytes.slice(44, 60));
        assert.deepEqual(spans, [...exemplars.map((each) => each?.spanId ?? ''), '', '']);
      }),
    );
  });

  test('what is told to repeat itself does, but for what is told to change', () => {
    const numbers = fc.oneof(
      fc.array(fc.integer(), { maxLength: 30 }),
      fc.array(fc.double(), { maxLength: 30 }),
    );
    const valueTypes = fc.constantFrom(ValueType.INT, ValueType.DOUBLE);
    let seen = 0;
    fc.assert(
      fc.property(numbers, numbers, valueTypes, (first, second, valueType) => {
        const descriptor = { ...gauge([]).descriptor, valueType };
        const [started] = sum(0).series;
        const series = gauge(second).series.map(({ attributes, seconds, nanos, values }) => {
          return { attributes, seconds, nanos, values, startSeconds: nanos, startNanos: seconds };
        });
        const writer = new ProtobufWriter();
        const batch = batchOf(
          gauge(first, { descriptor }),
          sum(0, { descriptor, series: [started, ...series] }),
        );
        const bytes = Buffer.from(encodeProtobuf(batch, writer));
        for (const { fromEnd, itemBytes, items, changes } of writer.repeats) {
          seen++;
          const all = Array.from({ length: items }, (_, index) => {
            const begin = bytes.length - fromEnd + index * itemBytes;
            const item = Buffer.from(bytes.subarray(begin, begin + itemBytes));
            for (const at of changes) item.fill(0, at, at + 4);
            return item.toString('hex');
          });
          assert.equal(new Set(all).size, 1);
        }
      }),
    );
    assert.ok(seen > 0);
  });

  test('a range of columns is the same as columns of its own', () => {
    const columns = {
      seconds: Uint32Array.from({ length: 9 }, (_, index) => SECONDS + index),
      nanos: Uint32Array.from({ length: 9 }, (_, index) => index),
      values: Float64Array.from({ length: 9 }, (_, index) => index / 2),
      startSeconds: new Uint32Array(9).fill(SECONDS - 1),
      startNanos: Uint32Array.from({ length: 9 }, (_, index) => 9 - index),
      exemplars: new Map([
        [1, exemplar('1')],
        [4, exemplar('4')],
      ]),
    };
    for (const isStarted of [false, true]) {
      const range = new NumberRange({ attributes: { a: 1 }, encoded: undefined }, columns, 3, 8, isStarted);
      const { attributes, seconds, nanos, values, startSeconds, startNanos, exemplars } = range;
      const copy = { attributes, seconds, nanos, values, startSeconds, startNanos, exemplars };
      const [ranged, copied] = [range, copy].map((series) =>
        Buffer.from(encodeProtobuf(batchOf(sum(0, { series: [series] })))).toString('hex'),
      );
      assert.equal(ranged, copied);
      assert.equal(ranged.includes('4'.repeat(16)), true);
      assert.equal(ranged.includes('1'.repeat(16)), false);
    }
  });
});
