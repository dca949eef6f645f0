import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { MetricsOptions } from '../../src/index.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { serverHolder } from '../../src/tree/lock.ts';
import { readServerStatus } from '../../src/tree/requests.ts';
import { assertAccount, assertArrived, assertTotals, countOf } from '../support/arrivals.ts';
import type { Burst } from '../support/burst.ts';
import { Proxy, freePort } from '../support/proxy.ts';
import type { Program } from '../support/program.ts';
import type { TracedJob } from '../support/programs/traced.ts';
import { exportedSpans, statusesOf, tracesTo } from '../support/spans.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const RUNS = Number(process.env['MSC_TEST_RUNS'] ?? 2);
/** Of each writer. */
const EACH = Number(process.env['MSC_TEST_SAMPLES'] ?? 20_000);
const WRITERS = 3;
const SECRET = 'a secret of these tests';

interface Stage {
  readonly scene: Scene;
  readonly server: Program;
  readonly proxy: Proxy;
}

/** A server that listens, and a proxy in front of it. */
async function stage(t: TestContext, { secret = SECRET }: { secret?: string } = {}): Promise<Stage> {
  const scene = new Scene(t);
  const port = await freePort();
  const proxy = await Proxy.start(t, port);
  const job = { directory: scene.directory, address: ['127.0.0.1', port] };
  const server = scene.start('link-server', job, { env: { MSC_TELEMETRY_SECRET: secret } });
  await server.says('listening');
  return { scene, server, proxy };
}

function livingServer(directory: string | undefined): number | undefined {
  const holder = directory === undefined ? undefined : serverHolder(directory);
  return holder?.liveness === 'alive' ? holder.identity.pid : undefined;
}

/** A burst of one process, over a proxy. */
function burstOver({ port }: Proxy, config: MetricsOptions, count: number): Burst {
  return { init: { address: ['127.0.0.1', port] }, configs: [config], count, sums: true };
}

describe('a link over TCP loses nothing and repeats nothing', () => {
  for (let run = 1; run <= RUNS; run++) {
    test(`whoever is killed and wherever the connection is cut: run ${run} of ${RUNS}`, async (t) => {
      const { scene, server, proxy } = await stage(t);
      const sink = await scene.sink();
      const burst = (writer: number): Burst => ({
        init: { address: ['127.0.0.1', proxy.port] },
        configs: [metricsTo(sink)],
        from: writer * EACH,
        count: EACH,
        perTurn: 100,
        pauseMillis: 10,
        sums: true,
      });
      const program = scene.start(
        'member',
        {
          burst: burst(0),
          end: 'stay',
          parallel: true,
          children: [
            { how: 'fork', burst: burst(1), end: 'exit' },
            { how: 'worker', burst: burst(2), end: 'spin' },
          ],
        },
        { env: { MSC_TELEMETRY_SECRET: SECRET } },
      );
      const { directory: tree } = await program.says('recording');
      assert.notEqual(tree, scene.directory);
      const isRecorded = (): boolean =>
        program.said.filter((said) => said['recorded'] === EACH).length === WRITERS;
      const kills = { forwarder: 0, server: 0 };
      while (!isRecorded()) {
        await setTimeout(randomInt(1, 300));
        const victim = (['forwarder', 'server', 'connection'] as const)[randomInt(3)];
        if (victim === 'connection') {
          proxy.cut(randomInt(2) === 0 ? 0 : randomInt(1, 100_000));
          continue;
        }
        const pid = livingServer(victim === 'server' ? scene.directory : tree);
        if (pid === undefined) continue;
        process.kill(pid, 'SIGKILL');
        kills[victim]++;
      }
      t.diagnostic(
        `killed ${JSON.stringify(kills)}, cut ${proxy.cuts} times, ${proxy.connections} connections`,
      );

      const count = WRITERS * EACH;
      const client = await until('hand-over', () => {
        const status = readTreeStatus(tree);
        return status.account.exported === 3 * count && status;
      });
      assert.ok(client.balanced);
      assert.equal(client.account.journaled, 0);
      program.proceed();
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      await until('removal of the client tree', () => scene.trees.length === 0);
      server.proceed();
      assert.deepEqual(await server.ended, { code: 0, signal: null }, server.stderr);
      const status = await scene.ended();
      assertArrived(sink, count);
      assertTotals(sink, count);
      assertAccount(status, { recorded: 3 * count, exported: count, merged: 2 * count });
    });
  }
});

