import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { ValueType, type Attributes } from '@opentelemetry/api';
import * as fc from 'fast-check';
import { rig, totals, type Rig } from './stage.ts';

const any = (value: unknown): number => value as number;
const unreadable: Attributes = Object.defineProperty({}, 'a', {
  enumerable: true,
  get: (): never => {
    throw new Error('no');
  },
});

/** What was recorded is in the journal, or counted as dropped. */
function assertAccount({ recorder, contents }: Rig, recorded: number, dropped: Record<string, number>): void {
  recorder.flush();
  assert.deepEqual(recorder.account.recorded, recorded);
  assert.deepEqual(contents().dropped, dropped);
  const units = contents().frames.reduce((sum, frame) => sum + frame.units, 0);
  const lost = Object.values(dropped).reduce((sum, count) => sum + count, 0);
  assert.equal(units + lost, recorded);
}

describe('a gauge', () => {
  test('keeps every value there is, each with its own time', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g');
    const values = [1, 1, NaN, Infinity, -Infinity, -0, Number.MIN_VALUE, 2 ** 53, 2 ** 53 + 2, -1.5];
    for (const value of values) gauge.record(value, { a: 1 });
    recorder.flush();
    const { samples } = contents();
    assert.deepEqual(
      samples.map(({ value }) => value),
      values,
    );
    for (const [index, { name, attributes, nanos }] of samples.entries()) {
      assert.deepEqual([name, attributes], ['g', { a: 1 }]);
      if (index > 0) assert.ok(nanos >= samples[index - 1].nanos);
    }
  });

  test('takes any double', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g');
    const recorded: number[] = [];
    fc.assert(
      fc.property(fc.array(fc.double()), (values) => {
        for (const value of values) gauge.record(value);
        recorded.push(...values);
      }),
    );
    recorder.flush();
    assert.deepEqual(
      contents().samples.map(({ value }) => value),
      recorded,
    );
  });

  test('of integers cuts off what is behind the point', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g', { valueType: ValueType.INT });
    for (const value of [1.9, -1.9, 0.5, -0.5, 2 ** 53, NaN]) gauge.record(value);
    recorder.flush();
    assert.deepEqual(
      contents().samples.map(({ value }) => value),
      [1, -1, 0, -0, 2 ** 53, NaN],
    );
  });

  test('counts what is no number', (t) => {
    const made = rig(t);
    const gauge = made.meter.createGauge('g');
    for (const value of ['5', 5n, null, undefined, {}, [5]]) gauge.record(any(value));
    gauge.record(1);
    assertAccount(made, 7, { invalid_value: 6 });
  });

  test('counts calls with attributes that cannot be read', (t) => {
    const made = rig(t);
    const gauge = made.meter.createGauge('g');
    gauge.record(1, unreadable);
    const bound = gauge.bind(unreadable);
    bound.record(1);
    bound.record(any('x'));
    gauge.record(2, { fine: true });
    assertAccount(made, 4, { invalid_attributes: 3 });
  });
});

