import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { FrameType } from '../../src/journal/frame.ts';
import type { JournalPlaces } from '../../src/journal/places.ts';
import { JournalReader } from '../../src/journal/reader.ts';
import { claimBatch, Slots } from '../../src/record/slots.ts';
import { inMemory, leaveFree, needsMount, places } from '../journal/stage.ts';
import { contentsOf, totals } from './stage.ts';
import type { Said, ThreadJob } from './thread.ts';

const COUNT = 100;
const values = (count: number): number[] => Array.from({ length: count }, (_, index) => index);

async function start(
  t: TestContext,
  place: JournalPlaces,
  end: ThreadJob['end'],
  count = COUNT,
): Promise<{
  worker: Worker;
  said: Said;
  exit: Promise<unknown>;
}> {
  const workerData: ThreadJob = { places: place, end, count };
  const worker = new Worker(path.join(import.meta.dirname, 'thread.js'), { workerData });
  t.after(() => worker.terminate());
  // From the beginning: what a thread says last may be delivered together with its end.
  const exit = new Promise((resolve) => void worker.once('exit', resolve));
  const [said] = (await once(worker, 'message')) as [Said];
  return { worker, said, exit };
}

/** Slots of this test: threads that it starts from now on have theirs in them. */
function watch(): Slots {
  return new Slots();
}

function hasRescue(place: JournalPlaces): boolean {
  return new JournalReader(place).hasRescue();
}

function assertRecorded(place: JournalPlaces, count: number): void {
  const contents = contentsOf(place);
  assert.deepEqual(
    contents.samples.map(({ value }) => value),
    values(count),
  );
  assert.deepEqual(totals(contents), { c: { value: count, calls: count } });
  assert.equal(
    contents.histograms.reduce((sum, row) => sum + row.count, 0),
    count,
  );
}

describe('a thread that is terminated', () => {
  test('in the middle of its turn leaves all of it to the one that sees it end', async (t) => {
    watch();
    const place = places(t);
    const { worker } = await start(t, place, 'spin');
    assert.ok(!hasRescue(place));
    await worker.terminate();
    assertRecorded(place, COUNT);
  });

  test('right behind its write leaves nothing twice: the numbers tell', async (t) => {
    watch();
    const place = places(t);
    const { worker } = await start(t, place, 'write');
    await worker.terminate();
    assertRecorded(place, COUNT);
    // The rescue file repeats what the segment has, byte for byte.
    const rescued = readFileSync(path.join(place.primary, 'rescue'));
    const written = readFileSync(path.join(place.primary, '00000001.segment'));
    assert.ok(rescued.length > 0);
    assert.deepEqual(rescued, written.subarray(56));
  });

  test('in its second turn leaves the second: numbers go on behind those of the first', async (t) => {
    watch();
    const place = places(t);
    const { worker } = await start(t, place, 'again');
    await worker.terminate();
    const { frames } = contentsOf(place);
    assert.deepEqual(
      frames.map(({ type, sequence }) => [type, sequence]),
      [
        FrameType.SUMS,
        FrameType.HISTOGRAMS,
        FrameType.SAMPLES,
        FrameType.SUMS,
        FrameType.HISTOGRAMS,
        FrameType.SAMPLES,
      ].map((type, index) => [type, index + 1]),
    );
    assertRecorded(place, 2 * COUNT);
  });

  test('in a directory without room leaves it in the spill directory', needsMount, async (t) => {
    watch();
    const { place, memory } = inMemory(t);
    const { worker } = await start(t, place, 'spin');
    leaveFree(memory, 0);
    await worker.terminate();
    assert.ok(!hasRescue({ ...place, spill: undefined }));
    assertRecorded(place, COUNT);
  });

  test('together with the thread that started it is seen all the same', async (t) => {
    watch();
    const place = places(t);
    const { worker } = await start(t, place, 'parent');
    await worker.terminate();
    assertRecorded(place, COUNT);
  });
});

test('a thread that ends by itself leaves an empty file, which says that it is gone', async (t) => {
  watch();
  const place = places(t);
  const { exit } = await start(t, place, 'flushed');
  await exit;
  assert.deepEqual(readFileSync(path.join(place.primary, 'rescue')).length, 0);
  assertRecorded(place, COUNT);
});

test('a thread whose journal has been deleted since leaves nothing', async (t) => {
  watch();
  const place = places(t);
  const { worker } = await start(t, place, 'wait');
  rmSync(place.primary, { recursive: true });
  await worker.terminate();
  assert.ok(!existsSync(place.primary) && !existsSync(place.spill as string));
});

test('close takes from a running thread what it has, and refuses the rest', async (t) => {
  const slots = watch();
  const place = places(t);
  const { worker } = await start(t, place, 'wait');
  slots.close();
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- this is no window
  worker.postMessage('go on');
  const [said] = (await once(worker, 'message')) as [Said];
  assert.deepEqual(said.dropped, { closed: 3 * COUNT });
  assertRecorded(place, COUNT);
});

describe('slots', () => {
  test('are as many as can be rescued at a time: further batches are private', async (t) => {
    watch();
    const place = places(t);
    const { said, exit } = await start(t, place, 'claim', 70);
    assert.equal(said.shared, 64);
    await exit;
    // They are free again for the next thread.
    assert.equal((await start(t, place, 'claim', 10)).said.shared, 10);
  });

  test('are for worker threads: the main thread writes its own last words', () => {
    assert.ok(!claimBatch('/anywhere').isShared);
  });
});
