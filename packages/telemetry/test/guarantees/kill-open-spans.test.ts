import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { randomInt } from 'node:crypto';
import { setTimeout } from 'node:timers/promises';
import { assertAccount } from '../support/arrivals.ts';
import type { TracedJob, TracedMember } from '../support/programs/traced.ts';
import { Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { exportedSpans, parentsIn, statusesOf, tracesTo } from '../support/spans.ts';

/** `SpanStatusCode.ERROR`. */
const ERROR = 2;
const MAIN = { main: 0, 'main: ended': 0, 'main: inner': 0 };
const PARENTS = {
  main: undefined,
  'main: ended': 'main',
  'main: inner': 'main',
  child: 'main',
  'child: ended': 'child',
  'child: inner': 'child',
};

const jobOf = (scene: Scene, member: TracedMember): TracedJob => ({
  directory: scene.directory,
  traces: tracesTo(scene),
  member,
});

describe('spans that nobody ends are exported with an error status', () => {
  test('when their process is killed by SIGKILL, while the others go on', async (t) => {
    const scene = new Scene(t);
    const children = [{ name: 'child', how: 'fork', end: 'wait' }] as const;
    const program = scene.start('traced', jobOf(scene, { name: 'main', end: 'stay', children }));
    const { pid } = await program.says('waiting');
    process.kill(pid as number, 'SIGKILL');
    await until('the open spans', () => exportedSpans(scene).some(({ name }) => name === 'child'));
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    const status = await scene.ended();

    const spans = exportedSpans(scene);
    assert.deepEqual(statusesOf(spans), { ...MAIN, child: ERROR, 'child: ended': 0, 'child: inner': ERROR });
    assert.deepEqual(parentsIn(spans), PARENTS);
    for (const span of spans) {
      assert.ok(BigInt(span.endTimeUnixNano) >= BigInt(span.startTimeUnixNano));
      if (span.status.code === ERROR) assert.match(span.status.message!, /ended before the span did/);
    }
    assertAccount(status, { recorded: 4, exported: 4 });
  });

  const ends: readonly (readonly [name: string, child: TracedMember])[] = [
    ['when their process calls process.exit()', { name: 'child', how: 'fork', end: 'exit' }],
    ['when their process dies of an error', { name: 'child', how: 'fork', end: 'throw' }],
    ['when their thread is terminated', { name: 'child', how: 'worker', end: 'spin' }],
    ['when their thread calls process.exit()', { name: 'child', how: 'worker', end: 'exit' }],
    ['when their thread dies of an error', { name: 'child', how: 'worker', end: 'throw' }],
  ];
  for (const [name, child] of ends) {
    test(name, async (t) => {
      const scene = new Scene(t);
      const program = scene.start('traced', jobOf(scene, { name: 'main', end: 'stay', children: [child] }));
      // While the main process lives.
      await until('the open spans', () => exportedSpans(scene).some((span) => span.name === 'child'));
      program.proceed();
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      const status = await scene.ended();
      const spans = exportedSpans(scene);
      assert.deepEqual(statusesOf(spans), {
        ...MAIN,
        child: ERROR,
        'child: ended': 0,
        'child: inner': ERROR,
      });
      assert.deepEqual(parentsIn(spans), PARENTS);
      assertAccount(status, { recorded: 4, exported: 4 });
    });
  }
});

test('SIGKILL of the server loses no span, and repeats none', async (t) => {
  const scene = new Scene(t);
  const count = 10_000;
  const program = scene.start('traced', jobOf(scene, { name: 'main', spans: count, end: 'stay' }));
  const isMade = (): boolean => program.said.some((said) => 'made' in said);
  for (let pid: number | undefined; !isMade();) {
    pid = await scene.serverPid(pid);
    await setTimeout(randomInt(1, 300));
    process.kill(pid, 'SIGKILL');
  }
  program.proceed();
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();
  const spans = exportedSpans(scene);
  assert.equal(spans.length, count + 3);
  assert.equal(new Set(spans.map(({ name }) => name)).size, count + 3);
  assertAccount(status, { recorded: count + 3 });
});
