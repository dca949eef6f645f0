/**
 * Parcels: what a journal has that the server of a link does not have yet.
 *
 * In: a journal's files. Out: whole frames as bytes, in pieces that fit a message.
 * Invariant: the same range gives the same frames; definitions are read after the frames that refer to them.
 * On failure: throws what the system answers.
 */
import path from 'node:path';
import { closeSync, openExisting, readFileSync, statSync } from '../tree/files.ts';
import { FrameType, HEADER_BYTES, type Frame } from '../journal/frame.ts';
import { DEFINITIONS_FILE, type JournalPlaces } from '../journal/places.ts';
import { FIRST, scan } from '../journal/chunk.ts';

/** About so many bytes are one message. */
const PIECE_BYTES = 256 * 1024;

/** Frames in one message. */
export interface Piece {
  readonly bytes: Uint8Array;
  /** Of its last frame. */
  readonly sequence: number;
}

export interface Parcel {
  readonly places: JournalPlaces;
  readonly pieces: readonly Piece[];
  /** The server has all of it when it has this frame. */
  readonly sequence: number;
  /** Nothing comes behind it: epoch milliseconds of its writer's end. */
  readonly endedAtMillis: number | undefined;
}

/** Packs frames that lie in a row, never cutting one. */
export function pack(frames: Iterable<Frame>): Piece[] {
  const pieces: Piece[] = [];
  let parts: Uint8Array[] = [];
  let bytes = 0;
  let sequence = 0;
  const close = (): void => {
    if (bytes > 0) pieces.push({ bytes: Buffer.concat(parts), sequence });
    parts = [];
    bytes = 0;
  };
  for (const frame of frames) {
    const length = HEADER_BYTES + frame.payload.length;
    if (bytes + length > PIECE_BYTES) close();
    parts.push(new Uint8Array(frame.payload.buffer, frame.payload.byteOffset - HEADER_BYTES, length));
    bytes += length;
    sequence = Math.max(sequence, frame.sequence);
  }
  close();
  return pieces;
}

/**
 * Definitions from an offset on, which counts the whole frames in the primary place and behind them those in the spill
 * directory.
 */
export function packDefinitions({ primary, spill }: JournalPlaces, offset: number): Piece[] {
  const places = spill === undefined ? [primary] : [primary, spill];
  const files = places.map((place) => path.join(place, DEFINITIONS_FILE));
  const size = files.reduce((sum, file) => sum + (statSync(file, { throwIfNoEntry: false })?.size ?? 0), 0);
  // Cheap, as it is asked for with each parcel; what is new is found by reading all of it.
  if (size <= offset) return [];
  const frames: Frame[] = [];
  let at = 0;
  for (const name of files) {
    const file = openExisting(name);
    if (file === undefined) continue;
    const bytes = new Uint8Array(readFileSync(file));
    closeSync(file);
    for (const frame of scan(bytes, FIRST, '', false).frames) {
      if (frame.type > FrameType.DEFINITIONS) continue;
      if (at >= offset) frames.push(frame);
      at += HEADER_BYTES + frame.payload.length;
    }
  }
  return pack(frames);
}
