/** Configured attributes in everything that a thread records. */
import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import { ConfiguredAttributes } from '../../src/attributes/configured.ts';
import { RecordingOperations } from '../../src/record/operations.ts';
import { VERSION } from '../../src/version.ts';
import { rig, type Contents, type Rig } from './stage.ts';

function fixed(attributes: Attributes): ConfiguredAttributes {
  return new ConfiguredAttributes([{ type: 'static', options: { attributes } }], {});
}

/** A class of the program whose attributes are whatever `current` gives. */
function ofProgram(t: TestContext, isDynamic: boolean, current: () => Attributes): ConfiguredAttributes {
  const shared = globalThis as { currentAttributes?: () => Attributes };
  shared.currentAttributes = current;
  t.after(() => delete shared.currentAttributes);
  const module = new URL('current-attributes.js', import.meta.url).href;
  const provider = { type: 'm#CurrentAttributes', options: { isDynamic }, module };
  return new ConfiguredAttributes([provider], {});
}

/** One of each kind, by way of the interface and bound. */
async function recordEach({ meter, provider, recorder }: Rig, attributes: Attributes): Promise<void> {
  const instruments = {
    gauge: meter.createGauge('gauge'),
    counter: meter.createCounter('counter'),
    upDown: meter.createUpDownCounter('up_down'),
    histogram: meter.createHistogram('histogram'),
  };
  instruments.gauge.record(1, attributes);
  instruments.gauge.bind(attributes).record(1);
  instruments.counter.add(1, attributes);
  instruments.counter.bind(attributes).add(1);
  instruments.upDown.add(1, attributes);
  instruments.upDown.bind(attributes).add(1);
  instruments.histogram.record(1, attributes);
  instruments.histogram.bind(attributes).record(1);
  for (const name of ['observable_gauge', 'observable_counter', 'observable_up_down'] as const) {
    const create = {
      observable_gauge: 'Gauge',
      observable_counter: 'Counter',
      observable_up_down: 'UpDownCounter',
    };
    const observable = meter[`createObservable${create[name] as 'Gauge'}`](name);
    observable.addCallback((result) => result.observe(1, attributes));
  }
  await provider.callbacks.collect();
  recorder.flush();
}

const rowsOf = ({ samples, sums, histograms, operations }: Contents) => [
  ...samples,
  ...sums,
  ...histograms,
  ...operations,
];

describe('attributes that are configured', () => {
  test('are in every series of every instrument, under those of the record', async (t) => {
    const made = rig(t, { configured: fixed({ node: 'n1', set: 'configured' }) });
    await recordEach(made, { set: 'own', more: 1 });
    const rows = rowsOf(made.contents());
    assert.deepEqual(new Set(rows.map(({ name }) => name)).size, 7);
    for (const { name, attributes } of rows) {
      assert.deepEqual(attributes, { more: 1, node: 'n1', set: 'own' }, name);
    }
    assert.deepEqual(made.contents().dropped, {});
  });

  test('make one series of sets that are the same with them', (t) => {
    const made = rig(t, { configured: fixed({ a: 1 }) });
    const counter = made.meter.createCounter('c');
    for (const own of [undefined, {}, { a: 1 }, { a: undefined }]) counter.add(1, own);
    counter.bind({ a: 1 }).add(1);
    made.recorder.flush();
    assert.deepEqual(
      made.contents().sums.map(({ value, attributes }) => [value, attributes]),
      [[5, { a: 1 }]],
    );
  });

  test('are looked at once per set, frozen or not', (t) => {
    const configured = fixed({ a: 1 });
    const { mock } = t.mock.method(configured, 'merge');
    const { meter } = rig(t, { configured });
    const gauge = meter.createGauge('g');
    const frozen = Object.freeze({ b: 1 });
    for (let round = 0; round < 10; round++) {
      gauge.record(1, frozen);
      gauge.record(1, { b: 1 });
      gauge.record(1, { b: 2 });
    }
    assert.equal(mock.callCount(), 2);
  });

  test('may be what operations reserve, but not for operations', (t) => {
    const reserved = {
      'multistorageclient.version': 'v',
      'multistorageclient.provider': 'p',
      'multistorageclient.operation': 'o',
      'multistorageclient.status': 's',
    };
    const configured = fixed({ ...reserved, zone: 'a', mine: 'configured' });
    const made = rig(t, { configured });
    made.meter.createGauge('g').record(1);
    const options = { provider: 's3', attributes: { ...reserved, mine: 'own' } };
    new RecordingOperations(made.recorder, options, configured).start('read').succeed(1);
    made.recorder.flush();
    const { samples, sums, operations } = made.contents();
    assert.deepEqual(samples[0].attributes, { mine: 'configured', ...reserved, zone: 'a' });
    const request = {
      mine: 'own',
      'multistorageclient.operation': 'read',
      'multistorageclient.provider': 's3',
      'multistorageclient.version': VERSION,
      zone: 'a',
    };
    assert.deepEqual(sums[0].attributes, request);
    assert.deepEqual(operations[0].attributes, { ...request, 'multistorageclient.status': 'success' });
  });
});

