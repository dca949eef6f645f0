import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { asLine, comparison, figure, goal } from '../src/format.ts';
import { resultOf } from '../src/results.ts';

const RESULT = resultOf({
  name: 'record/bound',
  unit: 'ns',
  runs: [40, 50, 60],
  baseline: { name: 'otel-js gauge.record', runs: [1000] },
  atMost: 0.04,
  of: 'ratio',
});

suite('format', () => {
  test('three digits count', () => {
    assert.deepEqual([0.012345, 1.2345, 12.345, 123.45, 1234.5, 3_141_592, 0, NaN, 9.996].map(figure), [
      '0.0123',
      '1.23',
      '12.3',
      '123',
      '1,230',
      '3,140,000',
      '0',
      '–',
      '10.0',
    ]);
  });

  test('a goal names its bound and what it is of', () => {
    assert.equal(goal(RESULT), '≤ 0.04 ×');
    assert.equal(
      goal(resultOf({ name: 'a', unit: 'samples/s', runs: [1], atLeast: 3e6 })),
      '≥ 3,000,000 samples/s',
    );
    assert.equal(goal(resultOf({ name: 'a', unit: 'ns', runs: [1] })), '');
  });

  test('a line says whether the goal is met, in colour only where it may', () => {
    const line = asLine(RESULT, false);
    assert.match(line, /^record\/bound +50\.0 ns +40\.0–60\.0 of 3 .*missed \(≤ 0\.04 ×\)$/);
    assert.ok(!line.includes('\x1b'));
    assert.ok(asLine(RESULT, true).includes('\x1b[31mmissed'));
    assert.match(comparison(RESULT), /^0\.0500 × otel-js gauge\.record \(1,000\)$/);
  });
});
