import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { readTreeStatus } from '../../src/server/status.ts';
import { assertArrived, countOf, valuesOf } from '../support/arrivals.ts';
import { COUNTER } from '../support/burst.ts';
import type { Said } from '../support/program.ts';
import type { Member } from '../support/programs/member.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const PER_TURN = 100;
const ENOUGH = 5000;
const CHILD = 1_000_000;

describe(
  'SIGKILL of a whole tree: the next program of the same user drains it',
  { concurrency: true },
  () => {
    for (const isAway of [true, false]) {
      for (const next of ['stays', 'leaves at once'] as const) {
        test(`the backend was ${isAway ? 'away' : 'there'}, the next program ${next}`, async (t) => {
          const scene = new Scene(t);
          const sink = await scene.sink();
          if (isAway) sink.pause();
          const configs = [metricsTo(sink)];
          const burst = { configs, count: CHILD, perTurn: PER_TURN, pauseMillis: 2, sums: true };
          const member: Member = { burst, children: [{ how: 'fork', burst: { ...burst, from: CHILD } }] };
          const program = scene.start('member', { ...member, parallel: true });
          const recorded = (from: number): number =>
            program.said.findLast((said: Said) => said['from'] === from && 'recorded' in said)?.[
              'recorded'
            ] ?? 0;
          await until('burst', () => recorded(0) >= ENOUGH && recorded(CHILD) >= ENOUGH);
          const [tree] = scene.trees;
          const server = await until('a server', () => readTreeStatus(tree).server?.pid);
          const child: number = program.said.find((said) => said['recording'] === CHILD)?.['pid'];
          process.kill(server, 'SIGKILL');
          process.kill(child, 'SIGKILL');
          program.kill('SIGKILL');
          assert.deepEqual(await program.ended, { code: null, signal: 'SIGKILL' });
          const left = readTreeStatus(tree).account;
          const turns = [recorded(0), recorded(CHILD)];
          sink.resume();

          // It records elsewhere; the configuration of what was left lies in the journals.
          const elsewhere = await scene.sink();
          const other = { burst: { configs: [metricsTo(elsewhere)], count: 10 } };
          const successor = scene.start('member', { ...other, end: next === 'stays' ? 'stay' : 'exit' });
          await until('removal of the killed tree', () => !scene.trees.includes(tree));
          successor.proceed();
          assert.deepEqual(await successor.ended, { code: 0, signal: null }, successor.stderr);
          await elsewhere.until(() => countOf(elsewhere) >= 10, DEADLINE_MILLIS);
          assertArrived(elsewhere, 10);

          // All turns but the last ones, which may have been under way to the journal, have arrived, and once.
          const values = valuesOf(sink);
          assert.equal(left.recorded, 3 * values.length);
          assert.equal(left.recorded, left.exported + left.merged + left.journaled);
          const total = [...sink.pointsOf(COUNTER)].at(-1)?.value;
          assert.equal(total, values.length);
          for (const [index, from] of [0, CHILD].entries()) {
            const own = values.filter((value) => Math.floor(value / CHILD) * CHILD === from);
            assert.deepEqual(
              own,
              Array.from(own, (_, at) => from + at),
            );
            const said = turns[index];
            assert.ok(
              own.length >= said - PER_TURN && own.length <= said + PER_TURN,
              `${own.length} of ${said}`,
            );
          }
        });
      }
    }
  },
);
