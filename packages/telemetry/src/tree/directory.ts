/**
 * Directories and files that no other user can read, write or put in our way.
 *
 * In: paths. Out: directories that are ours alone, and the text of files in them.
 * Invariant: nothing is created in, or believed from, a place that another user (root apart) controls.
 * On failure: a TelemetryError that names the path, what was seen and what was expected. Modes that are merely too
 * loose are repaired. On Windows, where the user's own directories are private, owners and modes are not looked at.
 */
import { constants, type Stats } from 'node:fs';
import { userInfo } from 'node:os';
import { dirname } from 'node:path';
import { invalid, TelemetryError } from '../errors.ts';
import { codeOf } from './errno.ts';
import {
  chmodSync,
  closeSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  statfsSync,
} from './files.ts';

/** Options of every file that is created: it must not exist yet (not even as a symbolic link), and is ours alone. */
export const PRIVATE_FILE: { readonly flag: 'wx'; readonly mode: number } = Object.freeze({
  flag: 'wx',
  mode: 0o600,
});

const DIRECTORY_MODE = 0o700;
const OTHERS = 0o077;
const STICKY = 0o1000;
const MAX_TEXT_BYTES = 8192;

/**
 * Makes `path` a directory of this user alone: creates it, and its missing parents, with mode 0700; takes group's and
 * others' rights off one of ours. Never off one with the sticky bit, such as /tmp: that one is shared by intention.
 * @throws TelemetryError MSC_DIRECTORY_UNSAFE for a symbolic link, another user's directory, rights that stay, or a
 * new directory in a parent that belongs neither to this user nor to root; MSC_ADDRESS_UNUSABLE if it cannot be created.
 */
export function ensurePrivateDirectory(path: string): void {
  try {
    let stats = lstatSync(path, { throwIfNoEntry: false }) ?? create(path);
    if (stats.isDirectory() && isOurs(stats) && (stats.mode & STICKY) === 0 && hasOtherRights(stats)) {
      chmodSync(path, DIRECTORY_MODE);
      stats = lstatSync(path);
    }
    const flaw = flawOf(stats);
    if (flaw !== undefined) throw unsafe(path, flaw, `a directory of user ${userSuffix()} with mode 700`);
  } catch (error) {
    throw error instanceof TelemetryError ? error : unusable(path, error, 'a directory that can be created');
  }
}

/** Whether `path` is a directory of this user alone, as it is. Never throws. */
export function isPrivateDirectory(path: string): boolean {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false });
    return stats !== undefined && flawOf(stats) === undefined;
  } catch {
    return false;
  }
}

/**
 * The text of a small file of ours; undefined if there is none, or it is no plain file, another user's, or beyond
 * 8 KiB. Throws what the system answers otherwise, such as EMFILE: then nothing is known about the file.
 */
export function readPrivateText(path: string): string | undefined {
  // Absent files are the common case when a tree is looked for, and exceptions are slow.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
  let file: number;
  try {
    // Windows lacks both flags. O_NONBLOCK: should a named pipe have come since, it must not hold us.
    file = openSync(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0));
  } catch (error) {
    if (['ENOENT', 'ELOOP'].includes(codeOf(error) ?? '')) return undefined;
    throw error;
  }
  try {
    const stats = fstatSync(file);
    if (!stats.isFile() || !isOurs(stats) || stats.size > MAX_TEXT_BYTES) return undefined;
    const bytes = Buffer.alloc(stats.size);
    return bytes.toString('utf8', 0, readSync(file, bytes));
  } finally {
    closeSync(file);
  }
}

/** Bytes that this user may still write to the file system of an existing path; 0 where that cannot be read. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return 0;
  }
}

/** Bytes of memory that this process's container may use (its cgroup, or Windows job); Infinity without a limit. */
export function memoryLimitBytes(): number {
  const bytes = process.constrainedMemory();
  // "No limit" is 0, 2^63 minus a page or 2^64, depending on the system.
  return bytes > 0 && bytes < 2 ** 60 ? bytes : Infinity;
}

/** The error for a path that the system refused. */
export function unusable(path: string, cause: unknown, expected: string): TelemetryError {
  const value = codeOf(cause) ?? String(cause);
  const message = `Directory cannot be used: ${path}: got ${value}, expected ${expected}`;
  return new TelemetryError('MSC_ADDRESS_UNUSABLE', message, [{ path, value, expected }], cause);
}

/** What tells this user's directories from others' in a shared place: the user id, on Windows the user's name. */
export function userSuffix(): string {
  return String(process.geteuid?.() ?? userInfo().username.replaceAll(/[^\w.-]/g, '_'));
}

function create(path: string): Stats {
  const parent = dirname(path);
  const stats = statSync(parent, { throwIfNoEntry: false });
  if (stats === undefined && parent !== path) ensurePrivateDirectory(parent);
  if (stats !== undefined && !isOurs(stats) && stats.uid !== 0) {
    throw unsafe(
      parent,
      `owner ${stats.uid}`,
      `a parent for ${path} that is owned by ${userSuffix()} or root`,
    );
  }
  try {
    mkdirSync(path, DIRECTORY_MODE);
  } catch (error) {
    // Another process of ours may have come first; the caller looks at what it made.
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  return lstatSync(path);
}

function flawOf(stats: Stats): string | undefined {
  if (stats.isSymbolicLink()) return 'a symbolic link';
  if (!stats.isDirectory()) return 'not a directory';
  if (!isOurs(stats)) return `owner ${stats.uid}`;
  return hasOtherRights(stats) ? `mode ${(stats.mode & 0o7777).toString(8)}` : undefined;
}

const isOurs = (stats: Stats): boolean => process.geteuid === undefined || stats.uid === process.geteuid();

const hasOtherRights = (stats: Stats): boolean =>
  process.geteuid !== undefined && (stats.mode & OTHERS) !== 0;

const unsafe = (path: string, value: string, expected: string): TelemetryError =>
  invalid('MSC_DIRECTORY_UNSAFE', 'Directory is not safe', [{ path, value, expected }]);
