import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import { ExportResultCode, type ExportResult } from '@opentelemetry/core';
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  InstrumentType,
  type PushMetricExporter,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { ExportOutcome } from '../../src/exporters/exporter.ts';
import { isPushMetricExporter, PushExporter } from '../../src/exporters/push-exporter.ts';
import { batchOf, gauge, OTHER_RESOURCE, sum } from './batches.ts';

type Callback = (result: ExportResult) => void;
type Export = (metrics: ResourceMetrics, callback: Callback, service: unknown) => unknown;

/** Two resources: `copier` with three points, `reader` with one. */
const BATCH = batchOf(gauge([1, 2, 3]), sum(4, { resource: OTHER_RESOURCE }));
const ACCEPTED = { status: 'accepted', rejectedPoints: 0 };
const SUCCESS = { code: ExportResultCode.SUCCESS };

function failure(fields: object = {}): ExportResult {
  return { code: ExportResultCode.FAILED, error: Object.assign(new Error('no'), fields) };
}

/** An exporter of which `calls` tells the resources that it got, by their service name. */
function scripted(script: Export): { exporter: PushExporter; calls: unknown[] } {
  const calls: unknown[] = [];
  const exporter: PushMetricExporter = {
    export(metrics, callback) {
      const service = metrics.resource.attributes['service.name'];
      calls.push(service);
      return script(metrics, callback, service);
    },
    forceFlush: () => Promise.resolve(),
    shutdown: () => Promise.resolve(),
  };
  return { exporter: new PushExporter(exporter, 'Scripted'), calls };
}

async function outcomeOf(script: Export): Promise<ExportOutcome> {
  return await scripted(script).exporter.export(BATCH, 1000);
}