describe('attributes that are dynamic', () => {
  test('are those of the moment, bound or not, in every instrument', async (t) => {
    let round = 0;
    const made = rig(t, { configured: ofProgram(t, true, () => ({ round, set: 'configured' })) });
    for (round = 1; round <= 2; round++) await recordEach(made, { set: 'own' });
    const rows = rowsOf(made.contents());
    assert.equal(new Set(rows.map(({ name }) => name)).size, 7);
    for (const wanted of [1, 2]) {
      const names = new Set(
        rows.filter(({ attributes }) => attributes['round'] === wanted).map(({ name }) => name),
      );
      assert.equal(names.size, 7);
    }
    for (const { attributes } of rows) assert.equal(attributes['set'], 'own');
  });

  test('do not change what was bound', (t) => {
    let round = 1;
    const made = rig(t, { configured: ofProgram(t, true, () => ({ round })) });
    const own = { list: ['a'] };
    const bound = made.meter.createGauge('g').bind(own);
    bound.record(1);
    own.list.push('b');
    round = 2;
    bound.record(2);
    made.recorder.flush();
    assert.deepEqual(
      made.contents().samples.map(({ value, attributes }) => [value, attributes]),
      [
        [1, { list: ['a'], round: 1 }],
        [2, { list: ['a'], round: 2 }],
      ],
    );
  });

  test('are those of an operation from its start to its end', (t) => {
    let round = 1;
    const made = rig(t);
    const configured = ofProgram(t, true, () => ({ round }));
    const operations = new RecordingOperations(made.recorder, { provider: 's3' }, configured);
    const first = operations.start('read');
    round = 2;
    const second = operations.start('read');
    first.succeed();
    second.succeed();
    made.recorder.flush();
    const { sums, operations: ended } = made.contents();
    assert.deepEqual(
      sums.map(({ value, attributes }) => [value, attributes['round']]),
      [
        [1, 1],
        [1, 2],
      ],
    );
    assert.deepEqual(
      ended.map(({ attributes }) => attributes['round']),
      [1, 2],
    );
    assert.equal(made.contents().frames.length, 2);
  });
});

test('what a provider records while it is asked is dropped, counted, and does not recur', (t) => {
  for (const isDynamic of [true, false]) {
    let made: Rig | undefined;
    let operations: RecordingOperations | undefined;
    const configured = ofProgram(t, isDynamic, () => {
      made?.meter.createCounter('c').add(1, { from: 'provider' });
      made?.meter.createGauge('g').bind({ from: 'provider' }).record(1);
      const operation = operations?.start('read');
      operation?.succeed();
      operation?.fail(new Error('twice'));
      return { rank: 1 };
    });
    made = rig(t, { configured });
    operations = new RecordingOperations(made.recorder, { provider: 's3' }, configured);
    made.meter.createCounter('c').add(1, { from: 'program' });
    made.recorder.flush();
    const { sums, samples, operations: ended, dropped } = made.contents();
    assert.deepEqual(
      sums.map(({ value, attributes }) => [value, attributes]),
      [[1, { from: 'program', rank: 1 }]],
    );
    assert.deepEqual([samples, ended, dropped], [[], [], { invalid_attributes: 3 }]);
    assert.equal(made.recorder.account.recorded, 4);
  }
});
