/**
 * The kernel of every instrumentation: watches one promise or one stream until it ends.
 *
 * In: an operation, and what the program is about to get. Out: the operation's end, with its bytes.
 * Invariant: the program sees what it would see without us: the same values and errors, no listener, no started flow,
 * no other backpressure, nothing consumed, reordered or swallowed.
 * On failure: bytes that cannot be told are left out; nothing is thrown that the watched call did not throw.
 */
import type { Readable, Writable } from 'node:stream';
import type { Operation, OperationName, Operations } from '@multistorageclient/telemetry';

/** Bytes that an operation moved; as a promise where that is known a little later than the result. */
export type Bytes = number | undefined | Promise<number | undefined>;

/** How an operation ends whose stream was closed before its end. */
export class AbortError extends Error {
  override readonly name = 'AbortError';
  readonly code = 'ABORT_ERR';
}

/**
 * Starts the operation `name`, makes the call, and ends the operation as its promise does: `success` with the bytes
 * that `bytesOf` tells of the value, or `error.<Name>`. Returns a promise of the same value or the very same error. An
 * error that `call` throws at once ends the operation, too, and is thrown. A `bytesOf` that throws tells nothing; one
 * that returns a promise delays the operation's end, not the program.
 */
export function observePromise<T>(
  operations: Operations,
  name: OperationName,
  call: () => Promise<T>,
  bytesOf?: (value: T) => Bytes,
): Promise<T> {
  const operation = operations.start(name);
  let promise: Promise<T>;
  try {
    promise = call();
  } catch (error) {
    operation.fail(error);
    throw error;
  }
  return promise.then(
    (value) => {
      succeed(operation, value, bytesOf);
      return value;
    },
    (error: unknown) => {
      operation.fail(error);
      throw error;
    },
  );
}

/** Ends an operation well, as soon as its bytes are known. */
export function succeed<T>(operation: Operation, value: T, bytesOf?: (value: T) => Bytes): void {
  let bytes: Bytes;
  try {
    bytes = bytesOf?.(value);
  } catch {
    bytes = undefined;
  }
  if (typeof bytes !== 'object') operation.succeed(bytes);
  else
    bytes.then(
      (known) => operation.succeed(known),
      () => operation.succeed(),
    );
}

/**
 * Ends the operation when the program has read the stream to its end: `success` with all bytes that came, what was
 * buffered before included. An error ends it as `error.<Name>`, a close before the end as `error.AbortError`. A stream
 * that nobody reads does not end, and neither does its operation. Objects (object mode) count no bytes.
 */
export function observeReadable(operation: Operation, stream: Readable): void {
  let bytes = stream.readableObjectMode ? 0 : stream.readableLength;
  if (stream.readableEnded) return operation.succeed(bytes);
  if (stream.destroyed) return operation.fail(stream.errored ?? closedEarly());
  intercept(stream, 'push', (chunk, encoding) => {
    bytes += sizeOf(chunk, encoding) ?? 0;
  });
  watch(stream, operation, 'end', () => bytes);
}

/**
 * Ends the operation when the stream has written everything and emits `finish`: `success` with all bytes it handed to
 * its destination. An error ends it as `error.<Name>`, a close before that as `error.AbortError`. Objects (object mode)
 * count no bytes.
 */
export function observeWritable(operation: Operation, stream: Writable): void {
  let bytes = 0;
  if (stream.writableFinished) return operation.succeed();
  if (stream.destroyed) return operation.fail(stream.errored ?? closedEarly());
  intercept(stream, '_write', (chunk, encoding) => {
    bytes += sizeOf(chunk, encoding) ?? 0;
  });
  intercept(stream, '_writev', (chunks: readonly { chunk: unknown; encoding: unknown }[]) => {
    for (const { chunk, encoding } of chunks) bytes += sizeOf(chunk, encoding) ?? 0;
  });
  watch(stream, operation, 'finish', () => bytes);
}

/** Bytes of a buffer, or of a text in its encoding (UTF-8 where there is none); `undefined` for anything else. */
export function sizeOf(data: unknown, encoding?: unknown): number | undefined {
  if (typeof data !== 'string') return ArrayBuffer.isView(data) ? data.byteLength : undefined;
  const known = typeof encoding === 'string' && Buffer.isEncoding(encoding) ? encoding : 'utf8';
  // Of these, byteLength only estimates what padding, blanks and stray characters leave of a text.
  const estimated = /^(?:hex|base64)/iu.test(known);
  return estimated ? Buffer.from(data, known).byteLength : Buffer.byteLength(data, known);
}

/**
 * `emit` and `_destroy`, instead of listeners: those could be counted, listed and removed by the program, and a stream
 * that is told not to emit `close` would never end its operation.
 */
function watch(stream: Readable | Writable, operation: Operation, end: string, bytes: () => number): void {
  let over = false;
  const fail = (error: unknown): void => {
    if (!over) operation.fail(error ?? closedEarly(), bytes());
    over = true;
  };
  intercept(stream, 'emit', (event, error) => {
    if (event === 'error') fail(error);
    else if (event === 'close') fail(undefined);
    else if (event === end && !over) {
      over = true;
      operation.succeed(bytes());
    }
  });
  intercept(stream, '_destroy', fail);
}

/** Lets `before` see the arguments of a method of this one object, where it has the method. */
function intercept(object: object, method: string, before: (first: any, second: unknown) => void): void {
  const original: unknown = Reflect.get(object, method);
  if (typeof original !== 'function') return;
  Object.defineProperty(object, method, {
    configurable: true,
    enumerable: false,
    writable: true,
    value(this: unknown, ...args: unknown[]): unknown {
      before(args[0], args[1]);
      return Reflect.apply(original, this, args);
    },
  });
}

function closedEarly(): AbortError {
  return new AbortError('The stream was closed before its end');
}
