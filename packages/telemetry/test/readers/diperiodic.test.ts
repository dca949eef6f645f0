import assert from 'node:assert/strict';
import { after, afterEach, beforeEach, describe, it, mock, type TestContext } from 'node:test';
import { setImmediate as immediate } from 'node:timers/promises';
import {
  context,
  type ContextManager,
  diag,
  DiagLogLevel,
  type Gauge,
  ROOT_CONTEXT,
} from '@opentelemetry/api';
import { isTracingSuppressed } from '@opentelemetry/core';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  InMemoryMetricExporter,
  InstrumentType,
  MeterProvider,
} from '@opentelemetry/sdk-metrics';
import type {
  DiperiodicExportingMetricReader,
  DiperiodicExportingMetricReaderOptions,
} from '../../src/readers/diperiodic.ts';
import { ScriptedExporter } from './scripted-exporter.ts';

// The reader takes its timers when it loads, so the clock of these tests must be there first.
mock.timers.enable({ apis: ['setInterval', 'setTimeout'] });
const { DiperiodicExportingMetricReader: Reader } = await import('../../src/readers/diperiodic.ts');
after(() => mock.timers.reset());

const ignore = (): void => undefined;

const COLLECT = 10;
const EXPORT = 100;

/** Lets time pass in collect intervals, and whatever that starts come to its end. */
async function pass(millis: number): Promise<void> {
  for (let passed = 0; passed < millis; passed += COLLECT) {
    mock.timers.tick(Math.min(COLLECT, millis - passed));
    for (let turn = 0; turn < 4; turn++) await immediate();
  }
}

