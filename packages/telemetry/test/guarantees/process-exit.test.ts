import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccount, assertArrived, assertSets } from '../support/arrivals.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

describe('a process that ends loses nothing', { concurrency: true }, () => {
  test('by process.exit() in the turn in which it has recorded a million samples', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const count = 1_000_000;
    const burst = { init: { address: scene.directory }, configs: [metricsTo(sink)], count, sets: 3 };
    const program = scene.start('member', { burst, end: 'exit' });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.said.at(-1)?.['recorded'], count);
    const status = await scene.ended();
    assertArrived(sink, count);
    assertSets(sink, 3);
    assertAccount(status, { recorded: count });
  });

  for (const [name, end, code] of [
    ['by an uncaught exception', 'throw', 1],
    ['when it has nothing more to do', 'return', 0],
  ] as const) {
    test(name, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      const count = 20_000;
      const init = { address: scene.directory };
      const burst = { init, configs: [metricsTo(sink)], count, perTurn: 777, sets: 2, sums: true };
      const program = scene.start('member', { burst, end });
      assert.deepEqual(await program.ended, { code, signal: null }, program.stderr);
      const status = await scene.ended();
      assertArrived(sink, count);
      assertSets(sink, 2);
      assertAccount(status, { recorded: 3 * count, exported: count, merged: 2 * count });
    });
  }

  test('by SIGTERM, which nobody listens to', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const burst = { configs: [metricsTo(sink)], count: Infinity, perTurn: 100, pauseMillis: 1 };
    const program = scene.start('signals', { burst, directory: scene.directory });
    await sink.until(() => sink.points.length > 0, DEADLINE_MILLIS);
    program.kill('SIGTERM');
    assert.deepEqual(await program.ended, { code: null, signal: 'SIGTERM' });
    const recorded: number = program.said.at(-1)?.['recorded'];
    const status = await scene.ended();
    assertArrived(sink, recorded);
    assertAccount(status, { recorded });
  });

  for (const listener of ['before', 'after'] as const) {
    for (const once of [true, false]) {
      const kind = `${once ? 'once ' : ''}${listener} telemetry was set up`;
      test(`by SIGTERM, to which it listens itself, since ${kind}: its listener runs once`, async (t) => {
        const scene = new Scene(t);
        const sink = await scene.sink();
        const burst = { configs: [metricsTo(sink)], count: Infinity, perTurn: 100, pauseMillis: 1 };
        const program = scene.start('signals', { burst, directory: scene.directory, listener, once });
        await sink.until(() => sink.points.length > 0, DEADLINE_MILLIS);
        program.kill('SIGTERM');
        assert.deepEqual(await program.ended, { code: 7, signal: null }, program.stderr);
        assert.equal(program.said.filter((said) => said['heard'] === 'SIGTERM').length, 1);
        const recorded: number = program.said.findLast((said) => 'recorded' in said)?.['recorded'];
        const status = await scene.ended();
        assertArrived(sink, recorded);
        assertAccount(status, { recorded });
      });
    }
  }
});
