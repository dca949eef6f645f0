import assert from 'node:assert/strict';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import type { InitOptions, MetricsOptions } from '../../src/index.ts';
import { assertArrived, countOf, valuesOf } from '../support/arrivals.ts';
import type { Program } from '../support/program.ts';
import type { LocalJob } from '../support/programs/local.ts';
import { DEADLINE_MILLIS, metricsTo, Scene } from '../support/scene.ts';
import { until } from '../support/until.ts';

const LOCAL: InitOptions = { mode: 'local' };
const ENDED = { code: 0, signal: null };
const COUNT = 1000;

/** Reading is allowed, and the network; nothing else. */
const PERMISSIONS = ['--permission', '--allow-fs-read=*', '--allow-net'].filter((flag) =>
  process.allowedNodeEnvironmentFlags.has(flag.split('=')[0]),
);

/** A place for trees in which not even root can create a directory. */
function unusableRoot(scene: Scene): NodeJS.ProcessEnv {
  const file = path.join(scene.root, 'file');
  writeFileSync(file, '');
  return { MSC_TELEMETRY_ROOT: path.join(file, 'root'), TMPDIR: path.join(file, 'temporary') };
}

const start = (
  scene: Scene,
  job: LocalJob,
  options: { env?: NodeJS.ProcessEnv; execArgv?: string[] } = {},
): Program => scene.start('local', job, options);

const linesOf = (program: Program): string[] =>
  program.stderr.split('\n').filter((line) => line.startsWith('msc-telemetry:'));

/** It runs in mode local, its stats say that nothing outlives it, and so does its only line on stderr. */
async function assertInMemory(program: Program): Promise<void> {
  assert.deepEqual(await program.ended, ENDED, program.stderr);
  assert.equal(program.said[0]['mode'], 'local');
  assert.equal(program.said[0]['isJournaled'], false);
  const lines = linesOf(program);
  assert.equal(lines.length, 1, program.stderr);
  assert.match(lines[0], /in the memory of this process \(mode local\), nothing outlives it$/);
}

describe('LOCAL where no directory can be written', { concurrency: 2, timeout: DEADLINE_MILLIS }, () => {
  for (const options of [LOCAL, {}]) {
    const asked = options === LOCAL ? 'asked for' : 'as the default';
    test(`exports everything by the end of its work, under the permission model, ${asked}`, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      const job = { init: options, config: metricsTo(sink), count: 20_000 };
      const program = start(scene, job, { execArgv: PERMISSIONS });
      await assertInMemory(program);
      assertArrived(sink, 20_000);
      assert.match(linesOf(program)[0], /ERR_ACCESS_DENIED/);
      assert.equal(linesOf(program)[0].includes('denies child processes'), options !== LOCAL);
    });

    test(`exports everything by the end of its work, with an unusable root, ${asked}`, async (t) => {
      const scene = new Scene(t);
      const sink = await scene.sink();
      const job = { init: options, config: metricsTo(sink), count: 20_000 };
      await assertInMemory(start(scene, job, { env: unusableRoot(scene) }));
      assertArrived(sink, 20_000);
    });
  }

  test('so does a worker thread', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const job: LocalJob = { init: LOCAL, config: metricsTo(sink), count: COUNT, also: 'thread' };
    await assertInMemory(start(scene, job, { env: unusableRoot(scene) }));
    assertArrived(sink, COUNT);
  });

  test('keeps within its budget, and counts what it drops', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const options = { ...LOCAL, segmentMaxBytes: 65_536, memoryMaxBytes: 1024 * 1024 };
    const program = start(
      scene,
      { init: options, config: metricsTo(sink), count: 200_000 },
      { env: unusableRoot(scene) },
    );
    await assertInMemory(program);
    const dropped: number = program.said[0]['dropped']['budget'];
    assert.ok(dropped > 0);
    assert.equal(valuesOf(sink).length, 200_000 - dropped);
  });

  test('leaves files that the user has named, and trees in directories, where they are', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const file = path.join(scene.root, 'out.jsonl');
    const toFile: MetricsOptions = {
      exporter: { type: 'file', options: { path: file } },
      self_telemetry: false,
    };
    const beside = { init: { mode: 'server', address: scene.directory } as const, config: metricsTo(sink) };
    const job: LocalJob = { init: LOCAL, config: toFile, count: COUNT, beside };
    await assertInMemory(start(scene, job, { env: unusableRoot(scene) }));
    const status = await scene.ended();
    assertArrived(sink, COUNT);
    assert.equal(status.account.recorded, COUNT);
    const values = readFileSync(file, 'utf8').match(/"asDouble":\d+/g) ?? [];
    assert.equal(new Set(values).size, COUNT);
  });

  test('ends all the same when the backend is away', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    await sink.down();
    const program = start(
      scene,
      { init: LOCAL, config: metricsTo(sink), count: COUNT },
      { env: unusableRoot(scene) },
    );
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    assert.match(program.stderr, /ECONNREFUSED/);
  });
});

