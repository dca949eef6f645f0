import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { ExponentialHistogramValue, Temporality } from '../../src/exporters/exporter.ts';
import {
  ExponentialHistogram,
  type ExponentialHistogramState,
} from '../../src/resample/exponential-histogram.ts';
import type { Close } from '../../src/resample/windows.ts';
import { closeAt, flushAt, START } from './closes.ts';

const SHAPE = { maxBuckets: 4, maxScale: 20 };

interface Point {
  readonly millis: number;
  readonly startMillis: number;
  readonly count: number;
  readonly sum: number;
  readonly counts: readonly number[];
}

function closed(
  histogram: ExponentialHistogram,
  close: Close,
  temporality: Temporality = 'cumulative',
): Point[] {
  const points: Point[] = [];
  histogram.close(
    close,
    temporality,
    (millis, { count, sum, positive }: ExponentialHistogramValue, startMillis) => {
      points.push({ millis, startMillis, count, sum, counts: [...positive.counts] });
    },
  );
  return points;
}

function recorded(): ExponentialHistogram {
  const histogram = new ExponentialHistogram(SHAPE, { startMillis: START });
  for (const [window, value] of [
    [2, 1],
    [2, 2],
    [3, 4],
    [12, 8],
  ]) {
    histogram.record(window, value);
  }
  return histogram;
}

suite('an exponential histogram', () => {
  test('has a point for each window in which something was recorded, with all of it so far', () => {
    const histogram = recorded();
    assert.deepEqual(closed(histogram, closeAt(1000)), [
      { millis: 300, startMillis: START, count: 2, sum: 3, counts: [1, 0, 1] },
      { millis: 400, startMillis: START, count: 3, sum: 7, counts: [1, 1, 1] },
    ]);
    assert.ok(histogram.isOpen);
    assert.deepEqual(closed(histogram, flushAt(2000)), [
      { millis: 1300, startMillis: START, count: 4, sum: 15, counts: [1, 1, 1, 1] },
    ]);
  });

  test('gives each window for itself where its exporter wants deltas, each with a scale of its own', () => {
    assert.deepEqual(closed(recorded(), flushAt(2000), 'delta'), [
      { millis: 300, startMillis: START, count: 2, sum: 3, counts: [1, 0, 1] },
      { millis: 400, startMillis: 300, count: 1, sum: 4, counts: [1] },
      { millis: 1300, startMillis: 400, count: 1, sum: 8, counts: [1] },
    ]);
  });

  test('goes on from its checkpoint, open windows included', () => {
    const before = recorded();
    closed(before, closeAt(350));
    const state = JSON.parse(JSON.stringify(before.state)) as ExponentialHistogramState;
    const after = new ExponentialHistogram(SHAPE, state);
    assert.deepEqual(closed(after, flushAt(2000)), closed(before, flushAt(2000)));
  });

  test('is repeated at a tick, unchanged', () => {
    const histogram = recorded();
    closed(histogram, flushAt(2000));
    const [point] = closed(histogram, { ...closeAt(9000), tick: true });
    assert.deepEqual([point.millis, point.count], [9000, 4]);
    assert.deepEqual(closed(histogram, { ...closeAt(9500), tick: true }, 'delta'), []);
  });
});
