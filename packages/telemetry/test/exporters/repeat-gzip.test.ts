import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { gunzipSync } from 'node:zlib';
import fc from 'fast-check';
import { encodeProtobuf } from '../../src/exporters/otlp-encode.ts';
import { ProtobufWriter } from '../../src/exporters/protobuf-writer.ts';
import { gzipRepeats, type Repeat } from '../../src/exporters/repeat-gzip.ts';
import { batchOf, gauge, histogram } from './batches.ts';

interface Run {
  readonly before: Uint8Array;
  readonly first: Uint8Array;
  readonly items: number;
  readonly changes: readonly number[];
  /** What the groups at `changes` become, again and again. */
  readonly words: Uint32Array;
}

const anyRun: fc.Arbitrary<Run> = fc
  .oneof(fc.integer({ min: 4, max: 40 }), fc.integer({ min: 200, max: 800 }), fc.constantFrom(4095, 4096))
  .chain((length) => {
    // Groups do not overlap.
    const places = fc.uniqueArray(fc.nat(Math.floor(length / 4) - 1), { maxLength: 6 });
    return fc.record({
      before: fc.uint8Array({ maxLength: 20 }),
      first: fc.uint8Array({ minLength: length, maxLength: length }),
      items: fc.integer({ min: 1, max: 100 }),
      changes: places.map((groups) => groups.toSorted((a, b) => a - b).map((group) => 4 * group)),
      words: fc.uint32Array({ minLength: 1, maxLength: 30 }),
    });
  });

/** The bytes of runs, one behind the other, and what is to be told of them. */
function bytesOf(runs: readonly Run[]): [bytes: Buffer, repeats: Repeat[]] {
  const parts: Uint8Array[] = [];
  const begins: number[] = [];
  let length = 0;
  const add = (part: Uint8Array): void => {
    parts.push(part);
    length += part.length;
  };
  for (const { before, first, items, changes, words } of runs) {
    add(before);
    begins.push(length);
    for (let item = 0; item < items; item++) {
      const bytes = Buffer.from(first);
      for (const [index, at] of changes.entries()) {
        if (item > 0) bytes.writeUInt32LE(words[(item * changes.length + index) % words.length], at);
      }
      add(bytes);
    }
  }
  const repeats = runs.map(({ first, items, changes }, index): Repeat => {
    return { fromEnd: length - begins[index], itemBytes: first.length, items, changes };
  });
  return [Buffer.concat(parts), repeats.toReversed()];
}

suite('gzip of repeats', () => {
  test('is gzip of the same bytes, wherever enough repeats itself', () => {
    fc.assert(
      fc.property(fc.array(anyRun, { minLength: 1, maxLength: 4 }), (runs) => {
        const [bytes, repeats] = bytesOf(runs);
        const copied = repeats.reduce((sum, { itemBytes, items }) => sum + itemBytes * (items - 1), 0);
        const zipped = gzipRepeats(bytes, repeats);
        assert.equal(zipped !== undefined, copied >= 0.96 * bytes.length);
        if (zipped !== undefined) assert.ok(gunzipSync(zipped).equals(bytes));
      }),
      { numRuns: 300 },
    );
  });

  test('every byte, every length of a copy, every distance', () => {
    for (let length = 4; length <= 4096; length += length < 600 ? 1 : 97) {
      const first = Uint8Array.from({ length }, (_, index) => index * 7);
      const words = Uint32Array.from({ length: 64 }, (_, index) => Math.imul(index, 0x01030507) ^ 0xff00ff);
      const [bytes, repeats] = bytesOf([{ before: Uint8Array.of(), first, items: 40, changes: [0], words }]);
      const zipped = gzipRepeats(bytes, repeats);
      assert.ok(zipped !== undefined && gunzipSync(zipped).equals(bytes), `${length} bytes`);
    }
  });

  test('a request takes less than 25 bytes per point', () => {
    const values = Array.from({ length: 16_384 }, (_, index) => Math.sqrt(index));
    const writer = new ProtobufWriter();
    const bytes = encodeProtobuf(batchOf(gauge(values), gauge(values.slice(0, 200))), writer);
    const zipped = gzipRepeats(bytes, writer.repeats);
    assert.ok(zipped !== undefined && gunzipSync(zipped).equals(bytes));
    assert.ok(zipped.length < 25 * values.length, `${zipped.length} bytes`);
  });

  test('is not for requests with little that repeats itself', () => {
    const writer = new ProtobufWriter();
    const few = encodeProtobuf(batchOf(gauge([1, 2, 3]), histogram()), writer);
    assert.equal(gzipRepeats(few, writer.repeats), undefined);
    const mixed = encodeProtobuf(batchOf(gauge(Array.from({ length: 20 }, Math.sqrt))), writer);
    assert.equal(gzipRepeats(mixed, writer.repeats), undefined);
  });
});
