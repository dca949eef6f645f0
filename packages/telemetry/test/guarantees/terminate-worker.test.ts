import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { assertAccount, assertArrived, assertTotals, countOf, valuesOf } from '../support/arrivals.ts';
import { COUNTER } from '../support/burst.ts';
import type { AbandonJob } from '../support/programs/abandon.ts';
import type { End, Member } from '../support/programs/member.ts';
import type { TerminateJob } from '../support/programs/terminate.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

const EACH = 10_000;

interface Thread {
  readonly end: End;
  readonly children?: readonly Thread[];
}

describe('a worker thread loses nothing', { concurrency: true }, () => {
  const cases: Record<string, readonly Thread[]> = {
    'that is terminated in the middle of a turn': [{ end: 'spin' }, { end: 'spin' }],
    'that calls process.exit()': [{ end: 'exit' }],
    'whose error nobody catches': [{ end: 'throw' }],
    'that has nothing more to do': [{ end: 'return' }],
    'that another thread terminates': [{ end: 'return', children: [{ end: 'spin' }, { end: 'exit' }] }],
    'that is terminated with its parent': [{ end: 'spin', children: [{ end: 'outlast' }] }],
    'that is terminated with the parent of its parent': [
      { end: 'spin', children: [{ end: 'outlast', children: [{ end: 'outlast' }] }] },
    ],
  };
  for (const [name, threads] of Object.entries(cases)) {
    test(name, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      let members = 0;
      const member = ({ end, children = [] }: Thread): Member => ({
        how: 'worker',
        burst: {
          init: { address: scene.directory },
          configs: [metricsTo(sink)],
          from: members++ * EACH,
          count: EACH,
          sums: true,
        },
        end,
        children: children.map(member),
      });
      const program = scene.start('member', member({ end: 'stay', children: threads }));
      const count = members * EACH;
      // While the main process lives: it is told what its threads have left when they end.
      await sink.until(() => countOf(sink) >= count, DEADLINE_MILLIS);
      program.proceed();
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      const status = await scene.ended();
      assertArrived(sink, count);
      assertTotals(sink, count);
      assertAccount(status, { recorded: 3 * count, exported: count, merged: 2 * count });
      assert.equal(Object.values(status.configurations)[0].writers, members);
    });
  }

  test('that is terminated at a random moment', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const job: TerminateJob = {
      directory: scene.directory,
      config: metricsTo(sink),
      threads: 16,
      apart: 1e6,
    };
    const program = scene.start('terminate', job);
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    const done: number[] = program.said[0]['done'];
    const status = await scene.ended();

    const values = valuesOf(sink);
    let least = 0;
    for (const [index, steps] of done.entries()) {
      const from = index * job.apart;
      const own = values.filter((value) => value >= from && value < from + job.apart);
      assert.deepEqual(
        own,
        Array.from(own, (_, step) => from + step),
      );
      // The last step may have begun.
      assert.ok(own.length === steps || own.length === steps + 1, `${own.length} of ${steps}`);
      least += steps;
    }
    const total = [...sink.pointsOf(COUNTER)].at(-1)?.value ?? NaN;
    assert.ok(total >= least && total <= values.length, `${least} ≤ ${total} ≤ ${values.length}`);
    // How often a value was refused is written at the end of a turn: this may be lost with the thread.
    const { recorded, exported, merged, dropped } = status.account;
    assert.deepEqual([exported, merged], [values.length, total]);
    assert.ok(dropped['invalid_value'] <= least + done.length);
    assertAccount(status, { recorded, exported, merged, dropped });
  });

  test('that goes on when the main process exits', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const job: AbandonJob = { directory: scene.directory, config: metricsTo(sink) };
    const program = scene.start('abandon', job);
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    const status = await scene.ended();
    const { before } = await program.says('before');
    const { after } = await program.says('after');
    const { length } = sink.points;
    // What it records after the end of the main process is dropped, and nobody is left to say how much that was.
    assert.ok(before <= length && length <= after, `${before} ≤ ${length} ≤ ${after}`);
    assertArrived(sink, length);
    assertAccount(status, { recorded: length });
  });
});
