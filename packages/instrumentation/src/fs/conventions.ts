/**
 * How node:fs answers: by returning, by a promise, by a callback, by a stream. One wrapper for each.
 *
 * In: a function and what it counts as. Out: a function with its name, arity and properties that records one operation
 * per call. Invariant: `this`, arguments, results and errors pass through untouched.
 * On failure: what the function throws ends the operation and is thrown.
 */
import type { Readable, Writable } from 'node:stream';
import { promisify } from 'node:util';
import type { Operation, OperationName, Operations } from '@multistorageclient/telemetry';
import { type Bytes, observePromise, observeReadable, observeWritable, succeed } from '../observe.ts';

/** Any function of node:fs. Its arguments and result are passed on, and looked at with care. */
export type Fn = (this: unknown, ...args: any[]) => any;

/**
 * Looks at the arguments of one call before it is made, and returns what tells its bytes from its result. It may
 * replace an argument by one that counts what is taken from it.
 */
export type Measure = (args: any[]) => (result: any) => Bytes;

/** What a call counts as. */
export interface Observation {
  readonly operation: OperationName;
  readonly measure?: Measure;
  /** Its callback gets the result alone, where all others get the error first: `fs.exists`. */
  readonly neverFails?: true;
}

export type Convention = (operations: Operations, observation: Observation, original: Fn) => Fn;

export const returning: Convention = (operations, { operation: name, measure }, original) =>
  likeOriginal(original, function (this: unknown, ...args) {
    const bytesOf = measure?.(args);
    const operation = operations.start(name);
    const result: unknown = attempt(operation, original, this, args);
    succeed(operation, result, bytesOf);
    return result;
  });

export const promising: Convention = (operations, { operation: name, measure }, original) =>
  likeOriginal(original, function (this: unknown, ...args) {
    const bytesOf = measure?.(args);
    return observePromise(operations, name, () => Reflect.apply(original, this, args), bytesOf);
  });

export const callingBack: Convention = (operations, observation, original) => {
  const { operation: name, measure, neverFails } = observation;
  const custom: Fn | undefined = Reflect.get(original, promisify.custom);
  const promised = custom && {
    [promisify.custom]: { value: promising(operations, observation, custom) },
  };
  function observed(this: unknown, ...args: any[]): unknown {
    const bytesOf = measure?.(args);
    const operation = operations.start(name);
    const at = args.findLastIndex((argument) => typeof argument === 'function');
    if (at > 0) {
      const callback: Fn = args[at];
      args[at] = function (this: unknown, ...results: unknown[]): unknown {
        const [error, result] = results;
        if (neverFails || !error) succeed(operation, result, bytesOf);
        else operation.fail(error);
        return Reflect.apply(callback, this, results);
      };
    }
    return attempt(operation, original, this, args);
  }
  return likeOriginal(original, observed, promised);
};

export const streaming: Convention = (operations, { operation: name }, original) =>
  likeOriginal(original, function (this: unknown, ...args) {
    const operation = operations.start(name);
    const stream: Readable & Writable = attempt(operation, original, this, args);
    if (name === 'read') observeReadable(operation, stream);
    else observeWritable(operation, stream);
    return stream;
  });

function attempt(operation: Operation, original: Fn, self: unknown, args: any[]): any {
  try {
    return Reflect.apply(original, self, args);
  } catch (error) {
    operation.fail(error);
    throw error;
  }
}

/** Gives a function the name, length and other own properties of the one it stands for, except those in `instead`. */
export function likeOriginal(original: Fn, standIn: Fn, instead?: PropertyDescriptorMap): Fn {
  return Object.defineProperties(standIn, { ...Object.getOwnPropertyDescriptors(original), ...instead });
}
