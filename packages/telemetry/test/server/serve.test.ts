import assert from 'node:assert/strict';
import { existsSync, readdirSync, utimesSync } from 'node:fs';
import path from 'node:path';
import { suite, test, type TestContext } from 'node:test';
import { serve, type ServeOptions, type Serving } from '../../src/server/serve.ts';
import { readTreeStatus } from '../../src/server/status.ts';
import { joinTree, readServerStatus, requestFlush, isAnswered } from '../../src/tree/requests.ts';
import { createTree } from '../../src/tree/trees.ts';
import { deadProcess, type Writer } from './journals.ts';
import { scratch, Stage, T0 } from './stage.ts';

/** The directory of trees, and one tree in it. */
function newTree(t: TestContext): { env: NodeJS.ProcessEnv; directory: string } {
  const env = { MSC_TELEMETRY_ROOT: scratch(t) };
  return { env, directory: createTree(env) };
}

function serving(t: TestContext, directory: string, options: Partial<ServeOptions> = {}): Serving {
  const started = serve({ directory, log: () => undefined, ...options });
  assert.ok(started !== undefined);
  t.after(() => started.stop());
  return started;
}

function recordOne(writer: Writer): Writer {
  writer.samples(T0, [writer.metric('gauge', 'own.gauge'), 1]);
  writer.sums(Date.now(), [writer.metric('counter', 'multistorageclient.request.sum'), 1]);
  return writer;
}

const millis = (count: number): Promise<void> => new Promise((resolve) => void setTimeout(resolve, count));

async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await millis(5);
}

/** What arrived of the two things that a writer recorded. */
const arrived = ({ backend }: Stage): unknown[] => [
  backend.values('own.gauge'),
  backend.values('multistorageclient.request.sum').at(-1),
];

suite('the loop of a server', () => {
  test('exports everything, removes the directory and ends, when nobody is left', async (t) => {
    const { directory } = newTree(t);
    const stage = new Stage(t, { directory, collectIntervalMillis: 60_000 });
    recordOne(stage.writer({ process: deadProcess() }));
    await serving(t, directory).ended;
    assert.deepEqual(arrived(stage), [[1], 1]);
    assert.equal(existsSync(directory), false);
  });

  test('loses no open window where the last writers end in an ordinary cycle', async (t) => {
    const { directory } = newTree(t);
    const stage = new Stage(t, { directory, collectIntervalMillis: 60_000, exportIntervalMillis: 1 });
    const leave = joinTree(directory, 0);
    const { ended } = serving(t, directory);
    const writer = recordOne(stage.writer());
    await until(() => stage.backend.requests.length > 0);
    writer.goodbye();
    await until(() => readdirSync(path.join(directory, 'journals')).length === 0);
    leave();
    await ended;
    assert.deepEqual(arrived(stage), [[1], 1]);
    assert.equal(existsSync(directory), false);
  });

  test('stays while a member lives, and answers it', async (t) => {
    const { directory } = newTree(t);
    const stage = new Stage(t, { directory });
    const leave = joinTree(directory, 0);
    const server = serving(t, directory);
    let isOver = false;
    void server.ended.then(() => (isOver = true));
    for (let round = 1; round <= 2; round++) {
      stage.writer().goodbye();
      const request = requestFlush(directory, stage.digest);
      assert.ok(request !== undefined);
      await until(() => isAnswered(request));
    }
    assert.equal(isOver, false);
    leave();
    await server.ended;
    assert.equal(existsSync(directory), false);
  });

  test('leaves after a while when the backend stays away; the journal stays', async (t) => {
    const { directory } = newTree(t);
    const stage = new Stage(t, { directory });
    const writer = recordOne(stage.writer({ process: deadProcess() }));
    stage.backend.answer = () => 'refuse';
    await serving(t, directory, { lingerMillis: 50 }).ended;
    assert.equal(existsSync(writer.directory), true);
    const { account, balanced } = readTreeStatus(directory);
    assert.deepEqual([account.recorded, account.journaled, balanced], [2, 2, true]);
    stage.backend.answer = () => 'accept';
    await serving(t, directory).ended;
    assert.deepEqual(arrived(stage), [[1], 1]);
  });

  test('does not leave by itself where it is told to stay', async (t) => {
    const { directory } = newTree(t);
    const server = serving(t, directory, { leaves: false });
    let isOver = false;
    void server.ended.then(() => (isOver = true));
    await millis(50);
    assert.equal(isOver, false);
    await server.stop({ remove: true });
    await server.ended;
    assert.equal(existsSync(directory), false);
  });

  test('stops at once; what is unfinished stays, and nothing is removed', async (t) => {
    const { directory } = newTree(t);
    const stage = new Stage(t, { directory });
    recordOne(stage.writer());
    stage.backend.answer = () => 'refuse';
    const server = serving(t, directory, { leaves: false });
    void server.flush();
    await until(() => stage.backend.requests.length > 0);
    await server.stop({ remove: true });
    assert.equal(readTreeStatus(directory).account.journaled, 2);
  });

  test('is not started twice for one directory', (t) => {
    const { directory } = newTree(t);
    serving(t, directory, { leaves: false });
    assert.equal(serve({ directory, log: () => undefined }), undefined);
  });
});

