/**
 * Remote: journals that the server of a link writes for clients elsewhere, and what is known of their writers.
 *
 * In: `remote/<id>` in the tree. Out: whether the journal is open, and how far it had come when it ended.
 * Invariant: the record is there before its journal is, and stays until the client never asks for it again: a client that does
 * not know whether its last words arrived is told so, long after they were exported.
 * On failure to read: the journal counts as open.
 */
import path from 'node:path';
import { ensurePrivateDirectory, readPrivateText } from '../tree/directory.ts';
import { namesIn, replaceFile, rmSync } from '../tree/files.ts';

/** `ended`: its client said so. `lapsed`: its client has not been there for longer than the lease. */
export interface RemoteRecord {
  readonly state: 'open' | 'ended' | 'lapsed';
  /** Of its last frame; while it is open, of the last one that an earlier journal of the same writer has. */
  readonly sequence: number;
  /** Epoch milliseconds of the writer's end, as its client knows it; of the last sign of life where it lapsed. */
  readonly endedAtMillis: number;
  /** When this was written. */
  readonly atMillis: number;
  /** Its client never asks for it again. */
  readonly isForgotten: boolean;
}

const ID = /^[0-9a-f]{32}$/;

/** `undefined` where the journal's writer is no remote one. */
export function readRemote(tree: string, journal: string): RemoteRecord | undefined {
  const text = readPrivateText(file(tree, journal));
  if (text === undefined) return undefined;
  const open: RemoteRecord = {
    state: 'open',
    sequence: 0,
    endedAtMillis: 0,
    atMillis: 0,
    isForgotten: false,
  };
  try {
    return { ...open, ...(JSON.parse(text) as Partial<RemoteRecord>) };
  } catch {
    return open;
  }
}

/** All records, by journal. */
export function readRemotes(tree: string): Map<string, RemoteRecord> {
  const records = new Map<string, RemoteRecord>();
  for (const name of namesIn(directoryOf(tree))) {
    const record = ID.test(name) ? readRemote(tree, name) : undefined;
    if (record !== undefined) records.set(name, record);
  }
  return records;
}

/** Throws what the system answers where there is no room. */
export function writeRemote(tree: string, journal: string, record: RemoteRecord): void {
  ensurePrivateDirectory(directoryOf(tree));
  replaceFile(file(tree, journal), JSON.stringify(record));
}

export function removeRemote(tree: string, journal: string): void {
  rmSync(file(tree, journal), { force: true });
}

const directoryOf = (tree: string): string => path.join(tree, 'remote');

const file = (tree: string, journal: string): string => path.join(directoryOf(tree), journal);
