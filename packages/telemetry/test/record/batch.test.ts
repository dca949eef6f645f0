import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { viewHistograms, viewOperations, viewSamples, viewSums } from '../../src/journal/columns.ts';
import { FrameType, MORE_FOLLOWS, type Frame } from '../../src/journal/frame.ts';
import { scan } from '../../src/journal/chunk.ts';
import { Batch, type HistogramSeries } from '../../src/record/batch.ts';
import { BATCH_BYTES, MAX_BUCKETS, MAX_OPERATIONS, MAX_SAMPLES, MAX_SUMS } from '../../src/record/block.ts';
import { Composed } from '../../src/record/composed.ts';
import { unitsOf } from '../../src/record/rows.ts';
import { Slot } from '../../src/record/slot.ts';

function compose(batch: Batch, sequence = 1): { frames: readonly Frame[]; bytes: Uint8Array; next: number } {
  const composed = new Composed();
  composed.bytes.fill(0xee);
  composed.compose(batch, sequence);
  const bytes = composed.bytes.slice(0, composed.length);
  const { frames, to } = scan(bytes, { segment: 1, offset: 0 }, '', false);
  assert.equal(to.offset, composed.length);
  assert.equal(
    composed.units,
    frames.reduce((units, frame) => units + frame.units, 0),
  );
  return { frames, bytes, next: composed.nextSequence };
}

const BASE = [1, 2, 3, 4] as const;

function begun(batch: Batch = new Batch()): Batch {
  batch.begin(...BASE);
  return batch;
}

function addSums(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) {
    const series = { id: row + 1, row: 0, epoch: 0 };
    assert.ok(!batch.addToSum(series, row / 2, 2));
    assert.ok(batch.addSum(series));
    assert.ok(batch.addToSum(series, row / 2, 2));
  }
}

function addSamples(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) assert.ok(batch.addSample(row % 7, -row, [3, 4 + row]));
}

function addOperations(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) {
    assert.ok(batch.addOperation(3, [3, 4 + row], 2 * row, NaN, undefined));
  }
}

function histogram(id: number, boundaries: number): HistogramSeries {
  return { id, row: 0, epoch: 0, boundaries: Float64Array.from({ length: boundaries }, (_, bound) => bound) };
}

/** A histogram of one value, in a new row. */
function addHistogram(batch: Batch, id: number, buckets: number): boolean {
  const series = histogram(id, buckets - 1);
  return batch.addHistogram(series) && batch.addToHistogram(series, 1);
}

describe('a batch is composed', () => {
  test('to nothing when it is empty', () => {
    const batch = new Batch();
    assert.ok(batch.isEmpty);
    const { bytes, next } = compose(batch, 5);
    assert.deepEqual([bytes.length, next], [0, 5]);
  });

  test('to one frame for each kind of row: sums first, all of them one write', () => {
    const batch = begun();
    addSamples(batch, 5);
    addOperations(batch, 3);
    const series = histogram(9, 1);
    assert.ok(!batch.addToHistogram(series, 1) && batch.addHistogram(series));
    for (const value of [0, 1, 2, 3]) assert.ok(batch.addToHistogram(series, value));
    addSums(batch, 2);
    assert.ok(!batch.isEmpty);
    assert.equal(unitsOf(batch), 5 + 3 + 4 + 4);
    assert.equal(unitsOf(batch, new Set([9, 2])), 4 + 2 + 1);
    const { frames, next } = compose(batch, 11);
    assert.deepEqual(
      frames.map(({ type, sequence, rows, units, flags }) => [type, sequence, rows, units, flags]),
      [
        [FrameType.SUMS, 11, 2, 4, MORE_FOLLOWS],
        [FrameType.HISTOGRAMS, 12, 1, 4, MORE_FOLLOWS],
        [FrameType.OPERATIONS, 13, 3, 3, MORE_FOLLOWS],
        [FrameType.SAMPLES, 14, 5, 5, 0],
      ],
    );
    assert.equal(next, 15);
  });

  test('whole when every kind of row is full', () => {
    const batch = begun();
    addSamples(batch, MAX_SAMPLES);
    assert.ok(!batch.addSample(1, 1, [3, 4]));
    addSums(batch, MAX_SUMS);
    assert.ok(!batch.addSum({ id: 1, row: 0, epoch: 0 }));
    addOperations(batch, MAX_OPERATIONS);
    assert.ok(!batch.addOperation(3, [3, 4], 1, NaN, undefined));
    let histograms = 0;
    while (addHistogram(batch, histograms, 16)) histograms++;
    const [sums, distributions, operations, samples] = compose(batch).frames;
    assert.equal(viewSums(sums)?.values[MAX_SUMS - 1], (MAX_SUMS - 1) / 2);
    assert.equal(viewHistograms(distributions)?.at(-1)?.series, histograms - 1);
    assert.equal(viewOperations(operations)?.latencyNanos[MAX_OPERATIONS - 1], 2 * (MAX_OPERATIONS - 1));
    assert.equal(viewSamples(samples)?.values[MAX_SAMPLES - 1], 1 - MAX_SAMPLES);
  });

  test('to the same bytes by whoever does it: its thread or the one that rescues it', () => {
    const shared = new SharedArrayBuffer(3 * BATCH_BYTES);
    const own = new Batch(shared, BATCH_BYTES);
    own.sequence = 8;
    begun(own);
    addSums(own, 3);
    addSamples(own, 3);
    addOperations(own, 1);
    assert.ok(own.addOperation(1, [3, 4], 1, 1, { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }));
    assert.ok(addHistogram(own, 1, 1) && addHistogram(own, 2, 5));
    const seen = new Batch(shared, BATCH_BYTES);
    assert.equal(seen.sequence, 8);
    assert.deepEqual(compose(seen, seen.sequence).bytes, compose(own, own.sequence).bytes);
  });

  test('without what lies in the memory from before', () => {
    const batch = begun();
    addSamples(batch, 3);
    assert.ok(addHistogram(batch, 1, 1));
    compose(batch);
    batch.clear(2);
    assert.ok(batch.isEmpty);
    assert.equal(batch.sequence, 2);
    assert.ok(!batch.addSample(1, 1, [3, 4]));
    begun(batch);
    addSamples(batch, 1);
    assert.ok(batch.addHistogram(histogram(1, 0)));
    const { frames } = compose(batch, 2);
    assert.deepEqual(
      frames.map(({ rows }) => rows),
      [1, 1],
    );
    assert.deepEqual([...(viewHistograms(frames[0])?.[0].counts ?? [])], [0]);
  });
});

