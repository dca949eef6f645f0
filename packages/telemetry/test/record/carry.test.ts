import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readBase, viewHistograms, viewSums } from '../../src/journal/columns.ts';
import { encodeFrames, FrameType, MAX_PAYLOAD_BYTES, type Frame } from '../../src/journal/frame.ts';
import { scan } from '../../src/journal/chunk.ts';
import { Carry } from '../../src/record/carry.ts';

const BASE = [1, 2, 3, 4];

function framesOf(carry: Carry): readonly Frame[] {
  return scan(new Uint8Array(encodeFrames(carry.parts(BASE), 1)), { segment: 1, offset: 0 }, '', true).frames;
}

function sumsOf(carry: Carry): Record<number, [value: number, calls: number]> {
  const found: Record<number, [number, number]> = {};
  for (const frame of framesOf(carry).filter(({ type }) => type === FrameType.SUMS)) {
    const { series, values, calls } = viewSums(frame)!;
    for (const [row, id] of series.entries()) found[id] = [values[row], calls[row]];
  }
  return found;
}

describe('what is carried', () => {
  test('is nothing at first', () => {
    const carry = new Carry();
    assert.ok(carry.isEmpty);
    assert.deepEqual(carry.parts(BASE), []);
  });

  test('adds up, by series', () => {
    const carry = new Carry();
    carry.add(1, 2.5, 1);
    carry.add(2, -1, 3);
    carry.add(1, 0.25, 2);
    assert.ok(!carry.isEmpty);
    assert.deepEqual(sumsOf(carry), { 1: [2.75, 3], 2: [-1, 3] });
    const [frame] = framesOf(carry);
    assert.deepEqual([frame.rows, frame.units], [2, 6]);
    const { seconds, nanos, monotonicSeconds, monotonicNanos } = readBase(frame);
    assert.deepEqual([seconds, nanos, monotonicSeconds, monotonicNanos], BASE);
  });

  test('keeps the last of observed totals, and all of their calls', () => {
    const carry = new Carry();
    carry.add(1, 100, 1);
    carry.drop(1);
    carry.add(1, 90, 1);
    carry.drop(2);
    assert.deepEqual(sumsOf(carry), { 1: [90, 2] });
  });

  test('merges histograms, by series', () => {
    const carry = new Carry();
    const row = new Float64Array([2, 10, 3, 7, 1, 1]);
    carry.merge(1, row);
    row.fill(99);
    carry.merge(1, new Float64Array([1, -5, -5, -5, 1, 0]));
    carry.merge(1, new Float64Array([1, 20, 20, 20, 0, 1]));
    carry.merge(2, new Float64Array([1, 1, 1, 1, 1]));
    const [frame] = framesOf(carry);
    assert.deepEqual([frame.rows, frame.units], [2, 5]);
    assert.deepEqual(
      viewHistograms(frame)?.map(({ counts, ...rest }) => ({ ...rest, counts: [...counts] })),
      [
        { series: 1, count: 4, sum: 25, min: -5, max: 20, counts: [2, 2] },
        { series: 2, count: 1, sum: 1, min: 1, max: 1, counts: [1] },
      ],
    );
  });

  test('is gone when it is cleared', () => {
    const carry = new Carry();
    carry.add(1, 1, 1);
    carry.merge(2, new Float64Array([1, 1, 1, 1, 1]));
    carry.clear();
    assert.ok(carry.isEmpty);
    assert.deepEqual(carry.parts(BASE), []);
  });

  test('is spread over as many frames as it needs, none of them too long', () => {
    const carry = new Carry();
    const series = 150_000;
    for (let id = 1; id <= series; id++) carry.add(id, id, 1);
    const histograms = 600;
    for (let id = 1; id <= histograms; id++) carry.merge(series + id, new Float64Array(4 + 4000).fill(1));
    const parts = carry.parts(BASE);
    assert.ok(parts.every(({ payload }) => payload.length <= MAX_PAYLOAD_BYTES));
    const count = (type: number, part: 'rows' | 'units'): number =>
      parts.filter((each) => each.type === type).reduce((sum, each) => sum + each[part], 0);
    assert.deepEqual([count(FrameType.SUMS, 'rows'), count(FrameType.SUMS, 'units')], [series, series]);
    assert.equal(count(FrameType.HISTOGRAMS, 'rows'), histograms);
    assert.deepEqual(sumsOf(carry)[series], [series, 1]);
  });
});
