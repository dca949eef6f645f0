/**
 * Where the directories of process trees live.
 *
 * In: an environment. Out: a tree's directory, new or found, and its counterpart on disk.
 * Invariant: a tree is private, and so is every directory in it; its name is random and never used twice. Everybody in
 * a tree finds the same spill directory, whatever their environment.
 * On failure: memory that cannot be used gives way to disk; where neither can, a TelemetryError that names both.
 */
import { constants } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, isAbsolute, join, resolve } from 'node:path';
import { TelemetryError } from '../errors.ts';
import {
  ensurePrivateDirectory,
  freeBytes,
  isPrivateDirectory,
  PRIVATE_FILE,
  readPrivateText,
  userSuffix,
} from './directory.ts';
import { accessSync, namesIn, rmSync, writeFileSync } from './files.ts';
import { randomName } from './random.ts';

/** Directories that trees are created in. */
export interface BaseDirectories {
  /** On a memory-backed file system; undefined if there is none with room. */
  readonly memory?: string;
  readonly disk: string;
}

/** Memory-backed places with less room are passed over; containers often have 64 MB, some have none. */
const MIN_FREE_BYTES = 16 * 1024 * 1024;
const TREE_NAME = /^tree-[0-9a-f]{32}$/;
const JOURNALS = 'journals';
const SPILL_LOCATION = 'spill-location';

/**
 * `MSC_TELEMETRY_ROOT` is both (disk: `spill` in it). Else memory is `msc-telemetry-UID` in /dev/shm or `msc-telemetry` in
 * `XDG_RUNTIME_DIR`, the first that is writable with at least 16 MiB free; disk is `msc-telemetry-UID` in `os.tmpdir()`.
 */
export function baseDirectories(env: NodeJS.ProcessEnv): BaseDirectories {
  const memory = memoryPlaces(env).find(({ parent }) => parent === undefined || hasRoom(parent));
  const disk = diskBase(env);
  return memory === undefined ? { disk } : { memory: memory.base, disk };
}

/**
 * Creates the directory of a new tree and returns its path.
 * @throws TelemetryError if no base directory can be used: MSC_DIRECTORY_UNSAFE or MSC_ADDRESS_UNUSABLE.
 */
export function createTree(env: NodeJS.ProcessEnv): string {
  const { memory, disk } = baseDirectories(env);
  const id = randomName();
  const errors: unknown[] = [];
  for (const base of memory === undefined ? [disk] : [memory, disk]) {
    const tree = join(base, `tree-${id}`);
    try {
      // A root that the user names keeps the mode it has: it may be shared on purpose, as volumes of containers are.
      if (rootOf(env) === undefined) ensurePrivateDirectory(base);
      ensureTree(tree);
      writeFileSync(join(tree, SPILL_LOCATION), join(disk, `spill-${id}`), PRIVATE_FILE);
      return tree;
    } catch (error) {
      errors.push(error);
      if (isPrivateDirectory(tree)) rmSync(tree, { recursive: true, force: true });
    }
  }
  throw noPlace(errors);
}

/**
 * The directory of the tree that listens on a port, where the user names none: on disk, and always the same one, so that its
 * clients find what they have sent before.
 */
export function listeningTree(env: NodeJS.ProcessEnv, host: string, port: number): string {
  const base = diskBase(env);
  if (rootOf(env) === undefined) ensurePrivateDirectory(base);
  return join(base, `listen-${host.replaceAll(/[^\w.-]/g, '_')}-${port}`);
}

/**
 * Makes a directory that the user names a tree, and private; one that is a tree already stays as it is.
 * @throws TelemetryError MSC_DIRECTORY_UNSAFE or MSC_ADDRESS_UNUSABLE, as `ensurePrivateDirectory` does.
 */
export function ensureTree(directory: string): void {
  ensurePrivateDirectory(directory);
  ensurePrivateDirectory(join(directory, JOURNALS));
}

/** Whether a directory was named by `createTree`, and not by a user. */
export function isTreeName(path: string): boolean {
  return TREE_NAME.test(basename(path));
}

/** Whether `path` is the directory of a tree, and safe to use. Never throws. */
export function isTree(path: string): boolean {
  return isPrivateDirectory(path) && isPrivateDirectory(join(path, JOURNALS));
}

/** Every tree of this user in the base directories, with room or without. Never throws. */
export function listTrees(env: NodeJS.ProcessEnv): string[] {
  return [...memoryPlaces(env).map(({ base }) => base), diskBase(env)].flatMap((base) =>
    namesIn(base)
      .filter((name) => TREE_NAME.test(name))
      .map((name) => join(base, name))
      .filter(isTree),
  );
}

/**
 * The directory on disk that mirrors a tree; it may not exist yet. Its creator wrote down where: `spill-ID` in its disk
 * base. In a directory that the user named it is `spill` inside, on the volume that everybody in the tree can see.
 * Throws what the system answers, such as EMFILE, where the tree cannot be read.
 */
export function spillDirectoryFor(tree: string): string {
  const location = readPrivateText(join(tree, SPILL_LOCATION));
  return location !== undefined && isAbsolute(location) ? location : join(tree, 'spill');
}

function rootOf(env: NodeJS.ProcessEnv): string | undefined {
  const root = env['MSC_TELEMETRY_ROOT'];
  return root === undefined || root === '' ? undefined : resolve(root);
}

/** Without a parent, `base` is taken as it is. */
function memoryPlaces(env: NodeJS.ProcessEnv): { base: string; parent?: string }[] {
  const root = rootOf(env);
  if (root !== undefined) return [{ base: root }];
  if (process.platform === 'win32') return [];
  const places = [{ base: `/dev/shm/msc-telemetry-${userSuffix()}`, parent: '/dev/shm' }];
  const runtime = env['XDG_RUNTIME_DIR'];
  if (runtime !== undefined && isAbsolute(runtime)) {
    places.push({ base: join(runtime, 'msc-telemetry'), parent: runtime });
  }
  return places;
}

function diskBase(env: NodeJS.ProcessEnv): string {
  const root = rootOf(env);
  return root === undefined ? join(tmpdir(), `msc-telemetry-${userSuffix()}`) : join(root, 'spill');
}

function hasRoom(directory: string): boolean {
  try {
    accessSync(directory, constants.W_OK | constants.X_OK);
    return freeBytes(directory) >= MIN_FREE_BYTES;
  } catch {
    return false;
  }
}

function noPlace(errors: readonly unknown[]): TelemetryError {
  const known = errors.filter((error) => error instanceof TelemetryError);
  const messages = errors.map((error) => (error instanceof Error ? error.message : String(error)));
  return new TelemetryError(
    known[0]?.code ?? 'MSC_ADDRESS_UNUSABLE',
    `No directory for telemetry: ${messages.join('; ')}`,
    known.flatMap(({ problems }) => problems),
    errors[0],
  );
}
