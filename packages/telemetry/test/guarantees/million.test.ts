import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Sink } from '@multistorageclient/sink';
import { assertAccount, assertArrived } from '../support/arrivals.ts';
import { type Burst, GAUGE } from '../support/burst.ts';
import { metricsTo, Scene } from '../support/scene.ts';

const SETS = 5;
const EACH = 200_000;

test('three processes and two terminated threads deliver exactly a million samples', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const burst = (writer: number): Burst => ({
    configs: [metricsTo(sink)],
    from: writer * EACH,
    count: EACH,
    sets: SETS,
  });
  const program = scene.start('member', {
    burst: { ...burst(0), init: { address: scene.directory } },
    end: 'exit',
    children: [
      { how: 'fork', burst: burst(1), end: 'exit' },
      { how: 'scrubbed', burst: burst(2), end: 'exit' },
      { how: 'worker', burst: burst(3), end: 'spin' },
      { how: 'worker', burst: burst(4), end: 'spin' },
    ],
  });
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const status = await scene.ended();

  assert.equal(sink.points.length, 5 * EACH);
  assertArrived(sink, 5 * EACH);
  assertAccount(status, { recorded: 5 * EACH });
  assertAttributes(sink);
  for (let writer = 0; writer < 5; writer++) {
    const { startedAtMillis, endedAtMillis } = program.said.find(
      (said) => said['from'] === writer * EACH && said['recorded'] === EACH,
    )!;
    assertTimes(sink, writer, startedAtMillis, endedAtMillis);
  }
});

function assertAttributes(sink: Sink): void {
  const { series, seriesNumbers, values } = sink.points;
  const sets = series.map(({ metric, attributes }) =>
    metric.name === GAUGE ? attributes['set'] : undefined,
  );
  let wrong = 0;
  for (let at = 0; at < values.length; at++) if (sets[seriesNumbers[at]] !== values[at] % SETS) wrong++;
  assert.equal(wrong, 0, 'samples with the attributes of another one');
}

/** Each of a writer's samples has a time of its own, later than that of the sample before, and while it recorded. */
function assertTimes(sink: Sink, writer: number, startedAtMillis: number, endedAtMillis: number): void {
  const { values, times } = sink.points;
  const timeOf = new BigUint64Array(EACH);
  for (let at = 0; at < values.length; at++) {
    if (Math.floor(values[at] / EACH) === writer) timeOf[values[at] % EACH] = times[at];
  }
  let disordered = 0;
  for (let at = 1; at < EACH; at++) if (timeOf[at] <= timeOf[at - 1]) disordered++;
  assert.equal(disordered, 0, `samples of writer ${writer} that are not later than the one before`);
  // The clock that the program itself looked at tells whole milliseconds.
  assert.ok(timeOf[0] >= BigInt(startedAtMillis - 1) * 1_000_000n, `start of writer ${writer}`);
  assert.ok(timeOf[EACH - 1] <= BigInt(endedAtMillis + 1) * 1_000_000n, `end of writer ${writer}`);
}
