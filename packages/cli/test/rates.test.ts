import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Rating } from '../src/rates.ts';
import { tree } from './trees.ts';

describe('rates', () => {
  it('are changes per second, of what was there before', () => {
    const rating = new Rating();
    const [first] = rating.look([tree({ a: { recorded: 10, journalBytes: 500 } })], 1000);
    assert.equal(first.rates, undefined);
    const [second, other] = rating.look(
      [
        tree({ a: { recorded: 30, exported: 8, journalBytes: 100 }, b: { recorded: 5 } }),
        tree({ a: {} }, { directory: '/other' }),
      ],
      5000,
    );
    assert.deepEqual(second.rates, {
      a: { recordedPerSecond: 5, exportedPerSecond: 2, waitingBytesPerSecond: -100 },
    });
    assert.equal(other.rates, undefined);
    const [third] = rating.look([tree({ a: { recorded: 31, exported: 8, journalBytes: 100 } })], 7000);
    assert.equal(third.rates?.['a'].recordedPerSecond, 0.5);
  });
});
