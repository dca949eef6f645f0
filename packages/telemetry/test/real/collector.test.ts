import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type MetricsOptions, readTreeStatus } from '../../src/index.ts';
import { assertAccount } from '../support/arrivals.ts';
import { Collector, type Protocol } from '../support/collector.ts';
import { Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { assertBurst, assertDistribution } from './collected.ts';
import { makeSpans, metricsTo, recordVariety } from './sent.ts';

const WAYS: readonly { readonly protocol: Protocol; readonly compression: string }[] = [
  { protocol: 'http/protobuf', compression: 'none' },
  { protocol: 'http/protobuf', compression: 'gzip' },
  { protocol: 'http/protobuf', compression: 'zstd' },
  { protocol: 'http/json', compression: 'gzip' },
  { protocol: 'grpc', compression: 'none' },
  { protocol: 'grpc', compression: 'gzip' },
];

for (const { protocol, compression } of WAYS) {
  test(`a Collector understands every point and span, over ${protocol} with compression ${compression}`, async (t) => {
    const collector = await Collector.start(t);
    if (collector === undefined) return;
    const to = (signal: 'metrics' | 'traces') => {
      const options = { protocol, compression, endpoint: collector.endpoint(protocol, signal) };
      return { type: 'otlp', options };
    };
    await recordVariety(new Scene(t), collector, to('metrics'));
    await makeSpans(new Scene(t), collector, to('traces'));
  });
}

test('a Collector understands a distribution', async (t) => {
  const scene = new Scene(t);
  const collector = await Collector.start(t);
  if (collector === undefined) return;
  const count = 10_000;
  const protocol = 'http/protobuf';
  const config: MetricsOptions = {
    ...metricsTo({ type: 'otlp', options: { endpoint: collector.endpoint(protocol, 'metrics'), protocol } }),
    resampling: { type: 'exponential_histogram' },
  };
  const burst = {
    init: { address: scene.directory },
    configs: [config],
    count,
    perTurn: 1000,
    pauseMillis: 20,
  };
  const program = scene.start('member', { burst, end: 'exit' });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertDistribution(collector.points(), count);
  assertAccount(status, { recorded: count, exported: 0, merged: count });
});

test('a Collector that is killed and comes back misses nothing', async (t) => {
  const scene = new Scene(t);
  const collector = await Collector.start(t);
  if (collector === undefined) return;
  const count = 40_000;
  const configs = [
    metricsTo({ type: 'otlp', options: { endpoint: collector.endpoint('http/protobuf', 'metrics') } }),
  ];
  const init = { address: scene.directory };
  const shared = { init, configs, count: count / 2, perTurn: 500, pauseMillis: 20, sums: true };
  const children = [{ how: 'fork', burst: { ...shared, from: count / 2 } }];
  const program = scene.start('member', { burst: shared, end: 'stay', children });

  await until('points', () => collector.points().length > 0);
  await collector.stop('SIGKILL');
  await until('a backend that is away', () =>
    Object.values(readTreeStatus(scene.directory).configurations).some(({ state }) => state === 'away'),
  );
  await collector.restart();
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const { duplicated } = status.account;
  assertBurst(collector.points(), count, duplicated);
  assertAccount(status, { recorded: 3 * count, exported: count, merged: 2 * count });
});
