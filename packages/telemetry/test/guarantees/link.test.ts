import assert from 'node:assert/strict';
import { randomInt } from 'node:crypto';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import { readTreeStatus } from '../../src/server/status.ts';
import { serverHolder } from '../../src/tree/lock.ts';
import { assertAccount, assertArrived, assertTotals } from '../support/arrivals.ts';
import type { Burst } from '../support/burst.ts';
import { Proxy, freePort } from '../support/proxy.ts';
import type { Program } from '../support/program.ts';
import { metricsTo, Scene } from '../support/scene.ts';
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
