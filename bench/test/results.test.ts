import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { isMet, median, percentile, resultOf } from '../src/results.ts';

suite('results', () => {
  test('the median is the middle one, or between the two in the middle', () => {
    assert.equal(median([30, 1, 2]), 2);
    assert.equal(median([4, 1, 3, 2]), 2.5);
    assert.equal(median([7]), 7);
  });

  test('a percentile is one of the runs', () => {
    const runs = Array.from({ length: 100 }, (_, index) => 100 - index);
    assert.deepEqual([percentile(runs, 0.5), percentile(runs, 0.99), percentile(runs, 1)], [50, 99, 100]);
    assert.equal(percentile([3], 0.01), 3);
  });

  test('a result has its spread, and the ratio of the medians', () => {
    const baseline = { name: 'other', runs: [100, 300, 200] };
    assert.deepEqual(
      resultOf({ name: 'a', unit: 'ns', runs: [5, 20, 10], baseline, atMost: 0.1, of: 'ratio' }),
      {
        name: 'a',
        unit: 'ns',
        median: 10,
        runs: 3,
        low: 5,
        high: 20,
        baseline: 'other',
        baselineMedian: 200,
        ratio: 0.05,
        atMost: 0.1,
        of: 'ratio',
      },
    );
  });

  test('a goal is about the median or the ratio, upwards or downwards', () => {
    const baseline = { name: 'other', runs: [100] };
    const of = (goal: object): boolean | undefined =>
      isMet(resultOf({ name: 'a', unit: 'ns', runs: [10], baseline, ...goal }));
    assert.equal(of({}), undefined);
    assert.deepEqual([of({ atMost: 10 }), of({ atMost: 9 })], [true, false]);
    assert.deepEqual([of({ atLeast: 10 }), of({ atLeast: 11 })], [true, false]);
    assert.deepEqual([of({ atMost: 0.1, of: 'ratio' }), of({ atMost: 0.05, of: 'ratio' })], [true, false]);
  });

  test('a goal for a ratio without a baseline is missed', () => {
    assert.equal(isMet(resultOf({ name: 'a', unit: 'ns', runs: [1], atMost: 2, of: 'ratio' })), false);
  });
});
