import assert from 'node:assert/strict';
import { once } from 'node:events';
import { describe, it } from 'node:test';
import { Duplex, PassThrough, Readable, Transform, Writable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { observePromise, observeReadable, observeWritable } from '../src/index.ts';
import { Recorder } from './recorder.ts';

const nextTurn = (): Promise<void> =>
  new Promise((resolve) => {
    setImmediate(resolve);
  });

const nothing = (): Promise<void> => Promise.resolve();

function unknownSize(): number {
  throw new Error('no size');
}

function reading(stream: Readable): Recorder {
  const recorder = new Recorder();
  observeReadable(recorder.start('read'), stream);
  return recorder;
}

function writing(stream: Writable): Recorder {
  const recorder = new Recorder();
  observeWritable(recorder.start('write'), stream);
  return recorder;
}

describe('observePromise', () => {
  it('gives the same value, and its bytes to the operation', async () => {
    const recorder = new Recorder();
    const value = { size: 12 };
    const observed = observePromise(
      recorder,
      'write',
      async () => value,
      ({ size }) => size,
    );
    assert.deepEqual(recorder.lines, ['write']);
    assert.equal(await observed, value);
    assert.deepEqual(recorder.lines, ['write success 12']);
  });

  it('gives the same error', async () => {
    const recorder = new Recorder();
    const error = new RangeError('no');
    await assert.rejects(
      observePromise(recorder, 'list', () => Promise.reject(error)),
      (thrown) => thrown === error,
    );
    assert.equal(recorder.recorded[0]?.error, error);
  });

  it('throws what the call throws', () => {
    const recorder = new Recorder();
    const error = new TypeError('at once');
    assert.throws(
      () =>
        observePromise(recorder, 'info', () => {
          throw error;
        }),
      (thrown) => thrown === error,
    );
    assert.equal(recorder.recorded[0]?.error, error);
  });

  it('costs the caller one promise', async () => {
    const order: string[] = [];
    const observed = observePromise(new Recorder(), 'read', nothing, () => Promise.resolve(1));
    const done = observed.then(() => order.push('observed'));
    await nothing().then(() => order.push('first'));
    await done;
    assert.deepEqual(order, ['first', 'observed']);
  });

  it('waits for bytes that come later, and lets the caller go on', async () => {
    const recorder = new Recorder();
    const { promise, resolve } = Promise.withResolvers<number>();
    await observePromise(
      recorder,
      'copy',
      async () => 'done',
      () => promise,
    );
    assert.deepEqual(recorder.lines, ['copy']);
    resolve(7);
    await nextTurn();
    assert.deepEqual(recorder.lines, ['copy success 7']);
  });

  it('does without bytes that cannot be told', async () => {
    const recorder = new Recorder();
    await observePromise(recorder, 'read', async () => 1, unknownSize);
    await observePromise(
      recorder,
      'read',
      async () => 1,
      () => Promise.reject(new Error('no size')),
    );
    await nextTurn();
    assert.deepEqual(recorder.lines, ['read success', 'read success']);
  });
});

describe('observeReadable', () => {
  it('counts what was buffered before, and what comes', async () => {
    const stream = new PassThrough();
    stream.write('before');
    const recorder = reading(stream);
    stream.end('after');
    await nextTurn();
    assert.deepEqual([stream.readableFlowing, recorder.lines], [null, ['read']]);
    assert.equal(String(await buffer(stream)), 'beforeafter');
    assert.deepEqual(recorder.lines, ['read success 11']);
  });

  it('adds no listener', () => {
    const stream = new PassThrough();
    const names = stream.eventNames();
    reading(stream);
    assert.deepEqual(stream.eventNames(), names);
  });

  it('counts texts in their encoding, and nothing of objects', async () => {
    const texts = new Readable({ read: () => undefined });
    const recorder = reading(texts);
    texts.push('äöü', 'utf8');
    texts.push('äöü', 'latin1');
    texts.push(null);
    assert.equal((await buffer(texts)).length, 9);
    assert.deepEqual(recorder.lines, ['read success 9']);

    const objects = Readable.from([{}, []]);
    const ofObjects = reading(objects);
    assert.equal((await objects.toArray()).length, 2);
    assert.deepEqual(ofObjects.lines, ['read success 0']);
  });

  it('ends at the end, before a listener that ends the process', async () => {
    const stream = Readable.from([Buffer.alloc(3)], { objectMode: false });
    const recorder = reading(stream);
    const seen: string[] = [];
    stream.on('end', () => seen.push(...recorder.lines));
    await buffer(stream);
    assert.deepEqual(seen, ['read success 3']);
  });

  it('fails by an error that does not destroy the stream', async () => {
    const stream = new Readable({ autoDestroy: false, read: () => undefined });
    const recorder = reading(stream);
    const failed = once(stream, 'end').catch((error: unknown) => error);
    const error = new SyntaxError('half way');
    stream.emit('error', error);
    assert.equal(await failed, error);
    assert.equal(recorder.recorded[0]?.error, error);
  });

  it('ends at once for a stream that is over', async () => {
    const ended = Readable.from(['x']).resume();
    await once(ended, 'close');
    const error = new RangeError('before');
    const broken = new PassThrough().on('error', () => undefined).destroy(error);
    const closed = new PassThrough().destroy();
    assert.deepEqual(reading(ended).lines, ['read success 0']);
    assert.equal(reading(broken).recorded[0]?.error, error);
    assert.deepEqual(reading(closed).lines, ['read error ABORT_ERR']);
  });

  it('is an Error named AbortError when it was closed early', async () => {
    const stream = new PassThrough();
    const recorder = reading(stream);
    stream.destroy();
    await recorder.settled();
    const error = recorder.recorded[0]?.error;
    assert.ok(error instanceof Error);
    assert.deepEqual([error.name, error.constructor.name], ['AbortError', 'AbortError']);
  });
});

describe('observeWritable', () => {
  it('counts what the destination was handed, in pieces or together', async () => {
    const handed: string[] = [];
    const stream = new Writable({
      write(chunk, _encoding, done) {
        handed.push(`write ${chunk}`);
        setImmediate(done);
      },
      writev(chunks, done) {
        handed.push(`writev ${chunks.length}`);
        done();
      },
    });
    stream.write('before');
    const recorder = writing(stream);
    stream.write('ä');
    stream.write('abcd', 'hex');
    stream.end(Buffer.alloc(4));
    await once(stream, 'finish');
    assert.deepEqual(handed, ['write before', 'writev 3']);
    assert.deepEqual(recorder.lines, ['write success 8']);
  });

  it('counts texts that are not decoded, in their encoding', async () => {
    const stream = new Writable({ decodeStrings: false, write: (_chunk, _encoding, done) => done() });
    const recorder = writing(stream);
    stream.write('ää', 'latin1');
    stream.end('ä');
    await once(stream, 'close');
    assert.deepEqual(recorder.lines, ['write success 4']);
  });

  it('fails when the last step of the destination does', async () => {
    const error = new Error('not committed');
    const stream = new Writable({ write: (_chunk, _encoding, done) => done(), final: (done) => done(error) });
    const recorder = writing(stream);
    const failed = once(stream, 'close').catch((thrown: unknown) => thrown);
    stream.end('x');
    assert.equal(await failed, error);
    assert.equal(recorder.recorded[0]?.error, error);
  });

  it('follows a transform and a duplex', async () => {
    const upper = new Transform({
      transform: (chunk, _encoding, done) => done(null, String(chunk).toUpperCase()),
    });
    const written = writing(upper);
    const read = reading(upper);
    upper.end('straße');
    assert.equal(String(await buffer(upper)), 'STRASSE');
    assert.deepEqual([...written.lines, ...read.lines], ['write success 7', 'read success 7']);

    const half = new Duplex({ read: () => undefined, write: (_chunk, _encoding, done) => done() });
    const recorder = writing(half);
    half.end('ab');
    await once(half, 'finish');
    assert.deepEqual(recorder.lines, ['write success 2']);
    half.destroy();
  });
});
