/**
 * Frames: the unit of every journal file. Free of I/O.
 *
 * In: a type, a sequence number, counts and a payload; or bytes of a file. Out: bytes; or the frames in them.
 * Invariant: a frame is either whole and proven by its CRC, or it is not reported as a frame.
 * On failure: nothing throws. What is not a frame is `incomplete` (wait for more) or `corrupt` (skip, and count).
 *
 *   0  u32  magic 'MSCJ'            12  u32  payload length, a multiple of 8
 *   4  u32  CRC-32 of bytes 8..end  16  u64  sequence number in this journal
 *   8  u8   protocol version        24  u32  rows
 *   9  u8   frame type              28  u32  units: calls that the rows represent
 *  10  u16  flags                   32  …    payload
 *
 * All little-endian. `PROTOCOL.md` is normative.
 */
import { crc32 } from 'node:zlib';

export const MAGIC = 0x4a43534d;
export const PROTOCOL_VERSION = 1;
export const HEADER_BYTES = 32;
/** A longer payload is never written, so a longer length is proof of corruption. */
export const MAX_PAYLOAD_BYTES: number = 16 * 1024 * 1024;

export const FrameType = {
  /** First frame of `definitions`: writer, configuration, resource (JSON). */
  JOURNAL: 1,
  /** Instruments and series, in `definitions` (JSON). */
  DEFINITIONS: 2,
  /** First frame of every segment: journal id and segment number. */
  SEGMENT: 3,
  SAMPLES: 4,
  SUMS: 5,
  HISTOGRAMS: 6,
  OPERATIONS: 7,
  /** What the writer could not keep, cumulative, by reason (JSON). */
  ACCOUNT: 8,
  GOODBYE: 9,
  /** What is known of spans when they start (JSON). */
  SPAN_STARTS: 10,
  /** Spans that have ended (JSON). */
  SPANS: 11,
  /** Operations with the spans that they were measured in. */
  TRACED_OPERATIONS: 12,
  /** Spans that have ended without a place in the journal (JSON). */
  LOST_SPANS: 13,
} as const;
export type FrameType = (typeof FrameType)[keyof typeof FrameType];

/** Flag: the frame that follows belongs to the same write; its writer may still take both back. */
export const MORE_FOLLOWS = 1;

/** A frame found in bytes; `payload` is a view of them, 8-byte aligned when the bytes are. */
export interface Frame {
  readonly type: number;
  readonly version: number;
  readonly flags: number;
  readonly sequence: number;
  readonly rows: number;
  readonly units: number;
  readonly payload: Uint8Array;
}

export interface FrameHeader {
  readonly type: FrameType;
  readonly sequence: number;
  readonly rows: number;
  readonly units: number;
  readonly flags?: number;
}

/** A frame of a write that has several, before it has its place among them. */
export interface FramePart {
  readonly type: FrameType;
  readonly rows: number;
  readonly units: number;
  readonly payload: Uint8Array;
}

/** Bytes of a payload after padding to the alignment of 8. */
export function padded(length: number): number {
  return (length + 7) & ~7;
}

/**
 * Completes a frame in place: its payload already lies at `offset + HEADER_BYTES`, padded with zeros.
 * Returns the offset behind it.
 */
export function sealFrame(
  bytes: Uint8Array,
  view: DataView,
  offset: number,
  header: FrameHeader,
  payloadBytes: number,
): number {
  const end = offset + HEADER_BYTES + payloadBytes;
  view.setUint32(offset, MAGIC, true);
  view.setUint8(offset + 8, PROTOCOL_VERSION);
  view.setUint8(offset + 9, header.type);
  view.setUint16(offset + 10, header.flags ?? 0, true);
  view.setUint32(offset + 12, payloadBytes, true);
  view.setUint32(offset + 16, header.sequence % 0x1_0000_0000, true);
  view.setUint32(offset + 20, Math.floor(header.sequence / 0x1_0000_0000), true);
  view.setUint32(offset + 24, header.rows, true);
  view.setUint32(offset + 28, header.units, true);
  view.setUint32(offset + 4, crc32(bytes.subarray(offset + 8, end)), true);
  return end;
}

