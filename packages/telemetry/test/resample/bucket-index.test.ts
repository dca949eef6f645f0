import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { bucketIndex, lowerBound } from '../../src/resample/bucket-index.ts';
import { magnitude } from './magnitudes.ts';

suite('the bucket of a value', () => {
  test('holds it: above its lower bound, and not above its upper', () => {
    fc.assert(
      fc.property(magnitude, fc.integer({ min: 0, max: 20 }), (value, at) => {
        // Bounds among the subnormals are no doubles: both are moved up, which changes no digit.
        const octaves = value < 2 ** -1000 ? 60 : 0;
        const index = bucketIndex(value, at) + octaves * 2 ** at;
        const moved = value * 2 ** octaves;
        assert.ok(lowerBound(index, at) < moved, `${value} is not above the bound of ${index} at ${at}`);
        assert.ok(moved <= lowerBound(index + 1, at), `${value} is above the bound of ${index + 1} at ${at}`);
      }),
      { numRuns: 20_000 },
    );
  });

  test('of a coarser scale is that of the finer one, halved', () => {
    fc.assert(
      fc.property(magnitude, fc.integer({ min: -10, max: 20 }), (value, at) => {
        assert.equal(bucketIndex(value, at - 1), bucketIndex(value, at) >> 1);
      }),
      { numRuns: 20_000 },
    );
  });

  test('ends at a power of two, and the next double is in the next one', () => {
    for (let exponent = -1074; exponent <= 1023; exponent++) {
      const power = 2 ** exponent;
      for (const at of [-10, -1, 0, 1, 7, 20]) {
        const end = at <= 0 ? exponent / 2 ** -at : exponent * 2 ** at;
        assert.equal(bucketIndex(power, at), Math.ceil(end) - 1, `2^${exponent} at ${at}`);
        // The next double lies a whole octave above where nothing finer exists.
        if (exponent > -1022) {
          assert.equal(
            bucketIndex(power * (1 + Number.EPSILON), at),
            Math.floor(end),
            `behind 2^${exponent} at ${at}`,
          );
        }
      }
    }
  });

  test('is right next to each of the bounds, where a logarithm rounds', () => {
    for (let index = 1; index < 2 ** 10; index++) {
      const bound = 2 ** (index / 2 ** 10);
      assert.equal(bucketIndex(bound, 10), index - 1);
      assert.equal(bucketIndex(bound * (1 + Number.EPSILON), 10), index);
    }
  });
});
