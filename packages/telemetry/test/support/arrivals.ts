/**
 * What arrived at a backend, compared with what was recorded.
 *
 * In: the points of a sink. Out: assertions. Invariant: each looks at every single point, not at counts alone.
 */
import assert from 'node:assert/strict';
import type { Point, Sink } from '@multistorageclient/sink';
import { type Account, sum } from '../../src/server/account.ts';
import type { TreeStatus } from '../../src/server/status.ts';
import { COUNTER, GAUGE, HISTOGRAM } from './burst.ts';

/** How many points of a metric have arrived. */
export function countOf(sink: Sink, metric: string = GAUGE): number {
  return sink.points.counts().get(metric) ?? 0;
}

/** Values of the gauge that have arrived, ascending; fails where one of them arrived twice. */
export function valuesOf(sink: Sink, metric: string = GAUGE): number[] {
  const values = [...valuesAsTheyCame(sink, metric)].toSorted((a, b) => a - b);
  const twice = values.filter((value, index) => index > 0 && values[index - 1] === value);
  assert.deepEqual(twice.slice(0, 10), [], `${twice.length} values arrived twice`);
  return values;
}

/** Fails unless exactly the values `0` to `count - 1` of the gauge have arrived, once each. */
export function assertArrived(sink: Sink, count: number, metric: string = GAUGE): void {
  const times = new Uint8Array(count);
  let strange = 0;
  for (const value of valuesAsTheyCame(sink, metric)) {
    if (Number.isInteger(value) && value >= 0 && value < count) times[value]++;
    else strange++;
  }
  const missing = times.reduce((total, each) => total + (each === 0 ? 1 : 0), 0);
  const repeated = times.reduce((total, each) => total + (each > 1 ? 1 : 0), 0);
  const first = times.indexOf(0);
  assert.deepEqual(
    { missing, repeated, strange },
    { missing: 0, repeated: 0, strange: 0 },
    `of ${count} values; the first that is missing: ${first}`,
  );
}

/** Fails unless the values of each attribute set are those of `Burst`, and in time order. */
export function assertSets(sink: Sink, sets: number): void {
  const wrong = [...sink.pointsOf(GAUGE)].filter(
    ({ attributes, value }) => attributes['set'] !== value % sets,
  );
  assert.deepEqual(wrong, []);
}

/** Fails unless counter and histogram end at `count`, in one series each that never went backwards. */
export function assertTotals(sink: Sink, count: number): void {
  const counts = series(sink, COUNTER).map(({ value }) => value);
  const distributions = series(sink, HISTOGRAM).map(({ histogram }) => histogram!);
  for (const totals of [counts, distributions.map((histogram) => histogram.count)]) {
    assert.deepEqual(
      totals,
      totals.toSorted((a, b) => a - b),
      'a total went backwards',
    );
    assert.equal(totals.at(-1), count);
  }
  const last = distributions.at(-1)!;
  assert.equal(
    last.counts.reduce((total, each) => total + each, 0),
    count,
    'buckets',
  );
  // Values 0 to 9, over and over.
  assert.equal(last.sum, Math.floor(count / 10) * 45 + ((count % 10) * ((count % 10) - 1)) / 2);
}

/** The points of the one series of a metric, in their order of arrival, which has to be that of their times. */
function series(sink: Sink, metric: string): Point[] {
  const points = [...sink.pointsOf(metric)];
  assert.equal(new Set(points.map((point) => point.metric)).size, 1, `resources of ${metric}`);
  assert.equal(new Set(points.map(({ startTime }) => startTime)).size, 1, `start times of ${metric}`);
  const times = points.map(({ time }) => time);
  const ordered = times.every((time, index) => index === 0 || times[index - 1] < time);
  assert.ok(ordered, `times of ${metric} are not ascending`);
  return points;
}

/** Fails unless the account at the end of a tree says just this, and nothing is left in a journal. */
export function assertAccount(
  status: TreeStatus,
  expected: Partial<Account> & { readonly recorded: number },
): void {
  const { recorded, exported, merged, journaled, dropped } = status.account;
  const wanted = { exported: expected.recorded, merged: 0, dropped: {}, ...expected };
  assert.deepEqual({ recorded, exported, merged, dropped }, wanted);
  assert.equal(journaled, 0, 'nothing is left in the journals');
  assert.equal(recorded, exported + merged + sum(dropped), 'the account balances');
  assert.ok(status.balanced);
}

function* valuesAsTheyCame(sink: Sink, metric: string): Generator<number> {
  const { series: known, seriesNumbers, values } = sink.points;
  const isWanted = known.map((each) => each.metric.name === metric);
  for (let index = 0; index < values.length; index++) if (isWanted[seriesNumbers[index]]) yield values[index];
}
