import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, chownSync, existsSync, mkdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { TelemetryError, type TelemetryErrorCode } from '../../src/errors.ts';
import {
  ensurePrivateDirectory,
  freeBytes,
  isPrivateDirectory,
  memoryLimitBytes,
  PRIVATE_FILE,
  readPrivateText,
} from '../../src/tree/directory.ts';
import { FOREIGN_UID, needsPosix, needsRoot, scratch } from './scratch.ts';

const modeOf = (path: string): string => (statSync(path).mode & 0o7777).toString(8);

function refused(path: string, code: TelemetryErrorCode, seen: string, at: string = path): void {
  assert.throws(
    () => ensurePrivateDirectory(path),
    (error) => {
      assert.ok(error instanceof TelemetryError);
      assert.equal(error.code, code);
      assert.equal(error.problems.length, 1);
      assert.equal(error.problems[0].path, at);
      assert.equal(error.problems[0].value, seen);
      assert.ok(error.message.includes(at) && error.message.includes(seen));
      assert.ok(error.message.includes(error.problems[0].expected));
      return true;
    },
  );
}

test('a missing directory is created private, with its missing parents', needsPosix, (t) => {
  const root = scratch(t);
  const umask = process.umask(0);
  t.after(() => process.umask(umask));
  const path = join(root, 'a/b/c');
  ensurePrivateDirectory(path);
  for (const made of ['a', 'a/b', 'a/b/c']) assert.equal(modeOf(join(root, made)), '700');
  ensurePrivateDirectory(path);
  assert.ok(isPrivateDirectory(path));
});

test('rights of others are taken off a directory of ours', needsPosix, (t) => {
  const path = join(scratch(t), 'loose');
  mkdirSync(path);
  chmodSync(path, 0o2775);
  assert.ok(!isPrivateDirectory(path));
  ensurePrivateDirectory(path);
  assert.equal(modeOf(path), '700');
});

test('a directory shared by intention is refused and left alone', needsPosix, (t) => {
  const path = join(scratch(t), 'shared');
  mkdirSync(path);
  chmodSync(path, 0o1777);
  refused(path, 'MSC_DIRECTORY_UNSAFE', 'mode 1777');
  assert.equal(modeOf(path), '1777');
});

test('a symbolic link is refused, even to a private directory of ours', needsPosix, (t) => {
  const root = scratch(t);
  const path = join(root, 'link');
  ensurePrivateDirectory(join(root, 'target'));
  symlinkSync(join(root, 'target'), path);
  refused(path, 'MSC_DIRECTORY_UNSAFE', 'a symbolic link');
  assert.ok(!isPrivateDirectory(path));
});

test('a dangling symbolic link is refused, and its target not created', needsPosix, (t) => {
  const root = scratch(t);
  symlinkSync(join(root, 'target'), join(root, 'link'));
  refused(join(root, 'link'), 'MSC_DIRECTORY_UNSAFE', 'a symbolic link');
  assert.ok(!existsSync(join(root, 'target')));
});

test('a file is refused, as the directory and as its parent', (t) => {
  const path = join(scratch(t), 'file');
  writeFileSync(path, '');
  refused(path, 'MSC_DIRECTORY_UNSAFE', 'not a directory');
  assert.throws(() => ensurePrivateDirectory(join(path, 'below')), { code: 'MSC_ADDRESS_UNUSABLE' });
  assert.ok(!isPrivateDirectory(join(path, 'below')));
});

test("another user's directory is refused, and so is creating one in it", needsRoot, (t) => {
  const path = join(scratch(t), 'foreign');
  mkdirSync(path, 0o700);
  chownSync(path, FOREIGN_UID, FOREIGN_UID);
  refused(path, 'MSC_DIRECTORY_UNSAFE', `owner ${FOREIGN_UID}`);
  refused(join(path, 'a/b'), 'MSC_DIRECTORY_UNSAFE', `owner ${FOREIGN_UID}`, path);
  assert.ok(!existsSync(join(path, 'a')));
});

test('a private file is for us alone, and never written through a link', needsPosix, (t) => {
  const root = scratch(t);
  writeFileSync(join(root, 'file'), 'text', PRIVATE_FILE);
  assert.equal(modeOf(join(root, 'file')), '600');
  symlinkSync(join(root, 'target'), join(root, 'link'));
  assert.throws(() => writeFileSync(join(root, 'link'), 'text', PRIVATE_FILE), { code: 'EEXIST' });
});

test('only a small plain file of ours is read', needsPosix, (t) => {
  const root = scratch(t);
  const file = join(root, 'file');
  assert.equal(readPrivateText(file), undefined);
  writeFileSync(file, 'täxt');
  assert.equal(readPrivateText(file), 'täxt');
  assert.equal(readPrivateText(root), undefined);
  assert.throws(() => readPrivateText(join(file, 'below')), { code: 'ENOTDIR' });
  symlinkSync(file, join(root, 'link'));
  assert.equal(readPrivateText(join(root, 'link')), undefined);
  execFileSync('mkfifo', [join(root, 'pipe')]);
  assert.equal(readPrivateText(join(root, 'pipe')), undefined);
  writeFileSync(file, 'x'.repeat(8193));
  assert.equal(readPrivateText(file), undefined);
});

test("another user's file is not read", needsRoot, (t) => {
  const file = join(scratch(t), 'file');
  writeFileSync(file, 'text');
  chownSync(file, FOREIGN_UID, FOREIGN_UID);
  assert.equal(readPrivateText(file), undefined);
});

test('free bytes are those of the file system; none where there is none', (t) => {
  const root = scratch(t);
  assert.ok(freeBytes(root) > 0);
  assert.equal(freeBytes(join(root, 'absent')), 0);
});

test("the container's memory limit is told, or that there is none", (t) => {
  for (const none of [0, 2 ** 63 - 4096, 2 ** 64]) {
    t.mock.method(process, 'constrainedMemory', () => none);
    assert.equal(memoryLimitBytes(), Infinity);
  }
  t.mock.method(process, 'constrainedMemory', () => 2 ** 29);
  assert.equal(memoryLimitBytes(), 2 ** 29);
});
