/**
 * The file-system calls of the journal, captured at load: a program (or our own node:fs instrumentation) that replaces
 * functions of `node:fs` later neither sees nor disturbs the journal.
 */
import fs from 'node:fs';

export const appendFileSync: typeof fs.appendFileSync = fs.appendFileSync;
export const closeSync: typeof fs.closeSync = fs.closeSync;
export const existsSync: typeof fs.existsSync = fs.existsSync;
export const fstatSync: typeof fs.fstatSync = fs.fstatSync;
export const ftruncateSync: typeof fs.ftruncateSync = fs.ftruncateSync;
export const linkSync: typeof fs.linkSync = fs.linkSync;
export const lstatSync: typeof fs.lstatSync = fs.lstatSync;
export const mkdirSync: typeof fs.mkdirSync = fs.mkdirSync;
export const openSync: typeof fs.openSync = fs.openSync;
export const readFileSync: typeof fs.readFileSync = fs.readFileSync;
export const readSync: typeof fs.readSync = fs.readSync;
export const readdirSync: typeof fs.readdirSync = fs.readdirSync;
export const renameSync: typeof fs.renameSync = fs.renameSync;
export const rmSync: typeof fs.rmSync = fs.rmSync;
export const rmdirSync: typeof fs.rmdirSync = fs.rmdirSync;
export const statSync: typeof fs.statSync = fs.statSync;
export const statfsSync: typeof fs.statfsSync = fs.statfsSync;
export const unlinkSync: typeof fs.unlinkSync = fs.unlinkSync;
export const writeFileSync: typeof fs.writeFileSync = fs.writeFileSync;
export const writeSync: typeof fs.writeSync = fs.writeSync;

const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_RDONLY, O_WRONLY } = fs.constants;

/** A file that nobody else made, for appending only: `EEXIST` where one is there. Mode 0600. */
export function createForAppend(path: string): number {
  return openSync(path, O_WRONLY | O_APPEND | O_CREAT | O_EXCL | (O_NOFOLLOW ?? 0), 0o600);
}

/** Opens for reading, never through a symbolic link; `undefined` where there is no such file. */
export function openForRead(path: string): number | undefined {
  try {
    return openSync(path, O_RDONLY | (O_NOFOLLOW ?? 0));
  } catch {
    return undefined;
  }
}

/** Replaces a small file atomically: whoever reads it sees the old or the new one, never a part. */
export function replaceFile(path: string, content: string | Uint8Array): void {
  const temporary = `${path}.${process.pid}.tmp`;
  writeFileSync(temporary, content, { mode: 0o600 });
  renameSync(temporary, path);
}
