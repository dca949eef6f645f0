import assert from 'node:assert/strict';
import { once } from 'node:events';
import fs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import { describe, it } from 'node:test';
import { buffer, text } from 'node:stream/consumers';
import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { instrumentFs } from '../../src/fs.ts';
import { Recorder } from '../recorder.ts';
import {
  BINARY_BYTES,
  conforms,
  inFreshDirectory,
  type Program,
  TEXT,
  TEXT_BYTES,
  WAYS,
} from './conformance.ts';

type WithHandle = (handle: FileHandle) => unknown;

/** Opens, uses and closes one file. */
const opened =
  (name: string, flags: string, use: WithHandle): Program =>
  async ({ promises }, directory) => {
    const handle = await promises.open(`${directory}/${name}`, flags);
    try {
      return await use(handle);
    } finally {
      await handle.close();
    }
  };

const pieces = async function* (): AsyncGenerator<string> {
  yield 'ä';
  yield 'bc';
};

type Row = readonly [title: string, name: string, flags: string, use: WithHandle, records: readonly string[]];

const ROWS: readonly Row[] = [
  ['readFile', 'text', 'r', (handle) => handle.readFile(), [`read success ${TEXT_BYTES}`]],
  ['readFile as text', 'text', 'r', (handle) => handle.readFile('utf8'), [`read success ${TEXT_BYTES}`]],
  ['readFile of a folder', 'folder', 'r', (handle) => handle.readFile(), ['read error EISDIR']],
  ['read', 'text', 'r', (handle) => handle.read(Buffer.alloc(5), 0, 5, 3), ['read success 5']],
  [
    'read by options',
    'text',
    'r',
    (handle) => handle.read({ position: 16 }),
    [`read success ${TEXT_BYTES - 16}`],
  ],
  ['read past the end', 'empty', 'r', (handle) => handle.read(Buffer.alloc(9)), ['read success 0']],
  ['readv', 'text', 'r', (handle) => handle.readv([Buffer.alloc(2), Buffer.alloc(4)]), ['read success 6']],
  ['write a text', 'new', 'w', (handle) => handle.write(TEXT), [`write success ${TEXT_BYTES}`]],
  ['write a part', 'new', 'w', (handle) => handle.write(Buffer.alloc(9), 2, 4), ['write success 4']],
  ['write what is read-only', 'text', 'r', (handle) => handle.write('x'), ['write error EBADF']],
  ['writev', 'new', 'w', (handle) => handle.writev([Buffer.alloc(2), Buffer.alloc(4)]), ['write success 6']],
  ['writeFile', 'new', 'w', (handle) => handle.writeFile(TEXT, 'latin1'), [`write success ${TEXT.length}`]],
  ['writeFile of pieces', 'new', 'w', (handle) => handle.writeFile(pieces()), ['write success 4']],
  ['appendFile', 'text', 'a', (handle) => handle.appendFile(new Uint8Array(7)), ['write success 7']],
  ['stat', 'text', 'r', (handle) => handle.stat(), ['info success']],
  [
    'createReadStream',
    'binary',
    'r',
    async (handle) => (await buffer(handle.createReadStream())).length,
    [`read success ${BINARY_BYTES}`],
  ],
  [
    'createWriteStream',
    'new',
    'w',
    (handle) => once(handle.createWriteStream().end(TEXT), 'finish'),
    [`write success ${TEXT_BYTES}`],
  ],
  [
    'readLines',
    'text',
    'r',
    async (handle) => {
      const lines: string[] = [];
      for await (const line of handle.readLines()) lines.push(line);
      return lines;
    },
    [`read success ${TEXT_BYTES}`],
  ],
  [
    'several, one after the other',
    'text',
    'r+',
    async (handle) => {
      await handle.stat();
      await handle.read(Buffer.alloc(3), 0, 3, 0);
      await handle.truncate(4);
      return handle.readFile('latin1');
    },
    ['info success', 'read success 3', 'read success 4'],
  ],
  [
    'what was closed before',
    'text',
    'r',
    async (handle) => {
      await handle.close();
      return handle.stat();
    },
    ['info error EBADF'],
  ],
];

for (const way of Object.keys(WAYS))
  describe(`FileHandle, by ${way}`, () => {
    for (const [title, name, flags, use, records] of ROWS)
      it(title, () => conforms(way, opened(name, flags, use), records));

    it('a stream of the module over a handle is one operation', () =>
      conforms(
        way,
        async (module, directory) => {
          const handle = await module.promises.open(`${directory}/binary`);
          const content = await text(module.createReadStream('', { fd: handle, highWaterMark: 1000 }));
          return [content.length, handle.fd];
        },
        [`read success ${BINARY_BYTES}`],
      ));

    it('a function of the module that is given a handle is one operation', () =>
      conforms(
        way,
        async ({ promises }, directory) => {
          const handle = await promises.open(`${directory}/text`, 'r+');
          const before = await promises.readFile(handle, 'utf8');
          await promises.appendFile(handle, [' and', ' more']);
          await handle.close();
          return before;
        },
        [`read success ${TEXT_BYTES}`, 'write success 9'],
      ));

    it('opening is no operation, failed or not', () =>
      conforms(way, ({ promises }, directory) => promises.open(`${directory}/missing`), []));
  });

it('an observed handle is what it was: its class, its text form, its way to another thread', async () => {
  await inFreshDirectory(async (directory) => {
    const { promises } = instrumentFs({ operations: new Recorder() });
    const handle = await promises.open(`${directory}/text`);
    const bare = await fs.promises.open(`${directory}/text`);
    assert.ok(handle instanceof bare.constructor);
    assert.equal(handle.constructor, bare.constructor);
    assert.deepEqual(Object.keys(handle), Object.keys(bare));
    assert.deepEqual([handle.read.name, handle.read.length], [bare.read.name, bare.read.length]);
    const { port1, port2 } = new MessageChannel();
    const transferable: any = handle;
    port1.postMessage(handle, [transferable]);
    const received: FileHandle = receiveMessageOnPort(port2)?.message;
    assert.equal(await received.readFile('utf8'), TEXT);
    port1.close();
    await Promise.all([received.close(), bare.close()]);
  });
});
