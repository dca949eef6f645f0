import assert from 'node:assert/strict';
import path from 'node:path';
import { describe, test } from 'node:test';
import { assertAccount, assertArrived, countOf } from '../support/arrivals.ts';
import type { Burst } from '../support/burst.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { serverHolder } from '../../src/tree/lock.ts';
import { joinTree } from '../../src/tree/requests.ts';
import { ensureTree } from '../../src/tree/trees.ts';

const SERVER = path.join(import.meta.dirname, '../../src/server/main.js');

describe('trees', { concurrency: true }, () => {
  test('side by side do not see each other', async (t) => {
    const scene = new Scene(t);
    const count = 1000;
    const trees = await Promise.all(
      [1, 2].map(async () => {
        const sink = await scene.sink();
        const burst = (from: number): Burst => ({ configs: [metricsTo(sink)], from, count });
        // The second ones find their tree by their ancestors alone.
        const children = [{ how: 'scrubbed', burst: burst(count) }];
        return { sink, program: scene.start('member', { burst: burst(0), end: 'stay', children }) };
      }),
    );
    await Promise.all(trees.map(({ sink }) => sink.until(() => countOf(sink) >= 2 * count, DEADLINE_MILLIS)));
    const statuses = scene.trees.map(readTreeStatus);
    assert.equal(statuses.length, 2);
    assert.equal(new Set(statuses.map(({ server }) => server?.pid)).size, 2);
    for (const { program } of trees) program.proceed();
    for (const { sink, program } of trees) {
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      assertArrived(sink, 2 * count);
      const said = program.said.filter(({ directory }) => directory !== undefined);
      assert.equal(new Set(said.map(({ directory }) => directory)).size, 1);
    }
    // Drained, they are gone.
    await until('end of both trees', () => scene.trees.length === 0);
  });

  test('have one server, however many start at a time, and another one when that is killed', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    ensureTree(scene.directory);
    const leave = joinTree(scene.directory, 0);
    const servers = [1, 2, 3, 4].map(() => scene.run(SERVER, [scene.directory]));
    const codes = new Map<number, number | null>();
    for (const { pid, ended } of servers) void ended.then(({ code }) => codes.set(pid, code));
    await until('end of all servers but one', () => codes.size === 3);
    assert.deepEqual([...codes.values()], [0, 0, 0]);
    const winner = servers.find(({ pid }) => !codes.has(pid))!;
    const holder = serverHolder(scene.directory);
    assert.deepEqual([holder?.identity.pid, holder?.liveness], [winner.pid, 'alive']);

    const count = 1000;
    const init = { address: scene.directory };
    const burst = { init, configs: [metricsTo(sink)], count };
    const program = scene.start('member', { burst, end: 'stay' });
    await sink.until(() => countOf(sink) >= count, DEADLINE_MILLIS);
    winner.kill('SIGKILL');
    // It started no server, but sees that there is none.
    const successor = await scene.serverPid(winner.pid);
    assert.ok(!servers.some(({ pid }) => pid === successor));
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    leave();
    assertAccount(await scene.ended(), { recorded: count });
    assertArrived(sink, count);
  });
});