describe('DiperiodicExportingMetricReader', () => {
  let exporter: ScriptedExporter;
  let reader: DiperiodicExportingMetricReader;
  let provider: MeterProvider;
  let gauge: Gauge;
  let log: string[];

  function start(test: TestContext, options: Partial<DiperiodicExportingMetricReaderOptions> = {}): void {
    reader = new Reader({
      exporter,
      collectIntervalMillis: COLLECT,
      exportIntervalMillis: EXPORT,
      ...options,
    });
    provider = new MeterProvider({ readers: [reader] });
    gauge = provider.getMeter('test').createGauge('level');
    test.after(async () => {
      exporter.behaviour = 'accept';
      exporter.release();
      const stopped = reader.shutdown().catch(() => undefined);
      await pass(EXPORT);
      await stopped;
    });
  }

  /** Records each value in a collect interval of its own. */
  async function recordEach(...values: number[]): Promise<void> {
    for (const value of values) {
      gauge.record(value);
      await pass(COLLECT);
    }
  }

  beforeEach(() => {
    exporter = new ScriptedExporter();
    log = [];
    const write =
      (level: string) =>
      (message: string): unknown =>
        log.push(`${level} ${message}`);
    diag.setLogger(
      { error: write('error'), warn: write('warn'), info: ignore, debug: ignore, verbose: ignore },
      DiagLogLevel.WARN,
    );
  });

  afterEach(() => diag.disable());

  it('collects at one interval, exports what queued at the other, in one request and in order', async (test) => {
    start(test);
    await recordEach(1, 2, 3);
    assert.deepEqual(exporter.values(), []);
    await pass(EXPORT - 3 * COLLECT);
    assert.deepEqual(exporter.values(), [[1, 2, 3]]);
    await recordEach(4, 5);
    await pass(EXPORT - 2 * COLLECT);
    assert.deepEqual(exporter.values(), [
      [1, 2, 3],
      [4, 5],
    ]);
  });

  it('exports nothing where nothing was recorded', async (test) => {
    start(test);
    await pass(3 * EXPORT);
    await reader.forceFlush();
    assert.deepEqual(exporter.calls, ['forceFlush']);
  });

  it('goes on collecting while an export is under way, and starts no second one', async (test) => {
    start(test);
    exporter.behaviour = 'hold';
    await recordEach(1);
    await pass(EXPORT);
    await recordEach(2, 3);
    await pass(2 * EXPORT);
    assert.deepEqual(exporter.calls, ['export']);
    exporter.behaviour = 'accept';
    exporter.release();
    await pass(COLLECT);
    assert.deepEqual(exporter.values(), [[1]]);
    await pass(EXPORT - COLLECT);
    assert.deepEqual(exporter.values(), [[1], [2, 3]]);
  });

  for (const behaviour of ['fail', 'throw', 'hang'] as const) {
    it(`keeps what an export could not deliver (${behaviour}) and repeats it with the next, in order`, async (test) => {
      start(test, { exportTimeoutMillis: EXPORT / 2 });
      exporter.behaviour = behaviour;
      await recordEach(1, 2);
      await pass(EXPORT - 2 * COLLECT);
      assert.deepEqual(exporter.calls, ['export']);
      await recordEach(3);
      await pass(EXPORT - COLLECT);
      assert.deepEqual(exporter.calls, ['export', 'export']);
      // A hanging export is given up at its timeout, after which the next interval may try again.
      await pass(EXPORT / 2);
      exporter.behaviour = 'accept';
      await pass(EXPORT / 2);
      assert.deepEqual(exporter.values(), [[1, 2, 3]]);
      assert.equal(log.length, 1, 'a row of failures is logged once');
      assert.match(log[0], /^error .*export failed/);
      assert.equal(reader.droppedBatches, 0);
    });
  }

  it('logs each row of failures once', async (test) => {
    start(test);
    for (const behaviour of ['fail', 'accept', 'fail'] as const) {
      exporter.behaviour = behaviour;
      gauge.record(1);
      await pass(2 * EXPORT);
    }
    assert.equal(log.length, 2);
    assert.ok(log.every((line) => line.includes('export failed')));
  });

  it('drops the oldest batches past the bound, counts them, and warns once', async (test) => {
    start(test, { maxQueuedBatches: 3 });
    exporter.behaviour = 'fail';
    await recordEach(1, 2, 3, 4, 5);
    await pass(EXPORT);
    await recordEach(6);
    assert.equal(reader.droppedBatches, 3);
    assert.equal(log.filter((line) => line.includes('maxQueuedBatches')).length, 1);
    exporter.behaviour = 'accept';
    await pass(EXPORT);
    assert.deepEqual(exporter.values(), [[4, 5, 6]]);
  });

  it('splits a long queue into requests, and keeps only what one that failed carried', async (test) => {
    start(test, { exportIntervalMillis: 1e6 });
    for (const value of [1, 2, 3, 4, 5, 6]) {
      for (let series = 0; series < 1900; series++) gauge.record(value, { series });
      await pass(COLLECT);
    }
    exporter.behaviour = 'hold';
    const flushed = assert.rejects(reader.forceFlush(), /refused by the backend/);
    await pass(COLLECT);
    exporter.behaviour = 'fail';
    exporter.release();
    await flushed;
    exporter.behaviour = 'accept';
    await reader.forceFlush();
    assert.deepEqual(
      exporter.values().map((values) => [values.length, ...new Set(values)]),
      [
        [9500, 1, 2, 3, 4, 5],
        [1900, 6],
      ],
    );
  });

  it('flushes: collects, exports, then flushes the exporter', async (test) => {
    start(test);
    gauge.record(1);
    await provider.forceFlush();
    assert.deepEqual(exporter.calls, ['export', 'forceFlush']);
    assert.deepEqual(exporter.values(), [[1]]);
  });

  it('flushes what was recorded during an export that is under way, after it', async (test) => {
    start(test);
    exporter.behaviour = 'hold';
    await recordEach(1);
    await pass(EXPORT);
    gauge.record(2);
    const flushed = reader.forceFlush();
    await immediate();
    exporter.behaviour = 'accept';
    exporter.release();
    await flushed;
    assert.deepEqual(exporter.values(), [[1], [2]]);
  });

  it('rejects a flush whose export fails, and keeps the batches', async (test) => {
    start(test);
    exporter.behaviour = 'fail';
    gauge.record(1);
    await assert.rejects(reader.forceFlush(), /refused by the backend/);
    exporter.behaviour = 'accept';
    await reader.forceFlush();
    assert.deepEqual(exporter.values(), [[1]]);
  });

  it('rejects a flush at its deadline, and keeps the batches', async (test) => {
    start(test);
    exporter.behaviour = 'hang';
    gauge.record(1);
    const flushed = assert.rejects(reader.forceFlush({ timeoutMillis: 5 }), {
      code: 'MSC_FLUSH_TIMEOUT',
      message: 'forceFlush: not done within 5 ms',
    });
    for (let turn = 0; turn < 4; turn++) await immediate();
    await pass(5);
    await flushed;
    exporter.behaviour = 'accept';
    await reader.forceFlush();
    assert.deepEqual(exporter.values(), [[1]]);
  });

  it('shuts down: collects and exports before the exporter shuts down, then never again', async (test) => {
    start(test);
    await recordEach(1);
    gauge.record(2);
    await provider.shutdown();
    gauge.record(3);
    await pass(2 * EXPORT);
    assert.deepEqual(exporter.calls, ['export', 'forceFlush', 'shutdown']);
    assert.deepEqual(exporter.values(), [[1, 2]]);
  });

  it('shuts down once, however often and whenever it is asked', async (test) => {
    start(test);
    const first = reader.shutdown();
    assert.equal(reader.shutdown(), first);
    await first;
    await reader.shutdown();
    await reader.forceFlush();
    assert.deepEqual(exporter.calls, ['forceFlush', 'shutdown']);
    await assert.rejects(reader.collect(), /shutdown/);
  });

  it('shuts the exporter down although the last export fails, and counts what it lost', async (test) => {
    start(test);
    exporter.behaviour = 'fail';
    await recordEach(1, 2);
    await reader.shutdown();
    assert.equal(exporter.calls.at(-1), 'shutdown');
    assert.equal(reader.droppedBatches, 2);
    assert.match(log.join('\n'), /last export failed/);
  });

  it('shuts down by default within the collect timeout plus the export timeout', async (test) => {
    start(test, { collectTimeoutMillis: 200, exportTimeoutMillis: 300 });
    exporter.behaviour = 'hang';
    gauge.record(1);
    let ended = false;
    const stopped = assert
      .rejects(reader.shutdown(), { code: 'MSC_FLUSH_TIMEOUT', message: 'shutdown: not done within 500 ms' })
      .then(() => (ended = true));
    await pass(490);
    assert.ok(!ended);
    await pass(20);
    await stopped;
    assert.deepEqual(exporter.calls, ['export', 'shutdown']);
    assert.equal(reader.droppedBatches, 1);
  });

  it('gives up a hanging callback at the collect timeout, and exports the rest', async (test) => {
    start(test, { collectTimeoutMillis: 30 });
    provider
      .getMeter('test')
      .createObservableGauge('stuck')
      .addCallback(() => new Promise<void>(() => undefined));
    gauge.record(1);
    await pass(2 * EXPORT);
    assert.deepEqual(exporter.values().flat(), [1]);
    assert.match(log.join('\n'), /^error .*collection failed/);
  });

  it('takes aggregation and temporality from the exporter', async (test) => {
    exporter.selectAggregation = (type) => ({
      type: type === InstrumentType.HISTOGRAM ? AggregationType.SUM : AggregationType.DEFAULT,
    });
    start(test);
    const counter = provider.getMeter('test').createCounter('requests');
    const histogram = provider.getMeter('test').createHistogram('latency');
    for (let round = 0; round < 2; round++) {
      counter.add(2);
      histogram.record(5);
      await pass(COLLECT);
    }
    await reader.forceFlush();
    assert.deepEqual(exporter.values(), [[2, 5, 2, 5]]);
  });

  it('queues each collection of a cumulative histogram as it was then', async (test) => {
    const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE);
    start(test, { exporter: memory });
    const histogram = provider.getMeter('test').createHistogram('latency');
    for (let round = 0; round < 3; round++) {
      histogram.record(5);
      await pass(COLLECT);
    }
    await pass(EXPORT - 3 * COLLECT);
    const counts = memory
      .getMetrics()
      .flatMap(({ scopeMetrics }) => scopeMetrics)
      .flatMap(({ metrics }) => metrics)
      .flatMap((metric) => (metric.dataPointType === DataPointType.HISTOGRAM ? metric.dataPoints : []))
      .map(({ value }) => value.count);
    assert.deepEqual(counts.slice(0, 4), [1, 2, 3, 3]);
  });

  it('exports with tracing suppressed, so that no exporter traces itself', async (test) => {
    let current = ROOT_CONTEXT;
    const manager: ContextManager = {
      active: () => current,
      with(entered, task, self, ...args) {
        const before = current;
        current = entered;
        try {
          return Reflect.apply(task, self, args);
        } finally {
          current = before;
        }
      },
      bind: (_, target) => target,
      enable: () => manager,
      disable: () => manager,
    };
    context.setGlobalContextManager(manager);
    test.after(() => context.disable());
    const suppressed: boolean[] = [];
    const send = exporter.export.bind(exporter);
    exporter.export = (metrics, done): void => {
      suppressed.push(isTracingSuppressed(context.active()));
      send(metrics, done);
    };
    start(test);
    gauge.record(1);
    await reader.forceFlush();
    assert.deepEqual(suppressed, [true]);
  });

  it('names every wrong option at once', () => {
    const wrong = {
      exporter: {},
      maxQueuedBatches: 1.5,
      collectIntervalMillis: 0,
      exportTimeoutMillis: Infinity,
      interval: 5,
    };
    assert.throws(
      () => Reflect.construct(Reader, [wrong]),
      (error: { code: string; message: string; problems: { path: string }[] }) => {
        assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
        const paths = [
          'exporter',
          'maxQueuedBatches',
          'collectIntervalMillis',
          'exportTimeoutMillis',
          'interval',
        ];
        assert.deepEqual(
          error.problems.map(({ path }) => path),
          paths,
        );
        for (const path of paths) assert.ok(error.message.includes(`${path}: got `));
        return true;
      },
    );
    assert.throws(() => Reflect.construct(Reader, []), { code: 'MSC_CONFIGURATION_INVALID' });
  });
});
