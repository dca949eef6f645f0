import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertAccount, assertArrived } from '../support/arrivals.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('a program whose server was killed right before its end leaves nothing behind', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const count = 10_000;
  const init = { address: scene.directory };
  const program = scene.start('member', { burst: { init, configs: [metricsTo(sink)], count }, end: 'stay' });
  const server = await scene.serverPid();
  await program.says('recorded');
  sink.pause();
  process.kill(server, 'SIGKILL');
  program.proceed();
  sink.resume();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  assertArrived(sink, count);
  assertAccount(status, { recorded: count });
});
