import assert from 'node:assert/strict';
import { readdirSync, unlinkSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { FrameType, MORE_FOLLOWS } from '../../src/journal/frame.ts';
import { segmentFile } from '../../src/journal/places.ts';
import { Batch } from '../../src/record/batch.ts';
import { BATCH_BYTES, MAX_OPERATIONS, MAX_SAMPLES, MAX_SUMS } from '../../src/record/block.ts';
import { RecordingOperations } from '../../src/record/operations.ts';
import { inMemory, leaveFree, needsMount } from '../journal/stage.ts';
import { contentsOf, nextTurn, rig, totals, type Contents, type Rig } from './stage.ts';

/** Longer than a journal without room waits before it looks again. */
const RETRY_MILLIS = 150;
const NOTHING = { segmentMaxBytes: 65_536, primaryMaxBytes: 0, spillMaxBytes: 0 };

const unitsOf = ({ frames }: Contents): number => frames.reduce((units, frame) => units + frame.units, 0);
const lostOf = ({ dropped }: Contents): number =>
  Object.values(dropped).reduce((sum, count) => sum + count, 0);

describe('flush', () => {
  test('turn: at the end of the turn of the event loop, in one write', async (t) => {
    const { meter, contents } = rig(t);
    const [gauge, counter, histogram] = [
      meter.createGauge('g'),
      meter.createCounter('c'),
      meter.createHistogram('h'),
    ];
    gauge.record(1);
    await Promise.resolve();
    counter.add(1);
    histogram.record(1);
    gauge.record(2);
    assert.equal(contents().frames.length, 0);
    await nextTurn();
    const { frames } = contents();
    assert.deepEqual(
      frames.map(({ type, sequence, flags }) => [type, sequence, flags]),
      [
        [FrameType.SUMS, 1, MORE_FOLLOWS],
        [FrameType.HISTOGRAMS, 2, MORE_FOLLOWS],
        [FrameType.SAMPLES, 3, 0],
      ],
    );
  });

  test('record: with each record', (t) => {
    const { meter, contents } = rig(t, { flush: 'record' });
    const [gauge, counter, histogram] = [
      meter.createGauge('g'),
      meter.createCounter('c'),
      meter.createHistogram('h'),
    ];
    gauge.record(1);
    assert.equal(contents().samples.length, 1);
    counter.add(2);
    assert.deepEqual(totals(contents()), { c: { value: 2, calls: 1 } });
    histogram.record(3);
    assert.equal(contents().histograms.length, 1);
    counter.add(NaN);
    assert.deepEqual(contents().dropped, { invalid_value: 1 });
    meter.createObservableCounter('o').begin({}).observe(4);
    assert.deepEqual(totals(contents())['o'], { value: 4, calls: 1 });
  });

  test('record: an operation’s start and its end', (t) => {
    const { recorder, contents } = rig(t, { flush: 'record' });
    const running = new RecordingOperations(recorder, { provider: 'x' }).start('read');
    assert.equal(contents().sums.length, 1);
    running.succeed(1);
    assert.equal(contents().operations.length, 1);
  });

  test('milliseconds: so long after the first record', async (t) => {
    const { meter, contents } = rig(t, { flush: 50 });
    const gauge = meter.createGauge('g');
    gauge.record(1);
    await nextTurn();
    gauge.record(2);
    assert.equal(contents().frames.length, 0);
    while (contents().frames.length === 0) await setTimeout(10);
    const { frames, samples } = contents();
    assert.deepEqual([frames.length, samples.map(({ value }) => value)], [1, [1, 2]]);
  });

  test('within the turn when the batch is full', (t) => {
    const made = rig(t);
    const [gauge, counter] = [made.meter.createGauge('g'), made.meter.createCounter('c')];
    for (let index = 0; index <= MAX_SAMPLES; index++) gauge.record(index);
    assert.equal(made.contents().samples.length, MAX_SAMPLES);
    for (let index = 0; index <= MAX_SUMS; index++) counter.add(1, { index });
    assert.equal(made.contents().sums.length, MAX_SUMS);
    const operations = new RecordingOperations(made.recorder, { provider: 'x' });
    for (let index = 0; index <= MAX_OPERATIONS; index++) operations.start('read').succeed(index);
    assert.equal(made.contents().operations.length, MAX_OPERATIONS);
    made.recorder.flush();
    const { samples, operations: ended } = made.contents();
    assert.deepEqual([samples.length, ended.length], [MAX_SAMPLES + 1, MAX_OPERATIONS + 1]);
    assert.equal(totals(made.contents())['c'].value, MAX_SUMS + 1);
  });

  test('within the turn when the histograms are full', (t) => {
    const { meter, recorder, contents } = rig(t);
    const histogram = meter.createHistogram('h');
    for (let index = 0; index < 500; index++) histogram.record(index, { index });
    assert.ok(contents().histograms.length > 100);
    recorder.flush();
    assert.deepEqual(
      contents().histograms.map(({ sum }) => sum),
      Array.from({ length: 500 }, (_, index) => index),
    );
  });

  test('of nothing writes nothing', (t) => {
    const { recorder, contents } = rig(t);
    recorder.flush();
    recorder.flush(true);
    assert.equal(contents().frames.length, 0);
  });

  test('leave: what is there, and every later record by itself', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g');
    gauge.record(1);
    recorder.leave();
    assert.equal(contents().samples.length, 1);
    gauge.record(2);
    assert.equal(contents().samples.length, 2);
  });
});

