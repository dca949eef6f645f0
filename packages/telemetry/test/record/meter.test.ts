import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ValueType, type MetricOptions } from '@opentelemetry/api';
import { Dictionary } from '../../src/journal/dictionary.ts';
import type { InstrumentDefinition } from '../../src/journal/definitions.ts';
import { MAX_BUCKETS } from '../../src/record/block.ts';
import { DEFAULT_BOUNDARIES } from '../../src/record/instruments.ts';
import { RecordingMeterProvider } from '../../src/record/meter.ts';
import { diagnostics, rig, type Rig } from './stage.ts';

/** Instruments that the journal knows, by the series that the test defined. */
function definitions({ places }: Rig, count: number): InstrumentDefinition[] {
  const dictionary = new Dictionary(places);
  return Array.from({ length: count }, (_, index) => dictionary.series(index + 1)!.instrument);
}

describe('a meter', () => {
  test('describes its instruments in the journal', (t) => {
    const made = rig(t);
    const meter = made.provider.getMeter('scope', '1.2', { schemaUrl: 'https://example.org' });
    const options: MetricOptions = { unit: 'By', description: 'words', valueType: ValueType.INT };
    meter.createGauge('g', options).bind({});
    meter.createCounter('c').bind({});
    meter.createUpDownCounter('u').bind({});
    meter.createHistogram('h', { advice: { explicitBucketBoundaries: [1, 2] } }).bind({});
    meter.createObservableGauge('og').begin({}).observe(1);
    meter.createObservableCounter('oc').begin({}).observe(1);
    meter.createObservableUpDownCounter('ou').begin({}).observe(1);
    const [gauge, ...others] = definitions(made, 7);
    assert.deepEqual(gauge, {
      id: 1,
      kind: 'gauge',
      scope: { name: 'scope', version: '1.2', schemaUrl: 'https://example.org' },
      name: 'g',
      unit: 'By',
      description: 'words',
      valueType: 'int',
    });
    assert.deepEqual(
      others.map(({ id, kind, name, unit, valueType, boundaries }) => [
        id,
        kind,
        name,
        unit,
        valueType,
        boundaries,
      ]),
      [
        [2, 'counter', 'c', '', 'double', undefined],
        [3, 'up_down_counter', 'u', '', 'double', undefined],
        [4, 'histogram', 'h', '', 'double', [1, 2]],
        [5, 'observable_gauge', 'og', '', 'double', undefined],
        [6, 'observable_counter', 'oc', '', 'double', undefined],
        [7, 'observable_up_down_counter', 'ou', '', 'double', undefined],
      ],
    );
  });

  test('gives the same instrument for the same name, kind, unit and type', (t) => {
    const { meter } = rig(t);
    const gauge = meter.createGauge('Latency', { unit: 's', description: 'first' });
    assert.equal(meter.createGauge('latency', { unit: 's', description: 'second' }), gauge);
    assert.notEqual(meter.createGauge('latency', { unit: 'ms' }), gauge);
    assert.notEqual(meter.createGauge('latency', { unit: 's', valueType: ValueType.INT }), gauge);
    assert.notEqual(meter.createCounter('latency', { unit: 's' }), gauge);
    const observable = meter.createObservableCounter('o');
    assert.equal(meter.createObservableCounter('O'), observable);
  });

  test('says that a name is not as it should be, once, and works all the same', (t) => {
    const made = rig(t);
    const said = diagnostics(t, 'warn');
    const names = ['1st', '', 'a b', 'ä', `a${'b'.repeat(255)}`];
    for (const name of [...names, ...names]) made.meter.createGauge(name).record(1);
    assert.equal(said.length, names.length);
    assert.match(String(said[0]), /"1st", expected a match of/);
    made.recorder.flush();
    assert.deepEqual(
      made.contents().samples.map(({ name }) => name),
      [...names, ...names],
    );
    for (const name of ['a', 'A.b_c-d/e', `a${'b'.repeat(254)}`]) made.meter.createGauge(name);
    assert.equal(said.length, names.length);
  });

  test('takes names, units and descriptions that are no text, as JavaScript may pass them', (t) => {
    const made = rig(t);
    diagnostics(t, 'warn');
    const wrong: readonly unknown[] = [undefined, null, 5, {}, Symbol('s')];
    for (const text of wrong as readonly string[]) {
      made.meter.createGauge(text, { unit: text, description: text }).record(1);
    }
    made.recorder.flush();
    assert.deepEqual(
      made.contents().samples.map(({ name }) => name),
      ['', '', '5', '{}', 'Symbol(s)'],
    );
  });

  test('says that boundaries are not as they should be, and takes the default ones', (t) => {
    const made = rig(t);
    const said = diagnostics(t, 'warn');
    const wrong: readonly unknown[] = [
      [2, 1],
      [1, 1],
      [NaN],
      [0, Infinity],
      ['1'],
      null,
      5,
      Array.from({ length: MAX_BUCKETS }, (_, index) => index),
    ];
    for (const [index, boundaries] of wrong.entries()) {
      const advice = { explicitBucketBoundaries: boundaries as number[] };
      made.meter.createHistogram(`h${index}`, { advice }).bind({});
    }
    assert.equal(said.length, wrong.length);
    assert.match(
      String(said[0]),
      /explicitBucketBoundaries of h0: got \[2,1\], expected at most \d+ ascending/,
    );
    for (const { boundaries } of definitions(made, wrong.length))
      assert.deepEqual(boundaries, DEFAULT_BOUNDARIES);
  });

  test('has histograms with as many boundaries as fit into a batch', (t) => {
    const made = rig(t);
    const said = diagnostics(t, 'warn');
    const boundaries = Array.from({ length: MAX_BUCKETS - 1 }, (_, index) => index);
    const histogram = made.meter.createHistogram('h', { advice: { explicitBucketBoundaries: boundaries } });
    for (const [value, attributes] of [
      [3, {}],
      [5000, {}],
      [7, { other: 1 }],
    ] as const) {
      histogram.record(value, attributes);
    }
    made.recorder.flush();
    const { histograms } = made.contents();
    assert.deepEqual(
      histograms.map(({ count, sum }) => [count, sum]),
      [
        [2, 5003],
        [1, 7],
      ],
    );
    assert.equal(histograms[0].counts[3], 1);
    assert.equal(histograms[0].counts.at(-1), 1);
    assert.deepEqual(said, []);
  });

  test('is not moved by what becomes of the boundaries that it was given', (t) => {
    const made = rig(t);
    const boundaries = [1, 2];
    const histogram = made.meter.createHistogram('h', { advice: { explicitBucketBoundaries: boundaries } });
    boundaries.push(3);
    histogram.record(5);
    made.recorder.flush();
    assert.deepEqual(made.contents().histograms[0].counts, [0, 0, 1]);
  });
});

describe('a meter provider', () => {
  test('gives the same meter for the same name, version and schema', (t) => {
    const { provider } = rig(t);
    const meter = provider.getMeter('m', '1');
    assert.equal(provider.getMeter('m', '1', {}), meter);
    assert.notEqual(provider.getMeter('m'), meter);
    assert.notEqual(provider.getMeter('m', '1', { schemaUrl: 's' }), meter);
  });

  test('says when there is something to observe for the first time', (t) => {
    const { recorder } = rig(t);
    let said = 0;
    const provider = new RecordingMeterProvider(recorder, () => said++);
    provider.getMeter('a').createCounter('c');
    assert.equal(said, 0);
    provider.getMeter('a').createObservableGauge('g');
    provider.getMeter('b').createObservableCounter('c');
    assert.equal(said, 1);
  });
});
