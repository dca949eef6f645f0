import assert from 'node:assert/strict';
import fs from 'node:fs';
import { text } from 'node:stream/consumers';
import { describe, it } from 'node:test';
import { instrumentFs } from '../src/fs.ts';
import { patchFs } from '../src/patch-fs.ts';
import { BINARY_BYTES, inFreshDirectory, TEXT_BYTES } from './fs/conformance.ts';
import { PATCHED, recordedBy, runProgram } from './program.ts';
import { Recorder } from './recorder.ts';

/** What every program reads; its own modules are read by the loader alone. */
const COMMON = {
  'data.json': '{"data":true}',
  'part.cjs': 'module.exports = 1',
  'part.mjs': 'export default 1',
};
const three = ['info success', 'read success 13', 'read success 13'];

const run = async (name: string, program: string, expected: readonly string[]): Promise<void> => {
  const ran = await runProgram({ [name]: program, ...COMMON }, { options: PATCHED });
  assert.deepEqual([ran.code, ran.stderr, recordedBy(ran)], [0, '', expected]);
};

describe('what a program records', () => {
  it('CommonJS: require, destructured and not; its modules are none of its reads', () =>
    run(
      'main.cjs',
      `const { existsSync } = require('fs');
       const fs = require('node:fs');
       require('./part.cjs'); require('./data.json'); require('./part.mjs');
       existsSync('data.json');
       fs.readFileSync('data.json');
       require('fs/promises').readFile('data.json', 'utf8').then(() => import('./part.mjs'));`,
      three,
    ));

  it('ES modules: named, default and namespace imports; its modules are none of its reads', () =>
    run(
      'main.mjs',
      `import { existsSync } from 'node:fs';
       import fs from 'fs';
       import * as namespace from 'node:fs/promises';
       import { createRequire } from 'node:module';
       import './part.mjs';
       import data from './data.json' with { type: 'json' };
       await import('./part.cjs');
       createRequire(import.meta.url)('./data.json');
       existsSync('data.json');
       fs.readFileSync('data.json');
       await namespace.readFile('data.json');`,
      three,
    ));

  it('process.getBuiltinModule', () =>
    run('main.mjs', `process.getBuiltinModule('node:fs').statSync('data.json')`, ['info success']));

  it('one operation for each call of what node builds from several', () =>
    run(
      'main.cjs',
      `const fs = require('fs');
       const { promisify } = require('util');
       fs.mkdirSync('from/in', { recursive: true });
       fs.writeFileSync('from/in/file', 'abc');
       fs.cpSync('from', 'one', { recursive: true, filter: () => true });
       fs.cp('from', 'two', { recursive: true }, async (error) => {
         await fs.promises.cp('from', 'three', { recursive: true });
         fs.appendFileSync('three/in/file', 'd');
         await promisify(fs.appendFile)('three/in/file', 'ef');
         await promisify(fs.exists)('three');
         await promisify(fs.realpath)('three/in');
         await fs.promises.rm('one', { recursive: true });
         fs.rm('two', { recursive: true }, () => {
           fs.rmSync('three', { recursive: true });
           fs.mkdtemp('x', () => fs.watch('from', { recursive: true }).close());
         });
       });`,
      [
        'write success 3',
        'copy success',
        'copy success',
        'copy success',
        'write success 1',
        'write success 2',
        'info success',
        'delete success',
        'delete success',
        'delete success',
      ],
    ));

  it('what node calls because the program told it to', () =>
    run(
      'main.mjs',
      `import fs from 'node:fs';
       import { once } from 'node:events';
       import { AsyncLocalStorage } from 'node:async_hooks';
       import { callbackify, promisify } from 'node:util';
       await promisify(fs.stat)('data.json');
       ['data.json'].map(fs.existsSync);
       new AsyncLocalStorage().run(1, fs.readFileSync, 'data.json');
       await Promise.resolve('data.json').then(fs.promises.readFile);
       await new Promise((resolve) => setTimeout(fs.lstat, 1, 'data.json', resolve));
       await new Promise((resolve) => process.nextTick(fs.lstat, 'data.json', resolve));
       await new Promise((resolve) => callbackify(fs.promises.access)('data.json', resolve));`,
      [
        'info success',
        'info success',
        'read success 13',
        'read success 13',
        'info success',
        'info success',
        'info success',
      ],
    ));

  it('nothing any more once it is ended, whoever has taken the functions', () =>
    run(
      'main.mjs',
      `import { existsSync, promises } from 'node:fs';
       import { readFile } from 'node:fs/promises';
       const [taken, takenToo] = [existsSync, promises.readFile];
       unpatch();
       taken('data.json'); existsSync('data.json');
       await takenToo('data.json'); await readFile('data.json');`,
      [],
    ));

  it('nothing of what the telemetry does for itself', () =>
    run(
      'main.mjs',
      `import fs from 'node:fs';
       import vm from 'node:vm';
       globalThis.exists = fs.existsSync;
       const call = (filename) => vm.runInThisContext('exists("data.json")', { filename });
       call('${import.meta.resolve('@multistorageclient/telemetry')}');
       call('file:///app/telemetry.js');`,
      ['info success'],
    ));
});

