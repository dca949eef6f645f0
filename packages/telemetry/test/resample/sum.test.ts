import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { ObservedSum, type ObservedSumState } from '../../src/resample/observed-sum.ts';
import { Sum, type SumState } from '../../src/resample/sum.ts';
import type { Close } from '../../src/resample/windows.ts';
import { closeAt, flushAt, START, type Emitted } from './closes.ts';

type Temporality = 'cumulative' | 'delta';

function pointsOf(sum: Sum | ObservedSum, close: Close, temporality: Temporality = 'cumulative'): Emitted[] {
  const points: Emitted[] = [];
  sum.close(close, temporality, (millis, value, startMillis) => points.push({ millis, value, startMillis }));
  return points;
}

const restarted = (sum: Sum, retracts = false): Sum =>
  new Sum(retracts, JSON.parse(JSON.stringify(sum.state)) as SumState);
const restartedObserved = (sum: ObservedSum, retracts = false): ObservedSum =>
  new ObservedSum(retracts, JSON.parse(JSON.stringify(sum.state)) as ObservedSumState);

suite('a sum', () => {
  test('has a point for each window in which it changed, at its end', () => {
    const sum = new Sum(false, { startMillis: START });
    sum.add(10, 2, 'a');
    sum.add(10, 3, 'b');
    sum.add(12, 5, 'a');
    assert.deepEqual(pointsOf(sum, closeAt(2000)), [
      { millis: 1100, value: 5, startMillis: START },
      { millis: 1300, value: 10, startMillis: START },
    ]);
    assert.deepEqual(pointsOf(sum, closeAt(2100)), []);
  });

  test('holds a window open until it has ended', () => {
    const sum = new Sum(false, { startMillis: START });
    sum.add(10, 2, 'a');
    assert.deepEqual(pointsOf(sum, { ...closeAt(2000), untilMillis: 1099 }), []);
    assert.equal(sum.isOpen, true);
    assert.equal(pointsOf(sum, { ...closeAt(2000), untilMillis: 1100 }).length, 1);
    assert.equal(sum.isOpen, false);
  });

  test('what comes late is never lost, and leaves behind the last point', () => {
    const sum = new Sum(false, { startMillis: START });
    sum.add(12, 5, 'a');
    pointsOf(sum, closeAt(2000));
    sum.add(10, 1, 'b');
    const [late] = pointsOf(sum, closeAt(2000));
    assert.equal(late.value, 6);
    assert.ok(late.millis > 1300 && late.millis < 1301);
  });

  test('repeated flushes in one window have strictly ascending times', () => {
    const sum = new Sum(false, { startMillis: START });
    const points: Emitted[] = [];
    for (let flush = 0; flush < 50; flush++) {
      sum.add(10, 1, 'a');
      points.push(...pointsOf(sum, flushAt(1050)));
    }
    assert.deepEqual(
      points.map(({ value }) => value),
      Array.from({ length: 50 }, (_, at) => at + 1),
    );
    assert.ok(points.every(({ millis }, at) => at === 0 || millis > points[at - 1].millis));
    assert.ok(points.every(({ millis }) => millis >= 1050 && millis < 1051));
  });

  test('no point is before its start, whatever the clocks say', () => {
    const sum = new Sum(false, { startMillis: 5000 });
    sum.add(10, 1, 'a');
    const [point] = pointsOf(sum, flushAt(1050));
    assert.ok(point.millis > 5000);
  });

  test('a tick repeats what has not changed, cumulatively; nothing else does', () => {
    const sum = new Sum(false, { startMillis: START });
    assert.deepEqual(pointsOf(sum, { ...closeAt(2000), tick: true }), [], 'before its first point');
    sum.add(10, 4, 'a');
    pointsOf(sum, closeAt(2000));
    assert.deepEqual(pointsOf(sum, closeAt(3000)), []);
    assert.deepEqual(pointsOf(sum, { ...closeAt(3000), tick: true }, 'delta'), []);
    assert.deepEqual(pointsOf(sum, { ...closeAt(3000), tick: true }), [
      { millis: 3000, value: 4, startMillis: START },
    ]);
    assert.deepEqual(pointsOf(sum, { ...closeAt(2500), tick: true }), [], 'not in the past');
  });

  test('deltas are contiguous and add up to the total', () => {
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.integer({ min: 0, max: 9 }), fc.boolean())),
        (steps) => {
          let sum = new Sum(false, { startMillis: START });
          const points: Emitted[] = [];
          let nowMillis = 2000;
          let total = 0;
          for (const [window, value, closes] of steps) {
            sum.add(10 + window, value, 'a');
            total += value;
            nowMillis += 40;
            if (closes) points.push(...pointsOf(sum, closeAt(nowMillis), 'delta'));
            else sum = restarted(sum);
          }
          points.push(...pointsOf(sum, flushAt(10_000), 'delta'));
          assert.equal(
            points.reduce((all, { value }) => all + value, 0),
            total,
          );
          for (const [at, { startMillis, millis }] of points.entries()) {
            assert.equal(startMillis, at === 0 ? START : points[at - 1].millis);
            assert.ok(millis > startMillis);
          }
        },
      ),
    );
  });

  test('a writer that is gone takes its part of an up-down counter with it, once', () => {
    const sum = new Sum(true, { startMillis: START });
    sum.add(10, 5, 'a');
    sum.add(10, 7, 'b');
    pointsOf(sum, closeAt(2000));
    const again = restarted(sum, true);
    again.retract(20, 'a');
    again.retract(20, 'a');
    again.retract(20, 'unknown');
    assert.deepEqual(
      pointsOf(again, flushAt(2050)).map(({ value }) => value),
      [7],
    );
  });

  test('the total of a monotonic one outlives its writers', () => {
    const sum = new Sum(false, { startMillis: START });
    sum.add(10, 5, 'a');
    sum.retract(10, 'a');
    assert.deepEqual(
      pointsOf(sum, flushAt(2000)).map(({ value }) => value),
      [5],
    );
  });
});

