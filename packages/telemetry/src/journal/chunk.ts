/**
 * Chunk: what was read of a journal at one go, and the whole frames in it.
 *
 * In: bytes of a file, and where in the journal they begin. Out: frames, decoded one by one when they are asked for; the position
 * behind the last. Invariant: every frame in it is proven; as objects, ten thousands of small ones at a time would cost more
 * than all that is done with them.
 * On failure: what is no frame is skipped, and counted; nothing throws.
 */
import {
  findEnd,
  findFrame,
  FrameType,
  HEADER_BYTES,
  INCOMPLETE,
  MORE_FOLLOWS,
  readFlags,
  readFrame,
  readType,
  type Frame,
} from './frame.ts';

/** The first byte that has not been consumed. */
export interface Position {
  readonly segment: number;
  readonly offset: number;
}

export const FIRST: Position = { segment: 1, offset: 0 };

export class Chunk {
  /** Where it was asked for: the end of one segment, where it is the first of the next. */
  from: Position;
  readonly to: Position;
  /** Bytes that were skipped because they are no frame. */
  readonly corruptBytes: number;
  readonly #bytes: Uint8Array;
  readonly #view: DataView;
  readonly #offsets: readonly number[];

  /** Made by `scan`. `offsets` are those of the frames. */
  constructor(
    bytes: Uint8Array,
    view: DataView,
    offsets: readonly number[],
    found: { readonly from: Position; readonly to: Position; readonly corruptBytes: number },
  ) {
    this.#bytes = bytes;
    this.#view = view;
    this.#offsets = offsets;
    this.from = found.from;
    this.to = found.to;
    this.corruptBytes = found.corruptBytes;
  }

  /** Number of frames. */
  get length(): number {
    return this.#offsets.length;
  }

  /** The frame at an index below `length`. */
  frameAt(index: number): Frame {
    return readFrame(this.#bytes, this.#view, this.#offsets[index]);
  }

  /** All frames, each decoded anew. */
  get frames(): Frame[] {
    return this.#offsets.map((_, index) => this.frameAt(index));
  }
}

/**
 * The whole frames in the bytes; of a write with several frames all or, so far, none: its writer may still cut it back.
 * `final` says that no more will come: then what is left over is corrupt, and not incomplete. Frames that open a segment
 * of another journal than `id` are left out.
 */
export function scan(bytes: Uint8Array, from: Position, id: string, final: boolean): Chunk {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const offsets: number[] = [];
  let corruptBytes = 0;
  let offset = 0;
  let complete = { frames: 0, corruptBytes: 0, offset: 0 };
  while (offset < bytes.length) {
    const end = findEnd(bytes, view, offset, bytes.length);
    if (end >= 0) {
      if (!isForeign(bytes, view, offset, id, from.segment)) offsets.push(offset);
      const isLast = (readFlags(view, offset) & MORE_FOLLOWS) === 0;
      offset = end;
      if (isLast) complete = { frames: offsets.length, corruptBytes, offset };
      continue;
    }
    if (end === INCOMPLETE && !final) break;
    const next = findFrame(bytes, view, offset + 8, bytes.length);
    if (next < 0 && !final) break;
    corruptBytes += (next < 0 ? bytes.length : next) - offset;
    offset = next < 0 ? bytes.length : next;
  }
  if (final) complete = { frames: offsets.length, corruptBytes, offset };
  const to = { segment: from.segment, offset: from.offset + complete.offset };
  offsets.length = complete.frames;
  return new Chunk(bytes, view, offsets, { from, to, corruptBytes: complete.corruptBytes });
}

function isForeign(bytes: Uint8Array, view: DataView, offset: number, id: string, segment: number): boolean {
  if (readType(view, offset) !== FrameType.SEGMENT) return false;
  const { payload } = readFrame(bytes, view, offset);
  if (payload.length < 24) return false;
  const number = view.getUint32(offset + HEADER_BYTES + 16, true);
  return Buffer.from(payload.subarray(0, 16)).toString('hex') !== id || number !== segment;
}
