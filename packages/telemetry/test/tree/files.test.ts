import assert from 'node:assert/strict';
import fs, {
  closeSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import path from 'node:path';
import { describe, test } from 'node:test';
import * as files from '../../src/tree/files.ts';
import { needsPosix, scratch } from './scratch.ts';

describe('createForAppend', () => {
  test('makes a file for its user alone, that is written at its end', (t) => {
    const file = path.join(scratch(t), 'file');
    const descriptor = files.createForAppend(file);
    writeSync(descriptor, 'first ', 0);
    writeSync(descriptor, 'second', 0);
    closeSync(descriptor);
    assert.equal(readFileSync(file, 'utf8'), 'first second');
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('refuses what is there, and a link to nowhere', needsPosix, (t) => {
    const directory = scratch(t);
    const file = path.join(directory, 'file');
    writeFileSync(file, 'mine');
    assert.throws(() => files.createForAppend(file), { code: 'EEXIST' });
    symlinkSync(path.join(directory, 'nowhere'), path.join(directory, 'link'));
    assert.throws(() => files.createForAppend(path.join(directory, 'link')), { code: 'EEXIST' });
  });
});

describe('openExisting', () => {
  test('opens what is there, and says that nothing is, or only a link', needsPosix, (t) => {
    const directory = scratch(t);
    const file = path.join(directory, 'file');
    writeFileSync(file, 'mine');
    symlinkSync(file, path.join(directory, 'link'));
    for (const open of [files.openExisting, files.openForRead]) {
      const descriptor = open(file) as number;
      assert.equal(readFileSync(descriptor, 'utf8'), 'mine');
      closeSync(descriptor);
      assert.equal(open(path.join(directory, 'absent')), undefined);
      assert.equal(open(path.join(directory, 'link')), undefined);
    }
  });

  test('throws what else the system answers, where openForRead says nothing', needsPosix, (t) => {
    const file = path.join(scratch(t), 'file');
    writeFileSync(file, '');
    const below = path.join(file, 'below');
    assert.throws(() => files.openExisting(below), { code: 'ENOTDIR' });
    assert.equal(files.openForRead(below), undefined);
  });
});

describe('replaceFile', () => {
  test('puts the new content in the place of the old one', (t) => {
    const directory = scratch(t);
    const file = path.join(directory, 'file');
    files.replaceFile(file, 'old');
    files.replaceFile(file, new Uint8Array([1, 2]));
    assert.deepEqual([...readFileSync(file)], [1, 2]);
    assert.deepEqual(readdirSync(directory), ['file']);
    if (process.platform !== 'win32') assert.equal(statSync(file).mode & 0o777, 0o600);
  });

  test('that fails leaves what was there, and nothing else', (t) => {
    const directory = scratch(t);
    const inTheWay = path.join(directory, 'file');
    mkdirSync(path.join(inTheWay, 'inner'), { recursive: true });
    assert.throws(() => files.replaceFile(inTheWay, 'new'));
    assert.deepEqual(readdirSync(directory), ['file']);
    assert.deepEqual(readdirSync(inTheWay), ['inner']);
  });
});

function failing(): never {
  throw new Error('replaced');
}

test('the calls are those from before a program replaced them', (t) => {
  const file = path.join(scratch(t), 'file');
  for (const name of ['openSync', 'writeSync', 'writeFileSync', 'renameSync', 'closeSync'] as const) {
    t.mock.method(fs, name, failing);
  }
  files.replaceFile(file, 'content');
  files.replaceFile(file, new TextEncoder().encode('bytes'));
  const descriptor = files.openForRead(file) as number;
  files.closeSync(descriptor);
  t.mock.restoreAll();
  assert.equal(readFileSync(file, 'utf8'), 'bytes');
});