const values = (sum: ObservedSum, close: Close): number[] => pointsOf(sum, close).map(({ value }) => value);

/** Two writers observe in five windows, the second not in the last; their journals are read in this order. */
function readInOrder(order: readonly ('a' | 'b')[]): number[] {
  const sum = new ObservedSum(false, { startMillis: START });
  for (const writer of order) {
    for (let window = 10; window < 15; window++) {
      if (writer === 'a' || window < 14) sum.observe(window, window * (writer === 'a' ? 1 : 100), writer);
    }
  }
  return values(sum, closeAt(2000));
}

suite('an observed sum', () => {
  test('is what its writer said last in each window', () => {
    const sum = new ObservedSum(false, { startMillis: START });
    sum.observe(10, 0.1, 'a');
    sum.observe(10, 0.3, 'a');
    sum.observe(11, 0.7, 'a');
    assert.deepEqual(values(sum, closeAt(2000)), [0.3, 0.7]);
  });

  test('does not depend on whose journal is read first', () => {
    assert.deepEqual(readInOrder(['a', 'b']), [1010, 1111, 1212, 1313, 1314]);
    assert.deepEqual(readInOrder(['b', 'a']), [1010, 1111, 1212, 1313, 1314]);
  });

  test('of monotonic writers never falls, and ends at what they said last', () => {
    const step = fc.record({
      writer: fc.constantFrom('a', 'b', 'c'),
      window: fc.integer({ min: -3, max: 4 }),
      more: fc.double({ min: 0, max: 1e6, noNaN: true }),
      next: fc.constantFrom('nothing', 'nothing', 'close', 'restart', 'gone'),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        let sum = new ObservedSum(false, { startMillis: START });
        const said = new Map<string, number>();
        const points: Emitted[] = [];
        let nowMillis = 2000;
        let generation = 0;
        for (const { writer, window, more, next } of steps) {
          const name = `${writer}${generation}`;
          nowMillis += 50;
          const total = (said.get(name) ?? 0) + more;
          said.set(name, total);
          sum.observe(Math.floor(nowMillis / 100) + window, total, name);
          if (next === 'close') points.push(...pointsOf(sum, closeAt(nowMillis)));
          if (next === 'restart') sum = restartedObserved(sum);
          if (next === 'gone') {
            for (const gone of ['a', 'b', 'c'])
              sum.retract(Math.floor(nowMillis / 100), `${gone}${generation}`);
            generation++;
          }
        }
        points.push(...pointsOf(sum, flushAt(nowMillis)));
        for (const [at, { value, millis }] of points.entries()) {
          if (at > 0) assert.ok(value >= points[at - 1].value && millis > points[at - 1].millis);
        }
        const expected = [...said.values()].reduce((all, total) => all + total, 0);
        const last = points.at(-1)?.value ?? 0;
        assert.ok(Math.abs(last - expected) <= expected * 1e-12, `${last} for ${expected}`);
      }),
    );
  });

  test('keeps one number for all monotonic writers that are gone', () => {
    const sum = new ObservedSum(false, { startMillis: START });
    for (let writer = 0; writer < 100; writer++) {
      sum.observe(10, 1, `writer ${writer}`);
      sum.retract(10, `writer ${writer}`);
    }
    assert.deepEqual(values(sum, flushAt(2000)), [100]);
    assert.deepEqual(sum.state.byWriter, [['', 100]]);
  });

  test('of an up-down counter loses what a writer that is gone had said', () => {
    const sum = new ObservedSum(true, { startMillis: START });
    sum.observe(10, 5, 'a');
    sum.observe(10, 7, 'b');
    sum.observe(11, 4, 'a');
    assert.deepEqual(values(sum, closeAt(2000)), [12, 11]);
    sum.observe(20, 3, 'a');
    sum.retract(20, 'a');
    assert.deepEqual(values(restartedObserved(sum, true), flushAt(2050)), [7]);
  });

  test('a clock that was set back does not bring an old total back', () => {
    const sum = new ObservedSum(false, { startMillis: START });
    sum.observe(20, 5, 'a');
    sum.observe(10, 6, 'a');
    assert.deepEqual(values(sum, flushAt(2100)), [6]);
  });
});
