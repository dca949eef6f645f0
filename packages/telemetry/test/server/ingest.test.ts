import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { crc32 } from 'node:zlib';
import type { Histogram } from '@opentelemetry/sdk-metrics';
import { encodeFrame, FrameType } from '../../src/journal/frame.ts';
import type { Writer } from './journals.ts';
import { millisOf } from './scripted-exporter.ts';
import { Stage, T0, type StageOptions } from './stage.ts';

/** What becomes of what a writer recorded: everything is exported. */
async function exported(
  t: TestContext,
  record: (writer: Writer) => void,
  options?: StageOptions,
): Promise<Stage & { readonly writer: Writer }> {
  t.mock.timers.enable({ apis: ['Date'], now: T0 + 500 });
  const stage = new Stage(t, options);
  const writer = stage.writer();
  record(writer);
  await (await stage.pipeline()).flush({ tick: true });
  return Object.assign(stage, { writer });
}

suite('ingest', () => {
  test('a raw sample keeps its nanosecond, across seconds and far from its base', async (t) => {
    const nanos = [0, 1, 999_999_999, 1_000_000_000, -1, 3_600_000_000_001];
    const { backend } = await exported(t, (writer) => {
      const gauge = writer.metric('gauge', 'own.gauge');
      writer.samples(T0, ...nanos.map((after, index) => [gauge, index, after] as const));
    });
    const seconds = T0 / 1000;
    const byValue = new Map(backend.points.map(({ value, time }) => [value, time]));
    assert.deepEqual(byValue.get(0), [seconds, 0]);
    assert.deepEqual(byValue.get(1), [seconds, 1]);
    assert.deepEqual(byValue.get(2), [seconds, 999_999_999]);
    assert.deepEqual(byValue.get(3), [seconds + 1, 0]);
    assert.deepEqual(byValue.get(4), [seconds - 1, 999_999_999]);
    assert.deepEqual(byValue.get(5), [seconds + 3600, 1]);
  });

  test('one operation gives six metrics, of which its latency is the unit', async (t) => {
    const stage = await exported(t, (writer) => {
      const attributes = { 'multistorageclient.operation': 'read', 'multistorageclient.status': 'success' };
      const operation = writer.metric('operation', 'multistorageclient.operation', attributes);
      const requests = writer.metric('counter', 'multistorageclient.request.sum', {
        'multistorageclient.operation': 'read',
      });
      writer.sums(T0, [requests, 2, 0]);
      writer.operations(T0, [operation, 2_000_000, 100], [operation, 1_000_000]);
    });
    const { backend } = stage;
    const value = (metric: string): unknown => backend.values(metric);
    assert.deepEqual(value('multistorageclient.latency'), [0.002, 0.001]);
    assert.deepEqual(value('multistorageclient.data_size'), [100]);
    assert.deepEqual(value('multistorageclient.data_rate'), [50_000]);
    assert.deepEqual(value('multistorageclient.request.sum'), [2]);
    assert.deepEqual(value('multistorageclient.response.sum'), [2]);
    assert.deepEqual(value('multistorageclient.data_size.sum'), [100]);
    const { recorded, exported: units, merged } = stage.account();
    assert.deepEqual([recorded, units, merged], [2, 2, 0]);
  });

  test('an operation without a measurable latency has a rate all the same', async (t) => {
    const { backend } = await exported(t, (writer) => {
      writer.operations(T0, [writer.metric('operation', 'multistorageclient.operation'), 0, 7]);
    });
    assert.deepEqual(backend.values('multistorageclient.data_rate'), [7e9]);
  });

  test('rows of series that are not defined are dropped, the others are not', async (t) => {
    const stage = await exported(t, (writer) => {
      const gauge = writer.metric('gauge', 'own.gauge');
      const counter = writer.metric('counter', 'own.sum');
      writer.samples(T0, [gauge, 1], [99, 2], [counter, 3]);
      writer.sums(T0, [counter, 1, 1], [99, 2, 5], [gauge, 3, 7]);
      writer.histogram(T0, 99, [1], [1, 2, 3]);
      writer.operations(T0, [99, 1]);
    });
    assert.deepEqual(stage.backend.values('own.gauge'), [1]);
    assert.deepEqual(stage.backend.values('own.sum'), [1]);
    const { recorded, dropped, journaled } = stage.account();
    assert.deepEqual(dropped, { undefined_series: 2 + 12 + 3 + 1 });
    assert.deepEqual([recorded, journaled], [stage.writer.recorded, 0]);
  });

  test('values that would spoil a total for ever are dropped', async (t) => {
    const stage = await exported(t, (writer) => {
      const counter = writer.metric('counter', 'own.sum');
      const observed = writer.metric('observable_counter', 'own.observed');
      const operation = writer.metric('operation', 'multistorageclient.operation');
      const histogram = writer.metric('histogram', 'own.sizes', {}, { boundaries: [1] });
      writer.sums(
        T0,
        [counter, 1],
        [counter, NaN],
        [counter, Infinity],
        [observed, -Infinity],
        [observed, 4],
      );
      writer.histogram(T0, histogram, [1], [5]);
      writer.histogram(T0, histogram, [1], [Infinity, 2]);
      writer.operations(T0, [operation, 1, Infinity]);
    });
    assert.deepEqual(stage.backend.values('own.sum'), [1]);
    assert.deepEqual(stage.backend.values('own.observed'), [4]);
    assert.deepEqual(
      (stage.backend.values('own.sizes') as Histogram[]).map(({ sum }) => sum),
      [5],
    );
    assert.deepEqual(stage.backend.values('multistorageclient.data_size.sum'), []);
    assert.deepEqual(stage.account().dropped, { invalid_value: 5 });
  });

  test('frames of unknown types and versions, and such as contradict themselves, are dropped by their units', async (t) => {
    const stage = await exported(t, (writer) => {
      const gauge = writer.metric('gauge', 'own.gauge');
      const counter = writer.metric('counter', 'own.sum');
      writer.frame(77, new Uint8Array(16), 1, 11);
      const future = encodeFrame(
        { type: FrameType.SAMPLES, sequence: writer.sequence++, rows: 0, units: 100 },
        new Uint8Array(16),
      );
      writer.append(withVersion(future, 9));
      writer.recorded += 100;
      // Columns that are too short for the rows; units that are not those of the rows.
      writer.frame(4, new Uint8Array(24), 2, 2);
      writer.frame(4, new Uint8Array(16 + 24), 1, 1000);
      writer.frame(5, new Uint8Array(16 + 16), 1, 2000);
      writer.frame(6, new Uint8Array(16), 3, 3000);
      writer.frame(7, new Uint8Array(0), 0, 4000);
      writer.samples(T0, [gauge, 1]);
      writer.sums(T0, [counter, 1]);
    });
    assert.deepEqual(stage.backend.values('own.gauge'), [1]);
    assert.deepEqual(stage.backend.values('own.sum'), [1]);
    const { recorded, dropped } = stage.account();
    assert.deepEqual(dropped, { unknown_frame: 11 + 100 + 2 + 10_000 });
    assert.equal(recorded, stage.writer.recorded);
  });

  test('what was seen before is not taken in twice', async (t) => {
    const stage = await exported(t, (writer) => {
      const gauge = writer.metric('gauge', 'own.gauge');
      writer.samples(T0, [gauge, 1]);
      writer.samples(T0, [gauge, 2]);
      writer.sequence -= 2;
      writer.samples(T0, [gauge, 1]);
      writer.samples(T0, [gauge, 2]);
      writer.samples(T0, [gauge, 3]);
    });
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2, 3]);
    assert.equal(stage.account().recorded, 3);
  });

  test('the last account of a writer counts, not the sum of all', async (t) => {
    const stage = await exported(t, (writer) => {
      writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
      writer.account({ budget: 5 });
      writer.account({ budget: 7, closed: 1 });
    });
    const { recorded, dropped } = stage.account();
    assert.deepEqual(dropped, { budget: 7, closed: 1 });
    assert.equal(recorded, 9);
  });

  test('a counter and an observable counter of one name do not disturb each other', async (t) => {
    const stage = await exported(t, (writer) => {
      writer.sums(T0, [writer.metric('counter', 'own.sum'), 3]);
      writer.sums(T0, [writer.metric('observable_counter', 'own.sum'), 40]);
      writer.sums(T0, [writer.metric('counter', 'own.sum'), 4]);
    });
    assert.deepEqual(new Set(stage.backend.values('own.sum')), new Set([7, 40]));
    assert.equal(stage.log.length, 0);
  });

  test('windows follow the time of the samples, and totals start with their writer', async (t) => {
    const { backend } = await exported(
      t,
      (writer) => {
        const counter = writer.metric('counter', 'own.sum');
        for (const at of [0, 40, 130, 250, 499]) writer.sums(T0 + at, [counter, 1]);
      },
      { collectIntervalMillis: 100 },
    );
    assert.deepEqual(backend.values('own.sum'), [2, 3, 4, 5]);
    assert.deepEqual(backend.millis('own.sum'), [T0 + 100, T0 + 200, T0 + 300, T0 + 500]);
    assert.ok(backend.points.every(({ start }) => millisOf(start) === T0));
  });
});

function withVersion(frame: Uint8Array, version: number): Uint8Array {
  const bytes = Buffer.from(frame);
  bytes[8] = version;
  bytes.writeUInt32LE(crc32(bytes.subarray(8)), 4);
  return bytes;
}