describe('counters', () => {
  test('are summed up exactly, with all of their calls', (t) => {
    const { meter, recorder, contents } = rig(t);
    const counter = meter.createCounter('c');
    const upDown = meter.createUpDownCounter('u');
    for (let call = 0; call < 1000; call++) {
      counter.add(0.5);
      upDown.add(call % 2 === 0 ? 3 : -2.5);
    }
    recorder.flush();
    assert.deepEqual(totals(contents()), { c: { value: 500, calls: 1000 }, u: { value: 250, calls: 1000 } });
    assert.equal(contents().sums.length, 2);
  });

  test('write what was added since, and not what they come to', (t) => {
    const { meter, recorder, contents } = rig(t);
    const counter = meter.createCounter('c');
    for (const value of [1, 2, 4]) {
      counter.add(value);
      recorder.flush();
    }
    assert.deepEqual(
      contents().sums.map(({ value }) => value),
      [1, 2, 4],
    );
  });

  test('count what would spoil their sum, or let it fall', (t) => {
    const made = rig(t);
    const counter = made.meter.createCounter('c');
    const upDown = made.meter.createUpDownCounter('u');
    for (const value of [NaN, Infinity, -Infinity, -1, -Number.MIN_VALUE, '1', 1n, null, undefined, {}]) {
      counter.add(any(value));
    }
    for (const value of [NaN, Infinity, -Infinity, '1', 1n, null]) upDown.add(any(value));
    counter.add(0);
    counter.add(-0);
    upDown.add(-1);
    assertAccount(made, 19, { invalid_value: 16 });
    assert.deepEqual(totals(made.contents()), { c: { value: 0, calls: 2 }, u: { value: -1, calls: 1 } });
  });

  test('of integers cut off what is behind the point of each call', (t) => {
    const { meter, recorder, contents } = rig(t);
    const counter = meter.createCounter('c', { valueType: ValueType.INT });
    const upDown = meter.createUpDownCounter('u', { valueType: ValueType.INT });
    for (let call = 0; call < 10; call++) {
      counter.add(1.9);
      upDown.add(-1.9);
    }
    recorder.flush();
    assert.deepEqual(totals(contents()), { c: { value: 10, calls: 10 }, u: { value: -10, calls: 10 } });
  });

  test('count calls with attributes that cannot be read', (t) => {
    const made = rig(t);
    const counter = made.meter.createCounter('c');
    counter.add(1, unreadable);
    counter.bind(unreadable).add(-1);
    counter.add(1);
    assertAccount(made, 3, { invalid_attributes: 2 });
  });
});

describe('a histogram', () => {
  const bounds = { advice: { explicitBucketBoundaries: [-1, 0, 2.5] } };

  test('counts a value in the bucket that it is the upper bound of', (t) => {
    const { meter, recorder, contents } = rig(t);
    const histogram = meter.createHistogram('h', bounds);
    const next = 2.5 + 2 ** -51;
    for (const value of [0, -0, Number.MIN_VALUE, 2.5, next, 1e308]) histogram.record(value);
    recorder.flush();
    const [{ counts, count, sum, min, max }] = contents().histograms;
    assert.deepEqual(counts, [0, 2, 2, 2]);
    assert.deepEqual({ count, min, max }, { count: 6, min: 0, max: 1e308 });
    assert.equal(sum, 1e308 + 5);
  });

  test('has the default bounds of OpenTelemetry', (t) => {
    const { meter, recorder, contents } = rig(t);
    const histogram = meter.createHistogram('h');
    for (const value of [0, 5, 5.1, 10_000, 10_001]) histogram.record(value);
    recorder.flush();
    const expected = Array.from({ length: 16 }, () => 0);
    for (const bucket of [0, 1, 2, 14, 15]) expected[bucket] = 1;
    assert.deepEqual(contents().histograms[0].counts, expected);
  });

  test('without bounds has one bucket', (t) => {
    const { meter, recorder, contents } = rig(t);
    const histogram = meter.createHistogram('h', { advice: { explicitBucketBoundaries: [] } });
    histogram.record(7);
    histogram.record(8);
    recorder.flush();
    const [{ counts, sum, min, max }] = contents().histograms;
    assert.deepEqual({ counts, sum, min, max }, { counts: [2], sum: 15, min: 7, max: 8 });
  });

  test('agrees with OpenTelemetry about every value and bound', (t) => {
    const { meter, recorder, contents } = rig(t);
    const number = fc.oneof(
      fc.double({ noNaN: true, noDefaultInfinity: true }),
      fc.integer({ min: -3, max: 3 }),
    );
    let instruments = 0;
    fc.assert(
      fc.property(
        fc.uniqueArray(number, { maxLength: 6 }),
        fc.array(number, { minLength: 1 }),
        (unsorted, values) => {
          const boundaries = [...new Set(unsorted.map((bound) => bound + 0))].toSorted((a, b) => a - b);
          const name = `h${instruments++}`;
          const histogram = meter.createHistogram(name, { advice: { explicitBucketBoundaries: boundaries } });
          const taken = values.filter((value) => value >= 0);
          for (const value of values) histogram.record(value);
          recorder.flush();
          const found = contents().histograms.find((row) => row.name === name);
          // The specification: bucket i holds the values in (boundary i-1, boundary i].
          const expected = Array.from({ length: boundaries.length + 1 }, () => 0);
          for (const value of taken) expected[boundaries.filter((bound) => bound < value).length]++;
          assert.deepEqual(found?.counts ?? Array.from({ length: boundaries.length + 1 }, () => 0), expected);
        },
      ),
      { numRuns: 40 },
    );
  });

  test('counts what it cannot take', (t) => {
    const made = rig(t);
    const histogram = made.meter.createHistogram('h');
    for (const value of [NaN, Infinity, -Infinity, -1, '1', 1n, null, undefined])
      histogram.record(any(value));
    histogram.record(1, unreadable);
    histogram.bind(unreadable).record(1);
    histogram.record(1);
    assertAccount(made, 11, { invalid_value: 8, invalid_attributes: 2 });
    assert.equal(made.contents().histograms[0].count, 1);
  });

  test('of integers cuts off what is behind the point', (t) => {
    const { meter, recorder, contents } = rig(t);
    const histogram = meter.createHistogram('h', { ...bounds, valueType: ValueType.INT });
    for (const value of [0.9, 2.9, 3.1]) histogram.record(value);
    recorder.flush();
    const [{ counts, sum }] = contents().histograms;
    assert.deepEqual({ counts, sum }, { counts: [0, 1, 1, 1], sum: 5 });
  });
});

