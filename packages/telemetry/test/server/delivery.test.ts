import assert from 'node:assert/strict';
import { suite, test, type TestContext } from 'node:test';
import { held, waits } from './instant-timers.ts';
import type { MetricsExporter, ExportOutcome, PointBatch } from '../../src/exporters/exporter.ts';
import { JournalAccount } from '../../src/server/account.ts';
import { Delivery, Stopped } from '../../src/server/delivery.ts';
import { PlanLog, type Plan } from '../../src/server/plan.ts';
import type { Request } from '../../src/server/signal.ts';
import { splitByResource, splitRequest } from '../../src/server/split.ts';
import { requestOf, valuesOf } from './requests.ts';
import { scratch } from './stage.ts';

const PLAN: Plan = {
  sequence: 1,
  close: { intervalMillis: 10, untilMillis: null, nowMillis: 5, tick: true },
  ranges: [],
  endingResources: [],
  treeResource: { attributes: {} },
};
const ACCEPTED: ExportOutcome = { status: 'accepted', rejectedPoints: 0 };
const REFUSED: ExportOutcome = { status: 'retry', error: new Error('503') };
const LOST: ExportOutcome = { status: 'retry', error: new Error('timeout'), unanswered: true };
const REJECTED: ExportOutcome = { status: 'rejected', error: new Error('400') };
const TOO_LARGE: ExportOutcome = { status: 'too-large', error: new Error('413') };

/** Ten points of two journals, by turns. */
const ten = (): Request<PointBatch> =>
  requestOf(...Array.from({ length: 10 }, (_, at) => [at, at % 2 === 0 ? 'a' : 'b'] as const));

interface Post {
  readonly directory: string;
  readonly delivery: Delivery<PointBatch>;
  readonly plan: PlanLog;
  /** Values of each request that was sent. */
  readonly sent: number[][];
  readonly accounts: Map<string, JournalAccount>;
  readonly states: (string | undefined)[];
}

/** A delivery whose backend answers as it is told; after that it accepts. */
function post(
  t: TestContext,
  answer: (batch: PointBatch, request: number) => ExportOutcome | Promise<ExportOutcome>,
  directory: string = scratch(t),
): Post {
  const sent: number[][] = [];
  const accounts = new Map<string, JournalAccount>();
  const states: (string | undefined)[] = [];
  const exporter: MetricsExporter = {
    temporality: () => 'cumulative',
    export(batch) {
      sent.push(valuesOf(batch));
      return Promise.resolve(answer(batch, sent.length - 1));
    },
    shutdown: () => Promise.resolve(),
  };
  const accountOf = (journal: string): JournalAccount => {
    const account = accounts.get(journal) ?? new JournalAccount();
    accounts.set(journal, account);
    return account;
  };
  const plan = new PlanLog(directory);
  if (plan.load() === undefined) plan.begin(PLAN);
  t.after(() => plan.close());
  const onState = (error: Error | undefined): void => void states.push(error?.message);
  const splitter = { halves: splitRequest, byResource: splitByResource };
  const delivery = new Delivery(plan, { exporter, splitter, timeoutMillis: 1000, accountOf, onState });
  return { directory, delivery, plan, sent, accounts, states };
}

const inOrder =
  (...answers: readonly ExportOutcome[]) =>
  (_batch: PointBatch, request: number): ExportOutcome =>
    answers[request] ?? ACCEPTED;

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const total = ({ accounts }: Post, count: (account: JournalAccount) => number): number =>
  [...accounts.values()].reduce((sum, account) => sum + count(account), 0);
const exported = (to: Post): number => total(to, (account) => account.exported);
const rejected = (to: Post): number => total(to, ({ dropped }) => dropped['rejected'] ?? 0);
const duplicated = (to: Post): number => total(to, (account) => account.duplicated);

