import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ValueType, type BatchObservableCallback } from '@opentelemetry/api';
import { diagnostics, rig, type Rig } from './stage.ts';

async function collect({ provider, recorder }: Rig): Promise<void> {
  await provider.callbacks.collect();
  recorder.flush();
}

const valuesOf = ({ contents }: Rig): unknown[] =>
  [...contents().samples, ...contents().sums].map(({ name, value, attributes }) => [name, value, attributes]);

describe('callbacks', () => {
  test('are asked at each collection: a gauge for samples, a counter for totals', async (t) => {
    const made = rig(t);
    let round = 0;
    made.meter.createObservableGauge('g').addCallback((result) => result.observe(++round, { a: 1 }));
    made.meter.createObservableCounter('c').addCallback((result) => result.observe(10 * round));
    made.meter.createObservableUpDownCounter('u').addCallback((result) => result.observe(-round));
    await collect(made);
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['g', 1, { a: 1 }],
      ['g', 2, { a: 1 }],
      ['c', 10, {}],
      ['u', -1, {}],
      ['c', 20, {}],
      ['u', -2, {}],
    ]);
  });

  test('run at once, so that they are asked on the way out too', (t) => {
    const made = rig(t);
    made.meter.createObservableGauge('g').addCallback((result) => result.observe(5));
    void made.provider.callbacks.collect();
    made.recorder.flush();
    assert.deepEqual(valuesOf(made), [['g', 5, {}]]);
  });

  test('are asked once each, until they are removed', async (t) => {
    const made = rig(t);
    const gauge = made.meter.createObservableGauge('g');
    const callbacks = [1, 2].map(
      (value) => (result: { observe(value: number): void }) => result.observe(value),
    );
    for (const callback of [...callbacks, ...callbacks]) gauge.addCallback(callback);
    await collect(made);
    gauge.removeCallback(callbacks[0]);
    await collect(made);
    gauge.removeCallback(callbacks[1]);
    gauge.removeCallback(callbacks[1]);
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['g', 1, {}],
      ['g', 2, {}],
      ['g', 2, {}],
    ]);
  });

  test('may take their time', async (t) => {
    const made = rig(t);
    made.meter.createObservableGauge('slow').addCallback(async (result) => {
      result.observe(1);
      await new Promise((resolve) => void setImmediate(resolve));
      result.observe(2);
    });
    made.meter.createObservableGauge('quick').addCallback((result) => result.observe(3));
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['slow', 1, {}],
      ['quick', 3, {}],
      ['slow', 2, {}],
    ]);
  });

  test('that fail disturb nobody, and are said once', async (t) => {
    const made = rig(t);
    const said = diagnostics(t, 'error');
    const failures = [new Error('thrown'), new Error('rejected'), new Error('in a batch')];
    const gauge = made.meter.createObservableGauge('g');
    gauge.addCallback(() => {
      throw failures[0];
    });
    gauge.addCallback(() => Promise.reject(failures[1]));
    made.meter.addBatchObservableCallback(() => {
      throw failures[2];
    }, [gauge]);
    gauge.addCallback((result) => result.observe(1));
    await collect(made);
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['g', 1, {}],
      ['g', 1, {}],
    ]);
    assert.deepEqual(new Set(said), new Set(failures));
    assert.equal(said.length, 3);
  });
});

describe('batch callbacks', () => {
  test('observe the instruments that they were registered for, and no other', async (t) => {
    const made = rig(t);
    const [a, b, c] = ['a', 'b', 'c'].map((name) => made.meter.createObservableGauge(name));
    made.meter.addBatchObservableCallback(
      (result) => {
        result.observe(a, 1, { k: 'v' });
        result.observe(b, 2);
        result.observe(c, 3);
      },
      [a, b],
    );
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['a', 1, { k: 'v' }],
      ['b', 2, {}],
    ]);
  });

  test('are told apart by their instruments', async (t) => {
    const made = rig(t);
    const [a, b] = ['a', 'b'].map((name) => made.meter.createObservableGauge(name));
    const callback: BatchObservableCallback = (result) => {
      result.observe(a, 1);
      result.observe(b, 2);
    };
    made.meter.addBatchObservableCallback(callback, [a]);
    made.meter.addBatchObservableCallback(callback, [b]);
    made.meter.addBatchObservableCallback(callback, [b]);
    await collect(made);
    made.meter.removeBatchObservableCallback(callback, [a, b]);
    made.meter.removeBatchObservableCallback(callback, [a]);
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['a', 1, {}],
      ['b', 2, {}],
      ['b', 2, {}],
    ]);
  });
});

describe('observations', () => {
  test('that are no numbers, or whose attributes cannot be read, are counted', async (t) => {
    const made = rig(t);
    const unreadable = {
      get a(): never {
        throw new Error('no');
      },
    };
    const wrong = ['1', 1n, null, undefined] as unknown as number[];
    made.meter.createObservableGauge('g').addCallback((result) => {
      for (const value of [...wrong, NaN]) result.observe(value);
      result.observe(1, unreadable);
    });
    made.meter.createObservableCounter('c').addCallback((result) => {
      for (const value of [...wrong, NaN, Infinity]) result.observe(value);
      result.observe(1, unreadable);
      result.observe(7);
    });
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['g', NaN, {}],
      ['c', 7, {}],
    ]);
    assert.deepEqual(made.contents().dropped, { invalid_value: 10, invalid_attributes: 2 });
    assert.equal(made.recorder.account.recorded, 14);
  });

  test('of integers are cut off behind the point', async (t) => {
    const made = rig(t);
    const options = { valueType: ValueType.INT };
    made.meter.createObservableGauge('g', options).addCallback((result) => result.observe(-1.9));
    made.meter.createObservableCounter('c', options).addCallback((result) => result.observe(1.9));
    await collect(made);
    assert.deepEqual(valuesOf(made), [
      ['g', -1, {}],
      ['c', 1, {}],
    ]);
  });

  test('of a total: of one batch the last one counts, with all of its calls', async (t) => {
    const made = rig(t);
    made.meter.createObservableCounter('c').addCallback((result) => {
      result.observe(5);
      result.observe(3);
    });
    await collect(made);
    const [{ value, calls }] = made.contents().sums;
    assert.deepEqual({ value, calls }, { value: 3, calls: 2 });
  });
});