describe('LOCAL with a directory', { concurrency: 2, timeout: DEADLINE_MILLIS }, () => {
  test('exports everything by the end of its work and leaves nothing behind', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const program = start(scene, { init: LOCAL, config: metricsTo(sink), count: 20_000 });
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    assert.equal(program.said[0]['isJournaled'], true);
    assertArrived(sink, 20_000);
    assert.deepEqual(scene.trees, []);
    assert.equal(program.stderr, '');
  });

  test('exports what it observes at the end of its work once', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const program = start(scene, { init: LOCAL, config: metricsTo(sink), count: 0, also: 'observe' });
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    assert.ok(countOf(sink) > 0);
    assert.deepEqual(scene.trees, []);
  });

  test('exports what it records when its work begins anew', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const program = start(scene, { init: LOCAL, config: metricsTo(sink), count: COUNT, also: 'before-exit' });
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    assertArrived(sink, COUNT + 3);
    assert.deepEqual(scene.trees, []);
  });

  test('ends although its own exports make it record', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    const program = start(scene, {
      init: { ...LOCAL, exitTimeoutMillis: 10 * DEADLINE_MILLIS },
      config: metricsTo(sink),
      count: COUNT,
      also: 'self',
    });
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    const values = valuesOf(sink);
    assert.ok(values.length > COUNT);
    assert.equal(values.length, values.at(-1)! + 1);
  });

  test('ends when the backend is away, and the next start exports it all', async (t) => {
    const scene = new Scene(t);
    const sink = await scene.sink();
    await sink.down();
    const program = start(scene, { init: LOCAL, config: metricsTo(sink), count: COUNT });
    assert.deepEqual(await program.ended, ENDED, program.stderr);
    assert.equal(scene.trees.length, 1);
    await sink.up();
    await drain(scene, sink.url, LOCAL);
    assertArrived(sink, COUNT);
    assert.equal(sink.duplicatePoints, 0);
  });

  for (const next of ['local', 'server'] as const) {
    for (const also of ['exit', 'exit-listener'] as const) {
      const last = also === 'exit' ? 'process.exit()' : "a record in its 'exit' listener";
      test(`leaves a journal at ${last}, and the next start in mode ${next} exports it at once`, async (t) => {
        const scene = new Scene(t);
        const sink = await scene.sink();
        const program = start(scene, { init: LOCAL, config: metricsTo(sink), count: COUNT, also });
        assert.deepEqual(await program.ended, ENDED, program.stderr);
        assert.equal(countOf(sink), also === 'exit' ? 0 : COUNT);
        assert.equal(scene.trees.length, 1);
        await drain(scene, sink.url, { mode: next });
        assertArrived(sink, also === 'exit' ? COUNT : COUNT + 1);
        assert.equal(sink.duplicatePoints, 0);
      });
    }
  }
});

/** Another start, which has nothing of its own to say and is over in no time. */
async function drain(scene: Scene, endpoint: string, options: InitOptions): Promise<void> {
  const config: MetricsOptions = { exporter: { type: 'otlp', options: { endpoint } } };
  const program = start(scene, { init: options, config, count: 0 });
  assert.deepEqual(await program.ended, ENDED, program.stderr);
  if (options.mode !== 'local') await until('the end of all trees', () => scene.trees.length === 0);
  assert.deepEqual(scene.trees, []);
}
