import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '@multistorageclient/sink';
import { assertAccount } from '../support/arrivals.ts';
import { TREE_UP_DOWN, UP_DOWN } from '../support/burst.ts';
import type { UpDownJob } from '../support/programs/up-down.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

const METRICS = [UP_DOWN, TREE_UP_DOWN];

test('what a writer has added to an up-down counter goes with it, while its process lives', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: UpDownJob = {
    directory: scene.directory,
    config: metricsTo(sink),
    own: 1,
    threads: [
      { adds: 10, end: 'terminate' },
      { adds: 100, end: 'exit' },
      { adds: 1000, end: 'stays' },
    ],
  };
  const program = scene.start('up-down', job);
  await program.says('risen');
  await arrival(sink, 1111);
  program.proceed();
  await arrival(sink, 1001);
  program.kill('SIGTERM');
  assert.deepEqual(await program.ended, { code: null, signal: 'SIGTERM' }, program.stderr);
  const status = await scene.ended();
  await arrival(sink, 0);
  const recorded = METRICS.length * (1 + job.threads.length);
  assertAccount(status, { recorded, exported: 0, merged: recorded });
});

/** Waits until the last value of each of the metrics is this one. */
async function arrival(sink: Sink, value: number): Promise<void> {
  const isThere = (): boolean => METRICS.every((name) => [...sink.pointsOf(name)].at(-1)?.value === value);
  await sink.until(isThere, DEADLINE_MILLIS);
}
