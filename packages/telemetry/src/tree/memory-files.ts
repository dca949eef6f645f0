/**
 * Memory files: a file system inside this thread, for a program that may write nowhere.
 *
 * In: paths below a root that no real file system has. Out: what `node:fs` would have answered, as far as this package
 * relies on it in its own directories: paths are normalized, and files are only ever written at their end.
 * Invariant: a descriptor is a number that the system never gives out; all files together hold at most `maxBytes`.
 * On failure: errors with the codes of the system, such as ENOENT, EEXIST and ENOSPC. Nothing outlives the thread.
 */
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, resolve, sep } from 'node:path';

const { O_CREAT, O_EXCL, O_TRUNC, S_IFDIR, S_IFREG } = fs.constants;

/** `node:fs` refuses descriptors from here on. */
const FIRST_DESCRIPTOR = 2 ** 31;
const BLOCK_BYTES = 4096;
/** Of these flags, what makes a difference here. */
const FLAGS: Readonly<Record<'a' | 'w' | 'wx', number>> = {
  a: O_CREAT,
  w: O_CREAT | O_TRUNC,
  wx: O_CREAT | O_EXCL,
};
const NOTHING = new Uint8Array(0);

interface Entry {
  readonly isDirectory: boolean;
  readonly mode: number;
  /** Longer than the file's content by what the next writes will take. */
  bytes: Uint8Array;
  size: number;
  mtimeMs: number;
  /** Names and descriptors; without any, its bytes are free again. */
  holders: number;
}

/** At most `maxBytes` in all files together. */
export function openMemoryFiles(maxBytes: number): MemoryFiles {
  return new MemoryFiles(maxBytes);
}

export class MemoryFiles {
  /** A directory that exists from the start. */
  readonly root: string = resolve('/', `msc-telemetry-memory-${randomBytes(16).toString('hex')}`);
  readonly #maxBytes: number;
  readonly #entries = new Map<string, Entry>([[this.root, newEntry(true, 0o700)]]);
  readonly #open = new Map<number, Entry>();
  #nextDescriptor = FIRST_DESCRIPTOR;
  #usedBytes = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Whether a path or a descriptor is one of these. */
  has(at: unknown): boolean {
    if (typeof at === 'number') return at >= FIRST_DESCRIPTOR;
    return typeof at === 'string' && at.startsWith(this.root);
  }

  openSync(path: string, flags: number | keyof typeof FLAGS, mode = 0o666): number {
    const bits = typeof flags === 'number' ? flags : FLAGS[flags];
    const isNew = !this.#entries.has(path);
    if (!isNew && (bits & O_EXCL) !== 0) throw failure('EEXIST', 'open', path);
    if (isNew && (bits & O_CREAT) !== 0) this.#put('open', path, newEntry(false, mode));
    const file = this.#file('open', path);
    if ((bits & O_TRUNC) !== 0) this.#empty(file);
    file.holders++;
    this.#open.set(this.#nextDescriptor, file);
    return this.#nextDescriptor++;
  }

  closeSync(descriptor: number): void {
    const file = this.#opened('close', descriptor);
    this.#open.delete(descriptor);
    this.#release(file);
  }

  /** All or nothing. */
  writeSync(
    descriptor: number,
    bytes: Uint8Array,
    offset = 0,
    length: number = bytes.length - offset,
  ): number {
    const file = this.#opened('write', descriptor);
    const size = file.size + length;
    if (size > file.bytes.length) this.#grow(file, Math.max(size, Math.ceil(1.5 * file.bytes.length)));
    file.bytes.set(bytes.subarray(offset, offset + length), file.size);
    file.size = size;
    file.mtimeMs = Date.now();
    return length;
  }

  /** From `position`: descriptors have none of their own. */
  readSync(
    descriptor: number,
    bytes: Uint8Array,
    offset = 0,
    length: number = bytes.length - offset,
    position = 0,
  ): number {
    const { bytes: content, size } = this.#opened('read', descriptor);
    const found = content.subarray(position, Math.min(position + length, size));
    bytes.set(found, offset);
    return found.length;
  }

  /** By descriptor only. */
  readFileSync(descriptor: number): Buffer {
    const { bytes, size } = this.#opened('read', descriptor);
    return Buffer.from(bytes.subarray(0, size));
  }

  writeFileSync(
    path: string,
    content: string | Uint8Array,
    { flag = 'w', mode }: { readonly flag?: 'w' | 'wx'; readonly mode?: number } = {},
  ): void {
    const descriptor = this.openSync(path, flag, mode);
    try {
      this.writeSync(descriptor, Buffer.from(content));
    } finally {
      this.closeSync(descriptor);
    }
  }

  /** To nothing. */
  truncateSync(path: string): void {
    this.#empty(this.#file('open', path));
  }

