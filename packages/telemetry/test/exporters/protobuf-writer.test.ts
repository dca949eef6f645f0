import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ProtobufWriter, setInt64, setTime, varintLength } from '../../src/exporters/protobuf-writer.ts';
import { anyText } from './any-points.ts';
import { Message } from './protobuf.ts';

function viewOf(write: (view: DataView) => void): DataView {
  const view = new DataView(new ArrayBuffer(8));
  write(view);
  return view;
}

/** Doubles that are integers, from one limit up to below the other. */
function integers(min: number, below: number): fc.Arbitrary<number> {
  const wide = fc.double({ min, max: below, maxExcluded: true, noNaN: true }).map(Math.trunc);
  return fc.oneof(fc.integer({ min: Math.max(min, -1000), max: 1000 }), wide);
}

suite('writer of protobuf', () => {
  test('times are exact', () => {
    fc.assert(
      fc.property(fc.nat(), fc.bigInt(0n, 2n ** 32n - 1n), fc.nat(999_999_999), (small, large, nanos) => {
        for (const seconds of [small, Number(large), 2 ** 32 - 1]) {
          const found = viewOf((view) => setTime(view, 0, seconds, nanos)).getBigUint64(0, true);
          assert.equal(found, BigInt(seconds) * 1_000_000_000n + BigInt(nanos));
        }
      }),
    );
  });

  test('integers of 64 bits are exact', () => {
    fc.assert(
      fc.property(integers(-(2 ** 63), 2 ** 64), (value) => {
        const expected = BigInt.asUintN(64, BigInt(value));
        const writer = new ProtobufWriter();
        writer.varintField(1, value);
        assert.equal(new Message(writer.written).varint(1), expected);
        assert.equal(viewOf((view) => setInt64(view, 0, value)).getBigUint64(0, true), expected);
      }),
    );
  });

  test('varints are as short as they can be', () => {
    const limits = [0, 7, 14, 21, 28, 32].map((bits) => 2 ** bits);
    for (const value of limits.flatMap((limit) => [limit - 1, limit]).slice(0, -1)) {
      const writer = new ProtobufWriter();
      writer.unsigned(value);
      const digits = Math.max(1, Math.ceil(value.toString(2).length / 7));
      assert.equal(writer.size, digits, `${value}`);
      assert.equal(varintLength(value), digits, `${value}`);
    }
  });

  test('texts of all kinds are UTF-8', () => {
    fc.assert(
      fc.property(anyText, anyText, (first, second) => {
        const writer = new ProtobufWriter();
        writer.stringField(2, second);
        writer.stringField(1, first);
        const message = new Message(writer.written);
        assert.deepEqual([message.text(1), message.text(2)], [first.toWellFormed(), second.toWellFormed()]);
      }),
    );
  });

  test('grows, keeps what it has, and begins anew', () => {
    const writer = new ProtobufWriter();
    for (let round = 0; round < 2; round++) {
      writer.reset();
      for (let count = 0; count < 1000; count++) writer.bytesField(1, Buffer.alloc(1000, count));
      writer.message(2, 500 * 1003);
      assert.equal(writer.size, 1000 * 1003 + 4);
      const message = new Message(writer.written);
      assert.deepEqual([message.all(2).length, message.hex(1).length], [1, 2000]);
    }
  });

  test('a message that is too big for a buffer is a RangeError', () => {
    assert.throws(() => new ProtobufWriter().claim(2 ** 53 - 1), RangeError);
  });
});
