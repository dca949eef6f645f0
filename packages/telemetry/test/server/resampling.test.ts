/** What becomes of raw samples, by the resampling of their instrument: from the journal to the request. */
import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import {
  AggregationTemporality,
  type ExponentialHistogram,
  type Histogram,
} from '@opentelemetry/sdk-metrics';
import type { ResamplingConfig } from '../../src/config/signals.ts';
import type { Writer } from './journals.ts';
import { Stage, T0, type StageOptions } from './stage.ts';

const LATENCY = 'multistorageclient.latency';
const SIZE = 'multistorageclient.data_size';
const RATE = 'multistorageclient.data_rate';
const EXPONENTIAL = { type: 'exponential_histogram', maxBuckets: 160, maxScale: 20 } as const;

function stageOf(t: TestContext, resampling: ResamplingConfig, options: StageOptions = {}): Stage {
  t.mock.timers.enable({ apis: ['Date'], now: T0 + 500 });
  return new Stage(t, { resampling, ...options });
}

async function flushed(stage: Stage): Promise<Stage> {
  const pipeline = await stage.pipeline();
  await pipeline.flush({ tick: true });
  await pipeline.stop();
  return stage;
}

/** Operations whose latency in nanoseconds is their number, with ten times as many bytes. */
function operations(writer: Writer, count: number): void {
  const operation = writer.metric('operation', 'multistorageclient.operation', { status: 'success' });
  for (let first = 1; first <= count; first += 10) {
    const numbers = Array.from({ length: Math.min(10, count + 1 - first) }, (_, at) => first + at);
    writer.operations(T0, ...numbers.map((number) => [operation, number * 1e6, number * 10] as const));
  }
}

/** One sample of the tree's latency for each set, which is its value. */
function recordSets(writer: Writer, sets: readonly number[]): void {
  const gauge = writer.instrument('gauge', LATENCY);
  writer.samples(T0, ...sets.map((set) => [writer.series(gauge, { set }), set] as const));
}

suite('decimation', () => {
  test('keeps latency, size and rate of the same operations, over restarts; the sums count all', async (t) => {
    const stage = stageOf(t, { type: 'decimation', factor: 4 });
    const writer = stage.writer();
    for (const count of [3, 10, 1, 7]) {
      operations(writer, count);
      await flushed(stage);
    }
    const { backend } = stage;
    const latencies = backend.values(LATENCY).map((seconds) => Math.round((seconds as number) * 1e3));
    const sizes = backend.values(SIZE).map((bytes) => (bytes as number) / 10);
    assert.deepEqual(latencies, sizes);
    assert.ok(backend.values(RATE).every((rate) => Math.round(rate as number) === 1e4));
    // Of 21 in their order: 1 2 3, 1 … 10, 1, 1 … 7.
    assert.deepEqual(latencies, [1, 2, 6, 10, 3, 7]);
    assert.equal(backend.values(RATE).length, 6);
    assert.equal(backend.values('multistorageclient.response.sum').at(-1), 21);
    const { recorded, exported, merged } = stage.account();
    assert.deepEqual([recorded, exported, merged], [21, 6, 15]);
  });

  test('with a factor for each instrument still begins with the same operation', async (t) => {
    const stage = stageOf(t, {
      type: 'none',
      instruments: [
        { name: LATENCY, type: 'decimation', factor: 2 },
        { name: '*.data_s?ze', type: 'decimation', factor: 6 },
      ],
    });
    operations(stage.writer(), 12);
    const { backend } = await flushed(stage);
    assert.deepEqual(
      backend.values(LATENCY).map((seconds) => Math.round((seconds as number) * 1e3)),
      [1, 3, 5, 7, 9, 11],
    );
    assert.deepEqual(backend.values(SIZE), [10, 70]);
    assert.equal(backend.values(RATE).length, 12);
    // The latency is the unit.
    const { exported, merged } = stage.account();
    assert.deepEqual([exported, merged], [6, 6]);
  });

  test('is for each series by itself, and passes NaN and infinities like raw samples', async (t) => {
    const stage = stageOf(t, { type: 'decimation', factor: 2 });
    const writer = stage.writer();
    const gauge = writer.instrument('gauge', 'own.gauge');
    const [a, b] = [writer.series(gauge, { s: 'a' }), writer.series(gauge, { s: 'b' })];
    writer.samples(T0, [a, 1, 0], [b, NaN, 1], [a, 2, 2], [a, Infinity, 3], [b, 5, 4]);
    const { backend } = await flushed(stage);
    assert.deepEqual(new Set(backend.values('own.gauge')), new Set([1, Infinity, NaN]));
  });
});