describe('times', () => {
  test('are apart as the monotonic clock was, and never the same where that was not', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g');
    const before: bigint[] = [];
    const after: bigint[] = [];
    for (let index = 0; index < 10_000; index++) {
      before.push(process.hrtime.bigint());
      gauge.record(index);
      after.push(process.hrtime.bigint());
    }
    recorder.flush();
    const { samples } = contents();
    assert.equal(samples.length, 10_000);
    for (let index = 1; index < samples.length; index++) {
      const apart = samples[index].nanos - samples[index - 1].nanos;
      assert.ok(apart >= before[index] - after[index - 1], `${index}: ${apart}`);
      assert.ok(apart <= after[index] - before[index - 1], `${index}: ${apart}`);
    }
  });

  test('are those of the wall clock', (t) => {
    const { meter, recorder, contents } = rig(t);
    meter.createGauge('g').record(1);
    meter.createCounter('c').add(1);
    recorder.flush();
    const { samples, sums } = contents();
    for (const { nanos } of [...samples, ...sums]) {
      assert.ok(Math.abs(Number(nanos / 1_000_000n) - Date.now()) < 5000);
    }
  });
});

describe('definitions', () => {
  test('are in the journal before what refers to them, and once', (t) => {
    const { meter, contents, recorder } = rig(t, { flush: 'record' });
    const gauge = meter.createGauge('g');
    // `contents` fails for a series that is not defined.
    for (let index = 0; index < 100; index++) {
      gauge.record(index, { set: index % 10 });
      assert.deepEqual(contents().samples.at(-1)?.attributes, { set: index % 10 });
    }
    assert.equal(recorder.defineSeries(1, []), 11);
  });
});

