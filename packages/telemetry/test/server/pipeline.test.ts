import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, rmdirSync, rmSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
// oxlint-disable-next-line import/no-unassigned-import -- it replaces what the next ones capture
import './instant-timers.ts';
import type { TailedJournal } from '../../src/server/tailed-journal.ts';
import { deadProcess } from './journals.ts';
import { millisOf } from './scripted-exporter.ts';
import { Stage, T0, type StageOptions, type MetricsPipeline } from './stage.ts';

/** A stage whose clock stands at T0. */
function stageAt(t: TestContext, options?: StageOptions): { stage: Stage; at: (millis: number) => void } {
  t.mock.timers.enable({ apis: ['Date'], now: T0 });
  return { stage: new Stage(t, options), at: (millis) => t.mock.timers.setTime(T0 + millis) };
}

/** One poll, and the cycle that it starts. `tick` where the export interval has passed. */
async function poll(pipeline: MetricsPipeline, { tick = true } = {}): Promise<void> {
  pipeline.poll(tick ? Infinity : 0);
  while (pipeline.isBusy) await new Promise(setImmediate);
}

const die = (pipeline: MetricsPipeline): void => {
  for (const journal of pipeline.journals) journal.checkWriter();
};

suite('the end of writers', () => {
  test('nothing waits in a window when the last one is gone', async (t) => {
    const { stage, at } = stageAt(t);
    const writer = stage.writer({ process: deadProcess() });
    const sum = writer.metric('counter', 'multistorageclient.request.sum');
    writer.sums(T0 + 100, [sum, 5]);
    const pipeline = await stage.pipeline();
    at(150);
    die(pipeline);
    await poll(pipeline);
    assert.equal(pipeline.isDrained, true);
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), [5]);
  });

  test('a last value is not forgotten with it', async (t) => {
    const { stage, at } = stageAt(t, { resampling: { type: 'last_value' } });
    const writer = stage.writer({ process: deadProcess() });
    const latency = writer.metric('gauge', 'multistorageclient.latency');
    writer.samples(T0 + 100, [latency, 1], [latency, 2, 1]);
    const pipeline = await stage.pipeline();
    at(150);
    die(pipeline);
    await poll(pipeline);
    assert.equal(pipeline.isDrained, true);
    assert.deepEqual(stage.backend.values('multistorageclient.latency'), [2]);
    assert.deepEqual(stage.account(), {
      recorded: 2,
      exported: 1,
      merged: 1,
      journaled: 0,
      dropped: {},
      duplicated: 0,
      overflowed: 0,
    });
  });

  test('windows stay open while another one goes on', async (t) => {
    const { stage, at } = stageAt(t);
    const gone = stage.writer({ process: deadProcess() });
    const goesOn = stage.writer();
    for (const writer of [gone, goesOn]) {
      writer.sums(T0 + 100, [writer.metric('counter', 'multistorageclient.request.sum'), 5]);
      writer.sums(T0 + 100, [writer.metric('counter', 'own.sum'), 7]);
    }
    const pipeline = await stage.pipeline();
    at(150);
    die(pipeline);
    await poll(pipeline);
    assert.equal(pipeline.isDrained, false);
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), []);
    assert.deepEqual(stage.backend.values('own.sum'), [7], 'that of the process which is gone');
    at(1200);
    await poll(pipeline);
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), [10]);
    assert.deepEqual(stage.backend.values('own.sum'), [7, 7]);
    at(5000);
    await poll(pipeline);
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), [10, 10]);
    assert.deepEqual(stage.backend.values('own.sum'), [7, 7, 7], 'only the one that lives is sent again');
  });

  test('a goodbye that a full cycle ended with is remembered over a restart', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer({ budget: { segmentMaxBytes: 32 * 1024 * 1024 } });
    const gauge = writer.metric('gauge', 'own.gauge');
    const rows = Array.from({ length: 60_000 }, (_, row) => [gauge, row] as const);
    // Seven of these are just over 8 MiB.
    for (let frame = 0; frame < 7; frame++) writer.samples(T0, ...rows);
    writer.goodbye();
    const first = await stage.pipeline();
    await poll(first);
    assert.equal(first.isDrained, false);
    await first.stop();
    const second = await stage.pipeline();
    await second.flush({ tick: true });
    assert.equal(second.isDrained, true);
    assert.deepEqual(readdirSync(path.join(stage.directory, 'journals')), []);
  });
});

