import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sum } from '../../src/server/account.ts';
import { NAMES } from '../support/explosion.ts';
import { metricsTo, Scene } from '../support/scene.ts';

const LIMIT = 50;
const SETS = 20_000;
const PROCESSES = 5;
const RECORDED_PER_SET = 4;
/** 15,000 sets of 200 characters that were kept would be many times as much. */
const MAX_GROWN_BYTES = 4 * 1024 * 1024;

test('an explosion of attributes costs neither memory nor a unit: what has no series of its own is in the overflow', async (t) => {
  const scene = new Scene(t);
  const sink = await scene.sink();
  const config = { ...metricsTo(sink, { resampling: 'last_value' }), cardinalityLimit: LIMIT };
  const children = Array.from({ length: PROCESSES - 1 }, (_, child) => (child + 1) * SETS);
  const program = scene.start(
    'explode',
    { directory: scene.directory, config, from: 0, sets: SETS, children },
    { execArgv: ['--expose-gc'] },
  );
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  const { account } = await scene.ended();

  assert.equal(program.said.length, PROCESSES);
  const { said } = program;
  const recorded = said.reduce((total, each) => total + Number(each['recorded']), 0);
  assert.ok(
    said.every(({ grownBytes }) => grownBytes < MAX_GROWN_BYTES),
    JSON.stringify(said),
  );
  // Observations are calls too: as many as their timer ran.
  assert.ok(recorded >= RECORDED_PER_SET * SETS * PROCESSES);
  assert.ok(said.every(({ overflowed }) => overflowed >= RECORDED_PER_SET * (SETS - LIMIT)));
  assert.equal(account.recorded, account.exported + account.merged + sum(account.dropped));
  assert.deepEqual(account.dropped, {});
  // In the tree there is room for fewer than in its processes together.
  assert.ok(account.overflowed >= said.reduce((total, each) => total + each.overflowed, 0));

  const last = new Map<string, Map<unknown, number>>();
  for (const { metric, attributes, value, histogram } of sink.points) {
    const series = last.get(metric.name) ?? new Map<unknown, number>();
    last.set(metric.name, series.set(attributes, histogram?.count ?? value));
  }
  for (const [name, series] of last) assert.ok(series.size <= LIMIT, `${name}: ${series.size} series`);
  const total = (name: string): number => [...(last.get(name)?.values() ?? [])].reduce((a, b) => a + b, 0);
  assert.equal(last.get(NAMES.gauge)?.size, LIMIT);
  assert.equal(total(NAMES.counter), 3 * SETS * PROCESSES);
  assert.equal(total(NAMES.histogram), SETS * PROCESSES);
  assert.equal(total(NAMES.observed), 7 * 100 * PROCESSES);
  assert.equal(total('multistorageclient.request.sum'), SETS * PROCESSES);
  assert.equal(total('multistorageclient.response.sum'), SETS * PROCESSES);
});
