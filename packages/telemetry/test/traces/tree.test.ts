import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import path from 'node:path';
import { test, type TestContext } from 'node:test';
import type { SpanRecord } from '../../src/exporters/spans.ts';
import { scratch } from '../journal/stage.ts';
import type { Member } from './member.ts';
import { tracesIn } from './stage.ts';

/** Spans of a whole tree of processes and threads, by name. */
function spansOf(
  t: TestContext,
  tree: Omit<Member, 'directory'>,
  env: NodeJS.ProcessEnv = {},
): Readonly<Record<string, SpanRecord>> {
  const directory = path.join(scratch(t), 'tree');
  mkdirSync(path.join(directory, 'journals'), { recursive: true, mode: 0o700 });
  const file = path.join(import.meta.dirname, 'member.js');
  execFileSync(process.execPath, [file, JSON.stringify({ ...tree, directory })], { env });
  const { spans, open, ended, journals } = tracesIn(directory);
  assert.deepEqual([open.length, ended], [0, journals]);
  return Object.fromEntries(spans.map((span) => [span.name, span]));
}

test('processes and threads that are started inside of spans write one connected trace', (t) => {
  const spans = spansOf(t, {
    name: 'main',
    children: [
      { name: 'child', how: 'fork', children: [{ name: 'grandchild', how: 'fork' }] },
      { name: 'scrubbed', how: 'scrubbed', children: [{ name: 'its thread', how: 'worker' }] },
      { name: 'thread', how: 'worker', children: [{ name: 'child of thread', how: 'fork' }] },
    ],
  });
  const parents = Object.fromEntries(
    Object.values(spans).map(({ name, parentSpanId }) => [
      name,
      Object.values(spans).find(({ spanId }) => spanId === parentSpanId)?.name,
    ]),
  );
  assert.deepEqual(parents, {
    main: undefined,
    child: 'main',
    grandchild: 'child',
    scrubbed: 'main',
    'its thread': 'scrubbed',
    thread: 'main',
    'child of thread': 'thread',
  });
  assert.equal(new Set(Object.values(spans).map(({ traceId }) => traceId)).size, 1);
  assert.equal(spans['main'].parentIsRemote, undefined);
  assert.equal(spans['child'].parentIsRemote, true);
});

test('a process continues the trace of whoever has started it, sampling included', (t) => {
  const parent = `00-${'a'.repeat(32)}-${'b'.repeat(16)}`;
  const env = { TRACEPARENT: `${parent}-01`, TRACESTATE: 'vendor=1' };
  const { main } = spansOf(t, { name: 'main' }, env);
  assert.deepEqual(
    [main.traceId, main.parentSpanId, main.parentIsRemote, main.traceState],
    ['a'.repeat(32), 'b'.repeat(16), true, 'vendor=1'],
  );
  assert.deepEqual(spansOf(t, { name: 'main' }, { TRACEPARENT: `${parent}-00` }), {});
  assert.equal(spansOf(t, { name: 'main' }, { TRACEPARENT: 'nonsense' })['main'].parentSpanId, undefined);
});
