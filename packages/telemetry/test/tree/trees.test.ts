import assert from 'node:assert/strict';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  rmdirSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { test } from 'node:test';
import { TelemetryError } from '../../src/errors.ts';
import {
  ensurePrivateDirectory,
  freeBytes,
  isPrivateDirectory,
  userSuffix,
} from '../../src/tree/directory.ts';
import {
  baseDirectories,
  createTree,
  ensureTree,
  isTree,
  listTrees,
  spillDirectoryFor,
} from '../../src/tree/trees.ts';
import { FOREIGN_UID, needsPosix, needsRoot, scratch } from './scratch.ts';

const hasSharedMemory = process.platform === 'linux' && freeBytes('/dev/shm') >= 2 ** 24;

test('a root that the user names holds memory and disk', (t) => {
  const root = scratch(t);
  const expected = { memory: root, disk: join(root, 'spill') };
  assert.deepEqual(baseDirectories({ MSC_TELEMETRY_ROOT: root, XDG_RUNTIME_DIR: '/elsewhere' }), expected);
});

test(
  'by default a tree lives in shared memory and spills to the temporary directory',
  { skip: hasSharedMemory ? false : 'no /dev/shm with room' },
  () => {
    const name = `msc-telemetry-${userSuffix()}`;
    const expected = { memory: `/dev/shm/${name}`, disk: join(tmpdir(), name) };
    assert.deepEqual(baseDirectories({}), expected);
    assert.deepEqual(baseDirectories({ MSC_TELEMETRY_ROOT: '', XDG_RUNTIME_DIR: tmpdir() }), expected);
  },
);

test('a new tree is private, a tree, and listed', (t) => {
  const env = { MSC_TELEMETRY_ROOT: join(scratch(t), 'not/yet/there') };
  assert.deepEqual(listTrees(env), []);
  const trees = [createTree(env), createTree(env)];
  for (const tree of trees) {
    assert.match(basename(tree), /^tree-[0-9a-f]{32}$/);
    assert.equal(dirname(tree), env.MSC_TELEMETRY_ROOT);
    assert.ok(isTree(tree));
    assert.ok(isPrivateDirectory(join(tree, 'journals')));
  }
  assert.deepEqual(listTrees(env).toSorted(), trees.toSorted());
});

test("the user's root keeps its mode; the tree in it is private all the same", needsPosix, (t) => {
  const root = scratch(t);
  chmodSync(root, 0o755);
  assert.ok(isTree(createTree({ MSC_TELEMETRY_ROOT: root })));
  assert.equal(statSync(root).mode & 0o777, 0o755);
});

test('memory that cannot be used gives way to disk', needsRoot, (t) => {
  const root = scratch(t);
  ensurePrivateDirectory(join(root, 'spill'));
  chownSync(root, FOREIGN_UID, FOREIGN_UID);
  const tree = createTree({ MSC_TELEMETRY_ROOT: root });
  assert.equal(dirname(tree), join(root, 'spill'));
  assert.deepEqual(listTrees({ MSC_TELEMETRY_ROOT: root }), [tree]);
});

test('where neither can be used, the error names both', (t) => {
  const root = join(scratch(t), 'file');
  writeFileSync(root, '');
  assert.throws(
    () => createTree({ MSC_TELEMETRY_ROOT: root }),
    (error) => {
      assert.ok(error instanceof TelemetryError);
      assert.equal(error.code, 'MSC_ADDRESS_UNUSABLE');
      assert.equal(error.problems.length, 2);
      assert.ok(error.problems.every(({ path }) => path.startsWith(root) && error.message.includes(path)));
      return true;
    },
  );
});

test("nothing is created in another user's root", needsRoot, (t) => {
  const root = scratch(t);
  chownSync(root, FOREIGN_UID, FOREIGN_UID);
  assert.throws(() => createTree({ MSC_TELEMETRY_ROOT: root }), { code: 'MSC_DIRECTORY_UNSAFE' });
  assert.ok(!existsSync(join(root, 'spill')));
});

test('the spill directory is the one of the creator, whoever asks', (t) => {
  const root = scratch(t);
  const tree = createTree({ MSC_TELEMETRY_ROOT: root });
  const id = basename(tree).slice('tree-'.length);
  assert.equal(spillDirectoryFor(tree), join(root, 'spill', `spill-${id}`));
});

test('a directory that the user names becomes a tree that spills inside', (t) => {
  const directory = join(scratch(t), 'telemetry');
  ensureTree(directory);
  ensureTree(directory);
  assert.ok(isTree(directory));
  assert.equal(spillDirectoryFor(directory), join(directory, 'spill'));
  writeFileSync(join(directory, 'spill-location'), 'relative/nonsense');
  assert.equal(spillDirectoryFor(directory), join(directory, 'spill'));
});

test('what only looks like a tree is none, and is not listed', needsPosix, (t) => {
  const root = scratch(t);
  const env = { MSC_TELEMETRY_ROOT: root };
  const name = (digit: string): string => join(root, `tree-${digit.repeat(32)}`);
  const tree = createTree(env);
  writeFileSync(name('0'), '');
  mkdirSync(name('1'), 0o700);
  symlinkSync(tree, name('2'));
  ensureTree(name('3'));
  chmodSync(name('3'), 0o750);
  ensureTree(name('4'));
  rmdirSync(join(name('4'), 'journals'));
  symlinkSync(join(tree, 'journals'), join(name('4'), 'journals'));
  ensureTree(join(root, 'tree-of-mine'));
  for (const digit of '012345') assert.equal(isTree(name(digit)), false, digit);
  assert.deepEqual(listTrees(env), [tree]);
});
