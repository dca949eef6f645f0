import assert from 'node:assert/strict';
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { configurationDigest } from '../../src/config/digest.ts';
import { readCheckpoint, writeCheckpoint } from '../../src/server/checkpoint.ts';
import { readTreeStatus, type TreeStatus } from '../../src/server/status.ts';
import { deadProcess } from './journals.ts';
import { Stage, T0, type StageOptions } from './stage.ts';

function stageAt(t: TestContext, options?: StageOptions): Stage {
  t.mock.timers.enable({ apis: ['Date'], now: T0 });
  return new Stage(t, options);
}

/** What is read from the directory must be true, and be true of the sum of its parts. */
function checked(stage: Stage, recorded: number): TreeStatus {
  const status = readTreeStatus(stage.directory);
  assert.equal(status.account.recorded, recorded);
  assert.equal(status.balanced, true);
  const configuration = status.configurations[configurationDigest(stage.config)];
  assert.deepEqual(configuration.account, status.account);
  return status;
}

suite('the status of a tree', () => {
  test('without anybody', (t) => {
    const { directory } = stageAt(t);
    const status = readTreeStatus(directory);
    assert.deepEqual(status.writers, []);
    assert.deepEqual(status.configurations, {});
    assert.equal(status.server, undefined);
    assert.equal(status.balanced, true);
  });

  test('before any server, all is journaled', (t) => {
    const stage = stageAt(t);
    const writer = stage.writer({ threadId: 3 });
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1], [1, 1]);
    writer.sums(T0, [writer.metric('counter', 'own.sum'), 9, 4]);
    writer.account({ budget: 2 });
    const { account, writers } = checked(stage, 8);
    assert.deepEqual(account, {
      recorded: 8,
      exported: 0,
      merged: 0,
      journaled: 6,
      dropped: { budget: 2 },
      duplicated: 0,
      overflowed: 0,
    });
    assert.deepEqual(
      writers.map(({ account: _account, ...rest }) => rest),
      [{ id: writer.id, pid: process.pid, threadId: 3, state: 'alive', configuration: stage.digest }],
    );
  });

  test('while a server is at work: after each cycle, and behind it', async (t) => {
    const stage = stageAt(t);
    const writer = stage.writer();
    const gauge = writer.metric('gauge', 'own.gauge');
    const sum = writer.metric('counter', 'own.sum');
    const pipeline = await stage.pipeline();
    const waiting = ({ configurations }: TreeStatus): number => configurations[stage.digest].journalBytes;
    let seen: TreeStatus | undefined;
    stage.backend.answer = () => {
      seen = readTreeStatus(stage.directory);
      return 'accept';
    };
    for (let cycle = 1; cycle < 5; cycle++) {
      writer.samples(T0, [gauge, 1], [gauge, 2]);
      writer.sums(T0, [sum, 1, 3]);
      assert.ok(waiting(readTreeStatus(stage.directory)) > 0);
      await pipeline.flush({ tick: true });
      // While its request was under way nothing of the cycle was exported yet.
      assert.deepEqual([seen?.account.exported, seen?.account.journaled], [2 * cycle - 2, 5]);
      assert.equal(seen?.balanced, true);
      const status = checked(stage, 5 * cycle);
      const { account } = status;
      assert.equal(waiting(status), 0);
      assert.deepEqual([account.exported, account.merged, account.journaled], [2 * cycle, 3 * cycle, 0]);
    }
  });

  test('what waits in a window is journaled, also when its writer is retired', async (t) => {
    const stage = stageAt(t, { resampling: { type: 'last_value' } });
    const writer = stage.writer({ process: deadProcess() });
    const other = stage.writer();
    const gauge = writer.metric('gauge', 'multistorageclient.latency');
    writer.samples(T0 + 10, [gauge, 1], [gauge, 2, 1]);
    const pipeline = await stage.pipeline();
    for (const journal of pipeline.journals) journal.checkWriter();
    t.mock.timers.setTime(T0 + 100);
    pipeline.poll(T0 + 100);
    while (pipeline.isBusy) await new Promise(setImmediate);
    const { account, writers } = checked(stage, 2);
    assert.deepEqual(
      writers.map(({ id }) => id),
      [other.id],
    );
    assert.deepEqual([account.merged, account.journaled, account.exported], [1, 1, 0]);
    await pipeline.flush({ tick: false });
    assert.deepEqual(checked(stage, 2).account.exported, 1);
  });

  test('counts writers whose journals are gone', async (t) => {
    const stage = stageAt(t);
    for (let number = 0; number < 3; number++) {
      const writer = stage.writer({ process: deadProcess(number) });
      writer.samples(T0, [writer.metric('gauge', 'own.gauge'), number]);
    }
    await (await stage.pipeline()).flush({ tick: true });
    const { writers, configurations } = checked(stage, 3);
    assert.deepEqual(writers, []);
    const [configuration] = Object.values(configurations);
    const { state, writers: count, account } = configuration;
    assert.deepEqual([state, count, account.exported], ['ok', 3, 3]);
  });

  test('says that it does not balance, if it does not', async (t) => {
    const stage = stageAt(t);
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    await (await stage.pipeline()).flush({ tick: true });
    const checkpoint = readCheckpoint(stage.place);
    assert.ok(checkpoint !== undefined);
    const journals = checkpoint.journals.map((journal) => ({
      ...journal,
      account: { ...journal.account, exported: 0 },
    }));
    writeCheckpoint(stage.place, { ...checkpoint, journals }, '{"aggregates":[]}');
    assert.equal(readTreeStatus(stage.directory).balanced, false);
  });

  test('leaves out what it cannot read', (t) => {
    const stage = stageAt(t);
    const journals = path.join(stage.directory, 'journals');
    mkdirSync(path.join(journals, 'f'.repeat(32)));
    writeFileSync(path.join(journals, 'f'.repeat(32), 'definitions'), 'nonsense');
    mkdirSync(path.join(journals, 'not-a-journal'));
    writeFileSync(path.join(journals, 'e'.repeat(32)), 'a file');
    writeFileSync(path.join(stage.directory, 'status.json'), 'null');
    const writer = stage.writer();
    writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
    assert.equal(checked(stage, 1).writers.length, 1);
  });
});
