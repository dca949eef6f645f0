import assert from 'node:assert/strict';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
// oxlint-disable-next-line import/no-unassigned-import -- it replaces what the next ones capture
import './instant-timers.ts';
import { isAbandoned, TreeServer } from '../../src/server/tree-server.ts';
import { isAnswered, joinTree, readServerStatus, requestFlush } from '../../src/tree/requests.ts';
import { createTree } from '../../src/tree/trees.ts';
import { deadProcess, type Writer } from './journals.ts';
import { scratch, Stage, T0, type StageOptions } from './stage.ts';

/** A directory that this package named, and that it removes. */
const newTree = (t: TestContext): string => createTree({ MSC_TELEMETRY_ROOT: scratch(t) });

function served(t: TestContext, directory: string, log: string[] = []): TreeServer {
  const server = TreeServer.open(directory, (message) => log.push(message));
  assert.ok(server !== undefined);
  t.after(() => server.stop());
  return server;
}

function recordOne(writer: Writer, value = 1): Writer {
  writer.samples(T0, [writer.metric('gauge', 'own.gauge'), value]);
  return writer;
}

/** Polls until something is so. */
async function until(server: TreeServer, isSo: () => boolean): Promise<void> {
  while (!isSo()) {
    server.poll(Date.now());
    await new Promise(setImmediate);
  }
}

suite('a tree server', () => {
  test('finds journals as they appear, and exports what is in them', async (t) => {
    const stage = new Stage(t, { exportIntervalMillis: 1 });
    const server = served(t, stage.directory);
    assert.equal(server.poll(Date.now()), false);
    for (let number = 1; number <= 3; number++) {
      recordOne(stage.writer(), number);
      await until(server, () => stage.backend.requests.length === number);
    }
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2, 3]);
  });

  test('is the only one of its directory', (t) => {
    const { directory } = new Stage(t);
    served(t, directory);
    assert.equal(
      TreeServer.open(directory, () => undefined),
      undefined,
    );
  });

  test('lets the next one in when it has stopped', async (t) => {
    const { directory } = new Stage(t);
    await served(t, directory).stop();
    assert.equal(served(t, directory).isHeld, true);
  });

  test('a configuration whose backend is away does not hold up another', async (t) => {
    const away = new Stage(t);
    const well = new Stage(t, { directory: away.directory });
    const server = served(t, away.directory);
    away.backend.answer = () => 'refuse';
    for (let value = 1; value <= 3; value++) {
      recordOne(away.writer(), value);
      recordOne(well.writer(), value);
    }
    const flushed = server.flush();
    await until(server, () => well.account().exported === 3);
    assert.equal(well.backend.requests.length, 1);
    assert.deepEqual(new Set(well.backend.values('own.gauge')), new Set([1, 2, 3]));
    assert.deepEqual(server.states.toSorted(), ['away', 'ok']);
    const status = readServerStatus(away.directory)?.configurations ?? {};
    assert.match(status[away.digest].error ?? '', /503/);
    assert.equal(status[well.digest].error, undefined);
    away.backend.answer = () => 'accept';
    await flushed;
    assert.deepEqual(new Set(away.backend.values('own.gauge')), new Set([1, 2, 3]));
    assert.deepEqual(server.states, ['ok', 'ok']);
    assert.equal(well.account().exported, 6);
  });

  test('another tree is none of its business', async (t) => {
    const [one, two] = [new Stage(t), new Stage(t)];
    recordOne(one.writer());
    recordOne(two.writer());
    await served(t, one.directory).flush();
    assert.deepEqual([one.backend.requests.length, two.backend.requests.length], [1, 0]);
  });

  test('goes on with totals where the last one was', async (t) => {
    const stage = new Stage(t);
    const writer = stage.writer();
    const sum = writer.metric('counter', 'multistorageclient.request.sum');
    for (let value = 1; value <= 3; value++) {
      writer.sums(Date.now(), [sum, value]);
      const server = served(t, stage.directory);
      await server.flush();
      await server.stop();
    }
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), [1, 3, 6]);
  });

  test('replaces a pipeline that broke off', async (t) => {
    const stage = new Stage(t);
    const log: string[] = [];
    const server = served(t, stage.directory, log);
    const writer = recordOne(stage.writer());
    const hindrance = path.join(stage.place, `checkpoint.${process.pid}.tmp`);
    mkdirSync(hindrance, { recursive: true });
    await server.flush();
    assert.deepEqual(server.states, ['away']);
    assert.equal(server.isDrained, false);
    server.check();
    assert.deepEqual(server.states, ['starting']);
    rmdirSync(hindrance);
    writer.samples(T0, [2, 2]);
    await server.flush();
    assert.deepEqual(server.states, ['ok']);
    assert.deepEqual(stage.backend.values('own.gauge'), [1, 2]);
    assert.equal(log.length, 1);
  });
});