suite('directories that others left behind', () => {
  test('are drained and removed, whatever their age, once all of their writers are dead', async (t) => {
    const { env, directory } = newTree(t);
    const orphan = new Stage(t, { directory: createTree(env) });
    recordOne(orphan.writer({ process: deadProcess() }));
    const log: string[] = [];
    serving(t, directory, { env, leaves: false, log: (message) => log.push(message) });
    await until(() => !existsSync(orphan.directory));
    assert.deepEqual(arrived(orphan), [[1], 1]);
    assert.deepEqual(log, [`draining ${orphan.directory}, which a killed process tree left behind`]);
  });

  test('without journals are removed when they are old, and not while somebody may be about to join', async (t) => {
    const { env, directory } = newTree(t);
    const young = createTree(env);
    const old = createTree(env);
    utimesSync(old, new Date(0), new Date(0));
    serving(t, directory, { env, leaves: false });
    await until(() => !existsSync(old));
    assert.equal(existsSync(young), true);
  });

  test('are left to their members and to servers of their own', async (t) => {
    const { env, directory } = newTree(t);
    const joined = new Stage(t, { directory: createTree(env) });
    joinTree(joined.directory, 0);
    const servedElsewhere = new Stage(t, { directory: createTree(env) });
    serving(t, servedElsewhere.directory, { leaves: false });
    const gone = createTree(env);
    for (const stage of [joined, servedElsewhere]) {
      stage.backend.answer = () => 'refuse';
      recordOne(stage.writer({ process: deadProcess() }));
    }
    for (const tree of [joined.directory, servedElsewhere.directory, gone])
      utimesSync(tree, new Date(0), new Date(0));
    serving(t, directory, { env, leaves: false });
    await until(() => !existsSync(gone));
    assert.equal(readTreeStatus(joined.directory).server, undefined);
    assert.equal(existsSync(joined.directory), true);
    assert.equal(existsSync(servedElsewhere.directory), true);
  });

  test("have no /metrics: their port is another tree's now", async (t) => {
    const { env, directory } = newTree(t);
    const prometheus = { host: '127.0.0.1', port: 0 };
    const orphan = new Stage(t, { directory: createTree(env), prometheus });
    recordOne(orphan.writer({ process: deadProcess() }));
    orphan.backend.answer = () => 'refuse';
    serving(t, directory, { env, leaves: false });
    await until(() => orphan.backend.requests.length > 3);
    const { configurations = {} } = readServerStatus(orphan.directory) ?? {};
    assert.deepEqual(
      Object.values(configurations).map(({ exporter, url }) => [exporter, url]),
      [
        [orphan.config.exporter.type, undefined],
        ['prometheus', undefined],
      ],
    );
    orphan.backend.answer = () => 'accept';
    await until(() => !existsSync(orphan.directory));
  });

  test('do not keep a server for long whose own tree is done, while their backend is away', async (t) => {
    t.mock.timers.enable({ apis: ['Date'], now: Date.now() });
    const { env, directory } = newTree(t);
    const orphan = new Stage(t, { directory: createTree(env) });
    recordOne(orphan.writer({ process: deadProcess() }));
    orphan.backend.answer = () => 'refuse';
    const server = serving(t, directory, { env });
    await until(() => orphan.backend.requests.length > 3);
    assert.equal(existsSync(directory), true);
    t.mock.timers.tick(6000);
    await server.ended;
    assert.deepEqual([existsSync(orphan.directory), existsSync(directory)], [true, false]);
  });

  test('keep the server until they are drained', async (t) => {
    const { env, directory } = newTree(t);
    const orphan = new Stage(t, { directory: createTree(env) });
    recordOne(orphan.writer({ process: deadProcess() }));
    let tries = 0;
    orphan.backend.answer = () => (++tries < 4 ? 'refuse' : 'accept');
    const server = serving(t, directory, { env });
    assert.equal(server.isDraining, true);
    await server.ended;
    assert.deepEqual(arrived(orphan), [[1], 1]);
    assert.deepEqual([existsSync(orphan.directory), existsSync(directory)], [false, false]);
  });
});
