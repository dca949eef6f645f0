import assert from 'node:assert/strict';
import { appendFileSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import type { Frame } from '../../src/journal/frame.ts';
import { Collection, type PlannedJournal } from '../../src/server/collection.ts';
import type { PlannedRange } from '../../src/server/plan.ts';
import type { TailedJournal } from '../../src/server/tailed-journal.ts';
import { deadProcess, type Writer } from './journals.ts';
import { Stage, T0 } from './stage.ts';

const MIB = 1024 * 1024;

function collectionOf(stage: Stage, ...writers: readonly Writer[]): Collection {
  const collection = new Collection(undefined);
  for (const { id } of writers) collection.add(stage.open(id) as TailedJournal);
  return collection;
}

const framesOf = ({ chunks }: PlannedJournal): Frame[] => [...chunks].flatMap(({ frames }) => frames);

const bytesOf = ({ chunks }: PlannedJournal): number =>
  [...chunks].reduce(
    (sum, { from, to }) => sum + to.offset - (from.segment === to.segment ? from.offset : 0),
    0,
  );

const sequencesOf = ({ chunks }: PlannedJournal): number[] =>
  [...chunks].flatMap(({ frames }) =>
    frames.map(({ sequence }) => sequence).filter((sequence) => sequence > 0),
  );

/** About `mib` mebibytes of samples, in frames of 64 KiB. */
function fill(writer: Writer, mib: number): void {
  const rows = Array.from({ length: 3274 }, (_, row) => [1, row] as const);
  for (let bytes = 0; bytes < mib * MIB; bytes += 65_536) writer.samples(T0, ...rows);
}

const idsOf = (planned: readonly PlannedJournal[]): string[] => planned.map(({ range }) => range.journal);

suite('a collection', () => {
  test('reads everything there is, and nothing twice', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer();
    const collection = collectionOf(stage, writer);
    assert.deepEqual(collection.collect(), []);
    writer.samples(T0, [1, 1]);
    writer.samples(T0, [1, 2]);
    const [first] = collection.collect();
    assert.deepEqual(sequencesOf(first), [1, 2]);
    assert.equal(first.range.ends, false);
    assert.deepEqual(collection.collect(), []);
    writer.samples(T0, [1, 3]);
    const [second] = collection.collect();
    assert.deepEqual(second.range.from, first.range.to);
    assert.deepEqual(sequencesOf(second), [3]);
  });

  test('reads at most about 8 MiB in a cycle, and says that it is behind', (t) => {
    const stage = new Stage(t);
    const writers = [stage.writer(), stage.writer(), stage.writer()];
    for (const writer of writers) fill(writer, 6);
    const collection = collectionOf(stage, ...writers);
    const sizes: number[] = [];
    do {
      const planned = collection.collect();
      sizes.push(planned.reduce((sum, journal) => sum + bytesOf(journal), 0) / MIB);
      assert.ok(sizes.length < 10);
    } while (collection.isBehind);
    assert.ok(
      sizes.every((size) => size < 9.1),
      sizes.join(' '),
    );
    assert.ok(
      sizes.slice(0, -1).every((size) => size >= 8),
      sizes.join(' '),
    );
    const total = sizes.reduce((sum, size) => sum + size, 0);
    assert.ok(Math.abs(total - 18) < 0.2, String(total));
    assert.equal(collection.pendingBytes, 0);
  });

  test('gives every journal its turn: a large one does not hold up the others', (t) => {
    const stage = new Stage(t);
    const large = stage.writer();
    fill(large, 20);
    const small = Array.from({ length: 5 }, () => stage.writer());
    for (const writer of small) writer.samples(T0, [1, 1]);
    const collection = collectionOf(stage, large, ...small);
    const first = collection.collect();
    assert.deepEqual(idsOf(first).toSorted(), [large, ...small].map(({ id }) => id).toSorted());
  });

  test('lets another one be first in each cycle, so that none waits for ever', (t) => {
    const stage = new Stage(t);
    const writers = Array.from({ length: 12 }, () => stage.writer());
    for (const writer of writers) fill(writer, 2);
    const collection = collectionOf(stage, ...writers);
    const served = new Set<string>();
    for (let cycle = 0; cycle < 5; cycle++) for (const id of idsOf(collection.collect())) served.add(id);
    assert.equal(served.size, writers.length);
  });

  test('a goodbye ends its journal in the same cycle', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer();
    writer.samples(T0, [1, 1]);
    writer.goodbye();
    const [planned] = collectionOf(stage, writer).collect();
    assert.equal(planned.range.ends, true);
    assert.deepEqual(sequencesOf(planned), [1, 2]);
  });

  test('a torn tail is waited for while its writer lives, and cut when it is dead', (t) => {
    const stage = new Stage(t);
    for (const process of [undefined, deadProcess()]) {
      const writer = stage.writer(process === undefined ? {} : { process });
      writer.samples(T0, [1, 1]);
      writer.samples(T0, [1, 2]);
      writer.close();
      const segment = path.join(writer.directory, '00000001.segment');
      const whole = readFileSync(segment);
      writeFileSync(segment, whole.subarray(0, -10));
      const collection = collectionOf(stage, writer);
      for (const journal of collection.journals) journal.checkWriter();
      const [planned] = collection.collect();
      assert.deepEqual(sequencesOf(planned), [1]);
      assert.equal(planned.range.ends, process !== undefined);
      const corrupt = [...planned.chunks].reduce((sum, { corruptBytes }) => sum + corruptBytes, 0);
      if (process === undefined) {
        assert.equal(corrupt, 0);
        appendFileSync(segment, whole.subarray(-10));
        assert.deepEqual(collection.collect().flatMap(sequencesOf), [2]);
      } else {
        assert.ok(corrupt > 0);
      }
    }
  });

  test('a dead writer’s journal that has nothing ends all the same', (t) => {
    const stage = new Stage(t);
    const collection = collectionOf(stage, stage.writer({ process: deadProcess() }));
    assert.deepEqual(collection.collect(), [], 'until somebody has looked');
    for (const journal of collection.journals) journal.checkWriter();
    const [planned] = collection.collect();
    assert.deepEqual([planned.range.ends, sequencesOf(planned)], [true, []]);
    assert.equal(collection.allEnd([planned.range]), true);
  });

  test('what was rescued comes behind all segments, with the frames that it repeats', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer({ budget: { segmentMaxBytes: 65_536 } });
    for (let frame = 0; frame < 5; frame++)
      writer.samples(T0, ...Array.from({ length: 1500 }, () => [1, 1] as const));
    writer.rescue(2);
    const collection = collectionOf(stage, writer);
    for (const journal of collection.journals) journal.checkWriter();
    const [planned] = collection.collect();
    assert.equal(planned.range.ends, true);
    assert.deepEqual(sequencesOf(planned), [1, 2, 3, 4, 5, 4, 5]);
    const again = collection.readAgain(planned.range);
    assert.deepEqual(sequencesOf(again), sequencesOf(planned));
  });

  test('a range that is read again gives the same frames, whatever has come since', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer({ budget: { segmentMaxBytes: 65_536 } });
    const rows = Array.from({ length: 1000 }, () => [1, 1] as const);
    const collection = collectionOf(stage, writer);
    const planned: { readonly range: PlannedRange; readonly frames: readonly Frame[] }[] = [];
    for (let cycle = 0; cycle < 6; cycle++) {
      for (let frame = 0; frame <= cycle; frame++) writer.samples(T0, ...rows);
      // The next cycle reads into the same memory.
      const cycles = collection.collect().map((one) => ({ range: one.range, frames: framesOf(one) }));
      planned.push(...structuredClone(cycles));
    }
    const restarted = collectionOf(stage, writer);
    for (const { range, frames } of planned) {
      assert.deepEqual(framesOf(restarted.readAgain(range)), frames);
    }
    assert.deepEqual(restarted.collect(), [], 'it goes on behind the last range');
  });

  test('a journal of a plan that somebody removed gives nothing', (t) => {
    const stage = new Stage(t);
    const writer = stage.writer();
    writer.samples(T0, [1, 1]);
    const [{ range }] = collectionOf(stage, writer).collect();
    rmSync(writer.directory, { recursive: true });
    assert.deepEqual(new Collection(undefined).readAgain(range), { range, journal: undefined, chunks: [] });
  });

  test('corrupt bytes cost what they hit and nothing else, and are counted', async (t) => {
    const stage = new Stage(t);
    const writer = stage.writer({ process: deadProcess() });
    const gauge = writer.metric('gauge', 'own.gauge');
    for (let value = 1; value <= 10; value++) writer.samples(T0, [gauge, value]);
    writer.close();
    const segment = path.join(writer.directory, '00000001.segment');
    const bytes = readFileSync(segment);
    const frameBytes = (bytes.length - 56) / 10;
    bytes[56 + 3 * frameBytes + 40] ^= 1;
    writeFileSync(segment, bytes);
    const pipeline = await stage.pipeline();
    const [journal] = pipeline.journals;
    await pipeline.flush({ tick: true });
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2, 3, 5, 6, 7, 8, 9, 10]);
    assert.equal(journal.account.corruptBytes, frameBytes);
    assert.equal(stage.account().recorded, 9, 'what cannot be read is not known to have been recorded');
    assert.deepEqual(readdirSync(path.join(stage.directory, 'journals')), []);
  });
});

suite('processes that end', () => {
  test('are those of which no journal goes on', (t) => {
    const stage = new Stage(t);
    const writers = [
      stage.writer({ threadId: 0, resource: { process: 1 } }),
      stage.writer({ threadId: 1, resource: { process: 1 } }),
      stage.writer({ threadId: 0, resource: { process: 2 } }),
    ];
    const collection = collectionOf(stage, ...writers);
    const keys = [...collection.journals].map(({ resourceKey }) => resourceKey);
    assert.equal(keys[0], keys[1]);
    writers[0].goodbye();
    writers[2].goodbye();
    const ranges = collection.collect().map(({ range }) => range);
    assert.deepEqual(collection.endingResources(ranges), [keys[2]]);
    assert.equal(collection.allEnd(ranges), false);
    assert.deepEqual(collection.endingResources([]), []);
  });
});
