import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import fc from 'fast-check';
import type { HistogramValue } from '../../src/exporters/exporter.ts';
import { Histogram, type Buckets, type HistogramState } from '../../src/resample/histogram.ts';
import type { Close } from '../../src/resample/windows.ts';
import { closeAt, flushAt, START } from './closes.ts';

const BOUNDARIES = [0, 10, 100];

function row(...values: readonly number[]): Buckets {
  const counts = new Float64Array(BOUNDARIES.length + 1);
  for (const value of values) counts[BOUNDARIES.filter((bound) => bound < value).length]++;
  const sum = values.reduce((all, value) => all + value, 0);
  return { count: values.length, sum, min: Math.min(...values), max: Math.max(...values), counts };
}

interface Emitted {
  readonly millis: number;
  readonly value: HistogramValue;
  readonly startMillis: number;
}

function pointsOf(
  histogram: Histogram,
  close: Close,
  temporality: 'cumulative' | 'delta' = 'cumulative',
): Emitted[] {
  const points: Emitted[] = [];
  histogram.close(close, temporality, (millis, value, startMillis) =>
    points.push({ millis, value, startMillis }),
  );
  return points;
}

const valueOf = (...values: readonly number[]): HistogramValue => ({
  ...row(...values),
  boundaries: BOUNDARIES,
});
const restarted = (histogram: Histogram): Histogram =>
  new Histogram(BOUNDARIES, JSON.parse(JSON.stringify(histogram.state)) as HistogramState);

suite('a histogram', () => {
  test('merges the rows of all writers, and has a point for each window', () => {
    const histogram = new Histogram(BOUNDARIES, { startMillis: START });
    histogram.add(10, row(5, 50));
    histogram.add(10, row(500));
    histogram.add(11, row(0));
    assert.deepEqual(pointsOf(histogram, closeAt(2000)), [
      { millis: 1100, value: valueOf(5, 50, 500), startMillis: START },
      { millis: 1200, value: valueOf(5, 50, 500, 0), startMillis: START },
    ]);
  });

  test('gives each window for itself where its exporter wants deltas', () => {
    const histogram = new Histogram(BOUNDARIES, { startMillis: START });
    histogram.add(10, row(5, 50));
    histogram.add(11, row(7));
    assert.deepEqual(pointsOf(histogram, closeAt(2000), 'delta'), [
      { millis: 1100, value: valueOf(5, 50), startMillis: START },
      { millis: 1200, value: valueOf(7), startMillis: 1100 },
    ]);
  });

  test('what was given out does not change afterwards', () => {
    const histogram = new Histogram(BOUNDARIES, { startMillis: START });
    histogram.add(10, row(5));
    const [{ value }] = pointsOf(histogram, closeAt(2000));
    histogram.add(20, row(6));
    pointsOf(histogram, flushAt(2000));
    assert.deepEqual(value, valueOf(5));
  });

  test('repeats what has not changed at a tick only', () => {
    const histogram = new Histogram(BOUNDARIES, { startMillis: START });
    histogram.add(10, row(5));
    pointsOf(histogram, closeAt(2000));
    assert.deepEqual(pointsOf(histogram, closeAt(3000)), []);
    assert.deepEqual(pointsOf(histogram, { ...closeAt(3000), tick: true }, 'delta'), []);
    assert.deepEqual(pointsOf(histogram, { ...closeAt(3000), tick: true }), [
      { millis: 3000, value: valueOf(5), startMillis: START },
    ]);
  });

  test('is exact over restarts, and never falls', () => {
    const step = fc.record({
      window: fc.integer({ min: 0, max: 5 }),
      values: fc.array(fc.integer({ min: 0, max: 1000 }), { minLength: 1, maxLength: 5 }),
      next: fc.constantFrom('nothing', 'close', 'restart'),
    });
    fc.assert(
      fc.property(fc.array(step, { minLength: 1 }), (steps) => {
        let histogram = new Histogram(BOUNDARIES, { startMillis: START });
        const points: Emitted[] = [];
        let nowMillis = 2000;
        for (const { window, values, next } of steps) {
          nowMillis += 60;
          histogram.add(15 + window, row(...values));
          if (next === 'close') points.push(...pointsOf(histogram, closeAt(nowMillis)));
          if (next === 'restart') histogram = restarted(histogram);
        }
        points.push(...pointsOf(histogram, { ...flushAt(nowMillis + 1), tick: true }));
        for (const [at, { value, millis }] of points.entries()) {
          if (at === 0) continue;
          const before = points[at - 1];
          assert.ok(millis > before.millis);
          assert.ok(value.counts.every((count, bucket) => count >= before.value.counts[bucket]));
        }
        assert.deepEqual(points.at(-1)?.value, valueOf(...steps.flatMap(({ values }) => values)));
      }),
    );
  });

  test('a row with other buckets does not grow it', () => {
    const histogram = new Histogram(BOUNDARIES, { startMillis: START });
    histogram.add(10, { ...row(5), counts: new Float64Array(99).fill(1) });
    const [{ value }] = pointsOf(histogram, flushAt(2000));
    assert.equal(value.counts.length, BOUNDARIES.length + 1);
  });
});
