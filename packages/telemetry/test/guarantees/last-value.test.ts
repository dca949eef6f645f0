import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount, assertTotals } from '../support/arrivals.ts';
import { TREE_GAUGE } from '../support/burst.ts';
import { metricsTo, Scene } from '../support/scene.ts';

/** That of `metricsTo`. */
const INTERVAL_MILLIS = 100;
/** Two processes may disagree about the time by less. */
const CLOCK_MILLIS = 5;

const windowOf = (millis: number): number => Math.floor(millis / INTERVAL_MILLIS);

test('last_value keeps one sample of each interval, the last of all processes', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const count = 300;
  const burst = (from: number) => ({
    init: { address: scene.directory },
    configs: [metricsTo(sink, { resampling: 'last_value' })],
    gauge: TREE_GAUGE,
    from,
    count,
    perTurn: 1,
    pauseMillis: 4,
    sums: true,
  });
  const children = [
    { how: 'fork', burst: burst(0) },
    { how: 'scrubbed', burst: burst(count) },
  ];
  const program = scene.start('member', { burst: { ...burst(2 * count), count: 10 }, children });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();

  const recorded = 2 * count + 10;
  const points = [...sink.pointsOf(TREE_GAUGE)];
  const kept = points.map(({ time, value }) => ({ millis: Number(time / 1000n) / 1000, value }));
  const byWindow = new Map(kept.map((point) => [windowOf(point.millis), point]));
  assert.equal(byWindow.size, kept.length, 'intervals with more than one point');

  const samples = program.said.filter((said) => 'recorded' in said);
  assert.equal(samples.length, recorded);
  for (const { turnedAtMillis, endedAtMillis } of samples) {
    const point = byWindow.get(windowOf(turnedAtMillis));
    // At the edge of an interval nobody but the recorder knows which one it was.
    if (windowOf(turnedAtMillis - CLOCK_MILLIS) !== windowOf(endedAtMillis + CLOCK_MILLIS)) continue;
    assert.ok(point !== undefined, 'an interval without a point');
    assert.ok(turnedAtMillis <= point.millis + CLOCK_MILLIS, `${turnedAtMillis} came after ${point.millis}`);
  }
  assertTotals(sink, recorded);
  const exported = kept.length;
  assertAccount(status, { recorded: 3 * recorded, exported, merged: 3 * recorded - exported });
});
