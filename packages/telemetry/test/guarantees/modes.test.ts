import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { Sink } from '@multistorageclient/sink';
import { init, TelemetryError, TelemetryMode, TelemetryServer } from '../../src/index.ts';
import { assertAccount, assertArrived, countOf } from '../support/arrivals.ts';
import { TREE_GAUGE } from '../support/burst.ts';
import type { Program, Said } from '../support/program.ts';
import type { ModeJob } from '../support/programs/mode.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

function makeFile({ root }: Scene): string {
  const file = path.join(root, 'file');
  writeFileSync(file, '');
  return file;
}

/** Runs a program to its end, until what it and its descendants recorded has arrived. */
async function run(scene: Scene, sink: Sink, job: Omit<ModeJob, 'config' | 'value'>): Promise<Said[]> {
  const program: Program = scene.start('mode', {
    config: metricsTo(sink),
    value: 0,
    ...job,
  } satisfies ModeJob);
  assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
  assert.equal(program.stderr, '');
  const count = job.descendants === true ? 3 : 1;
  await sink.until(() => countOf(sink, TREE_GAUGE) >= count, DEADLINE_MILLIS);
  assertArrived(sink, count, TREE_GAUGE);
  assert.ok(
    program.said.every((said) => said['isSame'] === true),
    'init twice gives the same object',
  );
  return program.said.toSorted((a, b) => a['value'] - b['value']);
}

describe('modes', { concurrency: true }, () => {
  test('local: everything happens in the program itself', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const [main] = await run(scene, sink, { init: { mode: TelemetryMode.LOCAL } });
    assert.equal(main['mode'], 'local');
  });

  test('server: starts a server in the directory that is its address', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const { directory: address } = scene;
    const [main, child, thread] = await run(scene, sink, {
      init: { mode: TelemetryMode.SERVER, address },
      descendants: true,
    });
    assert.deepEqual([main['mode'], main['directory']], ['server', address]);
    assert.deepEqual([child['mode'], child['directory']], ['client', address]);
    assert.deepEqual([thread['mode'], thread['directory']], ['client', address]);
    assertAccount(await scene.ended(), { recorded: 3 });
  });

  test('server without an address: makes a directory, and removes it when all is exported', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const [main] = await run(scene, sink, { init: { mode: TelemetryMode.SERVER } });
    assert.equal(path.dirname(main['directory']), scene.root);
    await until('removed tree', () => scene.trees.length === 0);
  });

  test('no mode: main starts a tree, a child and a thread join it', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const [main, child, thread] = await run(scene, sink, { init: {}, descendants: true });
    assert.deepEqual([main['mode'], child['mode'], thread['mode']], ['server', 'client', 'client']);
    assert.notEqual(child['pid'], main['pid']);
    assert.notEqual(thread['threadId'], 0);
    assert.deepEqual([child['directory'], thread['directory']], [main['directory'], main['directory']]);
    await until('removed tree', () => scene.trees.length === 0);
  });

  test('no mode, and no way to start a server: local, and it says so once', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const job: ModeJob = { init: {}, config: metricsTo(sink), value: 0 };
    const permissions = ['--allow-fs-read=*', '--allow-fs-write=*', '--allow-worker', '--allow-net'];
    // Node 22 and 24 know no permission for the network, and need none.
    const known = permissions.filter((flag) => process.allowedNodeEnvironmentFlags.has(flag.split('=')[0]));
    const program = scene.start('mode', job, { execArgv: ['--permission', ...known] });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.said[0]['mode'], 'local');
    assert.equal(program.stderr.match(/^msc-telemetry: no telemetry server can be started/gm)?.length, 1);
    await sink.until(() => countOf(sink, TREE_GAUGE) >= 1, DEADLINE_MILLIS);
  });

  test('client: records into a tree that somebody else serves', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const server = new TelemetryServer({ directory: scene.directory });
    assert.equal(server.address, scene.directory);
    await server.start();
    assert.equal(server.status().server?.state, 'alive');
    const [main] = await run(scene, sink, {
      init: { mode: TelemetryMode.CLIENT, address: server.address },
      exits: true,
    });
    assert.deepEqual([main['mode'], main['directory']], ['client', server.address]);
    assertAccount(await server.stop(), { recorded: 1 });
    assertAccount(await scene.ended(), { recorded: 1 });
  });

  test('client: finds the tree by its environment', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const server = new TelemetryServer({ directory: scene.directory });
    await server.start();
    const job: ModeJob = { init: { mode: TelemetryMode.CLIENT }, config: metricsTo(sink), value: 0 };
    const program = scene.start('mode', job, { env: { MSC_TELEMETRY_DIRECTORY: server.address } });
    assert.deepEqual(await program.ended, { code: 0, signal: null }, program.stderr);
    assert.equal(program.said[0]['directory'], server.address);
    assertAccount(await server.stop(), { recorded: 1 });
    assertArrived(sink, 1, TREE_GAUGE);
  });
});

describe('what cannot be used is refused with what was seen and what was expected', () => {
  delete process.env['MSC_TELEMETRY_DIRECTORY'];
  const cases: Record<string, [(scene: Scene) => object, string, (scene: Scene) => RegExp]> = {
    'an unknown mode': [
      () => ({ mode: 'sever' }),
      'MSC_MODE_UNKNOWN',
      () => /mode: got "sever", expected local, server, client$/,
    ],
    'an address that is no string': [
      () => ({ address: 42 }),
      'MSC_ADDRESS_UNUSABLE',
      () => /address: got 42, expected the path of a directory/,
    ],
    'an empty address': [
      () => ({ address: '' }),
      'MSC_ADDRESS_UNUSABLE',
      () => /address: got "", expected the path of a directory/,
    ],
    'an address that is a file': [
      (scene) => ({ mode: 'server', address: makeFile(scene) }),
      'MSC_DIRECTORY_UNSAFE',
      (scene) => new RegExp(`${scene.root}/file: got "?not a directory"?, expected a directory`),
    ],
    'mode client at a place without a tree': [
      (scene) => ({ mode: 'client', address: scene.directory }),
      'MSC_TREE_NOT_FOUND',
      (scene) => new RegExp(`${scene.directory}.*expected.*directory of a tree`),
    ],
    'mode client without a tree anywhere': [
      () => ({ mode: 'client' }),
      'MSC_TREE_NOT_FOUND',
      () => /found no telemetry tree, expected MSC_TELEMETRY_DIRECTORY, an ancestor process/,
    ],
  };
  for (const [name, [options, code, message]] of Object.entries(cases)) {
    test(name, (t) => {
      const scene = new Scene(t);
      assert.throws(
        () => init(options(scene)),
        (error) => {
          assert.ok(error instanceof TelemetryError);
          assert.equal(error.code, code);
          assert.match(error.message, message(scene));
          assert.equal(error.problems.length, 1);
          return true;
        },
      );
      assert.deepEqual(scene.trees, []);
    });
  }
});
