import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount, assertArrived } from '../support/arrivals.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('200,000 samples a microsecond apart keep 200,000 distinct times', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const count = 200_000;
  const burst = { init: { address: scene.directory }, configs: [metricsTo(sink)], count, apartNanos: 1000 };
  const program = scene.start('member', { burst, end: 'exit' });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertArrived(sink, count);
  assertAccount(status, { recorded: count });
  assert.equal(new Set(sink.points.times).size, count);

  const ordered = [...sink.points].toSorted((a, b) => a.value - b.value).map(({ time }) => time);
  const tooClose = ordered.filter((time, at) => at > 0 && time - ordered[at - 1] < 1000n).length;
  assert.equal(tooClose, 0, 'samples that are less apart than they were');
});
