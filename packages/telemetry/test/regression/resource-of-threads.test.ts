import assert from 'node:assert/strict';
import { test } from 'node:test';
import { assertArrived, countOf } from '../support/arrivals.ts';
import { GAUGE } from '../support/burst.ts';
import type { Member } from '../support/programs/member.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

test('the threads of a process have its resource, for every server that reads their journals', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const each = 500;
  const threads = 8;
  const member = (index: number, children: readonly Member[] = []): Member => ({
    how: 'worker',
    burst: {
      init: { address: scene.directory },
      configs: [metricsTo(sink)],
      from: index * each,
      count: each,
      perTurn: 1,
      pauseMillis: 1,
    },
    children,
    parallel: true,
  });
  const children = Array.from({ length: threads - 1 }, (_, index) => member(index + 1));
  const program = scene.start('member', { ...member(0, children), end: 'stay' });
  const half = (threads * each) / 2;
  await sink.until(() => countOf(sink) > half, DEADLINE_MILLIS);
  const former = await scene.serverPid();
  process.kill(former, 'SIGKILL');
  await scene.serverPid(former);
  await sink.until(() => countOf(sink) >= threads * each, DEADLINE_MILLIS);
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);

  assertArrived(sink, threads * each);
  const found = sink.points.series.filter(({ metric }) => metric.name === GAUGE);
  const resources = new Set(found.map(({ metric }) => metric.resource));
  assert.equal(resources.size, 1);
  assert.equal([...resources][0]['process.pid'], program.pid);
});
