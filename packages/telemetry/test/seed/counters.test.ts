import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

const UNITS = {
  'multistorageclient.request.sum': '{request}',
  'multistorageclient.response.sum': '{response}',
  'multistorageclient.data_size.sum': 'By',
};

test('three counters, with the names and units of the original; exact sums over all processes', async (t) => {
  const { sink } = await run(t, 'seed/instruments', (to, { directory }): InstrumentsJob => {
    return { directory, configs: [metricsTo(to)], values: [1, 2, 4], hasChild: true };
  });
  for (const [name, unit] of Object.entries(UNITS)) {
    const points = [...sink.pointsOf(name)];
    const { value, metric } = points.at(-1)!;
    assert.equal(value, 2 * (1 + 2 + 4));
    assert.deepEqual([metric.kind, metric.unit, metric.monotonic], ['sum', unit, true]);
    assert.equal(metric.temporality, 'cumulative');
    assert.equal(new Set(points.map((point) => point.metric)).size, 1, 'one series for the tree');
  }
});
