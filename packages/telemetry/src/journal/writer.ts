/**
 * The writing end of one journal: append-only files that nobody else writes.
 *
 * In: whole frames. Out: bytes at the end of the current segment, by one `writeSync`.
 * Invariant: a file ends where a call ended, whatever the file system did; what `append` answered `true` for survives
 * this process, and what it answered `false` for is nowhere.
 * On failure (budget used up, ENOSPC, EIO …): cut back to where the call began, go on in a new segment, in the spill
 * directory if need be; where that fails too, answer `false`: the caller counts. Never throws after construction.
 */
import path from 'node:path';
import { performance } from 'node:perf_hooks';
import { ensurePrivateDirectory, freeBytes, unusable } from '../tree/directory.ts';
import {
  closeSync,
  createForAppend,
  existsSync,
  ftruncateSync,
  openForAppend,
  renameSync,
  rmSync,
  writeSync,
} from '../tree/files.ts';
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

export interface Segment {
  readonly file: string;
  readonly spilled: boolean;
  bytes: number;
}

/** Where the files of a journal end that another process has begun. */
export interface Resumption {
  /** Ascending. */
  readonly segments: readonly Segment[];
  /** Of the last segment. */
  readonly number: number;
  /** Of the last frame. */
  readonly sequence: number;
  /** The file that they go on in, up to its last whole frame. */
  readonly definitions: Readonly<Segment>;
  /** Definitions in the primary place, where they go on in the spill directory. */
  readonly formerDefinitionsBytes: number;
}

/** While nothing fits, the places are looked at again this often at most. */
const RETRY_MILLIS = 100;
/** The last room of a file system is left to others. */
const MIN_FREE_BYTES = 4 * 1024 * 1024;

/** Captured at load: tests fake clocks. */
const monotonicMillis = performance.now.bind(performance);

const NONE = -1;

export class JournalWriter {
  readonly places: JournalPlaces;
  readonly #budget: JournalBudget;
  /** Segments that the server has not deleted yet, as far as is known; the last one is open. */
  readonly #segments: Segment[] = [];
  #number = 0;
  /** Descriptors; `NONE` where there is no file, or none that may be written any more. */
  #segment = NONE;
  #definitions = NONE;
  #definitionsBytes = 0;
  #formerDefinitionsBytes = 0;
  #definitionsSpilled = false;
  #isClosed = false;
  #nextAttemptMillis = 0;

  /**
   * Creates the journal's directory; it appears under its name only once its first frame is in it. Given a
   * `Resumption` instead, goes on with the journal that is there, whose writer must be gone.
   * @throws TelemetryError MSC_DIRECTORY_UNSAFE, or MSC_ADDRESS_UNUSABLE where there is no room for it.
   */
  constructor(
    places: JournalPlaces,
    first: JournalDefinition | Uint8Array | Resumption,
    budget: JournalBudget,
  ) {
    this.places = places;
    this.#budget = budget;
    if ('formerDefinitionsBytes' in first) this.#goOn(first);
    else this.#create(first);
  }

