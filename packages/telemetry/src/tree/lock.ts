/**
 * One server per directory.
 *
 * In: a tree's directory. Out: the lock, for the one process that got it.
 * Invariant: the generation numbers of `server-N` never go back, and only the highest one counts; a generation is
 * superseded only when its holder is dead or has released it.
 * On failure: whoever cannot tell does not hold. A malformed file counts as released: files appear complete, so only
 * a crash of the machine leaves such a one.
 *
 * Why not one lock file that the next server replaces: two contenders both find its holder dead. The first removes it,
 * puts its own in place and starts to serve; the second, acting on what it read before, removes or renames over the first
 * one's lock and starts as well. `link` to the next number, in contrast, fails for everyone but the first. One who read
 * long ago may still succeed with a number that was in use and was cleaned up since; but then a higher one exists, as the
 * highest is never removed, and so it sees that it does not hold.
 */
import { join } from 'node:path';
import { PRIVATE_FILE, readPrivateText, unusable } from './directory.ts';
import { codeOf } from './errno.ts';
import { linkSync, readdirSync, rmSync, truncateSync, writeFileSync } from './files.ts';
import {
  currentIdentity,
  decodeIdentity,
  encodeIdentity,
  liveness,
  type Liveness,
  type ProcessIdentity,
} from './identity.ts';
import { randomName } from './random.ts';

/** The right to be the server of a directory, until it is released or its process ends. */
export interface ServerLock {
  /** Grows with every server of the directory. */
  readonly generation: number;
  /** Whether this lock still counts; false too where that cannot be read. To be asked before lasting decisions. */
  isHeld(): boolean;
  /** Lets the next server in. Does nothing if the lock is not held. */
  release(): void;
}

const GENERATION = /^server-([1-9]\d{0,14})$/;
const TEMPORARY = /^server-[0-9a-f]{32}\.new$/;

/**
 * Takes the lock of a directory, or returns undefined if another server holds it: one that lives, or that cannot be
 * looked up from this pid namespace.
 * @throws TelemetryError MSC_ADDRESS_UNUSABLE if the directory cannot hold a lock: gone, full, no hard links.
 */
export function acquireServerLock(directory: string): ServerLock | undefined {
  try {
    const last = highestGeneration(directory);
    const holder = readHolder(directory, last);
    if (holder !== undefined && liveness(holder) !== 'dead') return undefined;
    const lock = claim(directory, last + 1);
    if (!lock.isHeld()) return undefined;
    removeFormer(directory, lock.generation);
    return lock;
  } catch (error) {
    throw unusable(directory, error, 'a directory that can hold a lock');
  }
}

/** Who holds the lock of a directory, and whether that process lives; undefined if nobody does. Never throws. */
export function serverHolder(
  directory: string,
): { identity: ProcessIdentity; liveness: Liveness } | undefined {
  try {
    const identity = readHolder(directory, highestGeneration(directory));
    return identity && { identity, liveness: liveness(identity) };
  } catch {
    return undefined;
  }
}

function claim(directory: string, generation: number): ServerLock {
  const nonce = randomName();
  const content = `${encodeIdentity(currentIdentity())}\n${nonce}`;
  const path = generationPath(directory, generation);
  const temporary = join(directory, `server-${nonce}.new`);
  writeFileSync(temporary, content, PRIVATE_FILE);
  try {
    linkSync(temporary, path);
  } catch (error) {
    // Somebody came first, and may have cleaned up already. What lies there now decides.
    if (!['EEXIST', 'ENOENT'].includes(codeOf(error) ?? '')) throw error;
  } finally {
    rmSync(temporary, { force: true });
  }
  const isHeld = (): boolean => {
    try {
      return highestGeneration(directory) === generation && readPrivateText(path) === content;
    } catch {
      return false;
    }
  };
  const release = (): void => {
    if (!isHeld()) return;
    try {
      // Emptied and not removed, so that the numbers never go back.
      truncateSync(path);
    } catch {
      // The end of this process releases it as well.
    }
  };
  return { generation, isHeld, release };
}

/** 0 if there is none. */
function highestGeneration(directory: string): number {
  return readdirSync(directory).reduce((highest, name) => Math.max(highest, generationOf(name)), 0);
}

const generationOf = (name: string): number => Number(GENERATION.exec(name)?.[1] ?? 0);

const generationPath = (directory: string, generation: number): string =>
  join(directory, `server-${generation}`);

function readHolder(directory: string, generation: number): ProcessIdentity | undefined {
  const [line] = (readPrivateText(generationPath(directory, generation)) ?? '').split('\n');
  return decodeIdentity(line);
}

function removeFormer(directory: string, generation: number): void {
  for (const name of readdirSync(directory)) {
    const isFormer = generationOf(name) > 0 && generationOf(name) < generation;
    if (isFormer || TEMPORARY.test(name)) rmSync(join(directory, name), { force: true });
  }
}
