import assert from 'node:assert/strict';
import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { suite, test } from 'node:test';
import { WatchedDirectory } from '../../src/server/watched-directory.ts';
import { scratch } from './stage.ts';

suite('a watched directory', () => {
  test('shows what is in it now, and nothing where it is not there', (t) => {
    const directory = path.join(scratch(t), 'watched');
    const watched = new WatchedDirectory(directory);
    assert.deepEqual(watched.names(), []);
    mkdirSync(directory);
    assert.deepEqual(watched.names(), []);
    for (let file = 0; file < 20; file++) {
      writeFileSync(path.join(directory, `file ${file}`), '');
      assert.equal(watched.names().length, file + 1);
    }
    rmSync(path.join(directory, 'file 3'));
    assert.equal(watched.names().includes('file 3'), false);
    rmSync(directory, { recursive: true });
    assert.deepEqual(watched.names(), []);
  });

  test('is not read again while nothing changes in it', (t) => {
    const directory = scratch(t);
    writeFileSync(path.join(directory, 'file'), '');
    utimesSync(directory, 1, 1);
    const watched = new WatchedDirectory(directory);
    assert.equal(watched.names(), watched.names());
  });

  test('shows what came after the wall clock was set back', (t) => {
    const directory = scratch(t);
    utimesSync(directory, 2000, 2000);
    const watched = new WatchedDirectory(directory);
    assert.deepEqual(watched.names(), []);
    writeFileSync(path.join(directory, 'file'), '');
    utimesSync(directory, 1000, 1000);
    assert.deepEqual(watched.names(), ['file']);
  });
});