describe('without room', () => {
  test('samples are dropped and counted, totals are carried until there is room', async (t) => {
    const budget = { segmentMaxBytes: 500, primaryMaxBytes: 500, spillMaxBytes: 0 };
    const made = rig(t, { budget });
    const { meter, recorder, contents } = made;
    const gauge = meter.createGauge('g');
    const counter = meter.createCounter('c');
    const histogram = meter.createHistogram('h', { advice: { explicitBucketBoundaries: [1] } });
    let recorded = 0;
    const record = (): void => {
      for (let index = 0; index < 10; index++) {
        gauge.record(index);
        counter.add(2);
        histogram.record(index % 3);
        recorded += 3;
      }
      recorder.flush();
    };
    record();
    const kept = contents();
    assert.equal(unitsOf(kept), recorded);
    record();
    record();
    assert.equal(unitsOf(contents()), 30);
    assert.deepEqual(recorder.account.dropped, { budget: 20 });
    unlinkSync(path.join(made.places.primary, segmentFile(1)));
    await setTimeout(RETRY_MILLIS);
    recorder.flush();
    const later = contentsOf(made.places);
    assert.deepEqual(totals(later), { c: { value: 40, calls: 20 } });
    assert.deepEqual(
      later.histograms.map(({ count, sum, min, max, counts }) => ({ count, sum, min, max, counts })),
      [{ count: 20, sum: 18, min: 0, max: 2, counts: [14, 6] }],
    );
    assert.deepEqual(later.dropped, { budget: 20 });
    assert.equal(unitsOf(kept) + unitsOf(later) + lostOf(later), recorded);
    assert.equal(recorder.account.recorded, recorded);
  });

  test('an operation is dropped, and its responses and bytes are carried', async (t) => {
    const budget = { segmentMaxBytes: 1000, primaryMaxBytes: 1000, spillMaxBytes: 0 };
    const made = rig(t, { budget });
    const operations = new RecordingOperations(made.recorder, { provider: 'x' });
    made.meter.createCounter('c').add(1);
    made.recorder.flush();
    const filled = fill(made);
    const running = operations.start('read');
    running.succeed(100);
    operations.start('read').succeed(28);
    operations.start('list').succeed();
    operations.start('read').fail(new Error('no'), 5);
    made.recorder.flush();
    assert.equal(made.recorder.account.dropped['budget'], filled + 4);
    unlinkSync(path.join(made.places.primary, segmentFile(1)));
    await setTimeout(RETRY_MILLIS);
    made.recorder.flush();
    const later = contentsOf(made.places);
    assert.deepEqual(later.operations, []);
    assert.deepEqual(totals(later), {
      'multistorageclient.request.sum': { value: 4, calls: 0 },
      'multistorageclient.response.sum': { value: 4, calls: 0 },
      'multistorageclient.data_size.sum': { value: 128, calls: 0 },
    });
    const byStatus = later.sums
      .filter(({ name }) => name === 'multistorageclient.response.sum')
      .map(({ value, attributes }) => [attributes['multistorageclient.status'], value]);
    assert.deepEqual(byStatus, [
      ['success', 2],
      ['success', 1],
      ['error.Error', 1],
    ]);
    assert.deepEqual(later.dropped, { budget: filled + 4 });
  });

  test('of observed totals the last one is carried', async (t) => {
    const budget = { segmentMaxBytes: 130, primaryMaxBytes: 130, spillMaxBytes: 0 };
    const made = rig(t, { budget });
    const observed = made.meter.createObservableCounter('o');
    made.meter.createCounter('c').add(1);
    made.recorder.flush();
    for (const total of [100, 90, 120]) {
      observed.begin({}).observe(total);
      made.recorder.flush();
    }
    unlinkSync(path.join(made.places.primary, segmentFile(1)));
    await setTimeout(RETRY_MILLIS);
    made.recorder.flush();
    const later = contentsOf(made.places);
    assert.deepEqual(totals(later), { o: { value: 120, calls: 3 } });
    assert.deepEqual(later.dropped, {});
  });

  test('the last words are written all the same: totals and the account, and no samples', (t) => {
    const { meter, recorder, contents } = rig(t, { budget: NOTHING });
    meter.createGauge('g').record(1);
    meter.createCounter('c').add(2);
    recorder.flush();
    assert.equal(contents().frames.length, 0);
    recorder.leave();
    assert.deepEqual(totals(contents()), { c: { value: 2, calls: 1 } });
    assert.deepEqual([contents().samples, contents().dropped], [[], { budget: 1 }]);
  });

  test('flush record drops nothing that it counts twice', (t) => {
    const { meter, recorder, contents } = rig(t, { flush: 'record', budget: NOTHING });
    const [gauge, counter] = [meter.createGauge('g'), meter.createCounter('c')];
    for (let index = 0; index < 100; index++) {
      gauge.record(index);
      counter.add(1, { set: index % 3 });
    }
    recorder.close();
    assert.deepEqual(totals(contents()), { c: { value: 100, calls: 100 } });
    assert.deepEqual(contents().dropped, { budget: 100 });
    assert.equal(recorder.account.recorded, 200);
  });

  test('for definitions, nothing that refers to them is written before they are', needsMount, async (t) => {
    const { place, memory } = inMemory(t);
    const { meter, recorder, contents } = rig(t, { places: { ...place, spill: undefined } });
    const counter = meter.createCounter('c');
    counter.add(1, { known: true });
    recorder.flush();
    const makeRoom = leaveFree(memory, 0);
    // More than what is left of the last page of the file.
    for (let index = 0; index < 100; index++) counter.add(1, { index, padding: 'x'.repeat(100) });
    counter.add(1, { known: true });
    recorder.flush();
    makeRoom();
    await setTimeout(RETRY_MILLIS);
    recorder.flush();
    assert.deepEqual(totals(contents()), { c: { value: 102, calls: 102 } });
    assert.deepEqual(contents().sums.filter(({ attributes }) => attributes['index'] === 99).length, 1);
    assert.deepEqual(contents().dropped, {});
  });
});

