import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { viewHistograms, viewOperations, viewSamples, viewSums } from '../../src/journal/columns.ts';
import { FrameType, MORE_FOLLOWS, type Frame } from '../../src/journal/frame.ts';
import { scan } from '../../src/journal/chunk.ts';
import {
  Batch,
  BATCH_BYTES,
  COMPOSED_BYTES,
  MAX_BUCKETS,
  MAX_OPERATIONS,
  MAX_SAMPLES,
  MAX_SUMS,
} from '../../src/record/batch.ts';

function compose(batch: Batch, sequence = 1): { frames: readonly Frame[]; bytes: Uint8Array; next: number } {
  const out = new Uint8Array(COMPOSED_BYTES);
  const { length, nextSequence } = batch.compose(out, sequence);
  const bytes = out.slice(0, length);
  const { frames, to } = scan(bytes, { segment: 1, offset: 0 }, '', false);
  assert.equal(to.offset, length);
  return { frames, bytes, next: nextSequence };
}

function addSums(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) {
    batch.sumSeries[row] = row + 1;
    batch.sumValues[row] = row / 2;
    batch.sumCalls[row] = 2;
  }
  batch.publishSums(rows);
}

function addSamples(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) {
    batch.sampleDeltas[row] = row;
    batch.sampleValues[row] = -row;
    batch.sampleSeries[row] = row % 7;
  }
  batch.publishSamples(rows);
}

function addOperations(batch: Batch, rows: number): void {
  for (let row = 0; row < rows; row++) {
    batch.operationDeltas[row] = row;
    batch.operationLatencies[row] = 2 * row;
    batch.operationBytes[row] = NaN;
    batch.operationSeries[row] = 3;
  }
  batch.publishOperations(rows);
}

describe('a batch is composed', () => {
  test('to nothing when it is empty', () => {
    const batch = new Batch();
    assert.ok(batch.isEmpty);
    const { bytes, next } = compose(batch, 5);
    assert.deepEqual([bytes.length, next], [0, 5]);
  });

  test('to one frame for each kind of row: sums first, all of them one write', () => {
    const batch = new Batch();
    addSamples(batch, 5);
    addOperations(batch, 3);
    batch.addHistogram(9, 2).set([4, 1, 1, 1, 2, 2]);
    addSums(batch, 2);
    assert.ok(!batch.isEmpty);
    assert.equal(batch.units, 5 + 3 + 4 + 4);
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
    const batch = new Batch();
    batch.setBase(1, 2, 3, 4);
    addSamples(batch, MAX_SAMPLES);
    addSums(batch, MAX_SUMS);
    addOperations(batch, MAX_OPERATIONS);
    let histograms = 0;
    for (; batch.hasRoomFor(16); histograms++) batch.addHistogram(histograms, 16);
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
    own.setBase(1, 2, 3, 4);
    addSums(own, 3);
    addSamples(own, 3);
    own.addHistogram(1, 1)[0] = 1;
    const seen = new Batch(shared, BATCH_BYTES);
    assert.equal(seen.sequence, 8);
    assert.deepEqual(compose(seen, seen.sequence).bytes, compose(own, own.sequence).bytes);
  });

  test('without what lies in the memory from before', () => {
    const batch = new Batch();
    addSamples(batch, 3);
    compose(batch);
    batch.clear(2);
    assert.ok(batch.isEmpty);
    assert.equal(batch.sequence, 2);
    addSamples(batch, 1);
    batch.addHistogram(1, 1);
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
    assert.deepEqual([...new Batch().addHistogram(1, 2)], [0, 0, Infinity, -Infinity, 0, 0]);
  });

  test('fit as long as there is room, the largest one into an empty batch', () => {
    const batch = new Batch();
    assert.ok(batch.hasRoomFor(MAX_BUCKETS));
    assert.ok(!batch.hasRoomFor(MAX_BUCKETS + 1));
    assert.equal(batch.addHistogram(1, MAX_BUCKETS).length, MAX_BUCKETS + 4);
    assert.ok(!batch.hasRoomFor(0));
    assert.equal(viewHistograms(compose(batch).frames[0])?.length, 1);
    const epoch = batch.epoch;
    batch.clear(1);
    assert.notEqual(batch.epoch, epoch);
    assert.ok(batch.hasRoomFor(MAX_BUCKETS));
  });
});

describe('slots of shared memory', () => {
  test('do not touch each other', () => {
    const shared = new SharedArrayBuffer(3 * BATCH_BYTES);
    const [before, batch, behind] = [0, 1, 2].map((slot) => new Batch(shared, slot * BATCH_BYTES));
    assert.ok(batch.claim('/journals/'.padEnd(1024, 'x'), 7, 1));
    addSamples(batch, MAX_SAMPLES);
    addSums(batch, MAX_SUMS);
    addOperations(batch, MAX_OPERATIONS);
    while (batch.hasRoomFor(1)) batch.addHistogram(1, 1).fill(5);
    batch.sequence = 99;
    batch.close();
    for (const other of [before, behind]) {
      assert.ok(other.isEmpty && !other.isClosed);
      assert.deepEqual([other.owner, other.sequence, other.directory], [0, 0, undefined]);
    }
    const start = BATCH_BYTES;
    assert.ok(new Uint8Array(shared, 0, start).every((byte) => byte === 0));
    assert.ok(new Uint8Array(shared, 2 * start).every((byte) => byte === 0));
  });

  test('are claimed by one thread at a time', () => {
    const shared = new SharedArrayBuffer(BATCH_BYTES);
    const [first, second] = [new Batch(shared), new Batch(shared)];
    assert.ok(first.claim('/tree/journals/é', 3, 0));
    assert.ok(!second.claim('/other', 4, 0));
    assert.deepEqual([second.owner, second.directory], [3, '/tree/journals/é']);
    first.close();
    assert.ok(second.isClosed);
    second.free();
    assert.deepEqual(
      [first.owner, first.directory, first.isClosed, first.sequence],
      [0, undefined, false, 0],
    );
    assert.ok(second.claim('/other', 4, 0));
    assert.equal(first.directory, '/other');
  });

  test('are not claimed for a path that does not fit', () => {
    const batch = new Batch(new SharedArrayBuffer(BATCH_BYTES));
    assert.ok(!batch.claim('x'.repeat(1025), 3, 0));
    assert.equal(batch.owner, 0);
  });
});