describe('a program that fails', () => {
  const failing = {
    'an error event without listener': `import fs from 'node:fs'; fs.createReadStream('missing');`,
    'a rejection that nobody handles': `import fs from 'node:fs'; fs.promises.stat('missing');`,
    'an error in a callback': `import fs from 'node:fs'; fs.stat('missing', (error) => { throw error; });`,
    'an error that is thrown': `import fs from 'node:fs'; fs.statSync('missing');`,
  };
  for (const [title, program] of Object.entries(failing))
    it(`fails as it would: ${title}`, async () => {
      const bare = await runProgram({ 'main.mjs': program });
      const patched = await runProgram({ 'main.mjs': program }, { options: PATCHED });
      const message = /ENOENT: .*'missing'/u;
      assert.equal(patched.code, bare.code);
      assert.equal(message.exec(patched.stderr)?.[0], message.exec(bare.stderr)?.[0]);
      assert.match(patched.stderr, message);
      assert.equal(recordedBy(patched).length, 1);
    });
});

describe('undoing', () => {
  it('puts back what was there', () => {
    const [before, promises] = [Object.entries(fs), Object.entries(fs.promises)];
    const undo = patchFs(new Recorder());
    assert.notEqual(fs.readFile, Object.fromEntries(before)['readFile']);
    undo();
    assert.deepEqual([Object.entries(fs), Object.entries(fs.promises)], [before, promises]);
  });

  it('leaves what somebody has put on top', () => {
    const recorder = new Recorder();
    const original = fs.existsSync;
    const undo = patchFs(recorder);
    const patched = fs.existsSync;
    const onTop: typeof fs.existsSync = (path) => patched(path);
    fs.existsSync = onTop;
    assert.ok(fs.existsSync('/'));
    undo();
    assert.equal(fs.existsSync, onTop);
    assert.ok(fs.existsSync('/'));
    assert.deepEqual(recorder.lines, ['info success']);
    fs.existsSync = original;
  });

  it('counts a call of the program once in each of two layers, and those of node in none', () =>
    inFreshDirectory(async (at) => {
      const [inner, outer] = [new Recorder(), new Recorder()];
      const undoInner = patchFs(inner);
      const { promises } = instrumentFs({ operations: outer });
      try {
        const handle = await promises.open(`${at}/binary`);
        await text(handle.createReadStream({ highWaterMark: 1000 }));
        await promises.copyFile(`${at}/text`, `${at}/new`);
        await outer.settled();
        await inner.settled();
      } finally {
        undoInner();
      }
      assert.deepEqual(outer.lines, [`read success ${BINARY_BYTES}`, `copy success ${TEXT_BYTES}`]);
      assert.deepEqual(inner.lines, outer.lines);
    }));

  it('works in layers, from the outermost', () => {
    const [inner, outer] = [new Recorder(), new Recorder()];
    const original = fs.existsSync;
    const undoInner = patchFs(inner);
    const undoOuter = patchFs(outer);
    fs.existsSync('/');
    undoOuter();
    fs.existsSync('/');
    undoInner();
    assert.deepEqual([inner.lines.length, outer.lines.length], [2, 1]);
    assert.equal(fs.existsSync, original);
  });
});
