/**
 * Shared slots: batches of worker threads, in memory that the main thread can drain when a thread is terminated.
 *
 * In the main thread: made at `init`, handed to every worker that is created later, through environment data.
 * In a worker thread: one slot is claimed per recorder. It is drained by the thread that sees this one end: its parent, or
 * whoever sees its parent end.
 * Invariant: a rescue file has frames with the sequence numbers that the thread itself would have used, and exists only
 * whole; a batch that the thread wrote itself after all is dropped by the reader as seen.
 * On failure (all slots taken, or main without telemetry): the batch is private; a terminated thread loses its turn.
 */
import path from 'node:path';
import {
  getEnvironmentData,
  isMainThread,
  setEnvironmentData,
  threadId,
  type Worker,
} from 'node:worker_threads';
import { journalPlaces, RESCUE_FILE } from '../journal/places.ts';
import { ensurePrivateDirectory } from '../tree/directory.ts';
import { existsSync, replaceFile } from '../tree/files.ts';
import { spillDirectoryFor } from '../tree/trees.ts';
import { Batch } from './batch.ts';
import { BATCH_BYTES } from './block.ts';
import { Composed } from './composed.ts';
import { Slot } from './slot.ts';

const KEY = 'multistorageclient.telemetry.slots';
/** Threads × configurations that can be rescued at a time. Untouched slots take address space, not memory. */
const SLOTS = 64;

/** What a thread hands to those that it creates. */
interface Inheritance {
  readonly memory: SharedArrayBuffer;
  /** The thread that sees them end. */
  readonly watcher: number;
}

/** At load: later this thread's own takes its place. */
const inherited = isMainThread ? undefined : (getEnvironmentData(KEY) as Inheritance | undefined);

/** A batch in a slot of this worker thread, or in memory of its own. */
export function claimBatch(journalDirectory: string): Batch {
  if (inherited !== undefined) {
    const { memory, watcher } = inherited;
    const claimed = slotsOf(memory).find((slot) => slot.claim(journalDirectory, threadId, watcher));
    if (claimed !== undefined) return new Batch(memory, claimed.offset);
  }
  return new Batch();
}

function slotsOf(memory: SharedArrayBuffer): Slot[] {
  return Array.from({ length: SLOTS }, (_, index) => new Slot(memory, index * BATCH_BYTES));
}

/** The slots of this process, as one of its threads sees them. */
export class Slots {
  readonly #memory: SharedArrayBuffer;
  #known: readonly Slot[] | undefined;

  constructor() {
    const memory = inherited?.memory ?? new SharedArrayBuffer(SLOTS * BATCH_BYTES);
    this.#memory = memory;
    setEnvironmentData(KEY, { memory, watcher: threadId } satisfies Inheritance);
    process.on('worker', (worker: Worker) => {
      const thread = worker.threadId;
      worker.once('exit', () => this.#rescueThread(thread));
    });
  }

  /** At the end of the process: takes from threads that still run what they have, and refuses the rest. */
  close(): void {
    // A thread that was handed its slots leaves this to the one that sees it end.
    if (inherited !== undefined) return;
    for (const slot of this.#slots) {
      if (slot.owner === 0) continue;
      slot.close();
      rescue(slot);
    }
  }

  /** Most programs have no worker threads, and looking at all slots takes 0.4 ms the first time. */
  get #slots(): readonly Slot[] {
    return (this.#known ??= slotsOf(this.#memory));
  }

  #rescueThread(thread: number): void {
    for (const slot of this.#slots) {
      // Threads end before the one that created them does.
      if (slot.owner !== 0 && slot.watcher === thread) this.#rescueThread(slot.owner);
      if (slot.owner !== thread) continue;
      rescue(slot);
      slot.free();
    }
  }
}

/** Writes what a slot holds next to its journal. Without a batch the empty file says that the thread is gone. */
function rescue(slot: Slot): void {
  const { directory } = slot;
  if (directory === undefined) return;
  const batch = new Batch(slot.memory, slot.offset);
  const composed = new Composed();
  let sequence: number;
  do {
    // The thread may be in the middle of a flush: a sequence that moved means that its rows did too.
    ({ sequence } = batch);
    composed.compose(batch, sequence);
  } while (sequence !== batch.sequence);
  save(directory, composed.bytes.subarray(0, composed.length));
}

/** Like segments: in the spill directory where the primary place has no room. */
function save(directory: string, bytes: Uint8Array): void {
  // A thread that said goodbye before it ended may have been read, and deleted, since.
  if (!existsSync(directory)) return;
  try {
    replaceFile(path.join(directory, RESCUE_FILE), bytes);
    return;
  } catch {
    // The spill directory may have room.
  }
  try {
    const tree = path.dirname(path.dirname(directory));
    const { spill = directory } = journalPlaces(tree, spillDirectoryFor(tree), path.basename(directory));
    ensurePrivateDirectory(spill);
    replaceFile(path.join(spill, RESCUE_FILE), bytes);
  } catch {
    // The journal is gone, or there is no room: what was in the slot is lost with its thread.
  }
}
