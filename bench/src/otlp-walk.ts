/**
 * A walk over an ExportMetricsServiceRequest that counts its data points: by lengths, without an object for each.
 *
 * In: the bytes of a request. Out: how many data points it has; on demand one of them, or the times of all.
 * On failure: a RangeError where a length leads outside of the bytes.
 */

const RESOURCE_METRICS = 1;
const SCOPE_METRICS = 2;
const METRICS = 2;
/** Fields of a Metric that hold data points: gauge, sum, histogram, exponential histogram; the points are their field 1. */
const isData = (field: number): boolean => field === 5 || field === 7 || field === 9 || field === 10;

/** Receives where a data point lies. */
export type Visit = (bytes: Buffer, start: number, end: number) => void;

let at = 0;

function varint(bytes: Uint8Array): number {
  let byte = bytes[at++];
  if (byte < 0x80) return byte;
  let value = byte & 0x7f;
  let factor = 128;
  do {
    byte = bytes[at++];
    value += (byte & 0x7f) * factor;
    factor *= 128;
  } while (byte >= 0x80);
  return value;
}

/** Skips a field that is of no interest. */
function skip(bytes: Uint8Array, tag: number): void {
  const wireType = tag & 7;
  if (wireType === 0) varint(bytes);
  else if (wireType === 1) at += 8;
  else if (wireType === 5) at += 4;
  else {
    const length = varint(bytes);
    at += length;
  }
}

/** The end of the message that begins here. */
function messageEnd(bytes: Uint8Array, end: number): number {
  const length = varint(bytes);
  if (!(at + length <= end)) throw new RangeError(`a message of ${length} bytes at ${at} ends behind ${end}`);
  return at + length;
}

function pointsOf(bytes: Buffer, end: number, visit: Visit | undefined): number {
  let points = 0;
  while (at < end) {
    const tag = varint(bytes);
    if (tag !== 10) {
      skip(bytes, tag);
      continue;
    }
    points++;
    const pointEnd = messageEnd(bytes, end);
    if (visit !== undefined) visit(bytes, at, pointEnd);
    at = pointEnd;
  }
  if (at !== end) throw new RangeError(`data points end at ${at} instead of ${end}`);
  return points;
}

/** Messages within messages, by one field number for each level; the last level are metrics. */
const PATH: readonly number[] = [RESOURCE_METRICS, SCOPE_METRICS, METRICS];

function walk(bytes: Buffer, end: number, level: number, visit: Visit | undefined): number {
  let points = 0;
  while (at < end) {
    const tag = varint(bytes);
    const field = tag >> 3;
    const isInside = level === PATH.length ? isData(field) : field === PATH[level];
    if (!isInside || (tag & 7) !== 2) {
      skip(bytes, tag);
      continue;
    }
    const inner = messageEnd(bytes, end);
    points += level === PATH.length ? pointsOf(bytes, inner, visit) : walk(bytes, inner, level + 1, visit);
  }
  if (at !== end) throw new RangeError(`a message ends at ${at} instead of ${end}`);
  return points;
}

/** Counts the data points of a request. */
export function countPoints(request: Buffer, visit?: Visit): number {
  at = 0;
  return walk(request, request.length, 0, visit);
}

export interface Point {
  readonly epochNanos: bigint;
  readonly value: number;
  readonly attributes: number;
}

/** One number data point, decoded. */
export function decodePoint(bytes: Buffer, start: number, end: number): Point {
  const resume = at;
  at = start;
  let epochNanos = 0n;
  let value = NaN;
  let attributes = 0;
  while (at < end) {
    const tag = varint(bytes);
    if (tag === 25) epochNanos = bytes.readBigUInt64LE(at);
    else if (tag === 33) value = bytes.readDoubleLE(at);
    else if (tag === 49) value = Number(bytes.readBigInt64LE(at));
    else if (tag === 58) attributes++;
    skip(bytes, tag);
  }
  at = resume;
  return { epochNanos, value, attributes };
}
