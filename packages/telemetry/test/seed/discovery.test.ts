import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { How, Member } from '../support/programs/member.ts';
import { metricsTo, Scene } from '../support/scene.ts';

test('every descendant finds the tree, which is a directory: child, grandchild without environment, thread', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const member = (how: How | undefined, children: readonly Member[]): Member => ({
    ...(how === undefined ? {} : { how }),
    burst: { configs: [metricsTo(sink)], count: 1 },
    children,
  });
  const family = member(undefined, [member('fork', [member('scrubbed', [member('worker', [])])])]);
  const program = scene.start('member', family);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const found = program.said.filter((said) => 'recording' in said);
  assert.equal(found.length, 4);
  assert.equal(new Set(found.map(({ pid }) => pid as number)).size, 3);
  assert.equal(new Set(found.map(({ directory }) => directory as string)).size, 1);
});
