import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OwnershipJob } from '../support/programs/seed/ownership.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('one server process exports for all; a client that shuts down leaves its exporters to the others', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const job: OwnershipJob = { directory: scene.directory, config: metricsTo(sink) };
  const program = scene.start('seed/ownership', job);
  const server = await scene.serverPid();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  await scene.ended();
  const [{ child }, { main }] = program.said;
  assert.equal(new Set([server, child, main]).size, 3);
  assert.deepEqual(
    [...sink.pointsOf('multistorageclient.latency')].map(({ value }) => value),
    [1, 2, 3],
  );
});
