import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import type { Attributes } from '@opentelemetry/api';
import fc from 'fast-check';
import { isOverflow, LimitedSeries, OVERFLOW_ATTRIBUTES } from '../../src/record/cardinality.ts';
import { RecordingOperations } from '../../src/record/operations.ts';
import { rig, type Rig } from './stage.ts';

const LIMIT = 4;
const OVERFLOW = JSON.stringify(OVERFLOW_ATTRIBUTES);
const SETS = 100;

interface Row {
  readonly name: string;
  readonly attributes: Attributes;
}

/** Values by attribute set. */
function bySet<T extends Row>(
  rows: readonly T[],
  name: string,
  valueOf: (row: T) => number,
): Map<string, number> {
  const values = new Map<string, number>();
  for (const row of rows) {
    if (row.name !== name) continue;
    const key = JSON.stringify(row.attributes);
    values.set(key, (values.get(key) ?? 0) + valueOf(row));
  }
  return values;
}

const total = (values: Map<string, number>): number =>
  [...values.values()].reduce((sum, value) => sum + value, 0);

/** Three sets have a series of their own, the first that came. */
function assertLimited(values: Map<string, number>, first: readonly Attributes[]): void {
  assert.deepEqual([...values.keys()], [...first.map((set) => JSON.stringify(set)), OVERFLOW]);
}

const FIRST = [{ set: 0 }, { set: 1 }, { set: 2 }];

function recordedBy(record: (made: Rig) => void): Rig & { readonly stop: () => void } {
  const ends: (() => void)[] = [];
  const made = rig({ after: (end) => void ends.push(end as () => void) }, { cardinalityLimit: LIMIT });
  record(made);
  made.recorder.flush();
  return { ...made, stop: () => ends.toReversed().forEach((end) => end()) };
}