  linkSync(from: string, to: string): void {
    const file = this.#file('link', from);
    if (this.#entries.has(to)) throw failure('EEXIST', 'link', to);
    this.#put('link', to, file);
  }

  /** A file replaces a file; nothing replaces a directory. */
  renameSync(from: string, to: string): void {
    const entry = this.#existing('rename', from);
    const replaced = this.#entries.get(to);
    if (replaced === entry) return;
    if (replaced?.isDirectory === true) throw failure('ENOTEMPTY', 'rename', to);
    this.#put('rename', to, entry);
    for (const path of this.#below(from)) {
      this.#entries.set(to + path.slice(from.length), this.#existing('rename', path));
      this.#entries.delete(path);
    }
    this.#remove(from);
  }

  unlinkSync(path: string): void {
    this.#file('unlink', path);
    this.#remove(path);
  }

  mkdirSync(path: string, mode: number): void {
    if (this.#entries.has(path)) throw failure('EEXIST', 'mkdir', path);
    this.#put('mkdir', path, newEntry(true, mode));
  }

  rmdirSync(path: string): void {
    if (this.readdirSync(path).length > 0) throw failure('ENOTEMPTY', 'rmdir', path);
    this.#remove(path);
  }

  rmSync(path: string, options: { readonly recursive?: boolean; readonly force?: boolean } = {}): void {
    if (options.force === true && !this.#entries.has(path)) return;
    const { isDirectory } = this.#existing('rm', path);
    if (isDirectory && options.recursive !== true) throw failure('ERR_FS_EISDIR', 'rm', path);
    for (const inner of this.#below(path)) this.#remove(inner);
    this.#remove(path);
  }

  readdirSync(path: string): string[] {
    if (!this.#existing('scandir', path).isDirectory) throw failure('ENOTDIR', 'scandir', path);
    return this.#below(path)
      .filter((inner) => dirname(inner) === path)
      .map((inner) => basename(inner));
  }

  existsSync(path: string): boolean {
    return this.#entries.has(path);
  }

  statSync(path: string, options: { readonly throwIfNoEntry?: boolean } = {}): fs.Stats | undefined {
    if (options.throwIfNoEntry === false && !this.#entries.has(path)) return undefined;
    return statsOf(this.#existing('stat', path));
  }

  /** There are no symbolic links. */
  lstatSync(path: string, options?: { readonly throwIfNoEntry?: boolean }): fs.Stats | undefined {
    return this.statSync(path, options);
  }

  fstatSync(descriptor: number): fs.Stats {
    return statsOf(this.#opened('fstat', descriptor));
  }

  statfsSync(path: string): Pick<fs.StatsFs, 'bavail' | 'bsize'> {
    this.#existing('statfs', path);
    return { bsize: BLOCK_BYTES, bavail: Math.floor((this.#maxBytes - this.#usedBytes) / BLOCK_BYTES) };
  }

  #existing(call: string, path: string): Entry {
    const entry = this.#entries.get(path);
    if (entry === undefined) throw failure('ENOENT', call, path);
    return entry;
  }

  #file(call: string, path: string): Entry {
    const entry = this.#existing(call, path);
    if (entry.isDirectory) throw failure('EISDIR', call, path);
    return entry;
  }

  #opened(call: string, descriptor: number): Entry {
    const file = this.#open.get(descriptor);
    if (file === undefined) throw failure('EBADF', call, String(descriptor));
    return file;
  }

  #below(path: string): string[] {
    return [...this.#entries.keys()].filter((inner) => inner.startsWith(path + sep));
  }

  /** Under a name that may be a file's, but no directory's. */
  #put(call: string, path: string, entry: Entry): void {
    const parent = this.#existing(call, dirname(path));
    if (!parent.isDirectory) throw failure('ENOTDIR', call, path);
    entry.holders++;
    this.#remove(path);
    this.#entries.set(path, entry);
    parent.mtimeMs = Date.now();
  }

  #remove(path: string): void {
    const entry = this.#entries.get(path);
    if (entry === undefined) return;
    this.#entries.delete(path);
    this.#release(entry);
    const parent = this.#entries.get(dirname(path));
    if (parent !== undefined) parent.mtimeMs = Date.now();
  }

  #grow(file: Entry, capacity: number): void {
    const more = capacity - file.bytes.length;
    if (this.#usedBytes + more > this.#maxBytes) throw failure('ENOSPC', 'write');
    this.#usedBytes += more;
    const grown = new Uint8Array(capacity);
    grown.set(file.bytes);
    file.bytes = grown;
  }

  #empty(file: Entry): void {
    this.#usedBytes -= file.bytes.length;
    file.bytes = NOTHING;
    file.size = 0;
    file.mtimeMs = Date.now();
  }

  #release(entry: Entry): void {
    if (--entry.holders === 0) this.#empty(entry);
  }
}

function newEntry(isDirectory: boolean, permissions: number): Entry {
  const mode = (isDirectory ? S_IFDIR : S_IFREG) | permissions;
  return { isDirectory, mode, bytes: NOTHING, size: 0, mtimeMs: Date.now(), holders: 0 };
}

function statsOf({ isDirectory, mode, size, mtimeMs }: Entry): fs.Stats {
  const kind = { isDirectory: () => isDirectory, isFile: () => !isDirectory, isSymbolicLink: () => false };
  return { uid: process.geteuid?.() ?? 0, mode, size, mtimeMs, ...kind } as fs.Stats;
}

function failure(code: string, call: string, path = ''): NodeJS.ErrnoException {
  return Object.assign(new Error(`${code}: ${call} '${path}', in memory`), { code, syscall: call, path });
}