/** A whole frame around a payload of any length. */
export function encodeFrame(header: FrameHeader, payload: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(HEADER_BYTES + padded(payload.length));
  bytes.set(payload, HEADER_BYTES);
  sealFrame(bytes, new DataView(bytes.buffer), 0, header, padded(payload.length));
  return bytes;
}

/** The frames of one write, numbered from `sequence` on. */
export function encodeFrames(parts: readonly FramePart[], sequence: number): Uint8Array {
  const last = parts.length - 1;
  const frames = parts.map(({ payload, ...part }, index) =>
    encodeFrame({ ...part, sequence: sequence + index, flags: index < last ? MORE_FOLLOWS : 0 }, payload),
  );
  return Buffer.concat(frames);
}

const decoder = new TextDecoder();

/** JSON as a payload, padded with spaces so that it parses as it lies. */
export function encodeJson(value: unknown): Uint8Array {
  const text = JSON.stringify(value);
  const length = Buffer.byteLength(text);
  return Buffer.from(text + ' '.repeat(padded(length) - length));
}

export function encodeJsonFrame(header: FrameHeader, value: unknown): Uint8Array {
  return encodeFrame(header, encodeJson(value));
}

/** The JSON of a frame, or `undefined` where it is none: a hostile file must not throw. */
export function decodeJson(frame: Frame): unknown {
  try {
    return JSON.parse(decoder.decode(frame.payload)) as unknown;
  } catch {
    return undefined;
  }
}

export type Scanned =
  | { readonly status: 'frame'; readonly frame: Frame; readonly next: number }
  | { readonly status: 'incomplete' }
  | { readonly status: 'corrupt' };

/** Looks at the bytes from `offset` up to `end` for one frame. */
export function scanFrame(bytes: Uint8Array, view: DataView, offset: number, end: number): Scanned {
  const next = findEnd(bytes, view, offset, end);
  if (next === INCOMPLETE) return { status: 'incomplete' };
  if (next === CORRUPT) return { status: 'corrupt' };
  return { status: 'frame', frame: readFrame(bytes, view, offset), next };
}

export const INCOMPLETE = -1;
export const CORRUPT = -2;

/** Where the frame ends that begins at `offset`, proven; `INCOMPLETE`, or `CORRUPT`. */
export function findEnd(bytes: Uint8Array, view: DataView, offset: number, end: number): number {
  if (end - offset < HEADER_BYTES) return INCOMPLETE;
  if (view.getUint32(offset, true) !== MAGIC) return CORRUPT;
  const length = view.getUint32(offset + 12, true);
  if (length % 8 !== 0 || length > MAX_PAYLOAD_BYTES) return CORRUPT;
  const next = offset + HEADER_BYTES + length;
  if (next > end) return INCOMPLETE;
  return view.getUint32(offset + 4, true) === crc32(bytes.subarray(offset + 8, next)) ? next : CORRUPT;
}

/** The frame at `offset`, which is whole. */
export function readFrame(bytes: Uint8Array, view: DataView, offset: number): Frame {
  const start = offset + HEADER_BYTES;
  return {
    version: view.getUint8(offset + 8),
    type: view.getUint8(offset + 9),
    flags: readFlags(view, offset),
    sequence: view.getUint32(offset + 16, true) + view.getUint32(offset + 20, true) * 0x1_0000_0000,
    rows: view.getUint32(offset + 24, true),
    units: view.getUint32(offset + 28, true),
    payload: bytes.subarray(start, start + view.getUint32(offset + 12, true)),
  };
}

export const readType = (view: DataView, offset: number): number => view.getUint8(offset + 9);
export const readFlags = (view: DataView, offset: number): number => view.getUint16(offset + 10, true);

/** Where the next whole frame begins behind a corrupt place, or -1. Frames are 8-byte aligned in their file. */
export function findFrame(bytes: Uint8Array, view: DataView, from: number, end: number): number {
  for (let offset = padded(from); offset + HEADER_BYTES <= end; offset += 8) {
    if (findEnd(bytes, view, offset, end) >= 0) return offset;
  }
  return -1;
}
