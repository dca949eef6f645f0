import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount, assertArrived, assertTotals, countOf } from '../support/arrivals.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { readTreeStatus } from '../../src/server/status.ts';

test('a backend that is away delays its own configuration only, and gets everything once it is back', async (t) => {
  const scene = new Scene(t);
  const there = await scene.sink();
  const away = await scene.sink();
  const configs = [metricsTo(away), metricsTo(there)];
  await away.down();
  const count = 20_000;
  const init = { address: scene.directory };
  const burst = (from: number) => ({ init, configs, from, count: count / 2, perTurn: 1000, sums: true });
  const children = [{ how: 'fork', burst: burst(count / 2) }];
  const program = scene.start('member', { burst: burst(0), end: 'stay', children });

  await there.until(() => countOf(there) >= count, DEADLINE_MILLIS);
  assertArrived(there, count);
  assert.equal(away.points.length, 0);
  const states = Object.values(readTreeStatus(scene.directory).configurations).map(({ state }) => state);
  assert.deepEqual(states.toSorted(), ['away', 'ok']);

  await away.up();
  await away.until(() => countOf(away) >= count, DEADLINE_MILLIS);
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  for (const sink of [there, away]) {
    assertArrived(sink, count);
    assertTotals(sink, count);
    assert.equal(sink.duplicateRequests, 0);
  }
  for (const configuration of Object.values(status.configurations)) {
    const { account, writers } = configuration;
    assert.equal(writers, 2);
    assertAccount({ ...status, account }, { recorded: 3 * count, exported: count, merged: 2 * count });
    assert.equal(account.duplicated, 0);
  }
});
