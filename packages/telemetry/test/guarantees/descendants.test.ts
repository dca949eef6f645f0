import assert from 'node:assert/strict';
import { readdirSync } from 'node:fs';
import { test } from 'node:test';
import { assertAccount, assertArrived } from '../support/arrivals.ts';
import type { Burst } from '../support/burst.ts';
import type { How, Member } from '../support/programs/member.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

test('every descendant records into the tree of the main process, and one server exports it all', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  let members = 0;
  const one = (): Burst => ({ configs: [metricsTo(sink)], from: members++, count: 1 });
  const child = (how: How, children?: readonly Member[]): Member => ({
    how,
    burst: one(),
    end: how === 'cluster' ? 'exit' : 'return',
    ...(children && { children }),
  });
  const family: Member = {
    burst: { ...one(), init: { address: scene.directory } },
    children: [
      child('cluster'),
      child('cluster', [child('scrubbed')]),
      child('fork', [child('worker', [child('worker')])]),
      child('spawn'),
      child('scrubbed', [child('worker')]),
      // Neither the one in between nor its environment knows of telemetry.
      { how: 'scrubbed', children: [child('scrubbed', [child('fork')])] },
      child('worker', [child('worker'), child('spawn')]),
      { how: 'worker', children: [child('worker'), child('scrubbed')] },
    ],
  };
  const program = scene.start('member', family);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  await sink.until(() => sink.points.length >= members, DEADLINE_MILLIS);
  const status = await scene.ended();

  assertArrived(sink, members);
  assertAccount(status, { recorded: members });
  const places = program.said.filter((said) => 'directory' in said);
  assert.equal(places.length, members);
  assert.deepEqual(new Set(places.map(({ directory }) => directory)), new Set([scene.directory]));
  assert.equal(Object.values(status.configurations)[0].writers, members);
  // Its name counts the servers that the directory has had.
  assert.deepEqual(
    readdirSync(scene.directory).filter((name) => name.startsWith('server-')),
    ['server-1'],
  );
  assert.deepEqual(scene.trees, []);
});
