import assert from 'node:assert/strict';
import { existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterEach, suite, test, type TestContext } from 'node:test';
import type { TelemetryError } from '../src/errors.ts';
import { readLink, readListening } from '../src/link/settings.ts';
import { joinOrStart, TelemetryMode, type Membership, type ModeOptions } from '../src/modes.ts';
import { findTree, unregisterProcess } from '../src/tree/registry.ts';
import { liveMembers } from '../src/tree/requests.ts';
import { createTree, isTree } from '../src/tree/trees.ts';
import { scratch } from './server/stage.ts';
import { errorOf } from './telemetry-error.ts';

/** A server that leaves at once: which process serves is not what is tested here. */
function stage(t: TestContext): { env: NodeJS.ProcessEnv; serverPath: string } {
  const root = scratch(t);
  const serverPath = path.join(root, 'server.cjs');
  writeFileSync(serverPath, '');
  return { env: { MSC_TELEMETRY_ROOT: path.join(root, 'trees') }, serverPath };
}

/** As JavaScript may pass it; the membership ends with the test. */
function take(t: TestContext, options: unknown, env: NodeJS.ProcessEnv): Membership {
  const membership = joinOrStart(options as ModeOptions, env);
  t.after(() => {
    membership.supervisor?.stop();
    membership.leave();
  });
  return membership;
}

const refusal = (options: unknown, env: NodeJS.ProcessEnv): TelemetryError =>
  errorOf(() => joinOrStart(options as ModeOptions, env));

afterEach(() => unregisterProcess());

suite('modes', () => {
  test('LOCAL has a tree of its own, that nobody else finds', (t) => {
    const { env } = stage(t);
    const { directory, mode, isOwner, supervisor } = take(
      t,
      { mode: TelemetryMode.LOCAL, address: '/ignored' },
      env,
    );
    assert.deepEqual([mode, isOwner, supervisor], ['local', true, undefined]);
    assert.ok(isTree(directory));
    assert.equal(liveMembers(directory), 1);
    assert.equal(env['MSC_TELEMETRY_DIRECTORY'], undefined);
    assert.notEqual(take(t, { mode: TelemetryMode.LOCAL }, env).directory, directory);
  });

  test('SERVER starts a tree that descendants find, by environment and by ancestry', (t) => {
    const { env, serverPath } = stage(t);
    const { directory, mode, isOwner } = take(t, { mode: TelemetryMode.SERVER, serverPath }, env);
    assert.deepEqual([mode, isOwner], ['server', true]);
    assert.equal(env['MSC_TELEMETRY_DIRECTORY'], directory);
    assert.equal(findTree({}), directory);
  });

  test('SERVER serves the directory that it is given, and makes it', (t) => {
    const { env, serverPath } = stage(t);
    const address = path.join(scratch(t), 'mine', 'tree');
    assert.equal(take(t, { mode: TelemetryMode.SERVER, address, serverPath }, env).directory, address);
    assert.ok(isTree(address));
  });

  test('CLIENT joins what it finds, or what it is told', (t) => {
    const { env, serverPath } = stage(t);
    const tree = createTree(env);
    const found = take(
      t,
      { mode: TelemetryMode.CLIENT, serverPath },
      { ...env, MSC_TELEMETRY_DIRECTORY: tree },
    );
    assert.deepEqual([found.directory, found.mode, found.isOwner], [tree, 'client', false]);
    const told = take(t, { mode: TelemetryMode.CLIENT, address: tree, serverPath }, { ...env });
    assert.equal(told.directory, tree);
    assert.equal(liveMembers(tree), 2);
    told.leave();
    assert.equal(liveMembers(tree), 1);
  });

  test('without a mode a tree that is found is joined, and one is started where there is none', (t) => {
    const { env, serverPath } = stage(t);
    const started = take(t, { serverPath }, env);
    assert.equal(started.mode, 'server');
    const joined = take(t, { serverPath }, env);
    assert.deepEqual([joined.mode, joined.directory], ['client', started.directory]);
    const byAncestry = take(t, { serverPath }, { MSC_TELEMETRY_ROOT: env['MSC_TELEMETRY_ROOT'] });
    assert.deepEqual([byAncestry.mode, byAncestry.directory], ['client', started.directory]);
  });

  test('a variable that names no tree is not believed', (t) => {
    const { env, serverPath } = stage(t);
    const nowhere = path.join(scratch(t), 'nowhere');
    const { mode, directory } = take(t, { serverPath }, { ...env, MSC_TELEMETRY_DIRECTORY: nowhere });
    assert.equal(mode, 'server');
    assert.notEqual(directory, nowhere);
    assert.equal(existsSync(nowhere), false);
  });
});

