import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import { assertAccount, assertArrived } from '../support/arrivals.ts';
import type { AcknowledgeJob } from '../support/programs/acknowledge.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';

const PER_TURN = 500;

describe('SIGKILL of a writer in the middle of a burst', { concurrency: true }, () => {
  for (const [flush, loses, mayLose] of [
    ['record', 'nothing', 1],
    ['turn', 'at most the current turn', PER_TURN],
  ] as const) {
    for (const arrived of [1, 20_000]) {
      test(`flush ${flush} loses ${loses}, killed after ${arrived} have arrived`, async (t) => {
        const scene = new Scene(t);
        const sink = await scene.sink();
        const file = path.join(scene.root, 'acknowledged');
        const { directory } = scene;
        const job: AcknowledgeJob = { directory, config: metricsTo(sink), flush, perTurn: PER_TURN, file };
        const program = scene.start('acknowledge', job);
        await sink.until(() => sink.points.length >= arrived, DEADLINE_MILLIS);
        program.kill('SIGKILL');
        assert.deepEqual(await program.ended, { code: null, signal: 'SIGKILL' });
        const status = await scene.ended();

        const acknowledged = new Float64Array(new Uint8Array(readFileSync(file)).buffer)[0];
        assert.ok(acknowledged >= arrived);
        const count = sink.points.length;
        // Whatever came after the last acknowledgement may be there or not, but without a gap.
        assert.ok(count >= acknowledged, `${count} of ${acknowledged} that were acknowledged have arrived`);
        assert.ok(
          count <= acknowledged + mayLose,
          `${count} have arrived, ${acknowledged} were acknowledged`,
        );
        assertArrived(sink, count);
        assertAccount(status, { recorded: count });
      });
    }
  }
});
