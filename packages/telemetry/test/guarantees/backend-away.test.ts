import assert from 'node:assert/strict';
import { describe, test, type TestContext } from 'node:test';
import type { Sink } from '@multistorageclient/sink';
import type { Account } from '../../src/server/account.ts';
import { readTreeStatus, type TreeStatus } from '../../src/server/status.ts';
import { assertAccount, assertArrived, assertTotals, countOf, valuesOf } from '../support/arrivals.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

/** More than one request holds, however late the server comes. */
const COUNT = 20_000;

/** Records into a backend that `goesAway`, and `comesBack` when the server knows that it is away. */
async function recordAnyway(
  t: TestContext,
  goesAway: (sink: Sink) => void | Promise<void>,
  comesBack: (sink: Sink) => void | Promise<void>,
  options: { readonly exportTimeoutMillis?: number } = {},
): Promise<{ sink: Sink; account: Account }> {
  const scene = new Scene(t);
  const sink = await scene.sink();
  await goesAway(sink);
  const configs = [metricsTo(sink, options)];
  const burst = { init: { address: scene.directory }, configs, count: COUNT, perTurn: 1000, sums: true };
  const program = scene.start('member', { burst, end: 'stay' });
  await until('backend that is known to be away', () =>
    Object.values(readTreeStatus(scene.directory).configurations).some(({ state }) => state === 'away'),
  );
  assert.equal(sink.points.length, 0);
  await comesBack(sink);
  await sink.until(() => countOf(sink) >= COUNT, DEADLINE_MILLIS);
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertArrived(sink, COUNT);
  assertTotals(sink, COUNT);
  assertAccount(status, { recorded: 3 * COUNT, exported: COUNT, merged: 2 * COUNT });
  return { sink, account: status.account };
}

/** Records raw samples into a backend that is there. */
async function recordSamples(scene: Scene, sink: Sink): Promise<TreeStatus> {
  const init = { address: scene.directory };
  // In more than one export interval.
  const burst = { init, configs: [metricsTo(sink)], count: COUNT, perTurn: 1000, pauseMillis: 50 };
  const program = scene.start('member', { burst });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  return await scene.ended();
}

describe('a backend that is away gets everything once when it is back', { concurrency: true }, () => {
  test('from answering 503', async (t) => {
    const { sink, account } = await recordAnyway(
      t,
      (backend) => backend.pause(),
      (backend) => backend.resume(),
    );
    assert.deepEqual([sink.duplicateRequests, account.duplicated], [0, 0]);
  });

  test('from refusing connections', async (t) => {
    const { sink, account } = await recordAnyway(
      t,
      (backend) => backend.down(),
      (backend) => backend.up(),
    );
    assert.deepEqual([sink.duplicateRequests, account.duplicated], [0, 0]);
  });

  test('from never answering; requests that it may have seen are reported', async (t) => {
    const { account } = await recordAnyway(
      t,
      (backend) => backend.respond(() => ({ action: 'hang' })),
      (backend) => backend.respond(undefined),
      { exportTimeoutMillis: 500 },
    );
    assert.ok(account.duplicated > 0);
  });

  test('from resetting connections behind a request that it took: it comes again unchanged', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    sink.respond(({ number }) => (number === 1 ? { action: 'reset', accepted: true } : undefined));
    const status = await recordSamples(scene, sink);
    assertArrived(sink, COUNT);
    assertAccount(status, { recorded: COUNT });
    assert.equal(sink.duplicateRequests, 1);
    assert.equal(status.account.duplicated, sink.duplicatePoints);
  });
});

describe('what a backend does not take', { concurrency: true }, () => {
  test('of a request that it accepts in part, is counted', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const rejectedDataPoints = 7;
    sink.respond(({ number }) => (number === 1 ? { action: 'accept', rejectedDataPoints } : undefined));
    const status = await recordSamples(scene, sink);
    assert.equal(valuesOf(sink).length, COUNT - rejectedDataPoints);
    const dropped = { rejected: rejectedDataPoints };
    assertAccount(status, { recorded: COUNT, exported: COUNT - rejectedDataPoints, dropped });
  });

  test('because a request is too large, comes in smaller ones', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink({ maxBodyBytes: 50_000 });
    const status = await recordSamples(scene, sink);
    assertArrived(sink, COUNT);
    assertAccount(status, { recorded: COUNT });
    assert.ok(sink.requests > sink.acceptedRequests);
  });

  test('because it finds a request invalid, is counted, and what comes later arrives', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    sink.respond(({ number }) => (number === 1 ? { action: 'status', status: 400 } : undefined));
    const status = await recordSamples(scene, sink);
    const arrived = valuesOf(sink).length;
    const refused = COUNT - arrived;
    assert.ok(refused > 0 && arrived > 0);
    assertAccount(status, { recorded: COUNT, exported: arrived, dropped: { rejected: refused } });
  });
});