describe('histogram rows', () => {
  test('begin without values', () => {
    const batch = begun();
    assert.ok(batch.addHistogram(histogram(1, 1)));
    assert.deepEqual([...batch.histogramWords.subarray(0, 2)], [1, 2]);
    assert.deepEqual([...batch.histogramNumbers.subarray(1, 7)], [0, 0, Infinity, -Infinity, 0, 0]);
  });

  test('fit as long as there is room, the largest one into an empty batch', () => {
    const batch = begun();
    assert.ok(!addHistogram(batch, 1, MAX_BUCKETS + 1));
    assert.ok(addHistogram(batch, 1, MAX_BUCKETS));
    assert.ok(!addHistogram(batch, 2, 1));
    assert.equal(viewHistograms(compose(batch).frames[0])?.length, 1);
    const { epoch } = batch;
    batch.clear(1);
    assert.notEqual(batch.epoch, epoch);
    begun(batch);
    assert.ok(addHistogram(batch, 1, MAX_BUCKETS));
  });
});

describe('slots of shared memory', () => {
  test('do not touch each other', () => {
    const shared = new SharedArrayBuffer(3 * BATCH_BYTES);
    const [before, slot, behind] = [0, 1, 2].map((index) => new Slot(shared, index * BATCH_BYTES));
    const batch = begun(new Batch(shared, BATCH_BYTES));
    assert.ok(slot.claim('/journals/'.padEnd(1024, 'x'), 7, 1));
    addSamples(batch, MAX_SAMPLES);
    addSums(batch, MAX_SUMS);
    addOperations(batch, MAX_OPERATIONS - 1);
    const span = { traceId: 'f'.repeat(32), spanId: 'f'.repeat(16) };
    assert.ok(batch.addOperation(3, [3, 4], 1, 1, span));
    while (addHistogram(batch, 1, 1));
    batch.sequence = 99;
    batch.close();
    for (const other of [before, behind]) assert.deepEqual([other.owner, other.directory], [0, undefined]);
    assert.ok(new Uint8Array(shared, 0, BATCH_BYTES).every((byte) => byte === 0));
    assert.ok(new Uint8Array(shared, 2 * BATCH_BYTES).every((byte) => byte === 0));
  });

  test('are claimed by one thread at a time', () => {
    const shared = new SharedArrayBuffer(BATCH_BYTES);
    const [first, second] = [new Slot(shared, 0), new Slot(shared, 0)];
    const batch = begun(new Batch(shared));
    assert.ok(first.claim('/tree/journals/é', 3, 0));
    assert.ok(!second.claim('/other', 4, 0));
    assert.deepEqual([second.owner, second.directory], [3, '/tree/journals/é']);
    addSamples(batch, 1);
    batch.sequence = 5;
    first.close();
    assert.ok(batch.isClosed && !batch.addSample(1, 1, [3, 4]));
    second.free();
    assert.deepEqual([first.owner, first.directory], [0, undefined]);
    assert.ok(second.claim('/other', 4, 0));
    assert.equal(first.directory, '/other');
    const next = new Batch(shared);
    next.refresh();
    assert.deepEqual([next.isEmpty, next.isClosed, next.sequence], [true, false, 0]);
  });

  test('are not claimed for a path that does not fit', () => {
    const slot = new Slot(new SharedArrayBuffer(BATCH_BYTES), 0);
    assert.ok(!slot.claim('x'.repeat(1025), 3, 0));
    assert.equal(slot.owner, 0);
  });
});