suite('delivery', () => {
  test('of an accepted request counts its units, by journal', async (t) => {
    const to = post(t, () => ACCEPTED);
    await to.delivery.deliver(requestOf([1, 'a'], [2, 'b'], [3, 'b']), '1');
    assert.deepEqual(to.sent, [[1, 2, 3]]);
    assert.deepEqual([to.accounts.get('a')?.exported, to.accounts.get('b')?.exported], [1, 2]);
    assert.equal(to.plan.event('1')?.what, 'accepted');
  });

  test('goes on until the backend takes it, the same each time', async (t) => {
    const to = post(t, inOrder(REFUSED, REFUSED, LOST, REFUSED));
    await to.delivery.deliver(ten(), '1');
    assert.equal(to.sent.length, 5);
    assert.equal(new Set(to.sent.map(String)).size, 1);
    assert.equal(exported(to), 10);
    assert.equal(duplicated(to), 10, 'only the one that was not answered may have arrived');
    assert.deepEqual(to.states, ['503', '503', 'timeout', '503', undefined]);
  });

  test('waits longer with each failure in a row, at least as long as the backend says, and no longer than it must', async (t) => {
    const told: ExportOutcome = { status: 'retry', error: new Error('429'), afterMillis: 30_000 };
    const to = post(t, inOrder(...Array.from({ length: 12 }, () => REFUSED), told));
    waits.length = 0;
    await to.delivery.deliver(ten(), '1');
    const last = waits.pop();
    for (const [failure, millis] of waits.entries()) {
      const longest = Math.min(5000, 100 * 2 ** failure);
      assert.ok(millis >= longest / 2 && millis <= longest, `${millis} ms after failure ${failure + 1}`);
    }
    assert.equal(last, 30_000);
    waits.length = 0;
    const next = post(t, inOrder(REFUSED, ACCEPTED, REFUSED));
    await next.delivery.deliver(ten(), '1');
    await next.delivery.deliver(ten(), '2');
    assert.ok(
      waits.every((millis) => millis <= 100),
      'a success ends the row',
    );
  });

  test('what the backend will never take is dropped, and so is what it says it did not keep', async (t) => {
    const to = post(t, inOrder(REJECTED, { status: 'accepted', rejectedPoints: 3 }));
    await to.delivery.deliver(ten(), '1');
    assert.deepEqual([exported(to), rejected(to)], [0, 10]);
    await to.delivery.deliver(ten(), '2');
    assert.deepEqual([exported(to), rejected(to)], [7, 13]);
  });

  test('more points rejected than there are units drop no more than there are', async (t) => {
    const to = post(t, inOrder({ status: 'accepted', rejectedPoints: 1000 }));
    await to.delivery.deliver(ten(), '1');
    assert.deepEqual([exported(to), rejected(to)], [0, 10]);
  });

  test('a request that is too large is split, in order, down to one point that is dropped', async (t) => {
    const to = post(t, (batch) => (valuesOf(batch).includes(3) ? TOO_LARGE : ACCEPTED));
    await to.delivery.deliver(ten(), '1');
    assert.deepEqual(to.sent.filter((values) => !values.includes(3)).flat(), [0, 1, 2, 4, 5, 6, 7, 8, 9]);
    assert.deepEqual(to.sent.at(-1), [5, 6, 7, 8, 9]);
    assert.equal(exported(to) + rejected(to), 10);
    assert.equal(rejected(to), 1);
  });

  test('a wait ends when somebody wants the data out now, but not one that the backend asked for', async (t) => {
    held.on = true;
    t.after(() => (held.on = false));
    const asked = post(t, inOrder(REFUSED));
    const done = asked.delivery.deliver(ten(), '1');
    while (asked.states.length === 0) await turn();
    await turn();
    assert.equal(asked.sent.length, 1);
    asked.delivery.retryNow();
    await done;
    assert.equal(asked.sent.length, 2);

    const told = post(t, inOrder({ status: 'retry', error: new Error('429'), afterMillis: 60_000 }));
    const stopped = told.delivery.deliver(ten(), '1');
    while (told.states.length === 0) await turn();
    told.delivery.retryNow();
    await turn();
    assert.equal(told.sent.length, 1);
    told.delivery.stop();
    await assert.rejects(stopped, Stopped);
  });

  test('stops between two tries, and leaves the rest to the next server', async (t) => {
    const to = post(t, () => {
      to.delivery.stop();
      return REFUSED;
    });
    await assert.rejects(to.delivery.deliver(ten(), '1'), Stopped);
    assert.equal(to.sent.length, 1);
    await assert.rejects(to.delivery.deliver(ten(), '2'), Stopped);
    assert.equal(to.sent.length, 1);
    assert.equal(exported(to), 0);
  });
});