suite('exponential histograms', () => {
  test('hold samples and what operations give; what is no number is dropped', async (t) => {
    const stage = stageOf(t, EXPONENTIAL);
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    writer.samples(T0, [gauge, 2], [gauge, NaN], [gauge, -3], [gauge, Infinity], [gauge, 0]);
    operations(writer, 3);
    const { backend } = await flushed(stage);
    const [own] = backend.values('own.gauge') as unknown as ExponentialHistogram[];
    const { count, sum, min, max, zeroCount, positive, negative } = own;
    assert.deepEqual(
      { count, sum, min, max, zeroCount },
      { count: 3, sum: -1, min: -3, max: 2, zeroCount: 1 },
    );
    assert.deepEqual([positive.bucketCounts, negative.bucketCounts], [[1], [1]]);
    const [sizes] = backend.values(SIZE) as unknown as ExponentialHistogram[];
    assert.deepEqual([sizes.count, sizes.sum], [3, 60]);
    const { recorded, exported, merged, dropped } = stage.account();
    assert.deepEqual([recorded, exported, merged, dropped], [8, 0, 6, { invalid_value: 2 }]);
  });

  test('of the tree hold the samples of all its processes, whatever each calls and describes it', async (t) => {
    const stage = stageOf(t, EXPONENTIAL);
    for (const [name, value] of [
      ['multistorageclient.x', 1],
      ['MultiStorageClient.x'.toLowerCase(), 2],
      ['multistorageclient.X', 4],
    ] as const) {
      const writer = stage.writer({ resource: { name } });
      writer.samples(T0, [writer.metric('gauge', name, {}, { description: name }), value]);
    }
    const { backend } = await flushed(stage);
    const counts = backend.points.map(({ value }) => (value as unknown as ExponentialHistogram).count);
    assert.deepEqual(counts, [3]);
  });

  test('are deltas where the exporter wants them, and go on after a restart where it does not', async (t) => {
    for (const [temporality, expected] of [
      [AggregationTemporality.DELTA, [2, 1]],
      [AggregationTemporality.CUMULATIVE, [2, 3]],
    ] as const) {
      const stage = stageOf(t, EXPONENTIAL);
      stage.backend.temporality = temporality;
      const writer = stage.writer();
      const gauge = writer.metric('gauge', 'own.gauge');
      writer.samples(T0, [gauge, 1], [gauge, 1000]);
      await flushed(stage);
      t.mock.timers.setTime(T0 + 2000);
      writer.samples(T0 + 1500, [gauge, 5]);
      await flushed(stage);
      const values = stage.backend.values('own.gauge') as unknown as ExponentialHistogram[];
      assert.deepEqual(
        values.map(({ count }) => count),
        expected,
      );
      t.mock.timers.reset();
    }
  });

  test('make a request full by their buckets, not by their number alone', async (t) => {
    const stage = stageOf(t, { type: 'exponential_histogram', maxBuckets: 512, maxScale: 20 });
    const writer = stage.writer();
    const gauge = writer.instrument('gauge', 'own.gauge');
    const values = Array.from({ length: 256 }, (_, at) => 2 ** (at - 128));
    for (let set = 0; set < 1500; set++) {
      const series = writer.series(gauge, { set });
      writer.samples(T0, ...values.map((value) => [series, value] as const));
    }
    const { backend } = await flushed(stage);
    assert.equal(backend.points.length, 1500);
    const bytes = backend.requests.map((request) => Buffer.from(request.bytes, 'base64').length);
    assert.ok(backend.requests.length > 1 && Math.max(...bytes) < 8 * 1024 * 1024, bytes.join());
  });
});

