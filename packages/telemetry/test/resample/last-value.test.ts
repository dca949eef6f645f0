import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import { LastValue, type LastValueState } from '../../src/resample/last-value.ts';
import { fromMillis, isBefore, type Close, type Instant } from '../../src/resample/windows.ts';
import { closeAt, flushAt } from './closes.ts';

interface Left {
  readonly at: Instant;
  readonly value: number;
  readonly writer: string;
}

/** A last value, and what became of its samples. */
class Tally {
  value = new LastValue();
  readonly left: Left[] = [];
  readonly merged = new Map<string, number>();
  readonly exported = new Map<string, number>();

  add(atMillis: number, value: number, writer = 'a', units = 1): void {
    const sample = { at: fromMillis(atMillis), value, writer, units };
    this.value.add(Math.floor(atMillis / 100), sample, (merged, count) => bump(this.merged, merged, count));
  }

  close(close: Close): void {
    this.value.close(close, (at, value, writer, units) => {
      this.left.push({ at, value, writer });
      bump(this.exported, writer, units);
    });
  }

  restart(): void {
    this.value = new LastValue(JSON.parse(JSON.stringify(this.value.state)) as LastValueState);
  }

  get values(): number[] {
    return this.left.map(({ value }) => value);
  }
}

function bump(counts: Map<string, number>, key: string, count: number): void {
  counts.set(key, (counts.get(key) ?? 0) + count);
}

suite('the last value', () => {
  test('of a window is the one with the greatest time, whoever recorded it and whoever is read first', () => {
    const tally = new Tally();
    tally.add(1030, 3, 'b');
    tally.add(1010, 1, 'a');
    tally.add(1050, 5, 'c');
    tally.add(1040, 4, 'b');
    tally.close(closeAt(2000));
    assert.deepEqual(tally.left, [{ at: [1, 50_000_000], value: 5, writer: 'c' }]);
    assert.deepEqual(
      [...tally.merged],
      [
        ['a', 1],
        ['b', 2],
      ],
    );
    assert.deepEqual([...tally.exported], [['c', 1]]);
  });

  test('is told apart by the nanosecond, and of equal times the later one read', () => {
    const tally = new Tally();
    for (const [nanos, value] of [
      [7, 1],
      [8, 2],
      [7, 3],
      [8, 4],
    ]) {
      tally.value.add(10, { at: [1, nanos], value, writer: 'a', units: 1 }, () => undefined);
    }
    tally.close(flushAt(2000));
    assert.deepEqual(tally.values, [4]);
  });

  test('keeps its own time, value and writer over a restart, and values that JSON has no word for', () => {
    for (const value of [NaN, Infinity, -Infinity, -0, 5e-324, 2 ** 53 + 2]) {
      const tally = new Tally();
      tally.add(1010, value, 'writer');
      tally.restart();
      tally.close(flushAt(2000));
      assert.deepEqual(tally.left, [{ at: [1, 10_000_000], value, writer: 'writer' }]);
    }
  });

  test('one that comes behind a later one that has left is merged into it', () => {
    const tally = new Tally();
    tally.add(1090, 9);
    tally.close(closeAt(2000));
    tally.restart();
    tally.add(1080, 8, 'late');
    tally.add(1090, 9, 'same');
    tally.close(flushAt(2000));
    assert.deepEqual(tally.values, [9]);
    assert.deepEqual(
      [...tally.merged],
      [
        ['late', 1],
        ['same', 1],
      ],
    );
  });

  test('one that comes late with a greater time still leaves', () => {
    const tally = new Tally();
    tally.add(1050, 5);
    tally.close(closeAt(2000));
    tally.add(1090, 9);
    tally.close(flushAt(2000));
    assert.deepEqual(tally.values, [5, 9]);
  });

  test('counts nothing for what is no call of its own', () => {
    const tally = new Tally();
    tally.add(1010, 1, 'a', 0);
    tally.add(1020, 2, 'a', 0);
    tally.close(flushAt(2000));
    assert.deepEqual([tally.merged.get('a'), tally.exported.get('a')], [0, 0]);
  });

  test('every sample leaves or is merged, in time order, one per window at the most once it is closed', () => {
    const step = fc.record({
      writer: fc.constantFrom('a', 'b', 'c'),
      atMillis: fc.integer({ min: 0, max: 2000 }),
      next: fc.constantFrom('nothing', 'nothing', 'close', 'restart'),
    });
    fc.assert(
      fc.property(fc.array(step), (steps) => {
        const tally = new Tally();
        const recorded = new Map<string, number>();
        for (const [index, { writer, atMillis, next }] of steps.entries()) {
          tally.add(atMillis, index, writer);
          bump(recorded, writer, 1);
          if (next === 'close') tally.close(closeAt(atMillis));
          if (next === 'restart') tally.restart();
        }
        tally.close(flushAt(10_000));
        for (const [writer, count] of recorded) {
          assert.equal((tally.merged.get(writer) ?? 0) + (tally.exported.get(writer) ?? 0), count);
        }
        for (const [at, { at: time, value }] of tally.left.entries()) {
          assert.deepEqual(time, fromMillis(steps[value].atMillis));
          if (at > 0) assert.ok(isBefore(tally.left[at - 1].at, time));
        }
        const greatest = Math.max(...steps.map(({ atMillis }) => atMillis));
        if (steps.length > 0) assert.deepEqual(tally.left.at(-1)?.at, fromMillis(greatest));
      }),
    );
  });
});