suite('deletion', () => {
  test('segments behind the position go, also those of a journal that had none at first', async (t) => {
    const { stage } = stageAt(t);
    const early = stage.writer({ budget: { segmentMaxBytes: 65_536 } });
    const late = stage.writer({ budget: { segmentMaxBytes: 65_536 } });
    const pipeline = await stage.pipeline();
    const row = Array.from({ length: 2000 }, () => [1, 1] as const);
    early.samples(T0, ...row);
    await pipeline.flush({ tick: true });
    for (let frame = 0; frame < 10; frame++) late.samples(T0, ...row);
    await pipeline.flush({ tick: true });
    const left = readdirSync(late.directory).filter((name) => name.endsWith('.segment'));
    assert.equal(left.length, 1);
  });

  test('a journal that cannot be deleted is not read again', async (t) => {
    const { stage, at } = stageAt(t);
    const writer = stage.writer({ process: deadProcess() });
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    const pipeline = await stage.pipeline();
    die(pipeline);
    // Somebody puts a file into it while it is being deleted: here a directory, which is not unlinked.
    const hindrance = path.join(writer.directory, 'hindrance');
    mkdirSync(hindrance);
    await poll(pipeline);
    assert.notEqual(pipeline.state, 'failed');
    at(5000);
    const other = stage.writer();
    pipeline.addJournal(stage.open(other.id) as TailedJournal);
    other.samples(T0 + 4000, [other.metric('gauge', 'own.gauge'), 2]);
    await poll(pipeline);
    await pipeline.stop();
    rmdirSync(hindrance);
    const again = await stage.pipeline();
    await again.flush({ tick: true });
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2]);
    assert.equal(existsSync(writer.directory), false);
  });
});

suite('a configuration whose exporter cannot be loaded', () => {
  test('drops all that is recorded for it, and says so once', async (t) => {
    const { stage } = stageAt(t, {
      exporter: { type: 'nothing#Nothing', module: 'file:///nothing/is/here.js', options: {} },
    });
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    writer.sums(T0, [writer.metric('counter', 'own.sum'), 1, 5]);
    writer.histogram(T0, writer.metric('histogram', 'own.sizes', {}, { boundaries: [1] }), [1], [1, 2]);
    writer.account({ budget: 3 });
    const pipeline = await stage.pipeline();
    assert.equal(pipeline.state, 'failed');
    assert.equal(await pipeline.flush({ tick: true }), true);
    const { recorded, dropped, merged, journaled } = stage.account();
    assert.deepEqual([recorded, merged, journaled], [11, 0, 0]);
    assert.deepEqual(dropped, { exporter: 8, budget: 3 });
    assert.equal(stage.log.length, 1);
    assert.match(stage.log[0], /nothing#Nothing.*cannot be loaded.*"exporter"/);
    writer.goodbye();
    await pipeline.flush({ tick: true });
    assert.equal(pipeline.isDrained, true);
  });
});

suite('flush', () => {
  test('closes every window, again and again, without a point at a time that was', async (t) => {
    const { stage, at } = stageAt(t, { collectIntervalMillis: 60_000 });
    const writer = stage.writer();
    const sum = writer.metric('counter', 'own.sum');
    const pipeline = await stage.pipeline();
    at(500);
    for (let value = 1; value <= 5; value++) {
      writer.sums(T0 + 100, [sum, 1]);
      await pipeline.flush({ tick: true });
    }
    assert.deepEqual(stage.backend.values('own.sum'), [1, 2, 3, 4, 5]);
    const millis = stage.backend.millis('own.sum');
    assert.ok(
      millis.every((time, index) => index === 0 || time > millis[index - 1]),
      millis.join(' '),
    );
  });

  test('is shared by all who ask while another one is under way', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    const sum = writer.metric('counter', 'own.sum');
    writer.samples(T0, [gauge, 1]);
    writer.sums(T0, [sum, 1]);
    const pipeline = await stage.pipeline();
    const { promise: arrived, resolve: arrive } = Promise.withResolvers<void>();
    stage.backend.answer = () => {
      arrive();
      return 'lose';
    };
    const first = pipeline.flush({ tick: true });
    await arrived;
    writer.samples(T0, [gauge, 2]);
    const waiting = Array.from({ length: 20 }, () => pipeline.flush({ tick: true }));
    stage.backend.answer = () => 'accept';
    await Promise.all([first, ...waiting]);
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 1, 2]);
    assert.equal(stage.backend.requests.length, 3);
  });

  test('cycles never overlap, whoever asks for them', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    const sum = writer.metric('counter', 'own.sum');
    // Bytes that mean nothing make cycles full: three of them here.
    for (let value = 1; value <= 20; value++) {
      writer.frame(77, new Uint8Array(1024 * 1024), 0, 0);
      writer.samples(T0, [gauge, value]);
      writer.sums(T0, [sum, 1]);
    }
    const pipeline = await stage.pipeline();
    const flushes: Promise<boolean>[] = [];
    let lost = 0;
    stage.backend.answer = () => {
      flushes.push(pipeline.flush({ tick: true }));
      pipeline.poll(Infinity);
      return ++lost % 2 === 1 && lost < 10 ? 'lose' : 'accept';
    };
    assert.equal(await pipeline.flush({ tick: true }), true);
    stage.backend.answer = () => 'accept';
    assert.ok((await Promise.all(flushes)).every(Boolean));
    assert.deepEqual(
      stage.log.filter((line) => line.includes('failed')),
      [],
    );
    const accepted = stage.backend.requests.filter(({ answer }) => answer === 'accept');
    const values = accepted.flatMap(({ points }) => points).filter(({ metric }) => metric === 'own.gauge');
    assert.deepEqual(
      values.map(({ value }) => value),
      Array.from({ length: 20 }, (_, at) => at + 1),
    );
    const millis = stage.backend.requests.flatMap(({ points, answer }) =>
      points
        .filter(({ metric }) => metric === 'own.sum' && answer === 'accept')
        .map(({ time }) => millisOf(time)),
    );
    assert.ok(millis.every((time, at) => at === 0 || time > millis[at - 1]));
    assert.equal(stage.account().exported, 20);
  });

  test('ends, however much is recorded meanwhile', async (t) => {
    const { stage } = stageAt(t);
    const writers = [stage.writer(), stage.writer()];
    const series = writers.map((writer) => writer.metric('gauge', 'own.gauge'));
    let value = 0;
    const recordMuch = (): void => {
      for (const [index, writer] of writers.entries()) {
        writer.samples(T0, [series[index], ++value]);
        for (let mebibyte = 0; mebibyte < 5; mebibyte++) writer.frame(77, new Uint8Array(1024 * 1024), 0, 0);
      }
    };
    recordMuch();
    const pipeline = await stage.pipeline();
    stage.backend.answer = (request) => {
      if (request < 50) recordMuch();
      return 'accept';
    };
    assert.equal(await pipeline.flush({ tick: true }), true);
    assert.ok(stage.backend.requests.length < 10, `${stage.backend.requests.length} requests`);
    assert.deepEqual(new Set([1, 2]), new Set(stage.backend.values('own.gauge').slice(0, 2)));
  });

  test('says that it did not get through, where it was stopped', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    const pipeline = await stage.pipeline();
    stage.backend.answer = () => {
      void pipeline.stop();
      return 'refuse';
    };
    assert.equal(await pipeline.flush({ tick: true }), false);
    assert.equal(await pipeline.flush({ tick: true }), false);
    assert.equal(stage.backend.requests.length, 1);
  });
});