suite('requests', () => {
  test('are answered when what was there has been accepted', async (t) => {
    const stage = new Stage(t);
    const server = served(t, stage.directory);
    recordOne(stage.writer());
    let tries = 0;
    let answeredBefore = false;
    const request = requestFlush(stage.directory, stage.digest);
    assert.ok(request !== undefined);
    stage.backend.answer = () => {
      answeredBefore ||= isAnswered(request);
      return ++tries < 3 ? 'refuse' : 'accept';
    };
    await until(server, () => isAnswered(request));
    assert.equal(answeredBefore, false);
    assert.equal(tries, 3);
    assert.equal(stage.account().exported, 1);
  });

  test('for a configuration that nobody has recorded for are answered at once', async (t) => {
    const { directory } = new Stage(t);
    const server = served(t, directory);
    const request = requestFlush(directory, '0123456789abcdef');
    assert.ok(request !== undefined);
    await until(server, () => isAnswered(request));
  });

  test('outlive a server that was stopped before it could answer', async (t) => {
    const stage = new Stage(t);
    recordOne(stage.writer());
    const request = requestFlush(stage.directory, stage.digest);
    assert.ok(request !== undefined);
    const first = served(t, stage.directory);
    stage.backend.answer = () => 'refuse';
    await until(first, () => stage.backend.requests.length > 0);
    await first.stop();
    assert.equal(isAnswered(request), false);
    stage.backend.answer = () => 'accept';
    const second = served(t, stage.directory);
    await until(second, () => isAnswered(request));
    assert.deepEqual(stage.backend.values('own.gauge'), [1]);
  });
});

/** A tree of one writer that is dead, and whose only sample is exported. */
async function ended(t: TestContext, options: StageOptions): Promise<{ stage: Stage; server: TreeServer }> {
  const stage = new Stage(t, options);
  recordOne(stage.writer({ process: deadProcess() }));
  const server = served(t, stage.directory);
  await server.flush();
  assert.equal(server.isDrained, true);
  return { stage, server };
}

suite('the end of a tree', () => {
  test('its directory is removed when it is drained, and its spill directory as well', async (t) => {
    const directory = newTree(t);
    const { server } = await ended(t, { directory });
    server.check();
    assert.equal(server.hasMembers, false);
    await server.stop();
    server.remove();
    assert.equal(existsSync(directory), false);
    assert.deepEqual(readdirSync(path.dirname(directory)), []);
  });

  test('somebody who has just joined keeps it', async (t) => {
    const directory = newTree(t);
    const { server } = await ended(t, { directory });
    const leave = joinTree(directory, 0);
    server.check();
    assert.equal(server.hasMembers, true);
    server.remove();
    assert.equal(existsSync(directory), true);
    leave();
    server.check();
    assert.equal(server.hasMembers, false);
    server.remove();
    assert.equal(existsSync(directory), false);
  });

  test('a directory that a user named stays, with its totals', async (t) => {
    const stage = new Stage(t);
    for (let value = 1; value <= 2; value++) {
      const writer = stage.writer({ process: deadProcess(value) });
      writer.sums(Date.now(), [writer.metric('counter', 'multistorageclient.request.sum'), value]);
      const server = served(t, stage.directory);
      await server.flush();
      assert.equal(server.isDrained, true);
      await server.stop();
      server.remove();
    }
    assert.deepEqual(stage.backend.values('multistorageclient.request.sum'), [1, 3]);
    assert.deepEqual(readdirSync(path.join(stage.directory, 'journals')), []);
  });

  test('a tree is abandoned when all who have recorded are dead, whatever else lies among the journals', (t) => {
    const stage = new Stage(t);
    assert.equal(isAbandoned(stage.directory), false);
    recordOne(stage.writer({ process: deadProcess() }));
    writeFileSync(path.join(stage.directory, 'journals', 'e'.repeat(32)), 'a file');
    assert.equal(isAbandoned(stage.directory), true);
    recordOne(stage.writer());
    assert.equal(isAbandoned(stage.directory), false);
  });

  test('a journal that cannot be read keeps its directory, and is served once it can', async (t) => {
    const directory = newTree(t);
    const stage = new Stage(t, { directory });
    const writer = recordOne(stage.writer({ process: deadProcess() }));
    const definitions = path.join(writer.directory, 'definitions');
    renameSync(definitions, `${definitions}.away`);
    writeFileSync(definitions, 'nonsense');
    const log: string[] = [];
    const server = served(t, directory, log);
    await server.flush();
    for (let check = 0; check < 5; check++) server.check();
    assert.equal(server.isDrained, true, 'nobody waits for it');
    assert.equal(log.length, 1);
    assert.match(log[0], new RegExp(writer.id));
    server.remove();
    assert.equal(existsSync(definitions), true);
    renameSync(`${definitions}.away`, definitions);
    server.check();
    await server.flush();
    assert.deepEqual(stage.backend.values('own.gauge'), [1]);
    server.remove();
    assert.equal(existsSync(directory), false);
  });
});
