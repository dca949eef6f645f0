import assert from 'node:assert/strict';
import { type EventEmitter, once } from 'node:events';
import type { ReadStream, WriteStream } from 'node:fs';
import { describe, it } from 'node:test';
import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { BINARY_BYTES, conforms, type Program, TEXT, TEXT_BYTES, WAYS } from './conformance.ts';

/** Everything about a stream that a program could look at before it does anything with it. */
function stateOf(stream: ReadStream | WriteStream): unknown {
  const { destroyed, errored, closed, pending } = stream;
  const common = { destroyed, errored, closed, pending, keys: Object.keys(stream).length };
  const names = stream.eventNames();
  const counts = names.map((name) => stream.listenerCount(name));
  const listeners = { names: names.map(String), counts, maximum: stream.getMaxListeners() };
  if ('readableFlowing' in stream) {
    const { readable, readableFlowing, readableLength, readableHighWaterMark, readableEncoding } = stream;
    return {
      ...common,
      ...listeners,
      readable,
      readableFlowing,
      readableLength,
      readableHighWaterMark,
      readableEncoding,
    };
  }
  const { writable, writableLength, writableHighWaterMark, writableNeedDrain, writableCorked } = stream;
  return {
    ...common,
    ...listeners,
    writable,
    writableLength,
    writableHighWaterMark,
    writableNeedDrain,
    writableCorked,
  };
}

/** The stream's events in their order, until it is closed. */
async function eventsOf(stream: ReadStream | WriteStream, names: readonly string[]): Promise<unknown[]> {
  const events: unknown[] = [stateOf(stream)];
  const emitter: EventEmitter = stream;
  for (const name of names)
    emitter.on(name, (argument: unknown) => {
      if (argument instanceof Error) events.push([name, argument]);
      else if (typeof argument === 'string' || Buffer.isBuffer(argument))
        events.push([name, argument.length]);
      else events.push(name);
    });
  await once(stream, 'close');
  const { destroyed, errored } = stream;
  return [...events, { destroyed, errored }];
}

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

async function* failing(): AsyncGenerator<string> {
  yield TEXT;
  await nextTurn();
  throw new SyntaxError('bad source');
}

const READ_EVENTS = ['open', 'ready', 'data', 'end', 'error', 'close'];
const WRITE_EVENTS = ['open', 'ready', 'drain', 'finish', 'error', 'close'];
const whole = [`read success ${BINARY_BYTES}`];

type Rows = readonly (readonly [title: string, program: Program, records: readonly string[]])[];