test('explicit buckets hold the samples of a gauge', async (t) => {
  const stage = stageOf(t, { type: 'explicit_bucket_histogram', boundaries: [1, 10] });
  const writer = stage.writer();
  const gauge = writer.metric('gauge', 'own.gauge');
  writer.samples(T0, [gauge, 1], [gauge, 2], [gauge, 100], [gauge, NaN]);
  await flushed(stage);
  writer.samples(T0 + 400, [gauge, 0.5]);
  const { backend } = await flushed(stage);
  const values = backend.values('own.gauge') as Histogram[];
  assert.deepEqual(
    values.map(({ buckets }) => buckets.counts),
    [
      [1, 1, 1],
      [2, 1, 1],
    ],
  );
  assert.deepEqual(stage.account().dropped, { invalid_value: 1 });
});

suite('the cardinality limit of the tree', () => {
  const OVERFLOW = { 'otel.metric.overflow': true };

  test('admits the same sets after a restart, of raw samples too', async (t) => {
    const stage = stageOf(t, { type: 'none' }, { cardinalityLimit: 3 });
    const first = stage.writer();
    const second = stage.writer();
    recordSets(first, [1]);
    await flushed(stage);
    recordSets(second, [2, 3]);
    await flushed(stage);
    recordSets(first, [3, 2, 4, 1]);
    await flushed(stage);
    const sets = stage.backend.points.map(({ attributes, value }) => [value, attributes]);
    assert.deepEqual(new Set(sets.map((each) => JSON.stringify(each))).size, 4);
    for (const expected of [
      [1, { set: 1 }],
      [2, { set: 2 }],
      [3, OVERFLOW],
      [4, OVERFLOW],
    ]) {
      assert.ok(
        sets.some((each) => JSON.stringify(each) === JSON.stringify(expected)),
        JSON.stringify(expected),
      );
    }
    const { recorded, exported, overflowed } = stage.account();
    assert.deepEqual([recorded, exported, overflowed], [7, 7, 3]);
  });

  test('forgets the series of a process with it, and never those of the tree', async (t) => {
    const stage = stageOf(t, { type: 'none' }, { cardinalityLimit: 2 });
    for (const round of [1, 2]) {
      const writer = stage.writer({ resource: { round } });
      const [tree, own] = ['multistorageclient.latency', 'own.gauge'].map((name) =>
        writer.metric('gauge', name, { round }),
      );
      writer.samples(T0, [tree, round], [own, round]);
      writer.goodbye();
      await flushed(stage);
    }
    const attributes = (metric: string): unknown[] =>
      stage.backend.points
        .filter((point) => point.metric === metric)
        .map((point) => ({ ...point.attributes }));
    assert.deepEqual(attributes('own.gauge'), [{ round: 1 }, { round: 2 }]);
    assert.deepEqual(attributes('multistorageclient.latency'), [{ round: 1 }, OVERFLOW]);
  });

  test('holds for what is derived from operations, whose sums stay exact', async (t) => {
    const stage = stageOf(t, { type: 'last_value' }, { cardinalityLimit: 3 });
    const writer = stage.writer();
    const operation = writer.instrument('operation', 'multistorageclient.operation');
    for (let error = 0; error < 10; error++) {
      const series = writer.series(operation, { 'multistorageclient.status': `error.${error}` });
      writer.operations(T0, [series, 1000], [series, 2000]);
    }
    const { backend } = await flushed(stage);
    const responses = backend.points.filter(({ metric }) => metric === 'multistorageclient.response.sum');
    const byStatus = responses.map(({ attributes, value }) => [Object.values(attributes)[0], value]);
    assert.deepEqual(
      new Map(byStatus as [unknown, unknown][]),
      new Map<unknown, unknown>([
        ['error.0', 2],
        ['error.1', 2],
        [true, 16],
      ]),
    );
    assert.equal(backend.values(LATENCY).length, 3);
    const { recorded, exported, merged, overflowed } = stage.account();
    assert.deepEqual([recorded, exported, merged, overflowed], [20, 3, 17, 16]);
  });
});
