import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import type { ExportOutcome, MetricsExporter } from '../../src/exporters/exporter.ts';
import { JournalAccount } from '../../src/server/account.ts';
import { Delivery, Stopped } from '../../src/server/delivery.ts';
import { Outbox } from '../../src/server/outbox.ts';
import { PlanLog } from '../../src/server/plan.ts';
import { splitByResource, splitRequest } from '../../src/server/split.ts';
import { requestOf, valuesOf } from './requests.ts';
import { scratch } from './stage.ts';

const ACCEPTED: ExportOutcome = { status: 'accepted', rejectedPoints: 0 };
const PLAN = {
  sequence: 1,
  close: { intervalMillis: 10, untilMillis: null, nowMillis: 5, tick: true },
  ranges: [],
  endingResources: [],
  treeResource: { attributes: {} },
};

/** An outbox, and what its exporter was asked to do: `prepare 1`, `export 1`, `settled`. */
function outboxOf(t: TestContext, directory = scratch(t)) {
  const events: string[] = [];
  const answers: ((outcome: ExportOutcome) => void)[] = [];
  const exporter: MetricsExporter = {
    temporality: () => 'cumulative',
    prepare: (batch) => void events.push(`prepare ${valuesOf(batch).join()}`),
    export(batch) {
      events.push(`export ${valuesOf(batch).join()}`);
      return new Promise((resolve) => void answers.push(resolve));
    },
    shutdown: () => Promise.resolve(),
  };
  const plan = new PlanLog(directory);
  if (plan.load() === undefined) plan.begin(PLAN);
  t.after(() => plan.close());
  const account = new JournalAccount();
  const delivery = new Delivery(plan, {
    exporter,
    splitter: { halves: splitRequest, byResource: splitByResource },
    timeoutMillis: 1000,
    accountOf: () => account,
    onState: () => undefined,
  });
  const outbox = new Outbox(delivery, () => void events.push('settled'));
  const answer = async (): Promise<void> => {
    answers.shift()?.(ACCEPTED);
    await turn();
  };
  return { outbox, delivery, events, answer, plan, directory };
}

const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));

suite('the outbox', () => {
  test('prepares the next request while one is on its way, and sends it when that is settled', async (t) => {
    const { outbox, events, answer } = outboxOf(t);
    await outbox.add(requestOf([1, 'a']));
    const second = outbox.add(requestOf([2, 'a']));
    await turn();
    assert.deepEqual(events, ['prepare 1', 'export 1', 'prepare 2']);
    await answer();
    await second;
    assert.deepEqual(events.slice(3), ['settled', 'export 2']);
    const end = outbox.end();
    await answer();
    await end;
    assert.deepEqual(events.slice(5), ['settled']);
  });

  test('of a plan that a killed server left prepares only what is sent', async (t) => {
    const before = outboxOf(t);
    await before.outbox.add(requestOf([1, 'a']));
    await before.answer();
    const { outbox, events, answer } = outboxOf(t, before.directory);
    await outbox.add(requestOf([1, 'a']));
    await outbox.add(requestOf([2, 'a']));
    await answer();
    await outbox.end();
    assert.deepEqual(events, ['settled', 'prepare 2', 'export 2', 'settled']);
  });

  test('says what a delivery met to whoever adds next, and at the end', async (t) => {
    const { outbox, delivery, events } = outboxOf(t);
    delivery.stop();
    await outbox.add(requestOf([1, 'a']));
    await assert.rejects(outbox.add(requestOf([2, 'a'])), Stopped);
    await assert.rejects(outbox.end());
    assert.deepEqual(events, ['prepare 1', 'prepare 2']);
  });
});
