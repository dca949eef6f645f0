import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

test('what was recorded right before process.exit() arrives, long before the export interval ends', async (t) => {
  const values = [1, 2, 3];
  const { sink } = await run(t, 'seed/instruments', (to, { directory }): InstrumentsJob => {
    const reader = { options: { collect_interval_millis: 10, export_interval_millis: 3_600_000 } };
    const configs = [{ ...metricsTo(to), reader }];
    return { directory, configs, values, hasChild: true, exits: true };
  });
  const latencies = [...sink.pointsOf('multistorageclient.latency')].map(({ value }) => value);
  assert.deepEqual(latencies, [...values, ...values]);
  assert.equal([...sink.pointsOf('multistorageclient.request.sum')].at(-1)?.value, 12);
});