suite('a link to another machine', () => {
  const address = ['127.0.0.1', 4317] as const;
  const secret = 'sixteen bytes at least';

  test('has a tree of its own, whose server sends on; descendants join it, without the secret', (t) => {
    const { env, serverPath } = stage(t);
    const { directory, mode, isOwner } = take(
      t,
      { mode: TelemetryMode.CLIENT, address, secret, serverPath },
      env,
    );
    assert.deepEqual([mode, isOwner], ['client', true]);
    const settings = { host: '127.0.0.1', port: 4317, secret: Buffer.from(secret).toString('base64') };
    assert.deepEqual(readLink(directory), settings);
    assert.equal(statSync(path.join(directory, 'link.json')).mode & 0o777, 0o600);
    for (const options of [{ serverPath }, { address, serverPath }]) {
      const joined = take(t, options, env);
      assert.deepEqual([joined.mode, joined.directory, joined.isOwner], ['client', directory, false]);
    }
    const elsewhere = take(t, { address: ['127.0.0.1', 4318], secret, serverPath }, env);
    assert.notEqual(elsewhere.directory, directory);
    assert.equal(readLink(elsewhere.directory)?.port, 4318);
  });

  test('is served in the same directory whenever the same address is', (t) => {
    const { env, serverPath } = stage(t);
    const options = { mode: TelemetryMode.SERVER, address, secret, serverPath };
    const { directory, mode } = take(t, { ...options, leaseMillis: 5000 }, env);
    assert.equal(mode, 'server');
    assert.equal(readListening(directory)?.leaseMillis, 5000);
    assert.equal(take(t, options, env).directory, directory);
    assert.equal(readListening(directory)?.leaseMillis, 3_600_000);
    assert.notEqual(take(t, { ...options, address: ['127.0.0.1', 4318] }, env).directory, directory);
  });

  test('takes a secret, from wherever it is', (t) => {
    const { env, serverPath } = stage(t);
    const file = path.join(scratch(t), 'secret');
    const link = (options: object, more: NodeJS.ProcessEnv = {}) =>
      readLink(take(t, { address, serverPath, ...options }, { ...env, ...more }).directory);
    const base64 = Buffer.from(secret).toString('base64');
    assert.partialDeepStrictEqual(link({ secret: Buffer.from(secret) }), { secret: base64 });
    unregisterProcess();
    assert.partialDeepStrictEqual(link({}, { MSC_TELEMETRY_SECRET: secret }), { secret: base64 });
    unregisterProcess();
    writeFileSync(file, `${secret}\n`);
    assert.partialDeepStrictEqual(link({}, { MSC_TELEMETRY_SECRET_FILE: file }), { secretFile: file });
    unregisterProcess();
    const unusable: [object, NodeJS.ProcessEnv][] = [
      [{}, {}],
      [{ secret: 'fifteen bytes..' }, {}],
      [{ secret: 5 }, {}],
      [{ secret: 'x'.repeat(1025) }, {}],
      [{}, { MSC_TELEMETRY_SECRET: 'short' }],
      [{}, { MSC_TELEMETRY_SECRET_FILE: `${file}-gone` }],
    ];
    for (const [options, more] of unusable) {
      for (const mode of ['client', 'server', undefined]) {
        const { code, message } = refusal({ mode, address, serverPath, ...options }, { ...env, ...more });
        assert.equal(code, 'MSC_SECRET_UNUSABLE');
        assert.doesNotMatch(message, /fifteen|short/);
      }
    }
  });

  test('needs a lease that is one', (t) => {
    const { env, serverPath } = stage(t);
    for (const leaseMillis of [999, NaN, Infinity, '5000']) {
      const { problems } = refusal({ mode: 'server', address, secret, serverPath, leaseMillis }, env);
      assert.deepEqual(
        problems.map((problem) => problem.path),
        ['leaseMillis'],
      );
    }
  });
});

suite('modes that cannot be had', () => {
  test('an unknown mode names the known ones', (t) => {
    const { env } = stage(t);
    for (const mode of ['remote', '', 'LOCAL', 5, null]) {
      const error = refusal({ mode }, env);
      assert.equal(error.code, 'MSC_MODE_UNKNOWN');
      assert.deepEqual(error.problems, [{ path: 'mode', value: mode, expected: 'local, server, client' }]);
    }
    assert.equal(existsSync(env['MSC_TELEMETRY_ROOT'] ?? ''), false, 'nothing was made');
  });

  test('an address is a directory, or a host and a port', (t) => {
    const { env } = stage(t);
    const pairs = [
      ['host'],
      ['host', 0],
      ['host', 65_536],
      ['host', 1.5],
      ['host', '1'],
      ['', 1],
      ['a', 1, 2],
      [1, 2],
    ];
    for (const address of ['', 5, null, {}, ...pairs]) {
      const error = refusal({ mode: TelemetryMode.SERVER, address }, env);
      assert.equal(error.code, 'MSC_ADDRESS_UNUSABLE');
      const [{ path: field, value, expected }] = error.problems;
      assert.deepEqual([field, value], ['address', address]);
      assert.match(expected, Array.isArray(address) ? /^\[host, port\]/ : /directory.*\[host, port\]/);
    }
  });

  test('an address that is a file is not usable', (t) => {
    const { env } = stage(t);
    const address = path.join(scratch(t), 'file');
    writeFileSync(address, '');
    const { code, message } = refusal({ mode: TelemetryMode.SERVER, address }, env);
    assert.match(code, /^MSC_(DIRECTORY_UNSAFE|ADDRESS_UNUSABLE)$/);
    assert.ok(message.includes(address));
  });

  test('CLIENT without a tree is an error that says where it looked', (t) => {
    const { env } = stage(t);
    const error = refusal({ mode: TelemetryMode.CLIENT }, env);
    assert.equal(error.code, 'MSC_TREE_NOT_FOUND');
    assert.match(error.message, /MSC_TELEMETRY_DIRECTORY/);
    const directory = path.join(scratch(t), 'no-tree');
    mkdirSync(directory);
    const told = refusal({ mode: TelemetryMode.CLIENT, address: directory }, env);
    assert.equal(told.code, 'MSC_TREE_NOT_FOUND');
    assert.ok(told.message.includes(directory));
  });
});
