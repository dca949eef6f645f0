import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { sortByTime } from '../../src/server/time-order.ts';

suite('time order', () => {
  test('is that of the times, and within one instant that of the rows; rows outside of the range stay', () => {
    const instant = fc.tuple(fc.integer({ min: 7, max: 9 }), fc.integer({ min: 0, max: 3 }));
    const instants = fc.array(instant, { maxLength: 60 });
    fc.assert(
      fc.property(instants, fc.nat({ max: 60 }), fc.nat({ max: 60 }), (times, a, b) => {
        const [from, to] = [a, b].map((end) => Math.min(end, times.length)).toSorted((x, y) => x - y);
        const rows = Uint32Array.from(times.keys());
        sortByTime(rows, from, to, {
          seconds: Uint32Array.from(times, ([seconds]) => seconds),
          nanos: Uint32Array.from(times, ([, nanos]) => nanos),
        });
        const all = [...times.keys()];
        const sorted = all
          .slice(from, to)
          .toSorted((x, y) => times[x][0] - times[y][0] || times[x][1] - times[y][1] || x - y);
        assert.deepEqual([...rows], [...all.slice(0, from), ...sorted, ...all.slice(to)]);
      }),
    );
  });
});
