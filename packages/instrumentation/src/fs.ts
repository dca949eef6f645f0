/**
 * node:fs, observed: a module object that records one operation per call of the program.
 *
 * In: where operations go, and the module to observe. Out: an object with everything that module has.
 * Invariant: the module itself is not changed, and answers as it would without us.
 * On failure: errors of the module reach the caller as the very same objects.
 */
import nodeFs from 'node:fs';
import type { FileHandle } from 'node:fs/promises';
import type { Operations } from '@multistorageclient/telemetry';
import {
  callingBack,
  type Convention,
  type Fn,
  likeOriginal,
  promising,
  returning,
  streaming,
} from './fs/conventions.ts';
import { handleObserver } from './fs/handle.ts';
import {
  type FileSystem,
  type Observations,
  ofStreams,
  synchronous,
  withCallback,
  withPromise,
} from './fs/observations.ts';

export interface InstrumentFsOptions {
  /**
   * Where operations are recorded: `telemetry.operations(config, { provider: 'file' })`. That is `undefined` where there
   * is no exporter; then the module is returned as it is.
   */
  readonly operations: Operations | undefined;
  /** What to observe. Default: `node:fs`. A module with the same functions, such as graceful-fs, works too. */
  readonly fs?: FileSystem;
}

/**
 * Returns an object to use in place of `node:fs`, whose functions record what they do: reads, writes, copies, deletes,
 * `info` (stat, lstat, access, exists) and listings, in their promise, callback and synchronous forms, with streams and
 * FileHandles. An operation ends with its last byte: a stream's when it has been read or written to its end. Reads,
 * writes and copies of single files tell their bytes. `fs.promises` of the result is to be used in place of
 * `node:fs/promises`. The module itself is not changed. Everything else of it is passed on as it is: descriptors
 * (`fs.read`), `realpath`, `mkdir`, `rename`, `watch`, web streams of FileHandles.
 */
export function instrumentFs({ operations, fs = nodeFs }: InstrumentFsOptions): FileSystem {
  if (operations === undefined) return fs;
  const { functions, promises } = observedFunctions(operations, fs);
  return copyWith(fs, [...functions, ['promises', copyWith(fs.promises, promises)]]);
}

/** The functions of a module that record, by name: of `fs` itself, and of `fs.promises`. */
export interface ObservedFunctions {
  readonly functions: ReadonlyMap<string, Fn>;
  readonly promises: ReadonlyMap<string, Fn>;
}

export function observedFunctions(operations: Operations, fs: FileSystem): ObservedFunctions {
  const observe = (module: object, convention: Convention, observations: Observations, suffix = '') =>
    Object.entries(observations).flatMap(([base, observation]): [string, Fn][] => {
      const name = base + suffix;
      const original: Fn | undefined = Reflect.get(module, name);
      return original === undefined ? [] : [[name, convention(operations, observation, original)]];
    });
  return {
    functions: new Map([
      ...observe(fs, returning, synchronous(fs), 'Sync'),
      ...observe(fs, callingBack, withCallback(fs)),
      ...observe(fs, streaming, ofStreams),
    ]),
    promises: new Map([
      ...observe(fs.promises, promising, withPromise(fs)),
      ['open', opening(fs.promises.open, handleObserver(operations))],
    ]),
  };
}

/** Opening is no operation of its own: what is done with the handle is. */
function opening(open: Fn, observe: (handle: FileHandle) => FileHandle): Fn {
  return likeOriginal(open, function (this: unknown, ...args) {
    const opened: Promise<FileHandle> = Reflect.apply(open, this, args);
    return opened.then(observe);
  });
}

function copyWith<T extends object>(module: T, members: Iterable<readonly [string, unknown]>): T {
  const descriptors: PropertyDescriptorMap = Object.getOwnPropertyDescriptors(module);
  for (const [name, value] of members)
    descriptors[name] = { value, configurable: true, enumerable: true, writable: true };
  return Object.defineProperties(Object.create(Object.getPrototypeOf(module)), descriptors);
}