suite('a pipeline that cannot go on', () => {
  test('breaks off without losing anything, and another one goes on', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    writer.samples(T0, [gauge, 1]);
    const pipeline = await stage.pipeline();
    // Where the checkpoint is to be written lies a directory.
    const hindrance = path.join(stage.place, `checkpoint.${process.pid}.tmp`);
    mkdirSync(hindrance);
    assert.equal(await pipeline.flush({ tick: true }), false);
    assert.equal(pipeline.isBroken, true);
    assert.equal(pipeline.state, 'away', 'nothing is dropped');
    writer.samples(T0, [gauge, 2]);
    assert.equal(stage.account().journaled, 2);
    rmdirSync(hindrance);
    const next = await stage.pipeline();
    assert.equal(await next.flush({ tick: true }), true);
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2], 'what was accepted is not sent again');
    const { exported, duplicated } = stage.account();
    assert.deepEqual([exported, duplicated], [2, 0]);
  });

  test('sends nothing before its plan is on disk', async (t) => {
    const { stage } = stageAt(t);
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    const pipeline = await stage.pipeline();
    mkdirSync(path.join(stage.place, `plan.${process.pid}.tmp`));
    assert.equal(await pipeline.flush({ tick: true }), false);
    assert.equal(stage.backend.requests.length, 0);
  });

  test('carries out a plan without a journal that somebody removed', async (t) => {
    const { stage } = stageAt(t);
    const writers = [stage.writer(), stage.writer()];
    for (const [index, writer] of writers.entries()) {
      writer.samples(T0, [writer.metric('gauge', 'multistorageclient.latency'), index]);
    }
    const killed = await stage.pipeline();
    stage.backend.answer = () => {
      void killed.stop();
      return 'accept';
    };
    mkdirSync(path.join(stage.place, `checkpoint.${process.pid}.tmp`));
    await killed.flush({ tick: true });
    rmdirSync(path.join(stage.place, `checkpoint.${process.pid}.tmp`));
    rmSync(writers[0].directory, { recursive: true });
    stage.backend.answer = () => 'accept';
    const next = await stage.pipeline();
    assert.equal(await next.flush({ tick: true }), true);
    assert.deepEqual(stage.backend.values('multistorageclient.latency').slice(2), [1]);
  });
});

suite('cycles', () => {
  test('run at the export interval, or when much is waiting', async (t) => {
    const { stage } = stageAt(t, { exportIntervalMillis: 1000 });
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    const pipeline = await stage.pipeline();
    pipeline.poll(T0);
    while (pipeline.isBusy) await new Promise(setImmediate);
    writer.samples(T0, [gauge, 1]);
    pipeline.poll(T0 + 999);
    assert.equal(pipeline.isBusy, false);
    const rows = Array.from({ length: 30_000 }, (_, row) => [gauge, row] as const);
    writer.samples(T0, ...rows);
    pipeline.poll(T0 + 999);
    assert.equal(pipeline.isBusy, true);
    while (pipeline.isBusy) await new Promise(setImmediate);
    writer.samples(T0, [gauge, 2]);
    pipeline.poll(T0 + 1000);
    assert.equal(pipeline.isBusy, true);
    while (pipeline.isBusy) await new Promise(setImmediate);
    assert.equal(stage.account().exported, 30_002);
  });
});
