/**
 * Certificates on disk, for all processes of a user that fetch the same ones.
 *
 * In: certificates, when they were fetched. Out: what was written last. One directory per fingerprint of where they come
 * from, mode 0700 and checked; one file, mode 0600, replaced atomically. Invariant: one process fetches at a time, the
 * others wait for it, though not for ever.
 * On failure: as if there were no cache, with one line that says why.
 */
import { constants } from 'node:fs';
import { open, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
// Taken at load: programs replace the global timers in their tests.
import { setTimeout as sleep } from 'node:timers/promises';
import { logError } from '../log.ts';
import { ensurePrivateDirectory, PRIVATE_FILE } from '../tree/directory.ts';
import { acquireServerLock } from '../tree/lock.ts';
import { isRecord, parseJson } from './json.ts';
import { reasonOf } from './outcomes.ts';
import type { Certificates } from './vault-client.ts';

export interface CachedCertificates extends Certificates {
  readonly fetchedAtMillis: number;
}

const FILE = 'certificates.json';
const MAX_BYTES = 1024 * 1024;
const POLL_MILLIS = 100;
let writes = 0;

export class CertificateCache {
  readonly #directory: string;
  readonly #maxWaitMillis: number;

  /** @param maxWaitMillis how long another process may take until this one fetches as well. */
  constructor(directory: string, maxWaitMillis = 60_000) {
    this.#directory = directory;
    this.#maxWaitMillis = maxWaitMillis;
  }

  /** What lies there; undefined where that is nothing, not ours, or no certificates. Never throws. */
  async read(): Promise<CachedCertificates | undefined> {
    try {
      ensurePrivateDirectory(this.#directory);
      return cachedOf(parseJson(await readOwnFile(join(this.#directory, FILE))));
    } catch {
      return undefined;
    }
  }

  /** Replaces what lies there. Never throws. */
  async write(certificates: CachedCertificates): Promise<void> {
    const file = join(this.#directory, FILE);
    const temporary = `${file}.${process.pid}.${++writes}`;
    try {
      ensurePrivateDirectory(this.#directory);
      await writeFile(temporary, JSON.stringify(certificates), PRIVATE_FILE);
      await rename(temporary, file);
    } catch (error) {
      logError(`certificates are not cached: ${reasonOf(error)}`);
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /**
   * Runs `fetch` while no other process does. Where another one does, waits until `find` finds what that one has written.
   *
   * A lock whose process is dead is taken over; one that is held for too long is passed by.
   */
  async fetchAlone<T>(find: () => Promise<T | undefined>, fetch: () => Promise<T>): Promise<T> {
    const deadline = Date.now() + this.#maxWaitMillis;
    for (;;) {
      const lock = this.#acquire();
      if (lock !== undefined || Date.now() >= deadline) {
        try {
          return (await find()) ?? (await fetch());
        } finally {
          lock?.release();
        }
      }
      const found = await find();
      if (found !== undefined) return found;
      await sleep(POLL_MILLIS, undefined, { ref: false });
    }
  }

  #acquire(): { release(): void } | undefined {
    try {
      ensurePrivateDirectory(this.#directory);
      return acquireServerLock(this.#directory);
    } catch {
      // No place for a lock, so none for a cache either: everyone fetches.
      return { release: () => undefined };
    }
  }
}

async function readOwnFile(path: string): Promise<string> {
  // Windows lacks the flag.
  const file = await open(path, constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0));
  try {
    const { uid, size } = await file.stat();
    const isOurs = process.geteuid === undefined || uid === process.geteuid();
    if (!isOurs || size > MAX_BYTES) throw new Error('not a file of ours');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

function cachedOf(value: unknown): CachedCertificates | undefined {
  if (!isRecord(value)) return undefined;
  const { cert, key, ca, fetchedAtMillis } = value;
  if (typeof cert !== 'string' || typeof key !== 'string' || typeof fetchedAtMillis !== 'number')
    return undefined;
  return { cert, key, fetchedAtMillis, ...(typeof ca === 'string' && { ca }) };
}