suite('beyond the cardinality limit', () => {
  test('every synchronous instrument has one more series, and nothing is lost', () => {
    const { contents, recorder, stop } = recordedBy(({ meter }) => {
      const gauge = meter.createGauge('g');
      const counter = meter.createCounter('c');
      const level = meter.createUpDownCounter('u');
      const histogram = meter.createHistogram('h');
      for (let set = 0; set < SETS; set++) {
        gauge.record(set, { set });
        gauge.bind(Object.freeze({ set })).record(set);
        counter.add(2, { set });
        level.add(-3, { set });
        histogram.record(5, { set });
      }
    });
    const { samples, sums, histograms } = contents();
    const of = [
      bySet(samples, 'g', ({ value }) => value),
      bySet(sums, 'c', ({ value }) => value),
      bySet(sums, 'u', ({ value }) => value),
      bySet(histograms, 'h', ({ count }) => count),
    ];
    for (const values of of) assertLimited(values, FIRST);
    assert.deepEqual(of.map(total), [SETS * (SETS - 1), 2 * SETS, -3 * SETS, SETS]);
    const { recorded, overflowed } = recorder.account;
    assert.deepEqual([recorded, overflowed], [5 * SETS, 5 * (SETS - 3)]);
    stop();
  });

  test('who has a series keeps it, in whatever order sets come back', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(9), { maxLength: 60 }), (sets) => {
        const { contents, recorder, stop } = recordedBy(({ meter }) => {
          const gauge = meter.createGauge('g');
          for (const set of sets) gauge.record(1, { set });
        });
        const own = new Set([...new Set(sets)].slice(0, LIMIT - 1));
        const values = bySet(contents().samples, 'g', ({ value }) => value);
        for (const [key, count] of values) {
          const { set } = JSON.parse(key) as { set?: number };
          const expected = sets.filter((each) => (set === undefined ? !own.has(each) : each === set));
          assert.equal(count, expected.length, key);
        }
        assert.equal(total(values), sets.length);
        assert.equal(recorder.account.overflowed, values.get(OVERFLOW) ?? 0);
        stop();
      }),
      { numRuns: 30 },
    );
  });

  test('what is dropped is not counted as overflowed', () => {
    const { recorder, stop } = recordedBy(({ meter }) => {
      const counter = meter.createCounter('c');
      for (let set = 0; set < SETS; set++) counter.add(NaN, { set });
    });
    assert.equal(recorder.account.overflowed, 0);
    stop();
  });

  test('observed totals add up, whichever callback observes them, however often', async () => {
    const { contents, stop } = await observed(async ({ meter, provider, recorder }) => {
      const counter = meter.createObservableCounter('c');
      const gauge = meter.createObservableGauge('g');
      let round = 0;
      counter.addCallback((result) => {
        for (let set = 0; set < 10; set++) {
          result.observe(1, { set });
          result.observe(round * 100 + set, { set });
        }
      });
      const more = [10, 11];
      meter.addBatchObservableCallback(
        (result) => {
          for (const set of more) {
            result.observe(counter, round * 1000, { set });
            result.observe(gauge, set, { set: round * 10 + set });
          }
        },
        [counter, gauge],
      );
      for (round = 1; round <= 3; round++) {
        await provider.callbacks.collect();
        recorder.flush();
      }
    });
    const last = new Map<string, number>();
    for (const { name, attributes, value } of contents().sums) {
      if (name === 'c') last.set(JSON.stringify(attributes), value);
    }
    assertLimited(last, FIRST);
    assert.equal(total(last), 10 * 300 + 45 + 2 * 3000);
    assertLimited(
      bySet(contents().samples, 'g', () => 1),
      [{ set: 20 }, { set: 21 }, { set: 30 }],
    );
    stop();
  });

  test('an observed total does not dip while a callback runs, or breaks off', async () => {
    const { contents, recorder, stop } = await observed(async ({ meter, provider, recorder: own }) => {
      const counter = meter.createObservableUpDownCounter('c');
      let round = 0;
      counter.addCallback(async (result) => {
        for (let set = 0; set < 6; set++) {
          if (set === 5 && round === 2) throw new Error('half of it');
          result.observe(10, { set });
          await Promise.resolve();
          own.flush();
        }
      });
      counter.addCallback((result) => {
        for (const set of ['a', 'b', 'c']) result.observe(100 + round, { set });
      });
      for (round = 1; round <= 3; round++) {
        await provider.callbacks.collect();
        own.flush();
      }
    });
    const overflow = contents().sums.filter(({ attributes }) => JSON.stringify(attributes) === OVERFLOW);
    // Sets 1 to 5 of the one, and `c` of the other, which changes.
    const values = overflow.map(({ value }) => value);
    assert.deepEqual(values, [101, 151, 152, 152, 153, 153]);
    assert.equal(recorder.account.recorded, 6 + 5 + 6 + 9);
    assert.equal(recorder.account.overflowed, 5 + 4 + 5 + 3);
    stop();
  });

  test('operations whose errors have ever new names are one more series', () => {
    const { contents, recorder, stop } = recordedBy((made) => {
      const operations = new RecordingOperations(made.recorder, { provider: 'x' });
      for (let count = 0; count < SETS; count++) {
        const error = Object.assign(new Error('e'), { name: `Error${count}` });
        operations.start('read').fail(error);
        operations.start('read').succeed(7);
      }
    });
    const rows = contents().operations.map(({ attributes, bytes }) => ({
      status: attributes['multistorageclient.status'] ?? JSON.stringify(attributes),
      bytes,
    }));
    const statuses = new Map<unknown, number>();
    for (const { status } of rows) statuses.set(status, (statuses.get(status) ?? 0) + 1);
    assert.deepEqual(
      [...statuses],
      [
        ['error.Error0', 1],
        ['success', SETS],
        ['error.Error1', 1],
        [OVERFLOW, SETS - 2],
      ],
    );
    assert.deepEqual([recorder.account.recorded, recorder.account.overflowed], [2 * SETS, SETS - 2]);
    stop();
  });

  test('an overflow that finds no room in the journal is carried like any other series', () => {
    const ends: (() => void)[] = [];
    const budget = { segmentMaxBytes: 4096, primaryMaxBytes: 8192, spillMaxBytes: 0 };
    const made = rig({ after: (end) => void ends.push(end as () => void) }, { cardinalityLimit: 2, budget });
    const operations = new RecordingOperations(made.recorder, { provider: 'x' });
    for (let count = 0; count < 2000; count++) {
      operations.start('read').fail(Object.assign(new Error('e'), { name: `Error${count}` }));
      if (count % 10 === 0) made.recorder.flush();
    }
    made.recorder.flush(true);
    const { sums, operations: rows, dropped } = made.contents();
    const responses = sums.filter(({ name }) => name === 'multistorageclient.response.sum');
    assert.ok((dropped['budget'] ?? 0) > 0);
    assert.equal(rows.length + (dropped['budget'] ?? 0), 2000);
    assert.equal(
      responses.reduce((sum, { value }) => sum + value, 0),
      dropped['budget'],
    );
    for (const end of ends.toReversed()) end();
  });
});

async function observed(record: (made: Rig) => Promise<void>): Promise<Rig & { readonly stop: () => void }> {
  const made = recordedBy(() => undefined);
  await record(made);
  made.recorder.flush();
  return made;
}

suite('limited series', () => {
  test('take no more memory for long keys than for short ones, and still tell them apart', () => {
    const series = new LimitedSeries<number>(3, () => -1);
    const long = 'x'.repeat(100_000);
    assert.equal(
      series.add(`${long}1`, () => 1),
      1,
    );
    assert.equal(
      series.add(`${long}2`, () => 2),
      2,
    );
    assert.equal(
      series.add('short', () => 3),
      -1,
    );
    assert.deepEqual([series.get(`${long}1`), series.get(`${long}2`), series.get(long)], [1, 2, undefined]);
    assert.deepEqual([series.isOverflow(-1), series.isOverflow(1)], [true, false]);
  });

  test('a limit of one leaves the overflow alone', () => {
    assert.equal(
      new LimitedSeries(1, () => 'overflow').add('any', () => 'own'),
      'overflow',
    );
  });

  test('the overflow is known by its attributes', () => {
    assert.equal(isOverflow([['otel.metric.overflow', true]]), true);
    assert.equal(isOverflow([['otel.metric.overflow', false]]), false);
    assert.equal(
      isOverflow([
        ['a', 1],
        ['otel.metric.overflow', true],
      ]),
      false,
    );
    assert.equal(isOverflow([]), false);
  });
});
