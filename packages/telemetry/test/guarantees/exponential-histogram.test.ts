import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount } from '../support/arrivals.ts';
import { TREE_GAUGE } from '../support/burst.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('an exponential histogram holds the samples of all processes, also when its server is killed', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const count = 2000;
  const burst = (from: number) => ({
    init: { address: scene.directory },
    configs: [{ ...metricsTo(sink), resampling: { type: 'exponential_histogram' } }],
    gauge: TREE_GAUGE,
    from,
    count,
    perTurn: 10,
    pauseMillis: 5,
  });
  const children = [
    { how: 'fork', burst: burst(count) },
    { how: 'scrubbed', burst: burst(2 * count) },
  ];
  const program = scene.start('member', { burst: burst(0), children, parallel: true });
  await sink.until(({ points }) => points.length > 0, 30_000);
  process.kill(await scene.serverPid(), 'SIGKILL');
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();

  const recorded = 3 * count;
  const points = [...sink.pointsOf(TREE_GAUGE)];
  const histograms = points.flatMap(({ exponential }) => exponential ?? []);
  assert.equal(histograms.length, points.length);
  assert.ok(
    points.every(({ startTime }) => startTime === points[0].startTime),
    'it starts anew',
  );
  const counts = histograms.map((histogram) => histogram.count);
  assert.deepEqual(
    counts,
    counts.toSorted((a, b) => a - b),
    'it falls',
  );
  const { scale, sum, min, max, zeroCount, positive } = histograms.at(-1)!;
  assert.deepEqual(
    { count: counts.at(-1), sum, min, max, zeroCount },
    { count: recorded, sum: (recorded * (recorded - 1)) / 2, min: 0, max: recorded - 1, zeroCount: 1 },
  );
  // Each value lies in the bucket that it belongs to; whole numbers are far from its bounds, other than powers of two.
  const expected = new Map<number, number>();
  for (let value = 1; value < recorded; value++) {
    const bucket = Math.ceil(Math.log2(value) * 2 ** scale) - 1;
    expected.set(bucket, (expected.get(bucket) ?? 0) + 1);
  }
  const filled = positive.counts.flatMap((each, at) =>
    each > 0 ? [[positive.offset + at, each] as const] : [],
  );
  assert.deepEqual(
    filled,
    [...expected].toSorted(([a], [b]) => a - b),
  );
  assertAccount(status, { recorded, exported: 0, merged: recorded });
});
