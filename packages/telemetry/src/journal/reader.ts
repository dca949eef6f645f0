/**
 * The reading end of one journal: tails the segments of a writer that may live, be dead, or be about to rotate.
 *
 * In: a position. Out: whole, proven frames from there, and the position behind them.
 * Invariant: reading a range again gives the same frames, because nothing of a range changes once it has been read.
 * On failure: a torn tail is waited for while its writer lives and cut when it is dead; corrupt bytes are skipped up to
 * the next whole frame, and counted. Throws only what the system answers when it cannot open or read a file that is there:
 * to go on behind it would lose it.
 */
import path from 'node:path';
import {
  closeSync,
  existsSync,
  fstatSync,
  openExisting,
  readSync,
  readdirSync,
  rmSync,
  rmdirSync,
  statSync,
  unlinkSync,
} from '../tree/files.ts';
import type { ChunkMemory } from './chunk-memory.ts';
import { FIRST, scan, type Chunk, type Position } from './chunk.ts';
import { HEADER_BYTES } from './frame.ts';
import { DEFINITIONS_FILE, findSegment, RESCUE_SEGMENT, segmentFile, type JournalPlaces } from './places.ts';

const READ_BYTES = 1024 * 1024;
/** The frame that opens a segment. */
const SEGMENT_FRAME_BYTES = HEADER_BYTES + 24;

export class JournalReader {
  readonly places: JournalPlaces;
  #file: number | undefined;
  #open = 0;
  #first: number | undefined;

  constructor(places: JournalPlaces) {
    this.places = places;
  }

  /**
   * About how much lies behind the position: exact within one segment, and at least `READ_BYTES` where another segment
   * follows. Cheap: polled for every journal.
   */
  pendingBytes(position: Position): number {
    const next = this.#next(position, false) === undefined ? 0 : READ_BYTES;
    try {
      const file = this.#use(position.segment);
      return next + (file === undefined ? 0 : fstatSync(file).size - position.offset);
    } catch {
      // The read that it leads to says why.
      return next;
    }
  }

  /**
   * Reads on from a position, at most about `maxBytes` of one segment. `ended` says that the writer is dead: then a torn
   * tail is cut, and the rescue file follows the last segment. `undefined` when there is nothing (yet). The chunk lies in `memory`,
   * where that is given, and holds until that is reset.
   */
  read(position: Position, maxBytes: number, ended: boolean, memory?: ChunkMemory): Chunk | undefined {
    for (let at = position; ;) {
      // Looked for before the read: what a segment got before its successor appeared must be seen.
      const next = this.#next(at, ended);
      const isFinal = ended || next !== undefined;
      const chunk = this.#scan(at, Math.max(maxBytes, 64), { isFinal, memory });
      if (chunk !== undefined && chunk.to.offset > at.offset) {
        chunk.from = position;
        return chunk;
      }
      if (next === undefined) return undefined;
      at = { segment: next, offset: 0 };
    }
  }

  /** Reads exactly what lay between two positions when it was read first. */
  *readRange(from: Position, to: Position): Generator<Chunk> {
    let at = from;
    while (at.segment !== to.segment || at.offset < to.offset) {
      const last = at.segment === to.segment;
      const maxBytes = last ? to.offset - at.offset : READ_BYTES;
      const chunk = this.#scan(at, maxBytes, { isFinal: true, isExact: last });
      if (chunk !== undefined && chunk.to.offset > at.offset) {
        yield chunk;
        at = chunk.to;
      } else {
        const next = this.#next(at, true);
        if (last || next === undefined || next > to.segment) return;
        at = { segment: next, offset: 0 };
      }
    }
  }