describe('a link over TCP', { concurrency: true }, () => {
  test('with the wrong secret is one line; the data stays, and goes out when the secret is right', async (t) => {
    const { scene, server, proxy } = await stage(t);
    const sink = await scene.sink();
    const file = path.join(scene.root, 'secret');
    writeFileSync(file, 'another secret than that');
    const program = scene.start(
      'member',
      { burst: burstOver(proxy, metricsTo(sink), 1000), end: 'stay' },
      { env: { MSC_TELEMETRY_SECRET_FILE: file } },
    );
    await program.complains(/does not accept the secret/);
    const { directory: tree } = await program.says('recording');
    const { connections } = proxy;
    await until('more attempts', () => proxy.connections > connections + 2);
    assert.equal(program.stderr.split('\n').length, 2, program.stderr);
    assert.doesNotMatch(program.stderr, /another/);
    const { account, link } = readTreeStatus(tree);
    assert.deepEqual([account.recorded, account.journaled], [3000, 3000]);
    assert.deepEqual([link?.state, link?.errorCode], ['away', 'MSC_LINK_REFUSED']);
    writeFileSync(file, `${SECRET}\n`);
    await sink.until(() => countOf(sink) >= 1000, DEADLINE_MILLIS);
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    server.proceed();
    await server.ended;
    assertArrived(sink, 1000);
    assertAccount(await scene.ended(), { recorded: 3000, exported: 1000, merged: 2000 });
    for (const log of [path.join(scene.directory, 'server.log')]) {
      assert.doesNotMatch(readFileSync(log, 'utf8'), new RegExp(`another secret|${SECRET}`));
    }
  });

  test('has everything at the server when a program has ended, though the backend is away', async (t) => {
    const { scene, server, proxy } = await stage(t);
    const sink = await scene.sink();
    sink.pause();
    const program = scene.start(
      'member',
      { burst: burstOver(proxy, metricsTo(sink), 20_000), end: 'exit' },
      { env: { MSC_TELEMETRY_SECRET: SECRET } },
    );
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    const { account } = readTreeStatus(scene.directory);
    assert.deepEqual([account.recorded, account.exported], [60_000, 0]);
    sink.resume();
    await until('removal of the client tree', () => scene.trees.length === 0);
    server.proceed();
    await server.ended;
    assertArrived(sink, 20_000);
    assertAccount(await scene.ended(), { recorded: 60_000, exported: 20_000, merged: 40_000 });
  });

  test('brings what a killed tree left behind, as soon as the same user records again', async (t) => {
    const { scene, server, proxy } = await stage(t);
    const sink = await scene.sink();
    const env = { MSC_TELEMETRY_SECRET: SECRET };
    const killed = scene.start(
      'member',
      { burst: burstOver(proxy, metricsTo(sink), 1000), end: 'stay' },
      { env },
    );
    const { directory: tree } = await killed.says('recording');
    await until('connection', () => readServerStatus(tree)?.link?.state === 'connected');
    // All at once; what is acknowledged by then, nobody knows.
    process.kill(livingServer(tree) ?? 0, 'SIGKILL');
    killed.kill('SIGKILL');
    await killed.ended;
    const recorded = readTreeStatus(tree).account.recorded / 3;
    const elsewhere = await scene.sink();
    const next = scene.start('member', { burst: { configs: [metricsTo(elsewhere)], count: 1 }, end: 'stay' });
    await until('removal of the killed tree', () => !scene.trees.includes(tree));
    next.proceed();
    await next.ended;
    server.proceed();
    await server.ended;
    assertArrived(sink, recorded);
    assertAccount(await scene.ended(), { recorded: 3 * recorded, exported: recorded, merged: 2 * recorded });
  });

  test('carries spans, and the end of the process that left some open', async (t) => {
    const { scene, server, proxy } = await stage(t);
    const children = [{ name: 'child', how: 'fork', end: 'wait' }] as const;
    const job: TracedJob = {
      directory: ['127.0.0.1', proxy.port],
      traces: tracesTo(scene),
      member: { name: 'main', end: 'stay', children },
    };
    const program = scene.start('traced', job, { env: { MSC_TELEMETRY_SECRET: SECRET } });
    const { pid } = await program.says('waiting');
    proxy.cut();
    process.kill(pid as number, 'SIGKILL');
    await until('the open spans', () => exportedSpans(scene).some(({ name }) => name === 'child'));
    program.proceed();
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    await until('removal of the client tree', () => scene.trees.length === 0);
    server.proceed();
    await server.ended;
    const codes = Object.entries(statusesOf(exportedSpans(scene)));
    assert.deepEqual(
      codes
        .filter(([, code]) => code === 2)
        .map(([name]) => name)
        .toSorted(),
      ['child', 'child: inner'],
    );
    // Spans that were never ended are no units.
    assertAccount(await scene.ended(), { recorded: codes.length - 2 });
  });
});
