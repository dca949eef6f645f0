/**
 * The writing end of one journal: append-only files that nobody else writes.
 *
 * In: whole frames. Out: bytes at the end of the current segment, by one `writeSync`.
 * Invariant: a file ends at a frame boundary after every call, whatever the file system did; what `append` answered
 * `true` for survives this process.
 * On failure (budget used up, ENOSPC, EIO …): cut back to the last whole frame, go on in the spill directory; where
 * that fails too, answer `false` and change nothing: the caller counts. Never throws after construction.
 */
import path from 'node:path';
import { ensurePrivateDirectory } from '../tree/directory.ts';
import {
  closeSync,
  createForAppend,
  existsSync,
  ftruncateSync,
  renameSync,
  statfsSync,
  unlinkSync,
  writeSync,
} from './files.ts';
import type { JournalDefinition } from './definitions.ts';
import { encodeFrame, encodeJsonFrame, FrameType } from './frame.ts';
import { DEFINITIONS_FILE, segmentFile, type JournalPlaces } from './places.ts';

/** Bounds of one journal, in bytes. */
export interface JournalBudget {
  /** A segment is closed before it grows beyond this; the server deletes whole segments. */
  readonly segmentMaxBytes: number;
  /** For segments in the primary place: memory, as a rule. */
  readonly primaryMaxBytes: number;
  /** For segments in the spill directory. */
  readonly spillMaxBytes: number;
}

interface Segment {
  readonly file: string;
  readonly spilled: boolean;
  bytes: number;
}

/** While nothing fits, the places are looked at again this often at most. */
const RETRY_MILLIS = 100;
/** The last room of a memory-backed file system is left to others. */
const MIN_FREE_BYTES = 4 * 1024 * 1024;

export class JournalWriter {
  readonly places: JournalPlaces;
  readonly #budget: JournalBudget;
  /** Segments that the server has not deleted yet, as far as is known; the last one is open. */
  readonly #segments: Segment[] = [];
  #number = 0;
  #segment = -1;
  #definitions: number;
  #definitionsBytes = 0;
  #definitionsSpilled = false;
  #nextAttemptMillis = 0;

  /** Creates the journal's directory; it appears under its name only once its first frame is in it. Throws on failure. */
  constructor(places: JournalPlaces, definition: JournalDefinition, budget: JournalBudget) {
    this.places = places;
    this.#budget = budget;
    const hidden = path.join(path.dirname(places.primary), `.${places.id}`);
    ensurePrivateDirectory(hidden);
    this.#definitions = createForAppend(path.join(hidden, DEFINITIONS_FILE));
    const header = { type: FrameType.JOURNAL, sequence: 0, rows: 0, units: 0 };
    if (!this.define(encodeJsonFrame(header, definition))) throw new Error('no room for a journal');
    renameSync(hidden, places.primary);
  }

  /** Appends to the definitions. `false` means that neither place had room. */
  define(frame: Uint8Array): boolean {
    if (appendWhole(this.#definitions, frame, frame.length, this.#definitionsBytes)) {
      this.#definitionsBytes += frame.length;
      return true;
    }
    if (this.#definitionsSpilled || this.places.spill === undefined) return false;
    try {
      ensurePrivateDirectory(this.places.spill);
      const spilled = createForAppend(path.join(this.places.spill, DEFINITIONS_FILE));
      closeSync(this.#definitions);
      this.#definitions = spilled;
    } catch {
      return false;
    }
    this.#definitionsSpilled = true;
    this.#definitionsBytes = 0;
    return this.define(frame);
  }

  /**
   * Appends whole frames, all or nothing. `force` disregards the budgets (not the file system): for the last words of
   * a process, which hold sums and the account of what was dropped.
   */
  append(bytes: Uint8Array, length: number, force = false): boolean {
    const current = this.#segments.at(-1);
    const fits = current !== undefined && current.bytes + length <= this.#budget.segmentMaxBytes;
    if (this.#segment >= 0 && fits && this.#write(bytes, length)) return true;
    return this.#appendToNext(bytes, length, force, fits && !current.spilled);
  }

  close(): void {
    if (this.#segment >= 0) closeSync(this.#segment);
    closeSync(this.#definitions);
    this.#segment = -1;
  }

  /** Bytes written that the server has not deleted, as of the last rotation. */
  get outstandingBytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #appendToNext(bytes: Uint8Array, length: number, force: boolean, primaryIsFull: boolean): boolean {
    const now = Date.now();
    if (now < this.#nextAttemptMillis && !force) return false;
    this.#prune();
    const { primaryMaxBytes, spillMaxBytes } = this.#budget;
    const wanted = Math.max(length, Math.min(this.#budget.segmentMaxBytes, primaryMaxBytes));
    const memory = force || (this.#used(false) + wanted <= primaryMaxBytes && hasRoom(this.places.primary));
    const disk = force || this.#used(true) + wanted <= spillMaxBytes;
    if (memory && !primaryIsFull && this.#open(false) && this.#write(bytes, length)) return true;
    if (disk && this.#open(true) && this.#write(bytes, length)) return true;
    this.#nextAttemptMillis = now + RETRY_MILLIS;
    return false;
  }

  #write(bytes: Uint8Array, length: number): boolean {
    const current = this.#segments[this.#segments.length - 1];
    if (!appendWhole(this.#segment, bytes, length, current.bytes)) return false;
    current.bytes += length;
    return true;
  }

  #used(spilled: boolean): number {
    return this.#segments.reduce(
      (sum, segment) => sum + (segment.spilled === spilled ? segment.bytes : 0),
      0,
    );
  }

  /** The server deletes in order, so the oldest that exists ends the search. */
  #prune(): void {
    while (this.#segments.length > 0 && !existsSync(this.#segments[0].file)) this.#segments.shift();
  }

  #open(spilled: boolean): boolean {
    const directory = spilled ? this.places.spill : this.places.primary;
    if (directory === undefined) return false;
    const number = this.#number + 1;
    const file = path.join(directory, segmentFile(number));
    let opened: number;
    try {
      if (spilled) ensurePrivateDirectory(directory);
      opened = createForAppend(file);
    } catch {
      return false;
    }
    const first = segmentFrame(this.places.id, number);
    if (!appendWhole(opened, first, first.length, 0)) {
      closeSync(opened);
      unlinkSync(file);
      return false;
    }
    if (this.#segment >= 0) closeSync(this.#segment);
    this.#number = number;
    this.#segment = opened;
    this.#segments.push({ file, spilled, bytes: first.length });
    return true;
  }
}

/** The frame that opens a segment: it says whose segment this is, so that a stray file cannot pass for one. */
export function segmentFrame(id: string, segment: number): Uint8Array {
  const payload = new Uint8Array(24);
  payload.set(Buffer.from(id, 'hex'));
  new DataView(payload.buffer).setUint32(16, segment, true);
  return encodeFrame({ type: FrameType.SEGMENT, sequence: 0, rows: 0, units: 0 }, payload);
}

/** A full file system answers with a short write first and with ENOSPC after: both leave the file as it was. */
export function appendWhole(file: number, bytes: Uint8Array, length: number, size: number): boolean {
  let written = 0;
  try {
    while (written < length) written += writeSync(file, bytes, written, length - written);
    return true;
  } catch {
    try {
      if (written > 0) ftruncateSync(file, size);
    } catch {
      // The torn tail stays; the reader cuts it.
    }
    return false;
  }
}

function hasRoom(directory: string): boolean {
  try {
    const { bavail, bsize } = statfsSync(directory);
    return bavail * bsize > MIN_FREE_BYTES;
  } catch {
    return false;
  }
}
