import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { closing, fromMillis, isBefore, PointTimes, windowEnd } from '../../src/resample/windows.ts';
import { closeAt, flushAt } from './closes.ts';

suite('windows', () => {
  test('close in time order, once they have ended', () => {
    const open = new Map([
      [12, 0],
      [10, 0],
      [11, 0],
      [-1, 0],
    ]);
    assert.deepEqual(closing(open, closeAt(1200)), [-1, 10, 11]);
    assert.deepEqual(closing(open, flushAt(0)), [-1, 10, 11, 12]);
  });

  test('end at their end, but never in the future', () => {
    assert.equal(windowEnd(10, closeAt(5000)), 1100);
    assert.equal(windowEnd(10, closeAt(1050)), 1050);
  });

  test('milliseconds become an instant with whole nanoseconds, and are the same again', () => {
    const millis = fc.double({ min: 0, max: 4e12, noNaN: true });
    fc.assert(
      fc.property(millis, (value) => {
        const [seconds, nanos] = fromMillis(value);
        assert.ok(Number.isInteger(seconds) && Number.isInteger(nanos) && nanos >= 0 && nanos < 1e9);
        assert.ok(Math.abs(seconds * 1000 + nanos / 1e6 - value) < 0.001);
      }),
    );
  });

  test('points of one series keep apart as instants, too', () => {
    const times = new PointTimes({ startMillis: 1_800_000_000_000.123 });
    let before = fromMillis(1_800_000_000_000.123);
    for (let point = 0; point < 10_000; point++) {
      const [millis] = times.next(1_800_000_000_000, 'cumulative');
      const at = fromMillis(millis);
      assert.ok(isBefore(before, at));
      before = at;
    }
  });
});
