import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ChunkMemory } from '../../src/journal/chunk-memory.ts';

suite('chunk memory', () => {
  test('gives out each byte once until it is reset, aligned for all columns', () => {
    const lengths = fc.array(fc.oneof(fc.nat({ max: 100 }), fc.nat({ max: 1_200_000 })), { maxLength: 12 });
    fc.assert(
      fc.property(fc.array(lengths, { maxLength: 3 }), (rounds) => {
        const memory = new ChunkMemory();
        for (const round of rounds) {
          memory.reset();
          const taken = round.map((length) => memory.take(length));
          for (const [index, bytes] of taken.entries()) bytes.fill(index + 1);
          for (const [index, bytes] of taken.entries()) {
            assert.equal(bytes.length, round[index]);
            assert.equal(bytes.byteOffset % 8, 0);
            assert.ok(bytes.every((byte) => byte === index + 1));
          }
        }
      }),
      { numRuns: 30 },
    );
  });

  test('is used again after a reset, and given back where less is needed', () => {
    const memory = new ChunkMemory();
    const first = [memory.take(800_000), memory.take(800_000)].map(({ buffer }) => buffer);
    memory.reset();
    assert.equal(memory.take(10).buffer, first[0]);
    memory.reset();
    assert.equal(memory.take(800_000).buffer, first[0]);
    assert.notEqual(memory.take(800_000).buffer, first[1]);
  });
});
