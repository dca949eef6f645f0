import assert from 'node:assert/strict';
import { appendFileSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { PlanLog, type Plan, type PlanEvent } from '../../src/server/plan.ts';
import { scratch } from './stage.ts';

const PLAN: Plan = {
  sequence: 7,
  close: { intervalMillis: 10, untilMillis: null, nowMillis: 5, tick: true },
  ranges: [{ journal: 'a', from: { segment: 1, offset: 0 }, to: { segment: 2, offset: 8 }, ends: false }],
  endingResources: ['gone'],
  treeResource: { attributes: {} },
};
const event = (request: string, what: PlanEvent['what'], repeats = 0): PlanEvent => ({
  request,
  what,
  repeats,
});

function begun(t: TestContext): { directory: string; file: string; log: PlanLog } {
  const directory = scratch(t);
  const log = new PlanLog(directory);
  log.begin(PLAN);
  return { directory, file: path.join(directory, 'plan'), log };
}

suite('the plan on disk', () => {
  test('is there with the last event of each request', (t) => {
    const { directory, log } = begun(t);
    log.record(event('1', 'sent'));
    log.record(event('1', 'refused'));
    log.record(event('1', 'sent', 1));
    log.record({ ...event('2', 'accepted'), rejectedPoints: 3 });
    log.close();
    const read = new PlanLog(directory);
    assert.deepEqual(read.load(), PLAN);
    assert.deepEqual(read.event('1'), event('1', 'sent', 1));
    assert.deepEqual(read.event('2'), { ...event('2', 'accepted'), rejectedPoints: 3 });
    assert.equal(read.event('3'), undefined);
  });

  test('is none where there is no file, or the plan itself is torn', (t) => {
    const { directory, file } = begun(t);
    writeFileSync(file, readFileSync(file).subarray(0, -1));
    assert.equal(new PlanLog(directory).load(), undefined);
    assert.equal(new PlanLog(scratch(t)).load(), undefined);
  });

  test('an event behind a torn one is not lost', (t) => {
    for (let torn = 1; torn < 80; torn += 3) {
      const { directory, file, log } = begun(t);
      log.record(event('1', 'accepted'));
      const whole = readFileSync(file);
      log.record(event('2', 'accepted'));
      log.close();
      writeFileSync(file, readFileSync(file).subarray(0, whole.length + torn));
      const second = new PlanLog(directory);
      second.load();
      assert.equal(second.event('2'), undefined);
      second.record(event('2', 'sent'));
      second.record(event('3', 'accepted'));
      second.close();
      const third = new PlanLog(directory);
      assert.deepEqual(third.load(), PLAN);
      assert.deepEqual(
        ['1', '2', '3'].map((request) => third.event(request)?.what),
        ['accepted', 'sent', 'accepted'],
        `torn after ${torn} bytes`,
      );
    }
  });

  test('a new one forgets the events of the last', (t) => {
    const { directory, log } = begun(t);
    log.record(event('1', 'accepted'));
    log.begin({ ...PLAN, sequence: 8 });
    log.close();
    const read = new PlanLog(directory);
    assert.equal(read.load()?.sequence, 8);
    assert.equal(read.event('1'), undefined);
  });

  test('does not grow with the number of tries', (t) => {
    const { directory, file, log } = begun(t);
    for (let attempt = 0; attempt < 20_000; attempt++) log.record(event('1', 'refused', attempt));
    log.close();
    assert.ok(statSync(file).size < 1.1 * 1024 * 1024, String(statSync(file).size));
    const read = new PlanLog(directory);
    assert.deepEqual(read.load(), PLAN);
    assert.deepEqual(read.event('1'), event('1', 'refused', 19_999));
  });

  test('ignores what is no frame', (t) => {
    const { directory, file, log } = begun(t);
    log.close();
    appendFileSync(file, 'not a frame, but longer than the header of one would be');
    assert.deepEqual(new PlanLog(directory).load(), PLAN);
  });
});