const READING: Rows = [
  ['data events', (fs, at) => eventsOf(fs.createReadStream(`${at}/binary`), READ_EVENTS), whole],
  [
    'decoded text',
    (fs, at) => eventsOf(fs.createReadStream(`${at}/text`, 'utf8'), READ_EVENTS),
    [`read success ${TEXT_BYTES}`],
  ],
  [
    'an encoding that is set later',
    (fs, at) => eventsOf(fs.createReadStream(`${at}/text`).setEncoding('hex'), READ_EVENTS),
    [`read success ${TEXT_BYTES}`],
  ],
  [
    'a range in small pieces',
    (fs, at) =>
      eventsOf(fs.createReadStream(`${at}/binary`, { start: 10, end: 109, highWaterMark: 7 }), READ_EVENTS),
    ['read success 100'],
  ],
  [
    'an empty file',
    (fs, at) => eventsOf(fs.createReadStream(`${at}/empty`), READ_EVENTS),
    ['read success 0'],
  ],
  [
    'a missing file',
    (fs, at) => eventsOf(fs.createReadStream(`${at}/missing`), ['error']).catch((error: unknown) => error),
    ['read error ENOENT'],
  ],
  [
    'a bad option',
    (fs, at) => fs.createReadStream(`${at}/text`, { start: -1 }),
    ['read error ERR_OUT_OF_RANGE'],
  ],
  [
    'for await',
    async (fs, at) => {
      let pieces = 0;
      for await (const chunk of fs.createReadStream(`${at}/binary`)) pieces += Buffer.isBuffer(chunk) ? 1 : 0;
      return pieces;
    },
    whole,
  ],
  [
    'for await that is left early',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/binary`);
      for await (const chunk of stream) {
        assert.ok(chunk);
        break;
      }
      return [stream.bytesRead, stream.destroyed];
    },
    ['read error ABORT_ERR'],
  ],
  [
    'paused, by read()',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/binary`, { highWaterMark: 1000 });
      const sizes: number[] = [];
      stream.on('readable', () => {
        for (let chunk = stream.read(300); chunk !== null; chunk = stream.read(300)) sizes.push(chunk.length);
      });
      await once(stream, 'close');
      return sizes;
    },
    whole,
  ],
  [
    'a piece that is put back',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/text`);
      await once(stream, 'readable');
      stream.unshift(stream.read());
      return eventsOf(stream, READ_EVENTS);
    },
    [`read success ${TEXT_BYTES}`],
  ],
  [
    'pipe to a slow destination',
    async (fs, at) => {
      const sizes: number[] = [];
      const slow = new Writable({
        highWaterMark: 1,
        write(chunk: Buffer, _encoding, done) {
          sizes.push(chunk.length);
          setImmediate(done);
        },
      });
      await once(fs.createReadStream(`${at}/binary`).pipe(slow), 'finish');
      return sizes;
    },
    whole,
  ],
  [
    'opened, but never read',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/binary`);
      await once(stream, 'open');
      await nextTurn();
      const state = stateOf(stream);
      stream.destroy();
      return state;
    },
    ['read error ABORT_ERR'],
  ],
  [
    'destroyed by an error',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/binary`);
      stream.once('data', () => stream.destroy(new RangeError('enough')));
      return eventsOf(stream, READ_EVENTS).catch((error: unknown) => [error, stream.destroyed]);
    },
    ['read error RangeError'],
  ],
  [
    'aborted by a signal',
    async (fs, at) => {
      const controller = new AbortController();
      const stream = fs.createReadStream(`${at}/binary`, { signal: controller.signal });
      stream.once('data', () => controller.abort());
      return eventsOf(stream, READ_EVENTS).catch((error: unknown) => [error, stream.destroyed]);
    },
    ['read error ABORT_ERR'],
  ],
  [
    'destroyed without a word',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/binary`, { emitClose: false });
      await once(stream, 'open');
      stream.destroy();
      await nextTurn();
      return stream.destroyed;
    },
    ['read error ABORT_ERR'],
  ],
  [
    'not closed at its end',
    async (fs, at) => {
      const stream = fs.createReadStream(`${at}/text`, { autoClose: false });
      stream.resume();
      await once(stream, 'end');
      await nextTurn();
      const { destroyed, closed } = stream;
      stream.destroy();
      return [destroyed, closed];
    },
    [`read success ${TEXT_BYTES}`],
  ],
];

const WRITING: Rows = [
  [
    'write and end, with backpressure',
    async (fs, at) => {
      const stream = fs.createWriteStream(`${at}/new`, { highWaterMark: 100 });
      const events = eventsOf(stream, WRITE_EVENTS);
      const answers = [
        stream.write(Buffer.alloc(60)),
        stream.write('ü'.repeat(30)),
        stream.write('ff', 'hex'),
      ];
      stream.end('rest');
      return [answers, await events, fs.readFileSync.name, stream.bytesWritten];
    },
    ['write success 125'],
  ],
  [
    'corked writes',
    async (fs, at) => {
      const stream = fs.createWriteStream(`${at}/new`);
      stream.cork();
      stream.write('one');
      stream.write('two', 'latin1');
      stream.uncork();
      stream.end();
      return eventsOf(stream, WRITE_EVENTS);
    },
    ['write success 6'],
  ],
  [
    'nothing',
    (fs, at) => eventsOf(fs.createWriteStream(`${at}/new`).end(), WRITE_EVENTS),
    ['write success 0'],
  ],
  [
    'a pipeline from a read stream',
    (fs, at) => pipeline(fs.createReadStream(`${at}/binary`), fs.createWriteStream(`${at}/new`)),
    [...whole, `write success ${BINARY_BYTES}`],
  ],
  [
    'a folder that is missing',
    (fs, at) => eventsOf(fs.createWriteStream(`${at}/no/where`), ['error']).catch((error: unknown) => error),
    ['write error ENOENT'],
  ],
  [
    'a pipeline whose source fails',
    async (fs, at) => {
      const stream = fs.createWriteStream(`${at}/new`);
      const closed = once(stream, 'close').catch((error: unknown) => error);
      const error: unknown = await pipeline(failing(), stream).catch((thrown: unknown) => thrown);
      return [error, await closed, stream.errored];
    },
    ['write error SyntaxError'],
  ],
  [
    'destroyed before its end',
    async (fs, at) => {
      const stream = fs.createWriteStream(`${at}/new`);
      stream.write('x', () => stream.destroy());
      return eventsOf(stream, WRITE_EVENTS);
    },
    ['write error ABORT_ERR'],
  ],
];

for (const way of Object.keys(WAYS))
  for (const [kind, rows] of Object.entries({ READING, WRITING }))
    describe(`${kind.toLowerCase()} streams, by ${way}`, () => {
      for (const [title, program, records] of rows) it(title, () => conforms(way, program, records));
    });
