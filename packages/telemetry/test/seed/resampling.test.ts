import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MetricsOptions } from '../../src/index.ts';
import type { InstrumentsJob } from '../support/programs/seed/instruments.ts';
import { metricsTo } from '../support/scene.ts';
import { run } from './stage.ts';

/** What is left of the values 1 to 9 of one turn. */
const METHODS: readonly [
  what: string,
  resampling: MetricsOptions['resampling'],
  values: readonly number[],
][] = [
  ['raw samples, which are the default', undefined, [1, 2, 3, 4, 5, 6, 7, 8, 9]],
  ['one of so many', { type: 'decimation', options: { factor: 3 } }, [1, 4, 7]],
  ['the last value of each collect interval', { type: 'last_value' }, [9]],
];

for (const [what, resampling, values] of METHODS) {
  test(`gauges give ${what}; sums stay exact`, async (t) => {
    const { sink } = await run(t, 'seed/instruments', (to, { directory }): InstrumentsJob => {
      // So long that the turn cannot fall into two of them.
      const reader = { options: { collect_interval_millis: 3_600_000, export_interval_millis: 200 } };
      const config = {
        exporter: metricsTo(to).exporter!,
        reader,
        ...(resampling === undefined ? {} : { resampling }),
      };
      return { directory, configs: [config], values: [1, 2, 3, 4, 5, 6, 7, 8, 9] };
    });
    const latencies = [...sink.pointsOf('multistorageclient.latency')].map(({ value }) => value);
    assert.deepEqual(latencies, values);
    assert.equal([...sink.pointsOf('multistorageclient.request.sum')].at(-1)?.value, 45);
  });
}
