import assert from 'node:assert/strict';
import fs from 'node:fs';
import { it } from 'node:test';
import { Readable } from 'node:stream';
import { promisify } from 'node:util';
import { instrumentFs } from '../src/fs.ts';
import { Recorder } from './recorder.ts';
import { conforms, inFreshDirectory, WAYS } from './fs/conformance.ts';

for (const way of Object.keys(WAYS)) {
  it(`counts what is taken from an iterable or a stream, by ${way}`, () =>
    conforms(
      way,
      async ({ promises, readFileSync }, at) => {
        await promises.writeFile(`${at}/a`, ['ä', new Uint8Array(3)]);
        await promises.appendFile(`${at}/a`, Readable.from(['x', 'yz']));
        await promises.writeFile(`${at}/b`, new Set(['616', '2']).values(), 'hex');
        return [readFileSync(`${at}/a`), readFileSync(`${at}/b`)];
      },
      ['write success 5', 'write success 3', 'write success 1', 'read success 8', 'read success 1'],
    ));

  it(`leaves an iterable that is not used up as node leaves it, by ${way}`, () =>
    conforms(
      way,
      async ({ promises }, at) => {
        let finished = false;
        function* source(): Generator<any> {
          try {
            yield 'one';
            yield Symbol('two');
            yield 'three';
          } finally {
            finished = true;
          }
        }
        const error: unknown = await promises
          .writeFile(`${at}/new`, source())
          .catch((thrown: unknown) => thrown);
        return [error, finished];
      },
      ['write error ERR_INVALID_ARG_TYPE'],
    ));

  it(`counts what the program does inside of a call, and not what node does, by ${way}`, () =>
    conforms(
      way,
      async (module, at) => {
        const filter = (source: string): boolean => module.existsSync(source);
        module.cpSync(`${at}/folder`, `${at}/one`, { recursive: true, filter });
        await module.promises.cp(`${at}/text`, `${at}/two`, { recursive: true, filter });
        return promisify(module.realpath)(`${at}/link`);
      },
      ['copy success', ...Array.from({ length: 4 }, () => 'info success'), 'copy success', 'info success'],
    ));

  it(`counts what a callback does in turn, by ${way}`, () =>
    conforms(
      way,
      (module, at) =>
        new Promise((resolve) => {
          const signal = AbortSignal.abort();
          module.readFile(`${at}/text`, { signal }, () => resolve(module.existsSync(at)));
        }),
      ['read error ABORT_ERR', 'info success'],
    ));

  it(`passes on an error of the program's own callback, by ${way}`, () =>
    conforms(
      way,
      (module, at) => {
        const signal = AbortSignal.abort();
        try {
          module.readFile(`${at}/text`, { signal }, () => {
            throw new EvalError('in the callback');
          });
        } catch (error) {
          return ['thrown', error];
        }
        return ['not thrown'];
      },
      ['read error ABORT_ERR'],
    ));
}

it('has everything that node:fs has, with its names and arities', () => {
  const observed = instrumentFs({ operations: new Recorder() });
  for (const [module, bare] of [
    [observed, fs],
    [observed.promises, fs.promises],
  ] as const) {
    assert.deepEqual(Object.keys(module).toSorted(), Object.keys(bare).toSorted());
    for (const [name, original] of Object.entries(bare))
      if (typeof original === 'function') {
        const { name: itsName, length } = Reflect.get(module, name);
        assert.deepEqual([itsName, length], [original.name, original.length], name);
      }
  }
  assert.equal(observed.constants, fs.constants);
  assert.equal(observed.ReadStream, fs.ReadStream);
  assert.equal(observed.readSync, fs.readSync);
});

it('observes any module with the functions of node:fs', async () => {
  const operations = new Recorder();
  const custom: any = { ...fs, statSync: () => ({ size: 12 }), copyFileSync: () => undefined };
  instrumentFs({ operations, fs: custom }).copyFileSync('from', 'to');
  assert.deepEqual(operations.lines, ['copy success 12']);
});

it('is the module itself where nothing is recorded', () => {
  assert.equal(instrumentFs({ operations: undefined }), fs);
});

it('ends an operation with the very error that the program gets', async () => {
  await inFreshDirectory(async (at) => {
    const operations = new Recorder();
    const { promises } = instrumentFs({ operations });
    const error: unknown = await promises.readFile(`${at}/missing`).catch((thrown: unknown) => thrown);
    assert.equal(operations.recorded[0]?.error, error);
  });
});