describe('bind(attributes)', () => {
  test('gives the series that the same attributes give, for every instrument', (t) => {
    const { meter, recorder, contents } = rig(t);
    const [gauge, counter] = [meter.createGauge('g'), meter.createCounter('c')];
    const [upDown, histogram] = [meter.createUpDownCounter('u'), meter.createHistogram('h')];
    const bound = { a: 1, b: ['x'] };
    const loose = { b: ['x'], a: 1 };
    gauge.bind(bound).record(1);
    gauge.record(2, loose);
    counter.bind(bound).add(1);
    counter.add(2, loose);
    upDown.bind(bound).add(-1);
    upDown.add(-2, loose);
    histogram.bind(bound).record(1);
    histogram.record(2, loose);
    recorder.flush();
    const { samples, sums, histograms } = contents();
    assert.deepEqual(
      samples.map(({ value, attributes }) => [value, attributes]),
      [
        [1, bound],
        [2, bound],
      ],
    );
    assert.deepEqual(
      sums.map(({ name, value, calls, attributes }) => [name, value, calls, attributes]),
      [
        ['c', 3, 2, bound],
        ['u', -3, 2, bound],
      ],
    );
    assert.deepEqual(
      histograms.map(({ count, sum, attributes }) => [count, sum, attributes]),
      [[2, 3, bound]],
    );
  });

  test('is not moved by what becomes of its object', (t) => {
    const { meter, recorder, contents } = rig(t);
    const gauge = meter.createGauge('g');
    const attributes: Attributes = { a: 1 };
    const bound = gauge.bind(attributes);
    attributes['a'] = 2;
    bound.record(1);
    gauge.record(2, attributes);
    recorder.flush();
    assert.deepEqual(
      contents().samples.map((sample) => sample.attributes),
      [{ a: 1 }, { a: 2 }],
    );
  });

  test('without attributes is the instrument itself', (t) => {
    const { meter, recorder, contents } = rig(t);
    const counter = meter.createCounter('c');
    counter.bind({}).add(1);
    counter.add(1);
    counter.add(1, {});
    recorder.flush();
    assert.equal(contents().sums.length, 1);
    assert.deepEqual(totals(contents()), { c: { value: 3, calls: 3 } });
  });
});
