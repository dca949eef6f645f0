import assert from 'node:assert/strict';
import { hash, randomInt } from 'node:crypto';
import { describe, test } from 'node:test';
import { setTimeout } from 'node:timers/promises';
import type { Sink } from '@multistorageclient/sink';
import type { TreeStatus } from '../../src/server/status.ts';
import { assertAccount, assertArrived, assertTotals, countOf, valuesOf } from '../support/arrivals.ts';
import type { Burst } from '../support/burst.ts';
import { metricsTo, Scene } from '../support/scene.ts';

const RUNS = Number(process.env['MSC_TEST_RUNS'] ?? 3);
/** Of each writer; 200,000 make the burst a million. */
const EACH = Number(process.env['MSC_TEST_SAMPLES'] ?? 40_000);
const WRITERS = 5;

describe('SIGKILL of the server in the middle of a burst loses nothing and repeats nothing', () => {
  for (let run = 1; run <= RUNS; run++) {
    test(`run ${run} of ${RUNS}`, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      const resampled = await scene.sink();
      const repeated = answerSlowly(sink);
      answerSlowly(resampled);
      const burst = (writer: number): Burst => ({
        init: { address: scene.directory },
        configs: [metricsTo(sink), metricsTo(resampled, { resampling: 'last_value' })],
        from: writer * EACH,
        count: EACH,
        perTurn: 200,
        pauseMillis: 5,
        sums: true,
      });
      const program = scene.start('member', {
        burst: burst(0),
        end: 'stay',
        parallel: true,
        children: [
          { how: 'fork', burst: burst(1), end: 'exit' },
          { how: 'scrubbed', burst: burst(2), end: 'exit' },
          { how: 'worker', burst: burst(3), end: 'spin' },
          { how: 'worker', burst: burst(4), end: 'spin' },
        ],
      });
      const isRecorded = (): boolean =>
        program.said.filter((said) => said['recorded'] === EACH).length === WRITERS;
      const kills: number[] = [];
      for (let pid: number | undefined; !isRecorded();) {
        pid = await scene.serverPid(pid);
        kills.push(randomInt(1, 600));
        await setTimeout(kills.at(-1));
        process.kill(pid, 'SIGKILL');
      }
      program.proceed();
      assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
      const status = await scene.ended();
      t.diagnostic(`killed after ${kills.join(', ')} ms; ${sink.duplicateRequests} requests came twice`);

      const count = WRITERS * EACH;
      assertArrived(sink, count);
      assertTotals(sink, count);
      const [raw, lastValue] = accountsOf(status);
      assertAccount(raw, { recorded: 3 * count, exported: count, merged: 2 * count });
      const { duplicated } = raw.account;
      const samples = await samplesIn(repeated, scene);
      assert.ok(samples <= duplicated, `${samples} samples came twice, ${duplicated} are reported`);

      const exported = valuesOf(resampled).length;
      assert.ok(exported > 0 && exported < count);
      assertTotals(resampled, count);
      assertAccount(lastValue, { recorded: 3 * count, exported, merged: 3 * count - exported });
    });
  }
});

/** The status of each configuration as that of a whole tree: of raw samples first. */
function accountsOf(status: TreeStatus): TreeStatus[] {
  const accounts = Object.values(status.configurations).map(({ account }) => account);
  return accounts.toSorted((a, b) => b.exported - a.exported).map((account) => ({ ...status, account }));
}

/** Leaves time for a kill between a request and its answer. Gives out the bodies that came again. */
function answerSlowly(sink: Sink): Uint8Array[] {
  const known = new Set<string>();
  const repeated: Uint8Array[] = [];
  sink.respond(({ body }) => {
    const digest = hash('sha256', body);
    if (known.has(digest)) repeated.push(body);
    known.add(digest);
    return { action: 'accept', delayMillis: randomInt(1, 50) };
  });
  return repeated;
}

/** How many raw samples these requests carry, a request that came three times counted twice. */
async function samplesIn(bodies: readonly Uint8Array[], scene: Scene): Promise<number> {
  const counts = bodies.map(async (body) => {
    const sink = await scene.sink();
    const headers = { 'content-type': 'application/x-protobuf' };
    await fetch(sink.url, { method: 'POST', headers, body });
    return countOf(sink);
  });
  return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
}
