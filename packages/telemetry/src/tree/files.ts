/**
 * The file-system calls of this package, captured at load: a program (or our own node:fs instrumentation) that replaces
 * functions of `node:fs` later neither sees nor disturbs them.
 *
 * In: paths and descriptors. Out: what `node:fs` answers; for those of the memory files, where they are used, what these
 * answer. Invariant: a path or a descriptor is always asked of the side that it came from.
 */
import fs from 'node:fs';
import { codeOf } from './errno.ts';
import { openMemoryFiles, type MemoryFiles } from './memory-files.ts';

export let closeSync: typeof fs.closeSync = fs.closeSync;
export let existsSync: typeof fs.existsSync = fs.existsSync;
export let fstatSync: typeof fs.fstatSync = fs.fstatSync;
export let linkSync: typeof fs.linkSync = fs.linkSync;
export let lstatSync: typeof fs.lstatSync = fs.lstatSync;
export let mkdirSync: typeof fs.mkdirSync = fs.mkdirSync;
export let openSync: typeof fs.openSync = fs.openSync;
export let readFileSync: typeof fs.readFileSync = fs.readFileSync;
export let readSync: typeof fs.readSync = fs.readSync;
export let readdirSync: typeof fs.readdirSync = fs.readdirSync;
export let renameSync: typeof fs.renameSync = fs.renameSync;
export let rmSync: typeof fs.rmSync = fs.rmSync;
export let rmdirSync: typeof fs.rmdirSync = fs.rmdirSync;
export let statSync: typeof fs.statSync = fs.statSync;
export let statfsSync: typeof fs.statfsSync = fs.statfsSync;
export let truncateSync: typeof fs.truncateSync = fs.truncateSync;
export let unlinkSync: typeof fs.unlinkSync = fs.unlinkSync;
export let writeFileSync: typeof fs.writeFileSync = fs.writeFileSync;
export let writeSync: typeof fs.writeSync = fs.writeSync;

// What nobody asks of memory files: they are private from the start, and a write to them is never short.
export const accessSync: typeof fs.accessSync = fs.accessSync;
export const appendFileSync: typeof fs.appendFileSync = fs.appendFileSync;
export const chmodSync: typeof fs.chmodSync = fs.chmodSync;
export const ftruncateSync: typeof fs.ftruncateSync = fs.ftruncateSync;
export const readlinkSync: typeof fs.readlinkSync = fs.readlinkSync;

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_TRUNC, O_WRONLY } = fs.constants;

let memory: MemoryFiles | undefined;

/**
 * From now on this thread also has files in memory, which the calls above find by their path or descriptor. Returns the
 * directory that they are in, always the same one. `maxBytes` bounds all of them together; the first call decides.
 */
export function useMemoryFiles(maxBytes: number): string {
  if (memory !== undefined) return memory.root;
  memory = openMemoryFiles(maxBytes);
  closeSync = extended('closeSync', closeSync, memory);
  existsSync = extended('existsSync', existsSync, memory);
  fstatSync = extended('fstatSync', fstatSync, memory);
  linkSync = extended('linkSync', linkSync, memory);
  lstatSync = extended('lstatSync', lstatSync, memory);
  mkdirSync = extended('mkdirSync', mkdirSync, memory);
  openSync = extended('openSync', openSync, memory);
  readFileSync = extended('readFileSync', readFileSync, memory);
  readSync = extended('readSync', readSync, memory);
  readdirSync = extended('readdirSync', readdirSync, memory);
  renameSync = extended('renameSync', renameSync, memory);
  rmSync = extended('rmSync', rmSync, memory);
  rmdirSync = extended('rmdirSync', rmdirSync, memory);
  statSync = extended('statSync', statSync, memory);
  statfsSync = extended('statfsSync', statfsSync, memory);
  truncateSync = extended('truncateSync', truncateSync, memory);
  unlinkSync = extended('unlinkSync', unlinkSync, memory);
  writeFileSync = extended('writeFileSync', writeFileSync, memory);
  writeSync = extended('writeSync', writeSync, memory);
  return memory.root;
}

/** The same call for both sides: its first argument, a path or a descriptor, tells which. */
function extended<Call extends (...values: never[]) => unknown>(
  name: Exclude<keyof MemoryFiles, 'root' | 'has'>,
  real: Call,
  files: MemoryFiles,
): Call {
  const inMemory: unknown = files[name];
  const call = (...values: unknown[]): unknown =>
    files.has(values[0]) ? Reflect.apply(inMemory as Call, files, values) : Reflect.apply(real, fs, values);
  return call as unknown as Call;
}

/** A file that nobody else made, for appending only: `EEXIST` where one is there. Mode 0600. */
export function createForAppend(path: string): number {
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
}

/** A file that is there, for appending only; never through a symbolic link. */
export function openForAppend(path: string): number {
  return openSync(path, O_WRONLY | O_APPEND | (O_NOFOLLOW ?? 0));
}

/**
 * Opens for reading, never through a symbolic link; `undefined` where there is no such file. Throws what the system answers
 * otherwise, such as EMFILE: then nothing is known about the file.
 */
export function openExisting(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | (O_NOFOLLOW ?? 0));
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
}

/** The same, with `undefined` for whatever stands in the way. */
export function openForRead(path: string): number | undefined {
  try {
    return openExisting(path);
  } catch {
    return undefined;
  }
}

/** The names in a directory; none where it cannot be read. */
export function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Replaces a small file atomically: whoever reads it sees the old or the new one, never a part. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  try {
    writeWhole(temporary, typeof content === 'string' ? Buffer.from(content) : content);
    renameSync(temporary, path);
  } catch (error) {
    // A part of it must not take up the last room.
    rmSync(temporary, { force: true });
    throw error;
  }
}

/** `writeFileSync` looks up some of the calls that it needs when it is called, and finds those of the program. */
function writeWhole(path: string, bytes: Uint8Array): void {
  const file = openSync(path, O_WRONLY | O_CREAT | O_TRUNC | (O_NOFOLLOW ?? 0), 0o600);
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(file, bytes, at, bytes.length - at);
  } finally {
    closeSync(file);
  }
}