describe('the end', () => {
  test('close: a goodbye, and what comes later is counted as closed, in no file at all', async (t) => {
    const made = rig(t);
    const gauge = made.meter.createGauge('g');
    const counter = made.meter.createCounter('c');
    const histogram = made.meter.createHistogram('h');
    const running = new RecordingOperations(made.recorder, { provider: 'x' }).start('read');
    gauge.record(1);
    made.recorder.close();
    const { frames } = made.contents();
    assert.deepEqual(
      frames.map(({ type }) => type),
      [FrameType.SUMS, FrameType.SAMPLES, FrameType.GOODBYE],
    );
    gauge.record(2);
    gauge.record(3, { later: true });
    counter.add(1);
    histogram.record(1);
    running.succeed();
    new RecordingOperations(made.recorder, { provider: 'y' }).start('read');
    made.meter.createObservableCounter('o').begin({}).observe(1);
    made.recorder.flush(true);
    made.recorder.close();
    await nextTurn();
    assert.equal(made.contents().frames.length, 3);
    assert.deepEqual(made.recorder.account.dropped, { closed: 6 });
    assert.equal(made.recorder.account.recorded, 7);
  });

  test('a batch that another thread has closed takes nothing more, however full it is', (t) => {
    const shared = new SharedArrayBuffer(2 * BATCH_BYTES);
    const batch = new Batch(shared);
    const made = rig(t, { batch });
    const [gauge, counter, histogram] = [
      made.meter.createGauge('g'),
      made.meter.createCounter('c'),
      made.meter.createHistogram('h'),
    ];
    const operations = new RecordingOperations(made.recorder, { provider: 'x' });
    for (let index = 0; index < MAX_SUMS; index++) counter.add(1, { index });
    for (let index = 0; index < 1000; index++) histogram.record(1, { index: index % 150 });
    const running = Array.from({ length: MAX_OPERATIONS + 5 }, () => operations.start('read'));
    made.recorder.flush();
    const { frames } = made.contents();
    for (let index = 0; index < MAX_SAMPLES; index++) gauge.record(index);
    for (let index = 0; index < MAX_SUMS; index++) counter.add(1, { index });
    for (const each of running.slice(5)) each.succeed();
    for (let index = 0; index < 150; index++) histogram.record(1, { index });
    const before = new Uint8Array(shared.slice(0));
    new Batch(shared).close();
    gauge.record(1);
    // Series that have a row in the batch, and series that need one.
    for (const attributes of [{ index: 3 }, { other: 1 }]) {
      counter.add(1, attributes);
      histogram.record(1, attributes);
    }
    made.meter.createObservableCounter('o').begin({}).observe(1);
    for (const each of running.slice(0, 5)) each.succeed();
    made.recorder.flush(true);
    const after = new Uint8Array(shared.slice(0));
    after[0] = before[0];
    assert.deepEqual(after, before);
    assert.equal(made.contents().frames.length, frames.length);
    assert.deepEqual(made.recorder.account.dropped, { closed: 11 });
  });
});

describe('the account', () => {
  test('is cumulative, by reason, and written when it has changed', (t) => {
    const { meter, recorder, contents } = rig(t);
    const counter = meter.createCounter('c');
    counter.add(-1);
    recorder.flush();
    counter.add(-1);
    counter.add(NaN);
    recorder.flush();
    counter.add(1);
    recorder.flush();
    const { frames, dropped } = contents();
    assert.deepEqual(
      frames.map(({ type }) => type),
      [FrameType.ACCOUNT, FrameType.ACCOUNT, FrameType.SUMS],
    );
    assert.deepEqual(dropped, { invalid_value: 3 });
    assert.deepEqual(recorder.account.recorded, 4);
  });

  test('says how much lies in the journal', (t) => {
    const { meter, recorder, places: place } = rig(t);
    assert.equal(recorder.account.outstandingBytes, 0);
    meter.createGauge('g').record(1);
    recorder.flush();
    assert.ok(recorder.account.outstandingBytes > 56);
    assert.deepEqual(readdirSync(place.primary).toSorted(), ['00000001.segment', 'definitions']);
  });
});

/** Records until the journal has no room; how much of it was dropped. */
function fill({ meter, recorder }: Rig): number {
  const gauge = meter.createGauge('filling');
  let before: number | undefined;
  do {
    before = recorder.account.dropped['budget'];
    for (let index = 0; index < 10; index++) gauge.record(index);
    recorder.flush();
  } while (recorder.account.dropped['budget'] === before);
  return recorder.account.dropped['budget'];
}