suite('any PushMetricExporter', () => {
  test('gets each resource of a batch in a call of its own, one after the other', async () => {
    let running = 0;
    const { exporter, calls } = scripted((_metrics, callback) => {
      assert.equal(running++, 0);
      setImmediate(() => {
        running--;
        callback(SUCCESS);
      });
    });
    assert.deepEqual(await exporter.export(BATCH, 1000), ACCEPTED);
    assert.deepEqual(calls, ['copier', 'reader']);
  });

  test("works with the SDK's own", async () => {
    const memory = new InMemoryMetricExporter(AggregationTemporality.DELTA);
    const exporter = new PushExporter(memory, 'InMemory');
    assert.deepEqual(await exporter.export(BATCH, 1000), ACCEPTED);
    assert.equal(memory.getMetrics().length, 2);
    assert.equal(exporter.temporality('counter'), 'delta');
  });

  test('a failure is to be retried unless its error says otherwise', async () => {
    const expected: [object, ExportOutcome['status']][] = [
      [{}, 'retry'],
      [{ code: 'ECONNRESET' }, 'retry'],
      [{ code: 503 }, 'retry'],
      [{ code: 429 }, 'retry'],
      [{ code: 401 }, 'retry'],
      [{ code: 14 }, 'retry'],
      [{ retryable: true }, 'retry'],
      [{ code: 400 }, 'rejected'],
      [{ status: 405 }, 'rejected'],
      [{ statusCode: 422 }, 'rejected'],
      [{ code: 3 }, 'rejected'],
      [{ retryable: false }, 'rejected'],
      [{ code: 413 }, 'too-large'],
    ];
    await Promise.all(
      expected.map(async ([fields, status]) => {
        const outcome = await outcomeOf((_metrics, callback) => callback(failure(fields)));
        assert.equal(outcome.status, status, JSON.stringify(fields));
        assert.ok(outcome.status !== 'accepted');
        assert.equal(outcome.error.message, 'Scripted: no');
      }),
    );
  });

  test('a failure without an error, and no result at all', async () => {
    const silent = await outcomeOf((_metrics, callback) => callback({ code: ExportResultCode.FAILED }));
    assert.ok(silent.status === 'retry');
    assert.equal(silent.error.message, 'Scripted: failed without saying why');
    const nothing = await outcomeOf((_metrics, callback) => Reflect.apply(callback, undefined, []));
    assert.ok(nothing.status === 'retry');
    assert.equal(nothing.error.message, 'Scripted: called back without a result');
  });

  test('throwing, and rejecting instead of calling back', async () => {
    const outcomes = await Promise.all([
      outcomeOf(() => {
        throw new Error('no');
      }),
      outcomeOf(() => Promise.reject(new Error('no'))),
      outcomeOf(() => {
        // oxlint-disable-next-line no-throw-literal -- exporters may
        throw 'no';
      }),
    ]);
    for (const outcome of outcomes) {
      assert.ok(outcome.status === 'retry');
      assert.equal(outcome.error.message, 'Scripted: no');
      assert.ok(!outcome.unanswered);
    }
  });

  test('a batch that cannot be converted is given up', async () => {
    const { exporter, calls } = scripted((_metrics, callback) => callback(SUCCESS));
    const [series] = gauge([1]).series;
    const short = Object.defineProperty({ ...series }, 'values', {
      get: () => {
        throw new Error('no values');
      },
    });
    const outcome = await exporter.export({ metrics: [gauge([], { series: [short] })], points: 1 }, 1000);
    assert.equal(outcome.status, 'rejected');
    assert.deepEqual(calls, []);
  });

  test('the first of several callbacks counts', async () => {
    const first = await outcomeOf((_metrics, callback) => {
      callback(SUCCESS);
      callback(failure());
      throw new Error('late');
    });
    assert.deepEqual(first, ACCEPTED);
    const { exporter, calls } = scripted((_metrics, callback) => {
      callback(failure());
      callback(SUCCESS);
    });
    assert.equal((await exporter.export(BATCH, 1000)).status, 'retry');
    await exporter.export(BATCH, 1000);
    assert.equal(calls.length, 4, 'it had failed');
  });

  test('never calling back ends at the deadline', async () => {
    const { exporter, calls } = scripted(() => undefined);
    const outcome = await exporter.export(BATCH, 20);
    assert.ok(outcome.status === 'retry');
    assert.equal(outcome.error.message, 'Scripted: nothing came back within 20 ms');
    assert.equal(outcome.unanswered, true);
    assert.deepEqual(calls, ['copier'], 'and leaves no time for the second');
  });

  test('a retry repeats only what had failed', async () => {
    const failing = new Set<unknown>(['copier']);
    const { exporter, calls } = scripted((_metrics, callback, service) =>
      callback(failing.has(service) ? failure() : SUCCESS),
    );
    assert.equal((await exporter.export(BATCH, 1000)).status, 'retry');
    assert.deepEqual(calls.splice(0), ['copier', 'reader']);
    failing.clear();
    assert.deepEqual(await exporter.export(BATCH, 1000), ACCEPTED);
    assert.deepEqual(calls, ['copier']);
  });

  test('a success after the deadline is not repeated', async () => {
    const late = Promise.withResolvers<Callback>();
    const { exporter, calls } = scripted((_metrics, callback, service) =>
      service === 'copier' ? late.resolve(callback) : callback(SUCCESS),
    );
    assert.equal((await exporter.export(BATCH, 20)).status, 'retry');
    (await late.promise)(SUCCESS);
    await new Promise(setImmediate);
    assert.deepEqual(await exporter.export(BATCH, 1000), ACCEPTED);
    assert.deepEqual(calls, ['copier', 'reader']);
  });

  test('rejected resources are counted beside the accepted ones', async () => {
    const outcome = await outcomeOf((_metrics, callback, service) =>
      callback(service === 'copier' ? failure({ code: 400 }) : SUCCESS),
    );
    assert.deepEqual(outcome, { status: 'accepted', rejectedPoints: 3, message: 'Scripted: no' });
  });

  test('rejected resources are not sent again with those to be retried', async () => {
    let failing = true;
    const { exporter, calls } = scripted((_metrics, callback, service) => {
      if (service === 'copier') return callback(failure({ code: 400 }));
      return callback(failing ? failure() : SUCCESS);
    });
    assert.equal((await exporter.export(BATCH, 1000)).status, 'retry');
    failing = false;
    assert.deepEqual(await exporter.export(BATCH, 1000), {
      status: 'accepted',
      rejectedPoints: 3,
      message: 'Scripted: no',
    });
    assert.deepEqual(calls, ['copier', 'reader', 'reader']);
  });

  test('too large stops at once, because the batch will be split', async () => {
    const { exporter, calls } = scripted((_metrics, callback) => callback(failure({ code: 413 })));
    assert.equal((await exporter.export(BATCH, 1000)).status, 'too-large');
    assert.deepEqual(calls, ['copier']);
  });

  test('temporality is what the exporter selects, else cumulative', () => {
    const selecting: PushMetricExporter = {
      ...scriptedMethods,
      selectAggregationTemporality: (type) =>
        type === InstrumentType.HISTOGRAM ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    };
    const kinds = ['counter', 'up_down_counter', 'histogram'] as const;
    const found = [selecting, scriptedMethods].map((each) =>
      kinds.map((kind) => new PushExporter(each, 'each').temporality(kind)),
    );
    assert.deepEqual(found, [
      ['cumulative', 'cumulative', 'delta'],
      ['cumulative', 'cumulative', 'cumulative'],
    ]);
  });

  test('shutdown flushes first, happens once, and bears failures', async () => {
    const calls: string[] = [];
    const exporter = new PushExporter(
      {
        ...scriptedMethods,
        forceFlush: () => {
          calls.push('flush');
          return Promise.reject(new Error('no'));
        },
        shutdown: () => {
          calls.push('shutdown');
          throw new Error('no');
        },
      },
      'Failing',
    );
    await Promise.all([exporter.shutdown(), exporter.shutdown()]);
    assert.deepEqual(calls, ['flush', 'shutdown']);
  });

  test('is told from other things by its methods', () => {
    assert.equal(isPushMetricExporter(scriptedMethods), true);
    assert.equal(isPushMetricExporter(new InMemoryMetricExporter(AggregationTemporality.DELTA)), true);
    for (const other of [
      undefined,
      null,
      'text',
      {},
      { export: () => undefined, shutdown: () => undefined },
    ]) {
      assert.equal(isPushMetricExporter(other), false);
    }
  });
});

const scriptedMethods: PushMetricExporter = {
  export: (_metrics, callback) => callback(SUCCESS),
  forceFlush: () => Promise.resolve(),
  shutdown: () => Promise.resolve(),
};
