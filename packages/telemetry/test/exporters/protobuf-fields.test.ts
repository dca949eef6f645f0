import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { protobufFields } from '../../src/exporters/protobuf-fields.ts';
import { field } from './protobuf.ts';

suite('fields of a protobuf message', () => {
  test('in their order, those of fixed width left out', () => {
    const fixed = [0x19, 1, 2, 3, 4, 5, 6, 7, 8, 0x25, 1, 2, 3, 4];
    const bytes = Buffer.from([0x08, 0xac, 0x02, ...fixed, ...field(2, 'text'), 0x08, 0x01]);
    assert.deepEqual(
      [...protobufFields(bytes)].map(([number, value]) => [
        number,
        typeof value === 'number' ? value : String(value),
      ]),
      [
        [1, 300],
        [2, 'text'],
        [1, 1],
      ],
    );
  });

  test('what is cut short or no message is refused', () => {
    const broken = [
      [0x08],
      [0x08, 0x80],
      [0x12, 5, 1],
      [0x19, 1],
      [0x0b],
      [0x0c],
      Array<number>(12).fill(0xff),
    ];
    for (const bytes of broken) {
      assert.throws(() => [...protobufFields(Uint8Array.from(bytes))], RangeError, bytes.join());
    }
  });

  test('any bytes end in fields or a RangeError', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
        try {
          for (const [number] of protobufFields(bytes)) assert.ok(number >= 0);
        } catch (error) {
          assert.ok(error instanceof RangeError);
        }
      }),
    );
  });
});
