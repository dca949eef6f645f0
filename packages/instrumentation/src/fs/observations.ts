/** Which functions of node:fs count as which operation, and how each tells its bytes. */
import { type Bytes, sizeOf } from '../observe.ts';
import { bare } from './caller.ts';
import type { Measure, Observation } from './conventions.ts';

export type FileSystem = typeof import('node:fs');

/** By the name that a function has in `fs.promises`; `${name}Sync` counts as the same. */
export type Observations = Readonly<Record<string, Observation>>;

const shared: Observations = {
  readFile: { operation: 'read', measure: read(1) },
  writeFile: { operation: 'write', measure: written(1) },
  appendFile: { operation: 'write', measure: written(1) },
  cp: { operation: 'copy' },
  unlink: { operation: 'delete' },
  rm: { operation: 'delete' },
  rmdir: { operation: 'delete' },
  stat: { operation: 'info' },
  lstat: { operation: 'info' },
  access: { operation: 'info' },
  exists: { operation: 'info', neverFails: true },
  readdir: { operation: 'list' },
  opendir: { operation: 'list' },
};

export function synchronous(fs: FileSystem): Observations {
  const statSync = bare(fs.statSync);
  const size: Measure =
    ([source]) =>
    () =>
      statSync(source).size;
  return { ...shared, copyFile: { operation: 'copy', measure: size } };
}

export function withCallback(fs: FileSystem): Observations {
  return { ...shared, copyFile: { operation: 'copy', measure: sizeMeanwhile(fs) } };
}

export function withPromise(fs: FileSystem): Observations {
  return {
    ...withCallback(fs),
    writeFile: { operation: 'write', measure: taken(1) },
    appendFile: { operation: 'write', measure: taken(1) },
  };
}

export const ofStreams: Observations = {
  createReadStream: { operation: 'read' },
  createWriteStream: { operation: 'write' },
};

/** Methods of a FileHandle. Not here: `readLines`, which reads through the handle's own `createReadStream`. */
export const ofHandle: Observations = {
  readFile: { operation: 'read', measure: read(0) },
  read: { operation: 'read', measure: reported('bytesRead') },
  readv: { operation: 'read', measure: reported('bytesRead') },
  writeFile: { operation: 'write', measure: taken(0) },
  appendFile: { operation: 'write', measure: taken(0) },
  write: { operation: 'write', measure: reported('bytesWritten') },
  writev: { operation: 'write', measure: reported('bytesWritten') },
  stat: { operation: 'info' },
};

/** The content that comes back, in the encoding that was asked for. */
function read(options: number): Measure {
  return (args) => {
    const encoding = encodingOf(args[options]);
    return (content) => sizeOf(content, encoding);
  };
}

/** The content that was given. */
function written(data: number): Measure {
  return (args) => {
    const bytes = sizeOf(args[data], encodingOf(args[data + 1]));
    return () => bytes;
  };
}

/** The content that was given, or what was taken of an iterable or stream until it ended. */
function taken(data: number): Measure {
  const whole = written(data);
  return (args) => {
    const content = args[data];
    if (!isIterable(content)) return whole(args);
    const encoding = encodingOf(args[data + 1]);
    let bytes = 0;
    args[data] = (async function* () {
      for await (const chunk of content) {
        bytes += sizeOf(chunk, encoding) ?? 0;
        yield chunk;
      }
    })();
    return () => bytes;
  };
}

/** The number of bytes that the result names. */
function reported(field: 'bytesRead' | 'bytesWritten'): Measure {
  return () => (result) => result[field];
}

/**
 * A copy does not tell what it moved, so the source's size is asked for beside it. That answer nearly always comes
 * first; where it does not, the operation ends with it.
 */
function sizeMeanwhile(fs: FileSystem): Measure {
  const stat = bare(fs.promises.stat);
  return ([source]) => {
    let size: Bytes = (async () => stat(source))().then(
      (stats) => (size = stats.size),
      () => (size = undefined),
    );
    return () => size;
  };
}

function encodingOf(options: any): unknown {
  return typeof options === 'string' ? options : options?.encoding;
}

function isIterable(data: unknown): data is AsyncIterable<unknown> | Iterable<unknown> {
  return (
    typeof data === 'object' &&
    data !== null &&
    !ArrayBuffer.isView(data) &&
    (Symbol.asyncIterator in data || Symbol.iterator in data)
  );
}
