/**
 * How a process whose environment was scrubbed finds its tree: by its ancestors.
 *
 * In: the tree that this process belongs to. Out: the tree of this process or of its nearest registered ancestor.
 * Invariant: the place does not depend on the environment; an entry is believed only if it, its directory and the tree
 * it names are ours alone; a reused pid never finds its predecessor's entry (where the platform tells start times).
 * On failure: no entry, or none found. Nothing here throws; the environment variable remains.
 */
import { tmpdir } from 'node:os';
import { dirname, isAbsolute, join } from 'node:path';
import { threadId } from 'node:worker_threads';
import {
  ensurePrivateDirectory,
  isPrivateDirectory,
  PRIVATE_FILE,
  readPrivateText,
  userSuffix,
} from './directory.ts';
import { existsSync, namesIn, renameSync, rmSync, writeFileSync } from './files.ts';
import { currentIdentity, lineage, liveness, type ProcessIdentity } from './identity.ts';
import { isTree } from './trees.ts';

/** Names the tree's directory to every process that inherits the environment. */
export const TREE_VARIABLE = 'MSC_TELEMETRY_DIRECTORY';

const ENTRY_NAME = /^([0-9a-f]{0,8})-(\d*)-(\d+)-(\d*)(?:\.\d+\.new)?$/;

/** The places of the registry, the preferred one first. An entry is in the first that could be written. */
export function registryDirectories(): string[] {
  const parents = process.platform === 'win32' ? [tmpdir()] : ['/dev/shm', '/tmp'];
  return parents.map((parent) => join(parent, `msc-telemetry-${userSuffix()}`, 'processes'));
}

/** Lets this process and its descendants find `tree`, an absolute path. False if no place could be written. */
export function registerProcess(tree: string): boolean {
  const name = entryName(currentIdentity());
  for (const directory of registryDirectories()) {
    // Threads share the identity, so each needs a name of its own until the rename.
    const temporary = join(directory, `${name}.${threadId}.new`);
    try {
      ensurePrivateDirectory(dirname(directory));
      ensurePrivateDirectory(directory);
      // What a thread of the same process left that was stopped in here.
      if (existsSync(temporary)) rmSync(temporary, { force: true });
      writeFileSync(temporary, tree, PRIVATE_FILE);
      renameSync(temporary, join(directory, name));
      return true;
    } catch {
      // The next place may do.
    }
  }
  return false;
}

/** Takes this process's entry away. */
export function unregisterProcess(): void {
  for (const directory of trustedDirectories()) remove(join(directory, entryName(currentIdentity())));
}

/**
 * The tree to join: the one `MSC_TELEMETRY_DIRECTORY` names, if it can be used; else the one of this process (a thread
 * of which may have another environment) or of its nearest registered ancestor. Undefined if there is none.
 */
export function findTree(env: NodeJS.ProcessEnv): string | undefined {
  const named = env[TREE_VARIABLE];
  if (named !== undefined && isAbsolute(named) && isTree(named)) return named;
  // Its entries first: mostly there are none, and every ancestor costs a look into /proc.
  const entries = trustedDirectories().map((directory) => [directory, new Set(namesIn(directory))] as const);
  if (entries.every(([, names]) => names.size === 0)) return undefined;
  for (const identity of lineage()) {
    const name = entryName(identity);
    for (const [directory, names] of entries) {
      const tree = names.has(name) ? treeIn(join(directory, name)) : undefined;
      if (tree !== undefined) return tree;
    }
  }
  return undefined;
}

/** Removes what dead processes left. Entries of other pid namespaces stay: nothing can be said about them from here. */
export function sweepRegistry(): void {
  for (const directory of trustedDirectories()) {
    for (const name of namesIn(directory)) {
      const identity = identityFrom(name);
      if (identity !== undefined && liveness(identity) === 'dead') remove(join(directory, name));
    }
  }
}

const trustedDirectories = (): string[] =>
  registryDirectories().filter(
    (directory) => isPrivateDirectory(dirname(directory)) && isPrivateDirectory(directory),
  );

const entryName = ({ bootId, pidNamespace, pid, startTime }: ProcessIdentity): string =>
  [bootId.slice(0, 8), pidNamespace, pid, startTime].join('-');

function identityFrom(name: string): ProcessIdentity | undefined {
  const [, boot, pidNamespace, pid, startTime] = ENTRY_NAME.exec(name) ?? [];
  if (boot === undefined) return undefined;
  const here = currentIdentity();
  // Names hold the first digits of the boot id only: enough to tell this boot from others.
  const bootId = here.bootId.startsWith(boot) ? here.bootId : boot;
  return { pid: Number(pid), startTime, bootId, pidNamespace };
}

function treeIn(entry: string): string | undefined {
  try {
    const tree = readPrivateText(entry);
    return tree !== undefined && isAbsolute(tree) && isTree(tree) ? tree : undefined;
  } catch {
    // Unreadable is as good as absent.
    return undefined;
  }
}

function remove(path: string): void {
  try {
    rmSync(path, { force: true });
  } catch {
    // It stays until the next sweep.
  }
}