  #create(first: JournalDefinition | Uint8Array): void {
    const { places } = this;
    const hidden = path.join(path.dirname(places.primary), `.${places.id}`);
    ensurePrivateDirectory(hidden);
    try {
      this.#definitions = createForAppend(path.join(hidden, DEFINITIONS_FILE));
      const header = { type: FrameType.JOURNAL, sequence: 0, rows: 0, units: 0 };
      const frame = first instanceof Uint8Array ? first : encodeJsonFrame(header, first);
      if (!this.define(frame)) throw new Error('no room');
      renameSync(hidden, places.primary);
    } catch (error) {
      this.close();
      rmSync(hidden, { recursive: true, force: true });
      throw unusable(places.primary, error, 'a directory with room for a journal');
    }
  }

  /** Behind what is there: in the next segment, and in the definitions behind the last whole frame. */
  #goOn({ segments, number, definitions, formerDefinitionsBytes }: Resumption): void {
    this.#segments.push(...segments);
    this.#number = number;
    this.#definitions = openForAppend(definitions.file);
    ftruncateSync(this.#definitions, definitions.bytes);
    this.#definitionsBytes = definitions.bytes;
    this.#definitionsSpilled = definitions.spilled;
    this.#formerDefinitionsBytes = formerDefinitionsBytes;
  }

  /** Appends to the definitions. `false` means that neither place had room. */
  define(frame: Uint8Array): boolean {
    if (this.#isClosed) return false;
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
    this.#formerDefinitionsBytes = this.#definitionsBytes;
    this.#definitionsBytes = 0;
    return this.define(frame);
  }

  /**
   * Appends whole frames, all or nothing. `force` disregards the budgets (not the file system): for the last words of
   * a process, which hold sums and the account of what was dropped.
   */
  append(bytes: Uint8Array, length: number, force = false): boolean {
    if (this.#isClosed) return false;
    const current = this.#segments.at(-1);
    if (
      this.#segment !== NONE &&
      current !== undefined &&
      current.bytes + length <= this.#maxBytes(current)
    ) {
      if (appendWhole(this.#segment, bytes, length, current.bytes)) {
        current.bytes += length;
        return true;
      }
      // Where a tail may be torn, nothing goes behind it.
      closeSync(this.#segment);
      this.#segment = NONE;
    }
    return this.#appendToNext(bytes, length, force);
  }

  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#segment !== NONE) closeSync(this.#segment);
    if (this.#definitions !== NONE) closeSync(this.#definitions);
  }

  /** Bytes of all definitions so far. */
  get definitionsBytes(): number {
    return this.#formerDefinitionsBytes + this.#definitionsBytes;
  }

  /** Bytes written that the server has not deleted, as of the last rotation. */
  get outstandingBytes(): number {
    return this.#segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }

  #maxBytes({ spilled }: Segment): number {
    const { segmentMaxBytes, primaryMaxBytes, spillMaxBytes } = this.#budget;
    return Math.min(segmentMaxBytes, spilled ? spillMaxBytes : primaryMaxBytes);
  }

  #appendToNext(bytes: Uint8Array, length: number, force: boolean): boolean {
    const nowMillis = monotonicMillis();
    if (nowMillis < this.#nextAttemptMillis && !force) return false;
    this.#prune();
    if (this.#startSegment(false, bytes, length, force)) return true;
    if (this.#startSegment(true, bytes, length, force)) return true;
    this.#nextAttemptMillis = nowMillis + RETRY_MILLIS;
    return false;
  }

  /** The server deletes in order, so the oldest that exists ends the search. */
  #prune(): void {
    while (this.#segments.length > 0 && !existsSync(this.#segments[0].file)) this.#segments.shift();
  }

  /** A segment appears under its name only with its first frames in it: until then it can be taken back. */
  #startSegment(spilled: boolean, bytes: Uint8Array, length: number, force: boolean): boolean {
    const directory = spilled ? this.places.spill : this.places.primary;
    if (directory === undefined || !(force || this.#isWithinBudget(spilled, length))) return false;
    const number = this.#number + 1;
    const file = path.join(directory, segmentFile(number));
    const hidden = path.join(directory, `.${segmentFile(number)}`);
    const first = segmentFrame(this.places.id, number);
    let opened = NONE;
    try {
      // A journal whose directory is gone is none any more: nobody would read what is spilled.
      if (!existsSync(this.places.primary)) return false;
      if (spilled) ensurePrivateDirectory(directory);
      if (!force && freeBytes(directory) < MIN_FREE_BYTES) return false;
      opened = createForAppend(hidden);
      if (!appendWhole(opened, first, first.length, 0)) throw new Error('no room');
      if (!appendWhole(opened, bytes, length, first.length)) throw new Error('no room');
      renameSync(hidden, file);
    } catch {
      if (opened !== NONE) discard(opened, hidden);
      return false;
    }
    if (this.#segment !== NONE) closeSync(this.#segment);
    this.#number = number;
    this.#segment = opened;
    this.#segments.push({ file, spilled, bytes: first.length + length });
    return true;
  }

  /** A whole segment must fit, not only its first frames. */
  #isWithinBudget(spilled: boolean, length: number): boolean {
    const { segmentMaxBytes, primaryMaxBytes, spillMaxBytes } = this.#budget;
    const maxBytes = spilled ? spillMaxBytes : primaryMaxBytes;
    const wanted = Math.max(length, Math.min(segmentMaxBytes, maxBytes));
    return this.#usedBytes(spilled) + wanted <= maxBytes;
  }

  #usedBytes(spilled: boolean): number {
    const segments = this.#segments.filter((segment) => segment.spilled === spilled);
    return segments.reduce((sum, { bytes }) => sum + bytes, 0);
  }
}

/** The frame that opens a segment: it says whose segment this is, so that a stray file cannot pass for one. */
export function segmentFrame(id: string, segment: number): Uint8Array {
  const payload = new Uint8Array(24);
  payload.set(Buffer.from(id, 'hex'));
  new DataView(payload.buffer).setUint32(16, segment, true);
  return encodeFrame({ type: FrameType.SEGMENT, sequence: 0, rows: 0, units: 0 }, payload);
}

function discard(file: number, name: string): void {
  try {
    closeSync(file);
    rmSync(name, { force: true });
  } catch {
    // Readers do not look at hidden names.
  }
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
