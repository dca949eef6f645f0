import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

const UNITS = {
  'multistorageclient.latency': 's',
  'multistorageclient.data_size': 'By',
  'multistorageclient.data_rate': 'By/s',
};

test('three gauges, with the names and units of the original; every sample is kept, with its own time', async (t) => {
  const values = [0.5, 0.25, 0.25, 4];
  const { sink } = await run(t, 'seed/instruments', (to, { directory }): InstrumentsJob => {
    return { directory, configs: [metricsTo(to)], values };
  });
  for (const [name, unit] of Object.entries(UNITS)) {
    const points = [...sink.pointsOf(name)];
    assert.deepEqual(
      points.map(({ value }) => value),
      values,
    );
    for (const { metric } of points) assert.deepEqual([metric.kind, metric.unit], ['gauge', unit]);
    assert.equal(new Set(points.map(({ time }) => time)).size, values.length);
    assert.equal(points[0].metric.scope.name, 'multistorageclient');
  }
});