  /** Deletes the segments that lie wholly before a position: their writer has gone on to a later one. */
  deleteBefore({ segment }: Position): void {
    if (segment === FIRST.segment) return;
    this.#first ??= Math.min(...this.#segmentsAfter(0), RESCUE_SEGMENT);
    for (; this.#first < segment && this.#first !== RESCUE_SEGMENT; this.#first++) {
      const file = findSegment(this.places, this.#first);
      if (file !== undefined) unlinkSync(file);
      else if (segment === RESCUE_SEGMENT) return;
    }
  }

  /** Deletes the journal whole: its writer is dead and all of it is committed. What is left half-way is still a journal. */
  deleteAll(): void {
    this.close();
    for (const directory of [this.places.spill, this.places.primary]) {
      if (directory === undefined || !existsSync(directory)) continue;
      const names = readdirSync(directory).filter((name) => name !== DEFINITIONS_FILE);
      for (const name of names) unlinkSync(path.join(directory, name));
      rmSync(path.join(directory, DEFINITIONS_FILE), { force: true });
      rmdirSync(directory);
    }
  }

  /** Bytes on disk and in memory that lie behind a position. */
  bytesBehind(position: Position): number {
    let bytes = -position.offset;
    for (let segment = position.segment; segment !== RESCUE_SEGMENT; segment++) {
      const file = findSegment(this.places, segment);
      if (file === undefined) break;
      bytes += sizeOf(file);
    }
    const rescue = position.segment === RESCUE_SEGMENT || this.hasRescue();
    const file = rescue ? findSegment(this.places, RESCUE_SEGMENT) : undefined;
    return Math.max(0, bytes + (file === undefined ? 0 : sizeOf(file)));
  }

  /** When the last of it was written; now where nothing is left that would tell. */
  modifiedAtMillis(): number {
    const files = this.#segmentsAfter(0).flatMap((segment) => findSegment(this.places, segment) ?? []);
    const times = files.flatMap((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? []);
    return times.length === 0 ? Date.now() : Math.max(...times);
  }

  hasRescue(): boolean {
    return findSegment(this.places, RESCUE_SEGMENT) !== undefined;
  }

  #segmentsAfter(segment: number): number[] {
    const names = [this.places.primary, this.places.spill].flatMap((directory) =>
      directory !== undefined && existsSync(directory) ? readdirSync(directory) : [],
    );
    return names
      .map((name) => Number.parseInt(name, 10))
      .filter((number) => number > segment && names.includes(segmentFile(number)));
  }

  close(): void {
    if (this.#file !== undefined) closeSync(this.#file);
    this.#file = undefined;
    this.#open = 0;
  }

  #use(segment: number): number | undefined {
    if (this.#open === segment) return this.#file;
    this.close();
    const found = findSegment(this.places, segment);
    const file = found === undefined ? undefined : openExisting(found);
    if (file === undefined) return undefined;
    this.#file = file;
    if (isStray(file, this.places.id, segment)) this.close();
    else this.#open = segment;
    return this.#file;
  }

  /** The segment that follows. When the writer is dead, even behind one that somebody took away; at last the rescue file. */
  #next({ segment }: Position, ended: boolean): number | undefined {
    if (segment === RESCUE_SEGMENT) return undefined;
    if (findSegment(this.places, segment + 1) !== undefined) return segment + 1;
    if (!ended) return undefined;
    const later = Math.min(...this.#segmentsAfter(segment), RESCUE_SEGMENT);
    return later < RESCUE_SEGMENT || this.hasRescue() ? later : undefined;
  }

  #scan(
    from: Position,
    maxBytes: number,
    {
      isFinal,
      isExact = false,
      memory,
    }: { readonly isFinal: boolean; readonly isExact?: boolean; readonly memory?: ChunkMemory | undefined },
  ): Chunk | undefined {
    const file = this.#use(from.segment);
    if (file === undefined) return undefined;
    const available = fstatSync(file).size - from.offset;
    for (let want = isExact ? maxBytes : Math.min(maxBytes, READ_BYTES); ; want *= 4) {
      const length = Math.min(want, available);
      if (length <= 0) return undefined;
      const bytes = readAt(file, from.offset, length, memory);
      const whole = length === available || isExact;
      const found = scan(bytes, from, this.places.id, isFinal && whole);
      // A frame longer than what was read: read more of it, where there is more.
      if (found.to.offset > from.offset || whole) return found;
    }
  }
}

/** 0 for what has just been taken away. */
function sizeOf(file: string): number {
  return statSync(file, { throwIfNoEntry: false })?.size ?? 0;
}

export function readAt(file: number, offset: number, length: number, memory?: ChunkMemory): Uint8Array {
  const bytes = memory?.take(length) ?? new Uint8Array(length);
  let filled = 0;
  while (filled < length) {
    const count = readSync(file, bytes, filled, length - filled, offset + filled);
    if (count === 0) break;
    filled += count;
  }
  return filled === length ? bytes : bytes.subarray(0, filled);
}

/** A file that opens as another segment is none of ours, whatever its name. */
function isStray(file: number, id: string, segment: number): boolean {
  const first = scan(readAt(file, 0, SEGMENT_FRAME_BYTES), { segment, offset: 0 }, id, false);
  return first.to.offset > 0 && first.frames.length === 0;
}
