import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { after, before, suite, test } from 'node:test';
import type { TelemetryError } from '../src/errors.ts';
import { init, type InitOptions } from '../src/init.ts';
import { TelemetryMode } from '../src/modes.ts';
import { createTree } from '../src/tree/trees.ts';
import { scratchDirectory } from './server/stage.ts';
import { errorOf } from './telemetry-error.ts';

const root = scratchDirectory();
const trees = path.join(root.path, 'trees');

before(() => {
  process.env['MSC_TELEMETRY_ROOT'] = trees;
  delete process.env['MSC_TELEMETRY_DIRECTORY'];
});
after(() => root.remove());

const refusal = (options: unknown): TelemetryError => errorOf(() => init(options as InitOptions));

suite('init', () => {
  test('refuses wrong options, all of them at once, before anything is made', () => {
    const wrong = {
      mode: 'local',
      configuration: ['config.yaml'],
      flush: 'never',
      exitTimeoutMillis: -1,
      segmentMaxBytes: 1000,
      memoryMaxBytes: 1.5,
      spillMaxBytes: NaN,
    };
    const error = refusal(wrong);
    assert.equal(error.code, 'MSC_CONFIGURATION_INVALID');
    assert.deepEqual(
      error.problems.map(({ path: field, value }) => [field, value]),
      Object.entries(wrong).slice(1),
    );
    assert.equal(existsSync(trees), false);
  });

  test('refuses what is no object of options, and options that do not exist, without their values', () => {
    for (const options of [null, 'local', 5, []]) {
      const { code, problems } = refusal(options);
      assert.deepEqual([code, problems[0].path], ['MSC_CONFIGURATION_INVALID', 'options']);
    }
    const { message, problems } = refusal({ mode: 'local', secrt: 'hunter2', flush: 0 });
    assert.deepEqual(
      problems.map(({ path: field }) => field),
      ['secrt', 'flush'],
    );
    assert.match(message, /secrt: got "\(hidden\)", expected one of the options: .*did you mean secret\?/u);
    assert.equal(existsSync(trees), false);
  });

  test('refuses each flush that is none, and no other', () => {
    for (const flush of [0, 0.5, -1, NaN, Infinity, 2 ** 31, '10', 'Turn', null, {}]) {
      assert.deepEqual(
        refusal({ mode: 'local', flush }).problems.map(({ path: field }) => field),
        ['flush'],
      );
    }
  });

  test('refuses an unknown mode, an unusable address, and CLIENT without a tree', () => {
    assert.equal(refusal({ mode: 'remote' }).code, 'MSC_MODE_UNKNOWN');
    assert.equal(refusal({ mode: 'server', address: '' }).code, 'MSC_ADDRESS_UNUSABLE');
    assert.equal(refusal({ mode: 'server', address: ['host', 1n] }).code, 'MSC_ADDRESS_UNUSABLE');
    assert.equal(refusal({ mode: 'client' }).code, 'MSC_TREE_NOT_FOUND');
  });

  test('gives the same object for the same options, for none, and for the same directory', async () => {
    const local = init({ mode: TelemetryMode.LOCAL });
    assert.equal(init({ mode: TelemetryMode.LOCAL, flush: 'record' }), local);
    assert.equal(init(), local);
    assert.equal(init({}), local);
    const address = createTree(process.env);
    const client = init({ mode: TelemetryMode.CLIENT, address });
    assert.notEqual(client, local);
    assert.equal(client.stats().directory, address);
    assert.equal(init({ address: path.join(address, '.') }), client);
    assert.equal(init(), local);
    await Promise.all([local.shutdown(), client.shutdown()]);
  });
});