/** Kills the first server when it has sent `requests`, and lets another one carry out the same plan. */
async function killedAfter(
  t: TestContext,
  requests: number,
  answer: (batch: PointBatch, request: number) => ExportOutcome,
): Promise<{ before: Post; after: Post }> {
  const { promise: killed, resolve: kill } = Promise.withResolvers<void>();
  const before = post(t, (batch, request) => {
    if (request < requests) return answer(batch, request);
    kill();
    return new Promise<never>(() => undefined);
  });
  void before.delivery.deliver(ten(), '1').then(() => before.delivery.deliver(ten(), '2'));
  await killed;
  const after = post(t, (batch, request) => answer(batch, requests + request), before.directory);
  await after.delivery.deliver(ten(), '1');
  await after.delivery.deliver(ten(), '2');
  return { before, after };
}

/** Wants three points at the most, and a certain one not at all. */
function atMostThree(batch: PointBatch): ExportOutcome {
  const values = valuesOf(batch);
  return values.length > 3 || values.includes(7) ? TOO_LARGE : ACCEPTED;
}

suite('delivery after a kill', () => {
  test('what was settled is counted and not sent again', async (t) => {
    const { after } = await killedAfter(t, 1, () => ACCEPTED);
    assert.equal(after.sent.length, 1);
    assert.deepEqual([exported(after), duplicated(after)], [20, 10]);
  });

  test('what was rejected stays rejected', async (t) => {
    const { after } = await killedAfter(t, 1, inOrder(REJECTED));
    assert.equal(after.sent.length, 1);
    assert.deepEqual([exported(after), rejected(after)], [10, 10]);
  });

  test('a partial success is remembered', async (t) => {
    const { after } = await killedAfter(t, 1, inOrder({ status: 'accepted', rejectedPoints: 4 }));
    assert.deepEqual([exported(after), rejected(after)], [16, 4]);
  });

  test('every send that was not answered counts, over any number of kills', async (t) => {
    const directory = scratch(t);
    for (let kill = 0; kill < 3; kill++) {
      const { promise, resolve } = Promise.withResolvers<void>();
      const hanging = post(
        t,
        (_batch, request) => {
          if (request === 0) return LOST;
          resolve();
          return new Promise<never>(() => undefined);
        },
        directory,
      );
      void hanging.delivery.deliver(ten(), '1');
      await promise;
    }
    const last = post(t, () => ACCEPTED, directory);
    await last.delivery.deliver(ten(), '1');
    // Six were sent before this one, and nobody knows of any whether it arrived.
    assert.equal(duplicated(last), 60);
    assert.equal(exported(last), 10);
  });

  test('one that was refused before the kill is no duplicate', async (t) => {
    const { directory, delivery } = post(t, () => {
      delivery.stop();
      return REFUSED;
    });
    await assert.rejects(delivery.deliver(ten(), '1'), Stopped);
    const after = post(t, () => ACCEPTED, directory);
    await after.delivery.deliver(ten(), '1');
    assert.deepEqual([exported(after), duplicated(after)], [10, 0]);
  });

  test('a split is carried out again in the same parts, wherever it was killed', async (t) => {
    const whole = post(t, atMostThree);
    await whole.delivery.deliver(ten(), '1');
    await whole.delivery.deliver(ten(), '2');
    for (let requests = 0; requests < whole.sent.length; requests++) {
      const { before, after } = await killedAfter(t, requests, atMostThree);
      const sent = [...before.sent.slice(0, requests), ...after.sent];
      assert.deepEqual(sent, whole.sent, `killed after ${requests}`);
      assert.deepEqual([exported(after), rejected(after)], [exported(whole), rejected(whole)]);
      const interrupted = before.sent[requests];
      assert.equal(duplicated(after), interrupted.length, `killed after ${requests}`);
    }
  });
});
